/*
** Applying what came from another store: a batch that was pulled, or one that a peer pushed to us.
**
** begin … item … end is one write transaction, the caller's: items and cursor are there together,
** or not at all. Items that were pulled are not sent back: they are settled in the remote's outbox
** in the same transaction. A conflict keeps the stored vector, is counted and audited. Of a remote
** that is mirrored each item is referred to by the pinned workspace 'mirror'.
*/
#ifndef CK_STORE_APPLY_H
#define CK_STORE_APPLY_H

#include "store/item.h"
#include "store/mirror.h"
#include "store/remote.h"

typedef struct CkApply {
    CkStore *store;
    CkRemote remote;  /* name NULL: a peer pushes to us */
    const char *peer;
    int64_t push_seq; /* our changes up to there are settled with the remote */
    int caught_up;    /* and there are no others */
    int has_retired;  /* the remote has yet to hear of tombstones of ours */
    int by_hash;      /* the caller's to set after begin: what comes was asked for by its hash */
    CkMirror mirror;
    int64_t n_created, n_exists, n_conflicts, n_rejected;
    int64_t n_retired; /* of n_created: tombstones */
    int64_t n_announced; /* embeddings that got a new seq, so that who retired them hears of it */
} CkApply;

/* From a remote (by name), or with remote NULL from the store `peer` that pushes (its uuid, or NULL
** when it is not known). Release in any case, through ck_apply_end. */
int ck_apply_begin(CkApply *apply, CkStore *store, const char *remote, const char *peer,
                   CkError *err);

/*
** One item. A put without data (of a listing by hashes) is EXISTS when the hash is stored, else
** REJECTED with code 'missing': it is to be got. A put of what was retired here, of which the
** remote has yet to be told, is REJECTED with code 'retired', unless it was asked for by its hash.
** What is wrong with an item is in the outcome; err is for what SQLite says, and ends the batch. A
** tombstone is CREATED, EXISTS or REJECTED (see store/tombstone.h).
*/
int ck_apply_item(CkApply *apply, const CkItem *item, CkItemOutcome *outcome, CkError *err);

/* Where the pull has come to; NULL for items that were asked for by hash. */
typedef struct CkPullCursor {
    const char *epoch; /* must be the remote's, or this batch is refused */
    int64_t after_seq; /* the feed was read from here; beyond our cursor it does not count */
    int64_t next_seq;  /* the feed was read up to here */
    int64_t high_seq;  /* the feed's end when it was read; next_seq = high_seq: all is here */
} CkPullCursor;

/* Ends the batch: writes the counts and the cursor, unless err is set already. */
int ck_apply_end(CkApply *apply, const CkPullCursor *cursor, CkError *err);

#endif
