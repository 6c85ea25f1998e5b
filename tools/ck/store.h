/*
** The store, and statements to it. The extension is linked in, and nothing but SQL is said to it.
**
** All statements are in sql/tool/, named, and are prepared once. Parameters are bound by a format,
** a letter each, to ?1, ?2 …:
**
**     t  const char *, NULL is NULL          i  int64_t          d  double          n  (none) NULL
**     b  const void *, size_t (bytes)        T  const char *, size_t (bytes; need not end with 0)
**
** Texts and blobs are not copied: they must stay until the statement is reset. With --explain-sql
** each statement is printed to stderr when it is begun, with its values, so that it can be run in
** the sqlite3 shell.
**
** Everything is a no-op after a failure (app.h).
*/
#ifndef CK_TOOL_STORE_H
#define CK_TOOL_STORE_H

#include "app.h"
#include "tool_sql.h"

typedef enum CkStoreMode {
    CK_STORE_READ,  /* a store that may only be read is opened for reading: app->readonly */
    CK_STORE_WRITE, /* it must be there and writable */
    CK_STORE_CREATE /* it is made: only ck init */
} CkStoreMode;

/*
** Opens app->place.store (ck_place_need_store() first). A second call does nothing. An empty file
** is a failure but for CK_STORE_CREATE. For reading, the file system may be a read-only one; for
** CK_STORE_WRITE the base must be trusted (trust.h).
*/
int ck_store_open(CkApp *app, CkStoreMode mode);
void ck_store_close(CkApp *app);

/*
** Begins a statement: resets, binds, prints. NULL after a failure. It ends when it was stepped to
** its end, with ck_sql_end(), or when it is begun again.
*/
sqlite3_stmt *ck_sql_begin(CkApp *app, CkSqlId id, const char *format, ...);
int ck_sql_step(CkApp *app, sqlite3_stmt *stmt); /* 1: a row. 0: the end, or a failure */
void ck_sql_end(sqlite3_stmt *stmt);

/* Begins and runs to the end. ck_sql_run gives the rows changed, the others the first value. */
int64_t ck_sql_run(CkApp *app, CkSqlId id, const char *format, ...);
int64_t ck_sql_int(CkApp *app, CkSqlId id, int64_t otherwise, const char *format, ...);
char *ck_sql_text(CkApp *app, CkSqlId id, const char *format, ...); /* kept; NULL: no row, NULL */

/*
** Several statements in one text, such as tables and views for the connection; rows are dropped.
*/
int ck_sql_script(CkApp *app, CkSqlId id);

/*
** Prepares the first statement of a text that is not the command's own; *tail is set behind it.
** NULL: there was none, or a failure. The caller finalizes it.
*/
sqlite3_stmt *ck_sql_prepare(CkApp *app, const char *text, const char **tail);

/* Texts of columns are of the row, as in SQLite; NULL becomes otherwise. */
const char *ck_column_text(sqlite3_stmt *stmt, int column, const char *otherwise);

/* Transactions: BEGIN IMMEDIATE; COMMIT, or ROLLBACK when something failed. */
int ck_transaction_begin(CkApp *app);
int ck_transaction_end(CkApp *app);

/* Ends a failed sqlite3 call: ck_fail() with SQLite's message and what to do about it. */
int ck_fail_db(CkApp *app, int rc, const char *what);

#endif
