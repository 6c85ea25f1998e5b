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
#include "store/hash_list.h"
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
    if (ck_hash_list_from_value(store, base->inputs[0], "ck_missing", &cursor->hashes, err) !=
        SQLITE_OK) {
        return err->rc;
    }
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
