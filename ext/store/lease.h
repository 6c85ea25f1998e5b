/*
** Leases: who computes an embedding just now, so that others need not.
**
** A lease is an efficiency lock and protects nothing: whoever puts an embedding needs none, and a
** put after its lease expired and was given to somebody else is as good as any (the first one
** wins). What it does is tell others to wait, and keep garbage collection off the embedding while
** its owner is about to refer to it. The fence says which of two owners came later: it grows with
** every lease of the store and is never used again.
*/
#ifndef CK_STORE_LEASE_H
#define CK_STORE_LEASE_H

#include "store/store.h"

/* A lease lasts from 1 s to a day. One that ends later than that was made by a clock that was ahead
** and counts as expired. */
#define CK_LEASE_TTL_MAX_S 86400

typedef enum CkClaim {
    CK_CLAIM_HAVE,    /* it is stored */
    CK_CLAIM_GRANTED, /* compute it */
    CK_CLAIM_BUSY     /* somebody else does; ask again after retry_after_s, or compute it anyway */
} CkClaim;

typedef struct CkClaimed {
    CkClaim state;
    int64_t fence;         /* of a granted one */
    int64_t retry_after_s; /* of a busy one, at least 1 */
} CkClaimed;

/*
** Claims n hashes (one after the other, CK_HASH_BYTES each) for `owner`, out[i] each. An owner that
** claims again what it holds keeps the fence and gets the new time. Inside a write transaction.
*/
typedef struct CkLeaseOwner {
    const char *owner; /* 1..CK_NAME_MAX bytes, such as a uuid of the process */
    int64_t ttl_s;
} CkLeaseOwner;
int ck_lease_claim(CkStore *store, const CkLeaseOwner *by, const uint8_t *hashes, size_t n,
                   CkClaimed *out, CkError *err);

/*
** Prolongs, or ends, leases of the owner: of n hashes, or with hashes NULL of all. *n_changed
** counts those that were still the owner's; a lease that was stolen is not taken back. Inside a
** write transaction.
*/
int ck_lease_renew(CkStore *store, const CkLeaseOwner *by, const uint8_t *hashes, size_t n,
                   int64_t *n_changed, CkError *err);
int ck_lease_release(CkStore *store, const char *owner, const uint8_t *hashes, size_t n,
                     int64_t *n_changed, CkError *err);

/* Deletes leases that have expired. */
int ck_lease_expire(CkStore *store, CkError *err);

#endif
