/*
** Syncing with a remote: sessions of push and pull (the protocol is in store/transport.h, the
** bookkeeping in store/remote.h).
**
** Each batch is one transaction in either store, so a session that is cut short anywhere leaves
** what it has done, and the next one goes on from there. Inside a transaction of the caller's
** everything here belongs to that; what was put into the remote stays there, and is answered
** `exists` next time.
**
** A remote that cannot be reached is an error of the call, a row in ck_errors and a failure counted
** in ck_remotes (attempts, next_at: for who syncs in the background).
*/
#ifndef CK_STORE_SYNC_H
#define CK_STORE_SYNC_H

#include "store/store.h"
#include "store/transport.h"

typedef struct CkSyncSummary {
    int64_t pushed, push_exists, push_rejected; /* items there: new, known, not taken */
    int64_t pulled, pull_exists, pull_rejected; /* items here */
    int64_t conflicts; /* another vector was there first, on either side */
    int64_t missing;   /* asked for by hash, but not there, or damaged there */
    int64_t damaged;   /* segments of a directory that do not read back */
    int64_t batches, bytes; /* of vectors that travelled */
    int64_t reported;       /* hashes that the remote was told are in use here */
    int64_t unreachable;    /* remotes that failed, of ck_sync_pull_anywhere */
    int relisted;           /* the remote is another one than it was */
} CkSyncSummary;

/* Sends what waits in the outbox, and what is in use here (sync_report.c). */
int ck_sync_push(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err);

/* Gets all that the remote has and this store lacks. */
int ck_sync_pull_all(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err);

/* Gets those of the hashes that this store lacks. */
int ck_sync_pull_hashes(CkStore *store, const char *remote, CkHashes hashes,
                        CkSyncSummary *summary, CkError *err);

/*
** The same of every remote of ck_remotes, in the order of their names, until nothing is missing:
** the look-up behind a miss. One that fails is counted, a row in ck_errors, and not asked before
** its next try is due; what no one has is missing. Never an error for what a remote does.
*/
int ck_sync_pull_anywhere(CkStore *store, CkHashes hashes, CkSyncSummary *summary, CkError *err);

/* Appends the hashes that workspaces refer to and whose vector is lost or does not read back. */
int ck_sync_lacking(CkStore *store, CkBuf *hashes, CkError *err);

/* Pulls all, then pushes, so that nothing travels that both have. */
int ck_sync_both(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err);

#endif
