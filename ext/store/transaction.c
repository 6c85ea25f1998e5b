/*
** Transactions: see transaction.h.
**
** An interrupt (sqlite3_interrupt(), or a progress handler that says stop) ends every statement of
** the connection as long as the one around ours runs: ROLLBACK too, and BEGIN after it has begun.
** So does a failed allocation. What cannot be refused is the end of a statement that writes: SQLite
** rolls its transaction back when it fails in such a way. So where ROLLBACK is refused, VACUUM is
** stepped, which counts as one that writes, and within a transaction does nothing else but fail.
**
** Both are prepared before the transaction begins. One gap remains: CREATE INDEX expires what is
** prepared, so an interrupt or a failed allocation while the store is created leaves its
** transaction open if nothing but a SELECT without tables is around it.
*/
#include "store/transaction.h"

/* A progress handler may stop one statement and not the next. */
#define ROLLBACK_TRIES 8

static void try_to(CkStore *store, CkSqlId id) {
    CkError err = CK_ERROR_NONE;
    ck_stmt_run(store, id, &err, "");
    ck_error_release(&err);
}

/* Some errors have rolled back already; rolling back twice is an error of its own. */
static void roll_back(CkStore *store) {
    sqlite3 *db = store->conn->db;
    for (int i = 0; i < ROLLBACK_TRIES && !sqlite3_get_autocommit(db); i++) {
        try_to(store, CK_SQL_ROLLBACK);
        if (!sqlite3_get_autocommit(db)) try_to(store, CK_SQL_ROLLBACK_BY_VACUUM);
    }
}

/*
** Begins a transaction, unless the caller is in one. A statement that only reads does not hinder:
** it goes on reading. What ends it is made ready first: an interrupt would hinder that, too.
*/
static int begin(CkStore *store, CkSqlId how, int *owned, CkError *err) {
    const CkSqlId ends[] = {CK_SQL_COMMIT, CK_SQL_ROLLBACK, CK_SQL_ROLLBACK_BY_VACUUM};
    sqlite3 *db = store->conn->db;
    *owned = 0;
    if (!sqlite3_get_autocommit(db) || sqlite3_txn_state(db, NULL) == SQLITE_TXN_WRITE) {
        return SQLITE_OK;
    }
    if (ck_stmt_prepare(store, ends, sizeof ends / sizeof *ends, err) != SQLITE_OK ||
        ck_stmt_run(store, how, err, "") != SQLITE_OK) {
        roll_back(store);
        return err->rc;
    }
    *owned = 1;
    return SQLITE_OK;
}

int ck_read_begin(CkRead *read, CkStore *store, CkError *err) {
    read->store = store;
    return begin(store, CK_SQL_BEGIN_READ, &read->owned, err);
}

void ck_read_end(CkRead *read) {
    if (!read->owned) return;
    try_to(read->store, CK_SQL_COMMIT);
    roll_back(read->store);
}

int ck_write_begin(CkWrite *write, CkStore *store, CkError *err) {
    write->store = store;
    write->last_insert_rowid = sqlite3_last_insert_rowid(store->conn->db);
    return begin(store, CK_SQL_BEGIN_WRITE, &write->owned, err);
}

int ck_write_end(CkWrite *write, CkError *err) {
    CkStore *store = write->store;
    sqlite3_set_last_insert_rowid(store->conn->db, write->last_insert_rowid);
    if (!write->owned) {
        if ((err->rc & 0xff) == SQLITE_INTERRUPT) roll_back(store);
        return err->rc;
    }
    write->owned = 0;
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_COMMIT, err, "");
    if (err->rc != SQLITE_OK) roll_back(store);
    return err->rc;
}

int ck_pulse(CkStore *store, CkError *err) {
    int64_t one;
    int found;
    return ck_stmt_ints(store, CK_SQL_PULSE, err, &one, 1, &found, "");
}
