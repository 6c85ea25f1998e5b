/* A second connection: see side.h. */
#include "store/side.h"

int ck_side_open(const CkConn *conn, const char *url, int flags, CkConn **side, CkError *err) {
    sqlite3 *db = NULL;
    *side = NULL;
    flags |= SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX; /* one thread knows of it */
    int rc = sqlite3_open_v2(url, &db, flags, conn->vfs->zName);
    if (rc != SQLITE_OK) {
        ck_error_set(err, rc, "%s: %s", url, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    } else {
        sqlite3_busy_timeout(db, CK_SIDE_BUSY_MS);
        ck_conn_new(db, side, err);
    }
    if (err->rc != SQLITE_OK) {
        sqlite3_close(db);
        return err->rc;
    }
    /* Statements may be kept: ck_side_close() ends them before the connection is closed. */
    (*side)->anchored = 1;
    return SQLITE_OK;
}

void ck_side_close(CkConn *side) {
    if (!side) return;
    sqlite3 *db = side->db;
    ck_conn_release(side);
    sqlite3_close(db);
}
