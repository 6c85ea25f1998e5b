/*
** Stale bits: which embeddings the blocks of the index are wrong about.
**
** A block is never changed. When an embedding in it is deleted, or its vector replaced, the bit of
** its id is set, and what the blocks say of that id counts no more; a replaced vector is in the
** tail instead. Ids are never used twice, so a bit stays right until a new generation is built
** without the row (store/merge.h), which clears it.
*/
#ifndef CK_STORE_STALE_H
#define CK_STORE_STALE_H

#include "store/store.h"

/* All bits of a store, or a copy: bit id % 8 of byte id / 8; ids past the end have none. */
typedef struct CkStaleBits {
    CkBuf bits;
    int64_t n; /* bits set */
} CkStaleBits;

void ck_stale_bits_init(CkStaleBits *bits);
void ck_stale_bits_release(CkStaleBits *bits);

static inline int ck_stale_bits_test(const CkStaleBits *bits, int64_t id) {
    size_t byte = (size_t)id / 8;
    return byte < bits->bits.n_bytes && (bits->bits.data[byte] >> (id % 8) & 1);
}

/* How many bits of ids first .. last are set. */
int64_t ck_stale_bits_count(const CkStaleBits *bits, int64_t first, int64_t last);

/* Reads all bits; SQLITE_CORRUPT_VTAB when a row is none of ours. */
int ck_stale_read(CkStore *store, CkStaleBits *bits, CkError *err);

/* Sets, or clears, the bits of n ids (ascending ones share a write), in a write transaction. */
int ck_stale_set(CkStore *store, const int64_t *ids, size_t n, CkError *err);
int ck_stale_clear(CkStore *store, const int64_t *ids, size_t n, CkError *err);

#endif
