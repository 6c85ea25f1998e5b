/*
** The quota: which unreferenced embeddings go when the store is larger than max_bytes.
**
** The victims are chosen in one read of the narrow rows, outside any write lock: least recently
** used first, as many as bring the store below the limit, none younger than the grace period.
** Whoever deletes them checks each again.
*/
#ifndef CK_STORE_QUOTA_H
#define CK_STORE_QUOTA_H

#include "store/store.h"

typedef struct CkQuota {
    int64_t max_bytes; /* 0: no limit, no victims */
    int64_t bytes;     /* what the store holds */
    CkBuf victims;     /* ids, int64_t each */
} CkQuota;

/* Finds the victims. Release the quota in either case. */
int ck_quota_plan(CkStore *store, int64_t cutoff, CkQuota *quota, CkError *err);
void ck_quota_release(CkQuota *quota);

static inline size_t ck_quota_count(const CkQuota *quota) {
    return quota->victims.n_bytes / sizeof(int64_t);
}

#endif
