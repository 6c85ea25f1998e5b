/*
** The table-valued function `ck_usage`: what each workspace uses, one row each.
**
** shared_bytes counts embeddings that another workspace uses too, exclusive_bytes the rest: what
** garbage collection could free if the workspace were deleted.
*/
#include <string.h>

#include "store/usage.h"
#include "tables/table.h"

enum {
    COLUMN_WORKSPACE,
    COLUMN_REFS,
    COLUMN_EMBEDDINGS,
    COLUMN_BYTES,
    COLUMN_EXCLUSIVE_BYTES,
    COLUMN_SHARED_BYTES
};

typedef struct Cursor {
    CkTvfCursor tvf;
    sqlite3_stmt *stmt; /* workspace_scan_by_name */
    CkUsage all;
    CkWorkspaceUsage usage; /* of the current row */
} Cursor;

static CkStore *store_of(Cursor *cursor) {
    return ((CkTable *)cursor->tvf.base.pVtab)->store;
}

static int usage_next(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    CkStore *store = store_of(cursor);
    base->eof = ck_stmt_step(store, cursor->stmt, err) != SQLITE_ROW;
    if (base->eof) return err->rc;
    const CkUsageRow *row = ck_usage_find(&cursor->all, sqlite3_column_int64(cursor->stmt, 0));
    memset(&cursor->usage, 0, sizeof cursor->usage);
    if (row) cursor->usage = row->usage;
    return SQLITE_OK;
}

static int usage_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    CkStore *store = store_of(cursor);
    int exists = 0;
    base->eof = 1;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    if (ck_usage_compute(store, &cursor->all, err) != SQLITE_OK) return err->rc;
    if (ck_stmt_take(store, CK_SQL_WORKSPACE_SCAN_BY_NAME, &cursor->stmt, err) != SQLITE_OK) {
        return err->rc;
    }
    ck_stmt_bind(cursor->stmt, "ii", INT64_MIN, INT64_MAX);
    return usage_next(base, err);
}

static int usage_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    const CkWorkspaceUsage *u = &cursor->usage;
    const int64_t figures[] = {
        [COLUMN_REFS] = u->refs,
        [COLUMN_EMBEDDINGS] = u->embeddings,
        [COLUMN_BYTES] = u->bytes,
        [COLUMN_EXCLUSIVE_BYTES] = u->bytes - u->shared_bytes,
        [COLUMN_SHARED_BYTES] = u->shared_bytes,
    };
    (void)err;
    if (column == COLUMN_WORKSPACE) {
        sqlite3_result_value(context, sqlite3_column_value(cursor->stmt, 1));
    } else {
        sqlite3_result_int64(context, figures[column]);
    }
    return SQLITE_OK;
}

static void usage_reset(CkTvfCursor *base) {
    Cursor *cursor = (Cursor *)base;
    ck_stmt_give(store_of(cursor), CK_SQL_WORKSPACE_SCAN_BY_NAME, cursor->stmt);
    cursor->stmt = NULL;
    ck_buf_release(&cursor->all.rows);
}

const CkTvf ck_tvf_usage = {
    .name = "ck_usage",
    .declaration = "CREATE TABLE x(workspace TEXT, refs INTEGER, embeddings INTEGER, "
                   "bytes INTEGER, exclusive_bytes INTEGER, shared_bytes INTEGER)",
    .n_columns = 6,
    .n_inputs = 0,
    .n_required = 0,
    .cursor_bytes = sizeof(Cursor),
    .filter = usage_filter,
    .next = usage_next,
    .column = usage_column,
    .reset = usage_reset,
};
