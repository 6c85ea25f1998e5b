/*
** Stale hash entries: those of _ck_hash whose embedding was deleted. Whoever looks a hash up treats
** them as absent; here they are found and removed, in hash order, so that every page of _ck_hash is
** read once and written once.
**
** Entries are found without a write lock, by a bitmap of the ids that are in use; an id that was
** given out and is not in use never will be again. What may change before an entry is removed is
** that its hash is put anew and the entry gets another id: so removal names hash and id.
**
** A search costs a walk over all hashes, so it begins only when CK_HASH_SWEEP_SHARE of them are
** stale; below that they take less room than the free space in the pages around them.
*/
#ifndef CK_STORE_HASH_SWEEP_H
#define CK_STORE_HASH_SWEEP_H

#include "store/store.h"

/* One entry in so many must be stale. */
#define CK_HASH_SWEEP_SHARE 16

typedef struct CkHashSweep {
    int begun, pass_ended, ended;
    CkBuf in_use;       /* a bit for each id from first up to and without end */
    int64_t first, end; /* the ids of this pass */
    int64_t last_id;    /* and the last one of all passes */
    uint8_t after[CK_HASH_BYTES]; /* hashes up to this one are done */
    int n_after;                  /* 0 at the beginning of a pass */
    CkBuf found;                  /* entries to remove, from `at` on */
    size_t at;
} CkHashSweep;

void ck_hash_sweep_init(CkHashSweep *sweep);
void ck_hash_sweep_release(CkHashSweep *sweep);

/* How many found entries wait to be removed. */
size_t ck_hash_sweep_waiting(const CkHashSweep *sweep);

/* Finds the next entries, unless some are waiting. Sets ended when there are no more. */
int ck_hash_sweep_find(CkHashSweep *sweep, CkStore *store, CkError *err);

/* Removes up to max of the waiting ones, in a write transaction. */
int ck_hash_sweep_remove(CkHashSweep *sweep, CkStore *store, int max, CkError *err);

#endif
