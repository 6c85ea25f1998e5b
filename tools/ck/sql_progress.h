/*
** Progress of one long statement (ck_optimize, ck_sync), drawn while it runs.
**
** The extension writes how far it is to ck_progress; a second connection reads that from the
** progress handler of the first. Nothing is opened when nobody looks on. A signal that came before
** the statement ends it, too, which sqlite3_interrupt() did not see.
*/
#ifndef CK_TOOL_SQL_PROGRESS_H
#define CK_TOOL_SQL_PROGRESS_H

#include "output.h"

typedef struct CkSqlProgress {
    CkProgress line;
    const char *task; /* in ck_progress */
    int64_t asked_ms;
    sqlite3 *db;
    sqlite3_stmt *stmt;
} CkSqlProgress;

void ck_sql_progress_begin(CkSqlProgress *sql, CkApp *app, const char *label, const char *task);
void ck_sql_progress_end(CkSqlProgress *sql);

#endif
