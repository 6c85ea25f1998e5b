/*
** The virtual table `embeddings`: the cache itself, one row an embedding.
**
** Reading. xBestIndex picks one of three scans of the storage table, by rowid, hash or seq, with
** optional bounds and direction; the cursor is then that one SQL statement (embedding.sql).
** Everything expensive is fetched only when asked for: the vector and its encoding from their
** own table, the refs count from the refs index.
**
** idxNum is what tables/bounds.c packs, its key a ScanKey.
**
** Writing goes through ck_embedding_put() and ck_embedding_delete().
*/
#include "store/embedding.h"
#include "store/stored_vector.h"
#include "tables/bounds.h"
#include "tables/rows.h"

enum {
    COLUMN_HASH,
    COLUMN_MODEL,
    COLUMN_VERSION,
    COLUMN_DIMS,
    COLUMN_VECTOR,
    COLUMN_ENCODING,
    COLUMN_BYTES,
    COLUMN_ORIGIN,
    COLUMN_CREATED_AT,
    COLUMN_USED_AT,
    COLUMN_SEQ,
    COLUMN_REFS,
    COLUMN_CONTENT
};
static const char declaration[] =
    "CREATE TABLE x(hash BLOB, model TEXT, version TEXT, dims INTEGER, vector BLOB, "
    "encoding TEXT, bytes INTEGER, origin TEXT, created_at INTEGER, used_at INTEGER, "
    "seq INTEGER, refs INTEGER, content HIDDEN)";

static const char *const column_names[] = {"hash",    "model",      "version", "dims", "vector",
                                           "encoding", "bytes",     "origin",  "created_at",
                                           "used_at", "seq",        "refs",    "content"};

typedef enum ScanKey { SCAN_ROWID, SCAN_HASH, SCAN_SEQ, SCAN_KEYS } ScanKey;

static const CkSqlId scan_sql[SCAN_KEYS][2] = {
    [SCAN_ROWID] = {CK_SQL_EMBEDDING_BY_ID, CK_SQL_EMBEDDING_BY_ID_DESC},
    [SCAN_HASH] = {CK_SQL_EMBEDDING_BY_HASH, CK_SQL_EMBEDDING_BY_HASH_DESC},
    [SCAN_SEQ] = {CK_SQL_EMBEDDING_BY_SEQ, CK_SQL_EMBEDDING_BY_SEQ_DESC},
};
static const int scan_column[SCAN_KEYS] = {-1, COLUMN_HASH, COLUMN_SEQ};

/* Columns of the scan statements. */
enum {
    ROW_ID,
    ROW_HASH,
    ROW_MODEL_ID,
    ROW_BYTES,
    ROW_CREATED_AT,
    ROW_USED_AT,
    ROW_SEQ,
    ROW_ORIGIN,
    ROW_MODEL,
    ROW_VERSION,
    ROW_DIMS
};

/*
** SELECT vector … WHERE hash = ?, asking for nothing else, has a plan of its own: the statement
** behind ck_get(), instead of a scan and a second look-up.
*/
#define PLAN_GET 64
#define GET_VECTOR ((sqlite3_uint64)1 << COLUMN_VECTOR)
#define GET_COLUMNS (GET_VECTOR | (sqlite3_uint64)1 << COLUMN_HASH)

static int is_get(const CkRowsCursor *cursor) {
    return cursor->sql == CK_SQL_VECTOR_GET_BY_HASH;
}

static int embeddings_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                              sqlite3_vtab **vtab, char **message) {
    return ck_table_connect(db, aux, argc, argv, declaration, vtab, message);
}

