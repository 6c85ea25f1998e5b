/*
** Packs: what of a store goes into frames (store/frame.h).
*/
#ifndef CK_STORE_PACK_H
#define CK_STORE_PACK_H

#include "base/buf.h"
#include "store/store.h"

/* What one call writes at most, unless told: 64 MB. A frame is ended rather than begun beyond it. */
#define CK_PACK_BYTES (64 * 1024 * 1024)
#define CK_PACK_BYTES_MAX 1000000000

typedef struct CkPackLimits {
    int64_t items, bytes;
} CkPackLimits;

/*
** Appends frames of the feed after seq `after`, or of n hashes one behind the other (those that are
** not stored are left out). At least one item is taken, if there is one, whatever the bytes are.
*/
int ck_pack_after(CkStore *store, int64_t after, const CkPackLimits *limits, CkBuf *out,
                  CkError *err);
int ck_pack_hashes(CkStore *store, const uint8_t *hashes, size_t n, const CkPackLimits *limits,
                   CkBuf *out, CkError *err);

#endif
