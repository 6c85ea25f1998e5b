/* Progress of one long statement: see sql_progress.h. */
#include "sql_progress.h"

#include "store.h"

#define LOOK_EVERY_MS 100

/* Instructions of SQLite's machine between two calls of the handler: some tens of microseconds. */
#define LOOK_EVERY_OPS 2000

static int look(void *context) {
    CkSqlProgress *sql = context;
    if (ck_interrupted()) return 1; /* the signal may have come before the statement */
    int64_t now = sql->stmt ? ck_now_ms() : 0;
    if (!sql->stmt || now - sql->asked_ms < LOOK_EVERY_MS) return 0;
    sql->asked_ms = now;
    if (sqlite3_step(sql->stmt) == SQLITE_ROW) {
        int64_t done = sqlite3_column_int64(sql->stmt, 0);
        int64_t total = sqlite3_column_int64(sql->stmt, 1);
        /* All is done, but it runs: what is to come (in a folder's next packs) is not known. */
        ck_progress_show(&sql->line, done, total > done ? total : 0, NULL);
    }
    sqlite3_reset(sql->stmt);
    return 0;
}

void ck_sql_progress_begin(CkSqlProgress *sql, CkApp *app, const char *label, const char *task) {
    const char *text = ck_sql[CK_SQL_PROGRESS_OF_TASK].text;
    *sql = (CkSqlProgress){.task = task};
    ck_progress_begin(&sql->line, app, label, "");
    if (!app->db) return;
    sqlite3_progress_handler(app->db, LOOK_EVERY_OPS, look, sql);
    if (!app->terminal_err || app->quiet || app->json) return;
    if (sqlite3_open_v2(app->place.store, &sql->db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(sql->db, text, -1, &sql->stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(sql->stmt, 1, task, -1, SQLITE_STATIC);
    }
}

void ck_sql_progress_end(CkSqlProgress *sql) {
    if (sql->line.app->db) sqlite3_progress_handler(sql->line.app->db, 0, NULL, NULL);
    sqlite3_finalize(sql->stmt);
    sqlite3_close(sql->db);
    ck_progress_end(&sql->line);
}
