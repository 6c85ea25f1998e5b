/* Cursors over one SQL statement: see rows.h. */
#include "tables/rows.h"

#include <string.h>

CkStore *ck_rows_store(sqlite3_vtab_cursor *cursor) {
    return ((CkTable *)cursor->pVtab)->store;
}

int ck_rows_begin(CkRowsCursor *cursor, CkSqlId sql, CkError *err) {
    ck_rows_end(cursor);
    cursor->sql = sql;
    cursor->single = 0;
    if (ck_stmt_take(ck_rows_store(&cursor->base), sql, &cursor->stmt, err) == SQLITE_OK) {
        cursor->eof = 0;
    }
    return err->rc;
}

int ck_rows_step(CkRowsCursor *cursor, CkError *err) {
    int rc = ck_stmt_step(ck_rows_store(&cursor->base), cursor->stmt, err);
    if (rc != SQLITE_ROW) ck_rows_end(cursor);
    return err->rc;
}

void ck_rows_end(CkRowsCursor *cursor) {
    if (cursor->stmt) ck_stmt_give(ck_rows_store(&cursor->base), cursor->sql, cursor->stmt);
    cursor->stmt = NULL;
    cursor->eof = 1;
}

int ck_rows_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    (void)vtab;
    CkRowsCursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (!cursor) return SQLITE_NOMEM;
    memset(cursor, 0, sizeof *cursor);
    cursor->eof = 1;
    *out = &cursor->base;
    return SQLITE_OK;
}

int ck_rows_close(sqlite3_vtab_cursor *base) {
    ck_rows_end((CkRowsCursor *)base);
    sqlite3_free(base);
    return SQLITE_OK;
}

int ck_rows_next(sqlite3_vtab_cursor *base) {
    CkRowsCursor *cursor = (CkRowsCursor *)base;
    CkError err = CK_ERROR_NONE;
    if (cursor->single) {
        ck_rows_end(cursor);
    } else {
        ck_rows_step(cursor, &err);
    }
    return ck_table_end(base->pVtab, &err);
}

int ck_rows_eof(sqlite3_vtab_cursor *base) {
    return ((CkRowsCursor *)base)->eof;
}

int ck_rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    *rowid = sqlite3_column_int64(((CkRowsCursor *)base)->stmt, 0);
    return SQLITE_OK;
}
