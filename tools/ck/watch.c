/* Progress of one long statement: see watch.h. */
#include "watch.h"

#include "store.h"

#define WATCH_EVERY_MS 100

/* Instructions of SQLite's machine between two calls of the handler: some tens of microseconds. */
#define WATCH_EVERY_OPS 2000

static int look(void *context) {
    CkWatch *watch = context;
    int64_t now = ck_now_ms();
    if (now - watch->asked_ms < WATCH_EVERY_MS) return 0;
    watch->asked_ms = now;
    if (sqlite3_step(watch->stmt) == SQLITE_ROW) {
        int64_t done = sqlite3_column_int64(watch->stmt, 0);
        int64_t total = sqlite3_column_int64(watch->stmt, 1);
        /* All is done, but it runs: what is to come (in a folder's next packs) is not known. */
        ck_progress_show(&watch->progress, done, total > done ? total : 0, NULL);
    }
    sqlite3_reset(watch->stmt);
    return 0;
}

void ck_watch_begin(CkWatch *watch, CkApp *app, const char *label, const char *task) {
    *watch = (CkWatch){.task = task};
    ck_progress_begin(&watch->progress, app, label, "");
    if (!app->terminal_err || app->quiet || app->json || !app->db) return;
    if (sqlite3_open_v2(app->place.store, &watch->db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(watch->db, ck_sql[CK_SQL_WATCH_PROGRESS].text, -1, &watch->stmt, NULL) ==
            SQLITE_OK &&
        sqlite3_bind_text(watch->stmt, 1, task, -1, SQLITE_STATIC) == SQLITE_OK) {
        sqlite3_progress_handler(app->db, WATCH_EVERY_OPS, look, watch);
    }
}

void ck_watch_end(CkWatch *watch) {
    if (watch->db) sqlite3_progress_handler(watch->progress.app->db, 0, NULL, NULL);
    sqlite3_finalize(watch->stmt);
    sqlite3_close(watch->db);
    ck_progress_end(&watch->progress);
}
