/*
** The virtual table `workspaces`: who uses embeddings.
**
** INSERT registers, UPDATE of last_seen is the heartbeat, DELETE releases all refs. The figures
** refs, embeddings, bytes and shared_bytes are computed only when a query asks for them.
*/
#include <string.h>

#include "store/usage.h"
#include "tables/rows.h"

enum {
    COLUMN_NAME,
    COLUMN_UUID,
    COLUMN_ROOT,
    COLUMN_HOST,
    COLUMN_CREATED_AT,
    COLUMN_LAST_SEEN,
    COLUMN_EXPIRES_AT,
    COLUMN_PINNED,
    COLUMN_STATE,
    COLUMN_REFS,
    COLUMN_EMBEDDINGS,
    COLUMN_BYTES,
    COLUMN_SHARED_BYTES
};
static const char declaration[] =
    "CREATE TABLE x(name TEXT, uuid TEXT, root TEXT, host TEXT, created_at INTEGER, "
    "last_seen INTEGER, expires_at INTEGER, pinned INTEGER, state TEXT, refs INTEGER, "
    "embeddings INTEGER, bytes INTEGER, shared_bytes INTEGER)";

static const char *const column_names[] = {
    "name",   "uuid",  "root", "host",       "created_at", "last_seen",   "expires_at",
    "pinned", "state", "refs", "embeddings", "bytes",      "shared_bytes"};

typedef enum Plan { PLAN_ALL, PLAN_BY_NAME, PLAN_IN_NAME_ORDER } Plan;

typedef struct Cursor {
    CkRowsCursor rows;
    int64_t usage_of; /* the workspace `usage` belongs to, or 0 */
    CkWorkspaceUsage usage;
    CkUsage all; /* of every workspace, once a scan of many has asked for a figure */
    int has_all;
} Cursor;

static int workspaces_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                              sqlite3_vtab **vtab, char **message) {
    return ck_table_connect(db, aux, argc, argv, declaration, vtab, message);
}

static int workspaces_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    (void)vtab;
    info->idxNum = PLAN_ALL;
    info->estimatedCost = 100;
    info->estimatedRows = 100;
    if (info->nOrderBy == 1 && info->aOrderBy[0].iColumn == COLUMN_NAME &&
        !info->aOrderBy[0].desc) {
        info->idxNum = PLAN_IN_NAME_ORDER;
        info->orderByConsumed = 1;
    }
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != COLUMN_NAME || !info->aConstraint[i].usable ||
            info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ ||
            sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0) {
            continue;
        }
        info->idxNum = PLAN_BY_NAME;
        info->aConstraintUsage[i].argvIndex = 1;
        info->estimatedCost = 1;
        info->estimatedRows = 1;
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
        break;
    }
    return SQLITE_OK;
}

static int workspaces_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    (void)vtab;
    Cursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (!cursor) return SQLITE_NOMEM;
    memset(cursor, 0, sizeof *cursor);
    cursor->rows.eof = 1;
    *out = &cursor->rows.base;
    return SQLITE_OK;
}

static int workspaces_close(sqlite3_vtab_cursor *base) {
    ck_buf_release(&((Cursor *)base)->all.rows);
    return ck_rows_close(base);
}

static int workspaces_filter(sqlite3_vtab_cursor *base, int plan, const char *idx, int argc,
                             sqlite3_value **argv) {
    Cursor *cursor = (Cursor *)base;
    CkError err = CK_ERROR_NONE;
    int exists = 0, found;
    int64_t last = 0;
    (void)idx;
    (void)argc;
    cursor->usage_of = 0;
    cursor->has_all = 0;
    ck_rows_end(&cursor->rows);
    ck_store_open_read(ck_rows_store(base), &exists, &err);
    if (err.rc != SQLITE_OK || !exists) return ck_table_end(base->pVtab, &err);
    ck_stmt_ints(ck_rows_store(base), CK_SQL_WORKSPACE_MAX_ID, &err, &last, 1, &found, "");
    CkSqlId sql = plan == PLAN_BY_NAME         ? CK_SQL_WORKSPACE_BY_NAME
                  : plan == PLAN_IN_NAME_ORDER ? CK_SQL_WORKSPACE_SCAN_BY_NAME
                                               : CK_SQL_WORKSPACE_SCAN;
    if (err.rc == SQLITE_OK && ck_rows_begin(&cursor->rows, sql, &err) == SQLITE_OK) {
        cursor->rows.single = plan == PLAN_BY_NAME;
        if (plan == PLAN_BY_NAME) {
            ck_stmt_bind(cursor->rows.stmt, "v", argv[0]);
        } else {
            ck_stmt_bind(cursor->rows.stmt, "ii", INT64_MIN, last);
        }
        ck_rows_step(&cursor->rows, &err);
    }
    return ck_table_end(base->pVtab, &err);
}

/*
** The figures of the current row. A scan computes those of all workspaces at once; a workspace that
** was registered since is asked for alone, as is one that was looked up by its name.
*/
static int read_usage(Cursor *cursor, CkStore *store, int64_t id, CkError *err) {
    if (cursor->usage_of == id) return SQLITE_OK;
    if (!cursor->rows.single && !cursor->has_all) {
        if (ck_usage_compute(store, &cursor->all, err) != SQLITE_OK) return err->rc;
        cursor->has_all = 1;
    }
    const CkUsageRow *row = cursor->has_all ? ck_usage_find(&cursor->all, id) : NULL;
    if (row) {
        cursor->usage = row->usage;
    } else {
        ck_workspace_usage(store, id, &cursor->usage, err);
    }
    if (err->rc == SQLITE_OK) cursor->usage_of = id;
    return err->rc;
}