static int embeddings_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    CkBounds best = {0, -1, -1, 0, 0};
    (void)vtab;
    for (int key = 0; key < SCAN_KEYS; key++) {
        CkBounds bounds;
        int order = ck_bounds_orders(info, scan_column[key]);
        ck_bounds_find(&bounds, info, scan_column[key]);
        bounds.key = key;
        bounds.ordered = order != 0;
        bounds.descending = order < 0;
        if (key == 0 || ck_bounds_better(&bounds, &best)) best = bounds;
    }
    ck_bounds_use(&best, info, best.key != SCAN_SEQ);
    if (best.key == SCAN_HASH && best.lower >= 0 && best.lower == best.upper &&
        info->colUsed == (info->colUsed & GET_COLUMNS) && info->colUsed & GET_VECTOR) {
        info->idxNum = PLAN_GET;
    }
    return SQLITE_OK;
}

/* The empty blob is below every hash, 33 bytes of 0xff above. */
static void bind_hash(sqlite3_stmt *stmt, const CkBounds *bounds, sqlite3_value **argv) {
    static const uint8_t highest[CK_HASH_BYTES + 1] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const int at[2] = {bounds->lower, bounds->upper};
    sqlite3_bind_zeroblob(stmt, 1, 0);
    sqlite3_bind_blob(stmt, 2, highest, sizeof highest, SQLITE_STATIC);
    for (int i = 0; i < 2; i++) {
        if (at[i] >= 0 && sqlite3_value_type(argv[at[i]]) == SQLITE_BLOB) {
            sqlite3_bind_value(stmt, i + 1, argv[at[i]]);
        }
    }
}

static int filter_get(CkRowsCursor *cursor, sqlite3_value *hash, CkError *err) {
    if (sqlite3_value_type(hash) != SQLITE_BLOB || sqlite3_value_bytes(hash) != CK_HASH_BYTES) {
        return SQLITE_OK;
    }
    ck_stored_vector_open_by_hash(ck_rows_store(&cursor->base), sqlite3_value_blob(hash),
                                  &cursor->stmt, err);
    cursor->sql = CK_SQL_VECTOR_GET_BY_HASH;
    cursor->eof = cursor->stmt == NULL;
    cursor->single = 1;
    return err->rc;
}

static int embeddings_filter(sqlite3_vtab_cursor *base, int plan, const char *idx, int argc,
                             sqlite3_value **argv) {
    CkRowsCursor *cursor = (CkRowsCursor *)base;
    CkStore *store = ck_rows_store(base);
    CkError err = CK_ERROR_NONE;
    CkBounds bounds;
    sqlite3_stmt *meta = NULL;
    int64_t lo, hi, last = 0;
    (void)idx;
    (void)argc;
    ck_rows_end(cursor);
    if (plan == PLAN_GET) {
        filter_get(cursor, argv[0], &err);
        goto done;
    }
    ck_bounds_unpack(&bounds, plan);
    if (ck_store_query(store, CK_SQL_META_GET, &meta, &err, "") != SQLITE_OK || !meta) goto done;
    last = sqlite3_column_int64(meta, 1);
    ck_stmt_give(store, CK_SQL_META_GET, meta);
    ck_bounds_integers(&bounds, argv, &lo, &hi);
    if (ck_rows_begin(cursor, scan_sql[bounds.key][bounds.descending], &err) != SQLITE_OK) {
        goto done;
    }
    cursor->single = bounds.lower >= 0 && bounds.lower == bounds.upper && bounds.key != SCAN_SEQ;
    if (bounds.key == SCAN_HASH) {
        bind_hash(cursor->stmt, &bounds, argv);
        sqlite3_bind_int64(cursor->stmt, 3, last);
    } else {
        ck_stmt_bind(cursor->stmt, "iii", lo, hi, last);
    }
    ck_rows_step(cursor, &err);
done:
    return ck_table_end(base->pVtab, &err);
}

static int result_encoding(CkStore *store, int64_t id, sqlite3_context *context, CkError *err) {
    int64_t encoding = 0;
    int found = 0;
    ck_stmt_ints(store, CK_SQL_VECTOR_ENCODING, err, &encoding, 1, &found, "i", id);
    if (err->rc == SQLITE_OK && found) {
        sqlite3_result_text(context, ck_encoding_name((int)encoding), -1, SQLITE_STATIC);
    }
    return err->rc;
}

