/*
** What carries the messages of the sync protocol (sql/protocol-sync.md) to a remote: to another
** store's file (transport_store.c), or over a network.
**
** Only what a session needs is here. A message may be sent again at any time. What
** keeps it safe: a put is durable and in the remote's feed before it is answered, and the answer is
** recorded here only after that.
*/
#ifndef CK_STORE_TRANSPORT_H
#define CK_STORE_TRANSPORT_H

#include "base/buf.h"
#include "store/item.h"
#include "store/pack.h"
#include "store/peer.h"

typedef struct CkTransport CkTransport;

/* One answer of a put. */
typedef struct CkPutAnswer {
    CkItemResult result;
    char code[16];
    char message[120];
} CkPutAnswer;

/*
** What a put is answered. before_seq: the last seq of the remote's feed before it. after_seq: as
** far after that as nothing but what was put is in the feed: who had read up to before_seq has read
** up to there.
*/
typedef struct CkPutReply {
    CkBuf answers; /* a CkPutAnswer for each item of the pack */
    int64_t before_seq, after_seq;
} CkPutReply;

/* Hashes, one behind the other. */
typedef struct CkHashes {
    const uint8_t *data;
    size_t n;
} CkHashes;

/* A page of the remote's feed. */
typedef struct CkListing {
    int whole;  /* asked for: with the vectors; else without them */
    CkBuf pack;
    int64_t next_seq, high_seq;
} CkListing;

typedef struct CkTransportMethods {
    int (*hello)(CkTransport *transport, char **json, CkError *err);
    int (*missing)(CkTransport *transport, CkHashes hashes, uint8_t *missing, CkError *err);
    int (*list)(CkTransport *transport, int64_t after, const CkPackLimits *limits, CkListing *out,
                CkError *err);
    /* *n_done: so many of the hashes were looked at when the limits were reached; at least 1. */
    int (*get)(CkTransport *transport, CkHashes hashes, const CkPackLimits *limits, CkBuf *pack,
               size_t *n_done, CkError *err);
    /* mark: see store/peer.h. Appends to reply->answers. */
    int (*put)(CkTransport *transport, const CkBuf *pack, const char *mark, CkPutReply *reply,
               CkError *err);
    /* One part of what this store refers to; part->peer is not read. */
    int (*report)(CkTransport *transport, const CkReportPart *part, CkError *err);
    int (*heartbeat)(CkTransport *transport, CkError *err);
    void (*close)(CkTransport *transport);
} CkTransportMethods;

struct CkTransport {
    const CkTransportMethods *methods;
};

/* Will puts come? And if there is no store yet, is one to be made? */
typedef enum CkTransportUse {
    CK_TRANSPORT_READS,
    CK_TRANSPORT_WRITES,
    CK_TRANSPORT_CREATES
} CkTransportUse;

/*
** Opens another store by its URL. `me` is the uuid of the store that asks. Closed with
** methods->close().
*/
int ck_transport_open_store(CkStore *store, const char *url, const char *me, CkTransportUse use,
                            CkTransport **transport, CkError *err);

#endif
