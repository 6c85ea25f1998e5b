/*
** Workspaces that nobody tends any more: live -> stale -> released, one step per collection.
**
**   live -> stale      expired, or not seen for CK_STALE_S, or its root is gone
**   stale -> released  expired, or not seen for CK_RELEASE_S, or its root is still gone
**   stale -> live      none of the reasons holds any more (a heartbeat does it at once)
**
** "Expired" is a past expires_at. "Gone" is asked only of a root on this host, only when the root
** is absent while its parent folder is there (an unmounted disk is no deleted worktree), and only
** of a workspace not seen for CK_GONE_S. A pinned workspace never ages. A last_seen in the future
** (a clock that was wrong) counts as seen now.
*/
#ifndef CK_STORE_AGING_H
#define CK_STORE_AGING_H

#include "store/store.h"

#define CK_STALE_S ((int64_t)30 * 86400)
#define CK_RELEASE_S ((int64_t)90 * 86400)
#define CK_GONE_S ((int64_t)86400)

typedef struct CkAging {
    int64_t n_stale, n_released, n_revived;
} CkAging;

/* One step for every workspace, inside a write transaction. Audits each change. */
int ck_workspaces_age(CkStore *store, CkAging *aging, CkError *err);

#endif
