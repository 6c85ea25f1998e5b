/*
** Cursors over one SQL statement, shared by tables whose rows are just that.
*/
#ifndef CK_TABLES_ROWS_H
#define CK_TABLES_ROWS_H

#include "store/store.h"
#include "tables/table.h"

typedef struct CkRowsCursor {
    sqlite3_vtab_cursor base;
    sqlite3_stmt *stmt; /* at the current row; column 0 is the rowid */
    CkSqlId sql;
    int eof;
    int single; /* set after ck_rows_begin(): there is at most one row, so next need not look */
} CkRowsCursor;

CkStore *ck_rows_store(sqlite3_vtab_cursor *cursor);

/* Checks the statement out; the caller binds it, then ck_rows_step() reaches the first row. */
int ck_rows_begin(CkRowsCursor *cursor, CkSqlId sql, CkError *err);
int ck_rows_step(CkRowsCursor *cursor, CkError *err);
void ck_rows_end(CkRowsCursor *cursor);

/* sqlite3_module methods. */
int ck_rows_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out);
int ck_rows_close(sqlite3_vtab_cursor *base);
int ck_rows_next(sqlite3_vtab_cursor *base);
int ck_rows_eof(sqlite3_vtab_cursor *base);
int ck_rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid);

#endif
