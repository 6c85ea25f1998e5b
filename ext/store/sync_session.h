/*
** What push and pull share: a remote that was opened and has said hello.
*/
#ifndef CK_STORE_SYNC_SESSION_H
#define CK_STORE_SYNC_SESSION_H

#include "store/apply.h"
#include "store/remote.h"
#include "store/sync.h"
#include "store/transaction.h"

typedef struct CkSyncSession {
    CkStore *store;
    CkRemote remote;        /* as it was read last */
    char me[CK_UUID_BYTES]; /* the store's uuid */
    char *folder;           /* of a remote that is a directory (store/sync_dir.h), else NULL */
    CkTransport *transport; /* NULL: the remote is a directory */
    CkSyncSummary *summary;
    char *task;             /* in ck_progress */
    int64_t started_at, done;
    int writes;     /* there may be puts */
    int is_own;     /* what failed is this store's fault */
    int is_greeted; /* `remote` is as the handshake left it, but for the cursors */
    int changed; /* something was put there */
    int is_news; /* who got the last batch, the remote or this store, knew nothing of it */
    CkBuf items, sent, hashes, pack, acks, flags; /* of the batch */
    CkBuf lost; /* hashes that a mirror was listed, had then, and has no more */
    CkPutReply reply;
} CkSyncSession;

/* What a session is for: to read only, to put what may be put there, or to put. */
typedef enum CkSyncUse { CK_SYNC_PULLS, CK_SYNC_PULLS_AND_PUSHES, CK_SYNC_PUSHES } CkSyncUse;

/* Opens the remote and shakes hands. After a failure, too, it is to be closed. */
int ck_sync_session_open(CkSyncSession *session, CkStore *store, const char *remote, CkSyncUse use,
                         CkError *err);

/* Ends it: settles, or records the failure; frees everything. */
int ck_sync_session_close(CkSyncSession *session, CkError *err);

/* Reads the remote's row again. Another process may have found it to be another remote meanwhile,
** or to have changed its past: an error, since what this one has asked and was told is of the
** old. */
int ck_sync_session_refresh(CkSyncSession *session, CkError *err);

/* Begins a write transaction here. What fails then is this store's fault, and is said to be. */
int ck_sync_session_begin(CkSyncSession *session, CkWrite *write, CkError *err);

/* Inside the transaction of a batch: n more are done, left are known to be left. */
int ck_sync_session_progress(CkSyncSession *session, int64_t n, int64_t left, CkError *err);

/* Counts what became of an item here. */
void ck_sync_count_pulled(CkSyncSummary *summary, const CkItem *item,
                          const CkItemOutcome *outcome);

/* Appends those of the hashes that are not stored, or do not read back. */
int ck_sync_append_unreadable(CkStore *store, CkHashes hashes, CkBuf *out, CkError *err);

/* The parts of a session, in sync_push.c, sync_pull.c and sync_report.c. */
int ck_sync_session_push(CkSyncSession *session, CkError *err);
int ck_sync_session_pull(CkSyncSession *session, CkError *err);
int ck_sync_session_report(CkSyncSession *session, CkError *err);
int ck_sync_session_get(CkSyncSession *session, CkHashes hashes, CkError *err);

#endif