static int workspaces_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    Cursor *cursor = (Cursor *)base;
    CkStore *store = ck_rows_store(base);
    CkError err = CK_ERROR_NONE;
    if (sqlite3_vtab_nochange(context)) return SQLITE_OK;
    if (column < COLUMN_REFS) {
        sqlite3_result_value(context, sqlite3_column_value(cursor->rows.stmt, column + 1));
        return SQLITE_OK;
    }
    int64_t id = sqlite3_column_int64(cursor->rows.stmt, 0), n = 0;
    if (column == COLUMN_REFS) {
        ck_workspace_count_refs(store, id, &n, &err);
    } else if (read_usage(cursor, store, id, &err) == SQLITE_OK) {
        n = column == COLUMN_EMBEDDINGS ? cursor->usage.embeddings
            : column == COLUMN_BYTES    ? cursor->usage.bytes
                                        : cursor->usage.shared_bytes;
    }
    if (err.rc == SQLITE_OK) sqlite3_result_int64(context, n);
    return ck_table_end(base->pVtab, &err);
}

static int refuse_computed(sqlite3_value **columns, CkError *err) {
    static const int computed[] = {COLUMN_CREATED_AT, COLUMN_STATE, COLUMN_REFS,
                                   COLUMN_EMBEDDINGS, COLUMN_BYTES, COLUMN_SHARED_BYTES};
    for (size_t i = 0; i < sizeof computed / sizeof *computed; i++) {
        if (ck_value_given(columns[computed[i]])) {
            return ck_error_set(err, SQLITE_ERROR,
                                "workspaces: column %s is computed and cannot be inserted",
                                column_names[computed[i]]);
        }
    }
    return SQLITE_OK;
}

static int insert(CkTable *table, sqlite3_value **c, sqlite3_int64 *rowid, CkError *err) {
    int64_t id = 0;
    const CkWorkspaceRow row = {.name = ck_table_given(c[COLUMN_NAME]),
                                .uuid = ck_table_given(c[COLUMN_UUID]),
                                .root = ck_table_given(c[COLUMN_ROOT]),
                                .host = ck_table_given(c[COLUMN_HOST]),
                                .last_seen = ck_table_given(c[COLUMN_LAST_SEEN]),
                                .expires_at = ck_table_given(c[COLUMN_EXPIRES_AT]),
                                .pinned = ck_table_given(c[COLUMN_PINNED])};
    if (refuse_computed(c, err) != SQLITE_OK) return err->rc;
    ck_workspace_insert(table->store, &row, &id, err);
    if (err->rc == SQLITE_CONSTRAINT_UNIQUE && id > 0 &&
        sqlite3_vtab_on_conflict(table->conn->db) == SQLITE_REPLACE) {
        /* OR REPLACE sets what is given; the workspace keeps the rest, its refs first of all. */
        ck_error_release(err);
        ck_workspace_update(table->store, id, &row, err);
    }
    *rowid = id;
    return err->rc;
}

static int update(CkTable *table, sqlite3_value **argv, CkError *err) {
    static const int updatable[] = {COLUMN_NAME,       COLUMN_ROOT,   COLUMN_HOST, COLUMN_LAST_SEEN,
                                    COLUMN_EXPIRES_AT, COLUMN_PINNED, -1};
    sqlite3_value **c = argv + 2;
    const CkWorkspaceRow row = {.name = ck_table_changed(c[COLUMN_NAME]),
                                .root = ck_table_changed(c[COLUMN_ROOT]),
                                .host = ck_table_changed(c[COLUMN_HOST]),
                                .last_seen = ck_table_changed(c[COLUMN_LAST_SEEN]),
                                .expires_at = ck_table_changed(c[COLUMN_EXPIRES_AT]),
                                .pinned = ck_table_changed(c[COLUMN_PINNED])};
    if (ck_table_check_update(table, argv, COLUMN_SHARED_BYTES + 1, updatable, err)) return err->rc;
    return ck_workspace_update(table->store, sqlite3_value_int64(argv[0]), &row, err);
}

static int workspaces_update(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                             sqlite3_int64 *rowid) {
    CkTable *table = (CkTable *)vtab;
    CkError err = CK_ERROR_NONE;
    if (argc == 1) {
        ck_workspace_release(table->store, sqlite3_value_int64(argv[0]), &err);
    } else if (sqlite3_value_type(argv[0]) != SQLITE_NULL) {
        update(table, argv, &err);
    } else if (ck_table_check_insert(table, argv, &err) == SQLITE_OK) {
        insert(table, argv + 2, rowid, &err);
    }
    return ck_table_end(vtab, &err);
}

const sqlite3_module ck_module_workspaces = {
    .iVersion = 0,
    .xCreate = workspaces_connect,
    .xConnect = workspaces_connect,
    .xBestIndex = workspaces_best_index,
    .xDisconnect = ck_table_disconnect,
    .xDestroy = ck_table_disconnect,
    .xOpen = workspaces_open,
    .xClose = workspaces_close,
    .xFilter = workspaces_filter,
    .xNext = ck_rows_next,
    .xEof = ck_rows_eof,
    .xColumn = workspaces_column,
    .xRowid = ck_rows_rowid,
    .xUpdate = workspaces_update,
};
