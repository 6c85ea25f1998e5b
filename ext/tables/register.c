/* Registers the virtual tables, and holds the anchor. */
#include "store/conn.h"
#include "tables/table.h"

/*
** The anchor: an empty table without use but one. sqlite3_close() disconnects virtual tables
** before it looks for unfinished statements, so its xDisconnect is where cached ones end.
*/
static int anchor_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                          sqlite3_vtab **vtab, char **message) {
    return ck_table_connect(db, aux, argc, argv, "CREATE TABLE x(unused)", vtab, message);
}

static int anchor_disconnect(sqlite3_vtab *vtab) {
    ck_conn_unanchor(((CkTable *)vtab)->conn);
    return ck_table_disconnect(vtab);
}

static int anchor_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    (void)vtab;
    info->estimatedRows = 0;
    return SQLITE_OK;
}

static int anchor_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor) {
    (void)vtab;
    *cursor = sqlite3_malloc64(sizeof **cursor);
    return *cursor ? SQLITE_OK : SQLITE_NOMEM;
}

static int anchor_close(sqlite3_vtab_cursor *cursor) {
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int anchor_filter(sqlite3_vtab_cursor *cursor, int num, const char *str, int argc,
                         sqlite3_value **argv) {
    (void)cursor;
    (void)num;
    (void)str;
    (void)argc;
    (void)argv;
    return SQLITE_OK;
}

static int anchor_next(sqlite3_vtab_cursor *cursor) {
    (void)cursor;
    return SQLITE_OK;
}

static int anchor_eof(sqlite3_vtab_cursor *cursor) {
    (void)cursor;
    return 1;
}

static int anchor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column) {
    (void)cursor;
    (void)context;
    (void)column;
    return SQLITE_OK;
}

static int anchor_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid) {
    (void)cursor;
    *rowid = 0;
    return SQLITE_OK;
}

const sqlite3_module ck_module_anchor = {
    .iVersion = 0,
    .xConnect = anchor_connect,
    .xBestIndex = anchor_best_index,
    .xDisconnect = anchor_disconnect,
    .xOpen = anchor_open,
    .xClose = anchor_close,
    .xFilter = anchor_filter,
    .xNext = anchor_next,
    .xEof = anchor_eof,
    .xColumn = anchor_column,
    .xRowid = anchor_rowid,
};

int ck_tables_register(CkConn *conn) {
    static const struct {
        const char *name;
        const sqlite3_module *module;
    } modules[] = {
        {"_ck_anchor", &ck_module_anchor},
        {"embeddings", &ck_module_embeddings},
        {"ck_embeddings", &ck_module_embeddings},
        {"refs", &ck_module_refs},
        {"ck_refs", &ck_module_refs},
        {"workspaces", &ck_module_workspaces},
        {"ck_workspaces", &ck_module_workspaces},
        {"models", &ck_module_models},
        {"ck_models", &ck_module_models},
        {"knn", &ck_module_knn},
        {"ck_knn", &ck_module_knn},
    };
    static const CkTvf *const tvfs[] = {
        &ck_tvf_chunks, &ck_tvf_missing, &ck_tvf_garbage,
        &ck_tvf_stats, &ck_tvf_usage, &ck_tvf_doctor,
        &ck_tvf_migrate, &ck_tvf_cache, &ck_tvf_batch, &ck_tvf_unpack,
    };
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        /* SQLite calls ck_conn_release() even when this fails. */
        int rc = sqlite3_create_module_v2(conn->db, modules[i].name, modules[i].module,
                                          ck_conn_retain(conn), ck_conn_release);
        if (rc != SQLITE_OK) return rc;
    }
    for (size_t i = 0; i < sizeof tvfs / sizeof *tvfs; i++) {
        int rc = ck_tvf_register(conn, tvfs[i]);
        if (rc != SQLITE_OK) return rc;
    }
    return ck_vec_each_register(conn);
}
