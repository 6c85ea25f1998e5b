/*
** Remotes: whom this store syncs with, and how far that has come (ck_remotes in sql/schema.sql).
**
** A session with a remote, whatever carries the messages:
**
**     hello = the remote's ck_hello_make()            what it is, how far its feed goes
**     ck_remote_handshake(store, remote, hello)       a new epoch: begin again, by hashes
**     push:  ck_outbox_take() … send … ck_ack_record()            until nothing is due
**     pull:  … receive … ck_apply_begin/item/end()                until next = high
**     ck_remote_settle()                              it worked; or ck_remote_fail()
**
** Every step is one transaction and can be done again: what was sent twice is answered `exists`.
*/
#ifndef CK_STORE_REMOTE_H
#define CK_STORE_REMOTE_H

#include "store/store.h"

/* Failures in a row wait this long, doubling, plus or minus an eighth. Seconds. */
#define CK_RETRY_FIRST_S 10
#define CK_RETRY_MAX_S 21600

/* The longest wait that a remote may ask for. */
#define CK_RETRY_AFTER_MAX_S (365 * 86400)

/* The version of the messages that this code speaks: at least and at most. */
#define CK_PROTOCOL_MIN 1
#define CK_PROTOCOL_MAX 1

/* A row of ck_remotes; texts from sqlite3_malloc. */
typedef struct CkRemote {
    char *name, *url;
    char *epoch;           /* NULL before the first handshake */
    char *mark, *new_mark; /* left there with the last change, to be left with the next */
    int push, mirror;
    int64_t batch_items, batch_bytes; /* the smaller of both sides' */
    int64_t push_seq, tombstone_seq, pull_seq, pull_high, min_seq;
    int64_t listing, listed;
    int64_t attempts, next_at;
} CkRemote;

/* Reads a remote by name, or by url; none of it is an error that lists the names. */
int ck_remote_open(CkStore *store, const char *name, CkRemote *remote, CkError *err);
void ck_remote_release(CkRemote *remote);

/* Which remote, with which past: another text when all is to be offered anew. "EPOCH/LISTING", from
** sqlite3_malloc; NULL: out of memory. */
char *ck_remote_listing(const CkRemote *remote);

/* What a handshake found. */
typedef struct CkHandshake {
    int relist;         /* 1: all that is there is listed again, from pull_seq 0 … */
    const char *reason; /* … because of 'epoch', 'mark', 'writers' (its past has changed), 'seq' (it
                           is behind what we have read), 'min_seq' (we are behind what it keeps) or
                           'models' (one is refused no more); else NULL */
    int64_t n_refused;  /* models whose dims differ: embeddings of them are not exchanged */
} CkHandshake;

/*
** Records what a remote says of itself (JSON of ck_hello_make): its epoch, models and limits.
** Inside a write transaction. Other protocols and keys are an error.
*/
int ck_remote_handshake(CkStore *store, const char *name, const char *hello, CkHandshake *out,
                        CkError *err);

/* What this store says of itself, as JSON from sqlite3_malloc; peer (or NULL): with its mark. */
int ck_hello_make(CkStore *store, const char *peer, char **json, CkError *err);

/* The remote failed: counted, and tried again after a while. Inside a write transaction. */
int ck_remote_fail(CkStore *store, const char *name, const char *message, int64_t retry_after_s,
                   CkError *err);

/* A session came to its end. Inside a write transaction. */
int ck_remote_settle(CkStore *store, const char *name, CkError *err);

/*
** Something was changed there, and `mark` (NULL: the remote's new_mark) left in the same
** transaction with ck_peer_heartbeat(). Inside the write transaction that records the answers: else
** a remote that is restored in place would not be told from one that has what it answered.
*/
int ck_remote_marked(CkStore *store, const char *name, const char *mark, CkError *err);

/* How long to wait after so many failures in a row; `salt` spreads many that failed together. */
int64_t ck_retry_delay_s(int64_t attempts, uint64_t salt);

#endif
