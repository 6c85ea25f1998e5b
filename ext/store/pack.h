/*
** Packs: what of a store goes into frames (store/frame.h).
*/
#ifndef CK_STORE_PACK_H
#define CK_STORE_PACK_H

#include "base/buf.h"
#include "store/store.h"

/* What one call writes at most, unless told: 64 MB. A frame is ended rather than begun beyond
** it. */
#define CK_PACK_BYTES (64 * 1024 * 1024)
#define CK_PACK_BYTES_MAX 1000000000

typedef struct CkPackLimits {
    int64_t items, bytes;
    int plain; /* do not compress: it will be read on this machine, at once */
} CkPackLimits;

/*
** Appends frames of the feed after seq `after`, or of n hashes one behind the other (those that are
** not stored are left out). At least one item is taken, if there is one, whatever the bytes are.
** n_done: so many hashes were looked at. ck_pack_list: a page of the feed, whole or without its
** vectors, whose bytes count all the same; last: the seq of the last item, or `after`; is_end: no
** more.
*/
int ck_pack_after(CkStore *store, int64_t after, const CkPackLimits *limits, CkBuf *out,
                  CkError *err);

typedef struct CkPackHashes {
    const uint8_t *hashes;
    size_t n, n_done;
} CkPackHashes;
int ck_pack_hashes(CkStore *store, CkPackHashes *what, const CkPackLimits *limits, CkBuf *out,
                   CkError *err);

typedef struct CkPackList {
    int64_t after, last;
    int whole; /* with the vectors, in as many frames as that takes */
    int is_end;
} CkPackList;
int ck_pack_list(CkStore *store, CkPackList *what, const CkPackLimits *limits, CkBuf *out,
                 CkError *err);

#endif
