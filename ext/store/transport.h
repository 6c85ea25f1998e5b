/*
** The protocol: what a store asks of a remote, whatever carries it. A transport carries it: to
** another store's file (transport_store.c), and whatever else speaks these messages.
**
** The client says, the remote answers; the client keeps all that is to be remembered of how far it
** has come (ck_remotes), so a remote may be asked by anybody at any time, and any message may be
** sent again. A pack is frames, see store/frame.h; hashes are 32 bytes each.
**
**   message      asks with                        is answered with
**   hello        the client's uuid                JSON: protocol range, key scheme, epoch, models,
**                                                 limits, high_seq, min_seq, the client's last mark
**   missing      hashes                           a byte for each: 1 when it is not stored
**   list         after_seq, items, bytes          a pack of the feed after that seq without the
**                                                 vectors, next_seq, high_seq; `bytes` bounds what
**                                                 the vectors would have
**   get          hashes                           a pack of those that are stored, in that order
**   put          a pack, the client's uuid, mark  for each item created | exists | conflict |
**                                                 rejected with a code, in order
**   report       a range of hashes, and which     how many changed
**                of them the client refers to
**   claim        hashes, owner, ttl               for each have | granted | busy
**   heartbeat    the client's uuid, mark          –
**   status       –                                counts, for people
**
** Order does not matter but for this: a put has been written durably, and is in the feed, before it
** is answered; and an answer is recorded here only after that. So what is answered was never lost.
** A message that was answered and whose answer was lost is sent again, and answered `exists`.
**
** Pulling. All: list after pull_seq, get what of it is missing here, apply, move pull_seq, in one
** transaction; until next_seq = high_seq. By hashes: get, apply. A remote of another epoch (it was
** restored, or is another one) is listed from the beginning; what is stored here is not got again.
**
** Pushing. missing, for what is in the outbox; put, of those; record the answers.
*/
#ifndef CK_STORE_TRANSPORT_H
#define CK_STORE_TRANSPORT_H

#include "base/buf.h"
#include "store/item.h"
#include "store/pack.h"

typedef struct CkTransport CkTransport;

/* One answer of a put. */
typedef struct CkPutAnswer {
    CkItemResult result;
    char code[16];
    char message[120];
} CkPutAnswer;

/* Hashes, one behind the other. */
typedef struct CkHashes {
    const uint8_t *data;
    size_t n;
} CkHashes;

typedef struct CkListing {
    CkBuf pack; /* at most one frame */
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
    /* Appends a CkPutAnswer for each item of the pack. mark: see store/peer.h. */
    int (*put)(CkTransport *transport, const CkBuf *pack, const char *mark, CkBuf *answers,
               CkError *err);
    void (*close)(CkTransport *transport);
} CkTransportMethods;

struct CkTransport {
    const CkTransportMethods *methods;
};

/*
** Opens another store by its URL. writes: puts will come, so it is created if it is not there.
** `me` is the uuid of the store that asks. Closed with methods->close().
*/
int ck_transport_open_store(CkStore *store, const char *url, const char *me, int writes,
                            CkTransport **transport, CkError *err);

#endif
