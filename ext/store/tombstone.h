/*
** Tombstones: retiring a hash everywhere.
**
** Eviction (DELETE, ck_gc, the quota) is local and leaves no trace: what it took can be pulled or
** embedded again. Retiring says to all that sync with this store that nobody needs the hash any
** more. It is done only when nobody refers to the hash: no workspace here but the mirror, and no
** store in a report that counts; a live lease on it refuses, too. The tombstone takes the place of
** the embedding in the feed, with a seq of its own. A later put of the hash takes the tombstone's
** place, with a later seq.
*/
#ifndef CK_STORE_TOMBSTONE_H
#define CK_STORE_TOMBSTONE_H

#include "store/item.h"
#include "store/remote.h"
#include "store/store.h"

/* Then a tombstone is forgotten, and whoever has not read so far begins again. Seconds. */
#define CK_TOMBSTONE_TTL_S (30 * 86400)

typedef enum CkRetired {
    CK_RETIRE_DONE,       /* the embedding is gone, the tombstone is there */
    CK_RETIRE_REFERENCED, /* by a workspace here, or a store's report */
    CK_RETIRE_LEASED,
    CK_RETIRE_ABSENT /* it is not stored here, so there is nothing to retire */
} CkRetired;

/* Inside a write transaction. */
int ck_retire(CkStore *store, const uint8_t hash[CK_HASH_BYTES], CkRetired *state, CkError *err);

/*
** A tombstone that came from elsewhere (op is CK_ITEM_TOMBSTONE), inside a write transaction:
** CREATED when it stands here now (an embedding of the hash is deleted), EXISTS when it stood
** already, REJECTED with code 'referenced' or 'leased' when somebody here needs the embedding, or
** 'stale' when the embedding was put or used here after it was retired there. An embedding that is
** kept gets a new seq, so that whoever retired it is told of it again. peer: the store that pushed
** the tombstone, whose own report does not count; or NULL.
*/
int ck_tombstone_put(CkStore *store, const CkItem *item, const char *peer, CkItemOutcome *outcome,
                     CkError *err);

/*
** Has the remote yet to hear of a tombstone, of this hash (NULL: of any)? push_seq: our changes up
** to there are settled with it. What such a remote lists it had before, so that the embedding must
** not take the tombstone's place.
*/
int ck_tombstone_waits(CkStore *store, const CkRemote *remote, int64_t push_seq,
                       const uint8_t *hash, int *waits, CkError *err);

/* Forgets old tombstones and raises min_seq above them. Inside a write transaction. */
int ck_tombstone_expire(CkStore *store, CkError *err);

#endif
