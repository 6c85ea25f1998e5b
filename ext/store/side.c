/*
** A second connection: see side.h.
**
** Who waits for a lock there does it within a statement of that connection, of which an interrupt
** of ours knows nothing. So the waiting is done here, in short steps, and each of them lets our own
** connection look. That is many steps of a statement at a time, since a progress handler is called
** once in so many of them.
*/
#include "store/side.h"

#include "base/clock.h"
#include "store/transaction.h"

#define WAIT_MS_MAX 25
#define PULSES 50

/* SQLite's busy handler: 0 ends the waiting. */
static int wait(void *context, int n_before) {
    CkSide *side = context;
    CkError err = CK_ERROR_NONE;
    int64_t now_ms = ck_clock_ms();
    if (n_before == 0) side->waits_since_ms = now_ms;
    if (now_ms - side->waits_since_ms >= CK_SIDE_BUSY_MS) return 0;
    for (int i = 0; i < PULSES && err.rc == SQLITE_OK; i++) ck_pulse(side->home, &err);
    side->is_interrupted |= (err.rc & 0xff) == SQLITE_INTERRUPT;
    ck_error_release(&err);
    if (side->is_interrupted) return 0;
    sqlite3_sleep(n_before < WAIT_MS_MAX ? n_before + 1 : WAIT_MS_MAX);
    return 1;
}

int ck_side_open(CkSide *side, CkStore *home, const char *url, int flags, CkError *err) {
    sqlite3 *db = NULL;
    *side = (CkSide){.home = home};
    flags |= SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX; /* one thread knows of it */
    int rc = sqlite3_open_v2(url, &db, flags, home->conn->vfs->zName);
    if (rc != SQLITE_OK) {
        ck_error_set(err, rc, "%s: %s", url, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    } else {
        sqlite3_busy_handler(db, wait, side);
        ck_conn_new(db, &side->conn, err);
    }
    if (err->rc != SQLITE_OK) {
        sqlite3_close(db);
        return err->rc;
    }
    /* Statements may be kept: ck_side_close() ends them before the connection is closed. */
    side->conn->anchored = 1;
    return SQLITE_OK;
}

int ck_side_outcome(const CkSide *side, CkError *err) {
    if (!side->is_interrupted || err->rc == SQLITE_OK || err->rc == SQLITE_NOMEM) return err->rc;
    ck_error_release(err);
    return ck_error_set(err, SQLITE_INTERRUPT, "interrupted");
}

void ck_side_close(CkSide *side) {
    if (!side->conn) return;
    sqlite3 *db = side->conn->db;
    ck_conn_release(side->conn);
    sqlite3_close(db);
    side->conn = NULL;
}
