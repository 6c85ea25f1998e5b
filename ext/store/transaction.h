/*
** The transactions that ck's own functions open: short, and none when the caller has one.
*/
#ifndef CK_STORE_TRANSACTION_H
#define CK_STORE_TRANSACTION_H

#include "store/conn.h"

/*
** One read transaction over many statements, each of which would else take and give back the file's
** lock and commit: its own when the connection is in autocommit mode and no write is under way,
** else the caller's. After an error of begin there is nothing to end.
*/
typedef struct CkRead {
    CkStore *store;
    int owned;
} CkRead;
int ck_read_begin(CkRead *read, CkStore *store, CkError *err);
void ck_read_end(CkRead *read);

/*
** The transaction of an SQL function that writes: its own BEGIN IMMEDIATE … COMMIT when the
** connection is in autocommit mode and no write is under way, else the caller's.
*/
typedef struct CkWrite {
    CkStore *store;
    int owned;
    int64_t last_insert_rowid; /* the caller's: ids of private rows are not shown */
} CkWrite;

/* Begins; the store is not opened yet. After an error there is nothing to end. */
int ck_write_begin(CkWrite *write, CkStore *store, CkError *err);

/*
** Commits when err is clean, else rolls back, if the transaction is owned. Returns err->rc. An
** interrupt rolls the caller's transaction back, too: it may have come after one statement of ours
** and before the one that goes with it, and SQLite does the same when it interrupts one that
** writes. SQLITE_INTERRUPT from a commit does not tell whether it was done, as in SQLite itself.
*/
int ck_write_end(CkWrite *write, CkError *err);

/*
** What a long computation or wait calls now and then: lets SQLite see whether the connection was
** interrupted, and call its progress handler. SQLITE_OK, or the code that stops it.
*/
int ck_pulse(CkStore *store, CkError *err);

#endif
