/*
** Workspaces that nobody tends any more: live -> stale -> released, one step per collection.
**
** Collections may run at once, and then "one step per collection" would be two within moments. So a
** collection releases only what was stale when it began, and what has been stale for as long as
** embeddings are spared (the grace period, at most an hour): whoever is told gets time to answer.
**
**   live -> stale      expired, or not seen for CK_STALE_S, or its root is gone
**   stale -> released  expired, or not seen for CK_RELEASE_S, or its root is still gone
**   stale -> live      none of the reasons holds any more (a heartbeat does it at once)
**
** "Expired" is a past expires_at. "Gone" is asked only of a root on this host, only when the root
** is absent while its parent folder is there with something in it (an unmounted disk is no deleted
** worktree), and only of a workspace not seen for CK_GONE_S. A pinned workspace never ages. A
** last_seen in the future (a clock that was wrong) counts as seen now; a stale_at in the future is
** not over.
*/
#ifndef CK_STORE_AGING_H
#define CK_STORE_AGING_H

#include "store/store.h"

#define CK_STALE_S ((int64_t)30 * 86400)
#define CK_RELEASE_S ((int64_t)90 * 86400)
#define CK_GONE_S ((int64_t)86400)

typedef struct CkAging {
    int64_t dwell_s; /* how long a workspace is stale at least before it is released */
    CkBuf stale;     /* those that were stale when the collection began: ids in order, int64_t */
    size_t stale_at; /* how far the buffer is read */
    int64_t n_stale, n_released, n_revived;
} CkAging;

/* At the beginning of a collection, before it waits for any lock. Release it in either case. */
int ck_aging_begin(CkStore *store, int64_t dwell_s, CkAging *aging, CkError *err);
void ck_aging_release(CkAging *aging);

/* One step for every workspace, inside a write transaction. Audits each change. */
int ck_workspaces_age(CkStore *store, CkAging *aging, CkError *err);

#endif
