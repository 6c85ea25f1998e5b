/*
** The table-valued function `ck_garbage([grace])`: what ck_gc(grace) would delete now.
*/
#include "store/gc.h"
#include "store/value.h"
#include "tables/table.h"

typedef struct Cursor {
    CkTvfCursor tvf;
    sqlite3_stmt *stmt; /* columns id, then those of the table */
} Cursor;

static CkStore *store_of(Cursor *cursor) {
    return ((CkTable *)cursor->tvf.base.pVtab)->store;
}

static int garbage_next(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    base->eof = ck_stmt_step(store_of(cursor), cursor->stmt, err) != SQLITE_ROW;
    return err->rc;
}

static int garbage_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    CkStore *store = store_of(cursor);
    int64_t grace_s = CK_GC_GRACE_S;
    int exists = 0;
    if (base->inputs[0] &&
        ck_gc_grace_from_value(base->inputs[0], "ck_garbage", &grace_s, err) != SQLITE_OK) {
        return err->rc;
    }
    base->eof = 1;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    if (ck_stmt_take(store, CK_SQL_GARBAGE_SCAN, &cursor->stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(cursor->stmt, "i", ck_conn_now(store->conn) - grace_s);
    return garbage_next(base, err);
}

static int garbage_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    (void)err;
    sqlite3_result_value(context, sqlite3_column_value(((Cursor *)base)->stmt, column + 1));
    return SQLITE_OK;
}

static void garbage_reset(CkTvfCursor *base) {
    Cursor *cursor = (Cursor *)base;
    ck_stmt_give(store_of(cursor), CK_SQL_GARBAGE_SCAN, cursor->stmt);
    cursor->stmt = NULL;
}

const CkTvf ck_tvf_garbage = {
    .name = "ck_garbage",
    .declaration = "CREATE TABLE x(hash BLOB, model TEXT, version TEXT, bytes INTEGER, "
                   "created_at INTEGER, used_at INTEGER, grace HIDDEN)",
    .n_columns = 6,
    .n_inputs = 1,
    .n_required = 0,
    .cursor_bytes = sizeof(Cursor),
    .filter = garbage_filter,
    .next = garbage_next,
    .column = garbage_column,
    .reset = garbage_reset,
};