static int result_refs(CkStore *store, int64_t id, sqlite3_context *context, CkError *err) {
    int64_t n = 0;
    int found;
    ck_stmt_ints(store, CK_SQL_REF_COUNT_OF_EMBEDDING, err, &n, 1, &found, "i", id);
    sqlite3_result_int64(context, n);
    return err->rc;
}

static int result_vector(CkRowsCursor *cursor, sqlite3_context *context, CkError *err) {
    int64_t id = sqlite3_column_int64(cursor->stmt, ROW_ID);
    int64_t dims = sqlite3_column_int64(cursor->stmt, ROW_DIMS);
    if (dims < 1 || dims > CK_DIMS_MAX) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB, "embeddings: row %lld has no valid model",
                            (long long)id);
    }
    return ck_stored_vector_result(ck_rows_store(&cursor->base), id, (uint32_t)dims, context, err);
}

static int embeddings_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    static const signed char from_row[] = {
        [COLUMN_HASH] = ROW_HASH,     [COLUMN_MODEL] = ROW_MODEL,
        [COLUMN_VERSION] = ROW_VERSION, [COLUMN_DIMS] = ROW_DIMS,
        [COLUMN_VECTOR] = -1,         [COLUMN_ENCODING] = -1,
        [COLUMN_BYTES] = ROW_BYTES,   [COLUMN_ORIGIN] = ROW_ORIGIN,
        [COLUMN_CREATED_AT] = ROW_CREATED_AT, [COLUMN_USED_AT] = ROW_USED_AT,
        [COLUMN_SEQ] = ROW_SEQ,       [COLUMN_REFS] = -1,
        [COLUMN_CONTENT] = -1,
    };
    CkRowsCursor *cursor = (CkRowsCursor *)base;
    CkError err = CK_ERROR_NONE;
    if (is_get(cursor)) {
        if (column == COLUMN_VECTOR) {
            ck_stored_vector_result_opened(ck_rows_store(base), cursor->stmt, context, &err);
        } else {
            sqlite3_result_value(context, sqlite3_column_value(cursor->stmt, CK_BY_HASH_HASH));
        }
        return ck_table_end(base->pVtab, &err);
    }
    int64_t id = sqlite3_column_int64(cursor->stmt, ROW_ID);
    /* In an UPDATE, columns that do not change are not worth reading. */
    if (sqlite3_vtab_nochange(context)) return SQLITE_OK;
    if (from_row[column] >= 0) {
        sqlite3_result_value(context, sqlite3_column_value(cursor->stmt, from_row[column]));
    } else if (column == COLUMN_VECTOR) {
        result_vector(cursor, context, &err);
    } else if (column == COLUMN_ENCODING) {
        result_encoding(ck_rows_store(base), id, context, &err);
    } else if (column == COLUMN_REFS) {
        result_refs(ck_rows_store(base), id, context, &err);
    }
    return ck_table_end(base->pVtab, &err);
}

static int embeddings_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    const CkRowsCursor *cursor = (const CkRowsCursor *)base;
    *rowid = sqlite3_column_int64(cursor->stmt, is_get(cursor) ? CK_BY_HASH_ID : ROW_ID);
    return SQLITE_OK;
}

/* columns[0] is the hash: argv of xUpdate from its third element on. */
static int refuse_computed(sqlite3_value **columns, CkError *err) {
    static const int computed[] = {COLUMN_ENCODING, COLUMN_BYTES, COLUMN_USED_AT, COLUMN_SEQ,
                                   COLUMN_REFS};
    for (size_t i = 0; i < sizeof computed / sizeof *computed; i++) {
        if (ck_value_given(columns[computed[i]])) {
            return ck_error_set(err, SQLITE_ERROR,
                                "embeddings: column %s is computed and cannot be inserted",
                                column_names[computed[i]]);
        }
    }
    return SQLITE_OK;
}

