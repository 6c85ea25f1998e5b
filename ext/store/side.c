/*
** A second connection: see side.h.
**
** Who waits for a lock there does it within a statement of that connection, of which an interrupt
** of ours knows nothing. So the waiting is done here, in short steps, and each of them lets our own
** connection look. That is many steps of a statement at a time, since a progress handler is called
** once in so many of them.
*/
#include "store/side.h"

#include <string.h>

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

/*
** Reading without locks is safe as long as nobody writes the file. Whoever opens a store in WAL
** mode makes a -wal first, and the file itself is written from there: so when there is no -wal, and
** the file is what it was when it was opened, nothing that was read since can be half of a change.
** Times and sizes on a network file system may be old ones, so there it is not safe.
*/
static int has_wal(const char *path, CkError *err) {
    CkFileState wal = {0, 0, 0};
    char *name = sqlite3_mprintf("%s-wal", path);
    if (!name) return ck_error_nomem(err);
    ck_fs_state(name, &wal);
    sqlite3_free(name);
    return wal.inode != 0;
}

static const char *path_of(const CkSide *side) {
    return side->conn ? sqlite3_db_filename(side->conn->db, "main") : NULL;
}

int ck_side_reopen_unlocked(CkSide *side, const char *url, CkError *err) {
    const char *path = path_of(side);
    int primary = err->rc & 0xff, n = (int)strcspn(url, "#");
    CkFileState file;
    CkStore *home = side->home;
    if ((primary != SQLITE_CANTOPEN && primary != SQLITE_READONLY) || !path ||
        !ck_fs_is_sealed(path) || ck_fs_network(path)) {
        return err->rc;
    }
    ck_error_release(err);
    if (has_wal(path, err)) {
        return ck_error_set(err, SQLITE_CANTOPEN,
                            "a part of it is in its -wal, which cannot be read where no -shm can "
                            "be made beside it (who may write it is to open and close it once)");
    }
    ck_fs_state(path, &file);
    ck_side_close(side);
    char *unlocked = sqlite3_mprintf("%.*s%cimmutable=1", n, url,
                                     memchr(url, '?', (size_t)n) ? '&' : '?');
    if (!unlocked) return ck_error_nomem(err);
    ck_side_open(side, home, unlocked, SQLITE_OPEN_READONLY, err);
    sqlite3_free(unlocked);
    side->is_unlocked = 1;
    side->file = file;
    return err->rc;
}

static int is_changed(const CkSide *side, CkError *err) {
    CkFileState now;
    const char *path = side->is_unlocked ? path_of(side) : NULL;
    if (!path) return 0;
    ck_fs_state(path, &now);
    return memcmp(&now, &side->file, sizeof now) != 0 || has_wal(path, err);
}

int ck_side_outcome(const CkSide *side, CkError *err) {
    int changed = is_changed(side, err);
    if (err->rc == SQLITE_NOMEM) return err->rc;
    if (changed) {
        ck_error_release(err);
        ck_error_set(err, SQLITE_BUSY,
                     "it was changed while it was read without locks, since no file can be made "
                     "beside it; try again");
    } else if (side->is_interrupted && err->rc != SQLITE_OK) {
        ck_error_release(err);
        ck_error_set(err, SQLITE_INTERRUPT, "interrupted");
    }
    return err->rc;
}

void ck_side_close(CkSide *side) {
    if (!side->conn) return;
    sqlite3 *db = side->conn->db;
    ck_conn_release(side->conn);
    sqlite3_close(db);
    side->conn = NULL;
}
