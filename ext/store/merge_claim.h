/*
** The claim of who builds a part of a model's index, and the short transactions of the building.
**
** A builder says in the row of _ck_index who it is, and shows with every transaction that it is
** alive. A claim that was not renewed for CK_MERGE_CLAIM_S is worth nothing: the next builder takes
** it, and the old one notices at its next transaction and stops. A claim is the connection's, which
** may build again at once after it was interrupted.
*/
#ifndef CK_STORE_MERGE_CLAIM_H
#define CK_STORE_MERGE_CLAIM_H

#include "store/store.h"

/* Seconds without a sign of life after which another builder takes over. */
#define CK_MERGE_CLAIM_S 60

#define CK_MERGE_TASK "optimize" /* in ck_progress */

typedef struct CkMergeClaim {
    CkStore *store;
    int64_t model;
    int64_t builder; /* who we are: random, one for each connection */
    int claimed;
    int lost; /* another builder is at it: nothing more is done */
    int over; /* the claim has been given up: what follows needs none */
} CkMergeClaim;

void ck_merge_claim_init(CkMergeClaim *claim, CkStore *store, int64_t model);

/*
** A transaction of the builder: begins, claims or renews, calls work(), and ends. Nothing is done
** when the claim is lost, and the work only under the claim.
*/
typedef int (*CkMergeWork)(void *context, CkError *err);
int ck_merge_locked(CkMergeClaim *claim, CkMergeWork work, void *context, CkError *err);

/* A work(): gives the claim up, with its progress. context is the claim. */
int ck_merge_unclaim(void *context, CkError *err);

/* Deletes the blocks with addresses from `from` to before `to`, in batches. */
int ck_merge_drop(CkMergeClaim *claim, int64_t from, int64_t to, CkError *err);

/*
** What long computations call now and then, without a lock: lets SQLite see whether it was
** interrupted and call its progress handler, and every half a second shows how far the work is,
** which renews the claim. SQLITE_OK, or the code that stops it; err is set unless the claim was
** lost.
*/
typedef struct CkMergePulse {
    CkMergeClaim *claim;
    int64_t started_at; /* unix time */
    int64_t done, total; /* of the work, apart from the computation */
    double share;        /* of total, that the computation is */
    int64_t shown_ms;
    CkError *err;
} CkMergePulse;

int ck_merge_pulse(void *context, double done);

#endif
