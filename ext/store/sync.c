/* Syncing: see sync.h. */
#include "store/sync.h"

#include "store/sync_session.h"

typedef int (*Part)(CkSyncSession *session, CkError *err);

static int run(CkStore *store, const char *remote, int writes, const Part parts[2],
               CkSyncSummary *summary, CkError *err) {
    CkSyncSession session;
    session.summary = summary;
    ck_sync_session_open(&session, store, remote, writes, err);
    for (int i = 0; i < 2 && parts[i] && err->rc == SQLITE_OK; i++) parts[i](&session, err);
    return ck_sync_session_close(&session, err);
}

int ck_sync_push(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err) {
    return run(store, remote, 1, (const Part[2]){ck_sync_session_push, NULL}, summary, err);
}

int ck_sync_pull_all(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err) {
    return run(store, remote, 0, (const Part[2]){ck_sync_session_pull, NULL}, summary, err);
}

/* A remote to which nothing is pushed is only pulled from. */
static int push_if_wanted(CkSyncSession *session, CkError *err) {
    return session->remote.push ? ck_sync_session_push(session, err) : SQLITE_OK;
}

int ck_sync_both(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err) {
    return run(store, remote, 1, (const Part[2]){ck_sync_session_pull, push_if_wanted}, summary,
               err);
}

int ck_sync_pull_hashes(CkStore *store, const char *remote, CkHashes hashes,
                        CkSyncSummary *summary, CkError *err) {
    CkSyncSession session;
    session.summary = summary;
    if (ck_sync_session_open(&session, store, remote, 0, err) == SQLITE_OK) {
        ck_sync_session_get(&session, hashes, err);
    }
    return ck_sync_session_close(&session, err);
}
