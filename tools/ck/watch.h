/*
** Progress of one long statement (ck_optimize, ck_sync), drawn while it runs.
**
** The extension writes how far it is to ck_progress; a second connection reads that from the
** progress handler of the first. Nothing is opened when nobody looks on.
*/
#ifndef CK_TOOL_WATCH_H
#define CK_TOOL_WATCH_H

#include "output.h"

typedef struct CkWatch {
    CkProgress progress;
    const char *task; /* in ck_progress */
    int64_t asked_ms;
    sqlite3 *db;
    sqlite3_stmt *stmt;
} CkWatch;

void ck_watch_begin(CkWatch *watch, CkApp *app, const char *label, const char *task);
void ck_watch_end(CkWatch *watch);

#endif
