/*
** Acks: what a remote answered about what was sent to it.
**
** created and exists settle an item. rejected: the remote does not take it, whatever is done; it is
** left out from then on, until the embedding is put anew. retry: it may take it later; after
** CK_ACK_ATTEMPTS_MAX times it counts as rejected, with code 'poison', and ck_errors says so.
**
** Items settled in the order of the feed only move the remote's push_seq; a row of ck_acks is
** written for what came out of order, what was rejected, and what is to be tried again.
*/
#ifndef CK_STORE_ACK_H
#define CK_STORE_ACK_H

#include "store/remote.h"

#define CK_ACK_ATTEMPTS_MAX 8

typedef enum CkAckResult {
    CK_ACK_CREATED,
    CK_ACK_EXISTS,
    CK_ACK_REJECTED,
    CK_ACK_RETRY
} CkAckResult;

typedef struct CkAck {
    uint8_t hash[CK_HASH_BYTES];
    int64_t seq; /* as it was sent */
    CkAckResult result;
    const char *code, *message; /* or NULL */
    int64_t retry_after_s;      /* at least, of a retry */
} CkAck;

/* "created", "exists", "rejected", "retry" as a CkAckResult; -1 for any other name. */
int ck_ack_result_from_name(const char *name);

/*
** Records the answers to a batch and moves push_seq over all that is settled, within a write
** transaction; the remote is as ck_remote_open() has read it there, and its push_seq is old
** afterwards. The answers are put into the order of seq, and some lose theirs. An answer about a
** change that is no longer the latest of its hash is ignored. What is settled with a mirrored
** remote and stored gets a ref of the mirror.
*/
int ck_ack_record(CkStore *store, const CkRemote *remote, CkAck *acks, size_t n, CkError *err);

#endif
