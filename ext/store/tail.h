/*
** The tail: sign codes of embeddings that no block has yet, one row each.
**
**   offset  bytes  what
**        0      4  add, float32     } vector/signcode.h
**        4      4  mul, float32     }
**        8      4  head_ones, u32   }
**       12      4  the low half of XXH3-64 of what is before and behind, seeded with the id
**       16      c  code
**
** A row of a b-tree is the cheapest thing SQLite can insert, delete, and undo. When the tail is
** long enough its rows are moved to blocks (store/index_write.h).
*/
#ifndef CK_STORE_TAIL_H
#define CK_STORE_TAIL_H

#include "store/scan_block.h"
#include "store/stale.h"

/* Puts the code of an embedding, instead of an older one. code has space->dims bits. */
int ck_tail_put(CkStore *store, int64_t model, int64_t id, const CkSignFactors *factors,
                const uint8_t *code, size_t code_bytes, CkError *err);

/* Takes an embedding out. *found says whether it was there. */
int ck_tail_delete(CkStore *store, int64_t id, int *found, CkError *err);

/* Appends the tail of a model to the builder, in id order; without stale ones, unless NULL. */
int ck_tail_read(CkStore *store, int64_t model, const CkStaleBits *stale, CkScanBuilder *builder,
                 CkError *err);

#endif
