/*
** The table-valued function `ck_missing(hashes)`: which of many hashes are not stored.
**
** hashes is a BLOB of concatenated 32-byte digests, or TEXT holding a JSON array of digests in
** hex. Rows come in input order; ord is the 0-based position in the input. All are looked up at the
** beginning, in the order of hashes, so that neighbours are found in the same pages.
*/
#include <stdlib.h>
#include <string.h>

#include "store/embedding.h"
#include "store/hits.h"
#include "tables/table.h"

enum { COLUMN_ORD, COLUMN_HASH };

typedef struct Cursor {
    CkTvfCursor tvf;
    CkBuf hashes;
    CkBuf probes; /* a Probe for each hash */
    size_t at;    /* the current one */
} Cursor;

/* Sorted by hash for the look-ups. `stored` is that of the hash at the same place in the input. */
typedef struct Probe {
    const uint8_t *hash;
    int stored;
} Probe;

static CkStore *store_of(Cursor *cursor) {
    return ((CkTable *)cursor->tvf.base.pVtab)->store;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Appends one element of the JSON array. */
static int append_hex(Cursor *cursor, sqlite3_stmt *element, CkError *err) {
    const char *hex = (const char *)sqlite3_column_text(element, 0);
    int64_t ord = (int64_t)(cursor->hashes.n_bytes / CK_HASH_BYTES);
    uint8_t hash[CK_HASH_BYTES];
    int ok = hex && sqlite3_column_bytes(element, 0) == 2 * CK_HASH_BYTES;
    for (int i = 0; ok && i < CK_HASH_BYTES; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        if (ok) hash[i] = (uint8_t)(high << 4 | low);
    }
    if (!ok) {
        return ck_error_set(err, SQLITE_ERROR,
                            "ck_missing: element %lld must be a hash of %d hex digits, got "
                            "%s%.80s%s",
                            (long long)ord, 2 * CK_HASH_BYTES, hex ? "'" : "", hex ? hex : "NULL",
                            hex ? "'" : "");
    }
    ck_buf_append(&cursor->hashes, hash, sizeof hash);
    return cursor->hashes.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int read_json(Cursor *cursor, sqlite3_value *json, CkError *err) {
    CkStore *store = store_of(cursor);
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_MISSING_ELEMENTS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "v", json);
    int rc;
    do {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) append_hex(cursor, stmt, err);
    } while (rc == SQLITE_ROW && err->rc == SQLITE_OK);
    if (rc == SQLITE_ERROR) {
        ck_error_set(err, rc,
                     "ck_missing: hashes must be a BLOB of %d-byte digests or a JSON array of hex "
                     "digests: %s (blob || blob is TEXT in SQL: CAST(a || b AS BLOB))",
                     CK_HASH_BYTES, sqlite3_errmsg(store->conn->db));
    } else if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
        ck_error_db(err, store->conn->db, rc);
    }
    ck_stmt_give(store, CK_SQL_MISSING_ELEMENTS, stmt);
    return err->rc;
}

static int read_hashes(Cursor *cursor, sqlite3_value *value, CkError *err) {
    int n = sqlite3_value_bytes(value);
    switch (sqlite3_value_type(value)) {
    case SQLITE_TEXT:
        return read_json(cursor, value, err);
    case SQLITE_BLOB:
        if (n % CK_HASH_BYTES != 0) {
            return ck_error_set(err, SQLITE_ERROR,
                                "ck_missing: hashes is %d bytes, expected a multiple of %d", n,
                                CK_HASH_BYTES);
        }
        ck_buf_append(&cursor->hashes, sqlite3_value_blob(value), (size_t)n);
        return cursor->hashes.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
    default:
        return ck_error_set(err, SQLITE_ERROR,
                            "ck_missing: hashes must be a BLOB of %d-byte digests or a JSON array "
                            "of hex digests, got %s",
                            CK_HASH_BYTES, ck_type_name(value));
    }
}

static int compare_probes(const void *a, const void *b) {
    return memcmp(((const Probe *)a)->hash, ((const Probe *)b)->hash, CK_HASH_BYTES);
}

static int look_up(CkStore *store, Cursor *cursor, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    const uint8_t *hashes = cursor->hashes.data;
    size_t n = cursor->hashes.n_bytes / CK_HASH_BYTES;
    Probe *probes = (Probe *)(void *)ck_buf_extend(&cursor->probes, n * sizeof *probes);
    if (!probes) return ck_error_nomem(err);
    for (size_t i = 0; i < n; i++) probes[i] = (Probe){hashes + i * CK_HASH_BYTES, 0};
    qsort(probes, n, sizeof *probes, compare_probes);
    if (ck_stmt_take(store, CK_SQL_EMBEDDING_EXISTS, &stmt, err) != SQLITE_OK) return err->rc;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        ck_stmt_bind(stmt, "b", probes[i].hash, CK_HASH_BYTES);
        if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
            probes[(size_t)(probes[i].hash - hashes) / CK_HASH_BYTES].stored = 1;
            ck_hits_count(store, CK_HITS_NO_MODEL, 1, 0);
        }
        sqlite3_reset(stmt);
    }
    ck_stmt_give(store, CK_SQL_EMBEDDING_EXISTS, stmt);
    return err->rc;
}

/* Moves on from `at` to the first hash that is not stored. */
static void seek_missing(Cursor *cursor) {
    size_t n = cursor->hashes.n_bytes / CK_HASH_BYTES;
    const Probe *probes = (const Probe *)(const void *)cursor->probes.data;
    while (probes && cursor->at < n && probes[cursor->at].stored) cursor->at++;
    cursor->tvf.eof = cursor->at == n;
}

static int missing_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    CkStore *store = store_of(cursor);
    int exists = 0;
    if (read_hashes(cursor, base->inputs[0], err) != SQLITE_OK) return err->rc;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK) return err->rc;
    if (exists && cursor->hashes.n_bytes > 0) look_up(store, cursor, err);
    seek_missing(cursor);
    return err->rc;
}

static int missing_next(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    cursor->at++;
    seek_missing(cursor);
    return err->rc;
}

static int missing_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    (void)err;
    if (column == COLUMN_ORD) {
        sqlite3_result_int64(context, (sqlite3_int64)cursor->at);
    } else {
        sqlite3_result_blob(context, cursor->hashes.data + cursor->at * CK_HASH_BYTES,
                            CK_HASH_BYTES, SQLITE_TRANSIENT);
    }
    return SQLITE_OK;
}

static void missing_reset(CkTvfCursor *base) {
    Cursor *cursor = (Cursor *)base;
    ck_buf_release(&cursor->hashes);
    ck_buf_release(&cursor->probes);
    cursor->at = 0;
}

const CkTvf ck_tvf_missing = {
    .name = "ck_missing",
    .declaration = "CREATE TABLE x(ord INTEGER, hash BLOB, hashes HIDDEN)",
    .n_columns = 2,
    .n_inputs = 1,
    .n_required = 1,
    .cursor_bytes = sizeof(Cursor),
    .filter = missing_filter,
    .next = missing_next,
    .column = missing_column,
    .reset = missing_reset,
};
