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
** The same, and keeps the read open, so that all that is read until it ends is of one state, whose
** stamp is told. *pin is NULL when there is no store; the caller gives it back as CK_SQL_META_GET.
*/
int ck_store_pin(CkStore *store, sqlite3_stmt **pin, int64_t *stamp, CkError *err);

/*
** Before writing, inside a write transaction: creates the store if there is none and brings an
** older one to CK_SCHEMA_VERSION.
*/
int ck_store_open_write(CkStore *store, CkError *err);

/*
** The first read of a hot path, in one step: takes a statement that selects one row from _ck_meta
** with the schema version in column 0, binds it (as ck_stmt_bind) and steps to its row. The caller
** reads the other columns and gives it back. *stmt is NULL when the schema has no store.
*/
int ck_store_query(CkStore *store, CkSqlId id, sqlite3_stmt **stmt, CkError *err,
                   const char *format, ...);

/*
** Writes the store's sequence counter, inside the write transaction: the seq that was read there
** plus one, which is the seq of the row being written.
*/
int ck_store_set_seq(CkStore *store, int64_t seq, CkError *err);

#endif
