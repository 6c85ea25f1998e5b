/*
** The store as a whole: whether a schema has one, creating it, its version and its counter.
*/
#ifndef CK_STORE_STORE_H
#define CK_STORE_STORE_H

#include "store/conn.h"

#define CK_UUID_BYTES 37 /* 36 characters and the terminator */

/* Writes a random (version 4) UUID. */
void ck_uuid_make(char uuid[CK_UUID_BYTES]);

/* The version this code writes. A higher one on disk is refused and left untouched. */
#define CK_SCHEMA_VERSION 1

/*
** Before reading: sets *exists to whether the schema holds a store. SQLITE_ERROR when the store
** is newer than this code or damaged beyond its first row. Writes nothing.
*/
int ck_store_open_read(CkStore *store, int *exists, CkError *err);

/*
** Before writing, inside a write transaction: creates the store if there is none and brings an
** older one to CK_SCHEMA_VERSION.
*/
int ck_store_open_write(CkStore *store, CkError *err);

/* Takes the next sequence number, inside the write transaction. */
int ck_store_next_seq(CkStore *store, int64_t *seq, CkError *err);

/*
** The transaction of an SQL function that writes: its own BEGIN IMMEDIATE … COMMIT when the
** connection is in autocommit mode and no write is under way, else the caller's.
*/
typedef struct CkWrite {
    CkStore *store;
    int owned;
} CkWrite;

/* Begins; the store is not opened yet. After an error there is nothing to end. */
int ck_write_begin(CkWrite *write, CkStore *store, CkError *err);

/* Commits when err is clean, else rolls back, if the transaction is owned. Returns err->rc. */
int ck_write_end(CkWrite *write, CkError *err);

#endif