static int insert(CkTable *table, sqlite3_value **columns, sqlite3_int64 *rowid, CkError *err) {
    int mode = sqlite3_vtab_on_conflict(table->conn->db);
    CkPut put = {
        .who = "embeddings",
        .model = columns[COLUMN_MODEL],
        .version = columns[COLUMN_VERSION],
        .content = columns[COLUMN_CONTENT],
        .hash = columns[COLUMN_HASH],
        .vector = columns[COLUMN_VECTOR],
        .origin = columns[COLUMN_ORIGIN],
        .created_at = columns[COLUMN_CREATED_AT],
        .dims = columns[COLUMN_DIMS],
        .conflict = mode == SQLITE_REPLACE  ? CK_CONFLICT_REPLACE
                    : mode == SQLITE_IGNORE ? CK_CONFLICT_IGNORE
                                            : CK_CONFLICT_ABORT,
    };
    CkPutResult result;
    if (refuse_computed(columns, err) != SQLITE_OK) return err->rc;
    ck_embedding_put(table->store, &put, &result, err);
    *rowid = result.id;
    return err->rc;
}

static int update(CkTable *table, sqlite3_value **argv, CkError *err) {
    static const CkRange any_time = {0, INT64_MAX};
    static const int updatable[] = {COLUMN_ORIGIN, COLUMN_CREATED_AT, COLUMN_USED_AT, -1};
    sqlite3_value *origin = ck_table_changed(argv[2 + COLUMN_ORIGIN]);
    sqlite3_value *created_at = ck_table_changed(argv[2 + COLUMN_CREATED_AT]);
    sqlite3_value *used_at = ck_table_changed(argv[2 + COLUMN_USED_AT]);
    int64_t id = sqlite3_value_int64(argv[0]), times[2] = {0, 0};
    int found = 0;
    const char *text;
    if (ck_table_check_update(table, argv, COLUMN_CONTENT + 1, updatable, err)) return err->rc;
    ck_stmt_ints(table->store, CK_SQL_EMBEDDING_TIMES, err, times, 2, &found, "i", id);
    if (err->rc == SQLITE_OK && created_at) {
        ck_integer_from_value(created_at, "embeddings", "created_at", &any_time, &times[0], err);
    }
    if (err->rc == SQLITE_OK && used_at) {
        ck_integer_from_value(used_at, "embeddings", "used_at", &any_time, &times[1], err);
    }
    if (err->rc == SQLITE_OK && origin && sqlite3_value_type(origin) != SQLITE_NULL) {
        ck_text_from_value(origin, "embeddings", "origin", CK_ORIGIN_MAX, &text, err);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    ck_stmt_run(table->store, CK_SQL_EMBEDDING_SET_TIMES, err, "iii", id, times[0], times[1]);
    if (err->rc == SQLITE_OK && origin) {
        ck_stmt_run(table->store, CK_SQL_EMBEDDING_SET_ORIGIN, err, "iv", id, origin);
    }
    return err->rc;
}

static int embeddings_update(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                             sqlite3_int64 *rowid) {
    CkTable *table = (CkTable *)vtab;
    CkError err = CK_ERROR_NONE;
    if (argc == 1) {
        ck_embedding_delete(table->store, sqlite3_value_int64(argv[0]), &err);
    } else if (sqlite3_value_type(argv[0]) != SQLITE_NULL) {
        update(table, argv, &err);
    } else if (ck_table_check_insert(table, argv, &err) == SQLITE_OK) {
        insert(table, argv + 2, rowid, &err);
    }
    return ck_table_end(vtab, &err);
}

const sqlite3_module ck_module_embeddings = {
    .iVersion = 0,
    .xCreate = embeddings_connect,
    .xConnect = embeddings_connect,
    .xBestIndex = embeddings_best_index,
    .xDisconnect = ck_table_disconnect,
    .xDestroy = ck_table_disconnect,
    .xOpen = ck_rows_open,
    .xClose = ck_rows_close,
    .xFilter = embeddings_filter,
    .xNext = ck_rows_next,
    .xEof = ck_rows_eof,
    .xColumn = embeddings_column,
    .xRowid = embeddings_rowid,
    .xUpdate = embeddings_update,
};
