/*
** A directory of packs as a remote: see sync_dir.c.
*/
#ifndef CK_STORE_SYNC_DIR_H
#define CK_STORE_SYNC_DIR_H

#include "store/sync_session.h"

/* What the directory says of itself; writes: it may be made. */
int ck_sync_dir_hello(CkSyncSession *session, int writes, char **json, CkError *err);

/* After the handshake: is_new when it is another directory than it was. */
int ck_sync_dir_begin(CkSyncSession *session, int is_new, CkError *err);

/* The path of a new file, to be renamed when it is whole; from sqlite3_malloc. */
char *ck_sync_dir_temporary(const CkSyncSession *session);

/* The highest place (store/segment.h) of those that this store has seen. */
int ck_sync_dir_last_place(CkSyncSession *session, int64_t *place, CkError *err);

int ck_sync_dir_push(CkSyncSession *session, CkError *err);

/* Reads the segments that this store has not seen. */
int ck_sync_dir_pull(CkSyncSession *session, CkError *err);

/* Of hashes that are missing here, in ascending order: what is in the folder and not retired. */
int ck_sync_dir_get(CkSyncSession *session, CkHashes sorted, CkError *err);

#endif
