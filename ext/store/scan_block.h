/*
** The format of the scan plane: sign codes in columns.
**
**   n slots of d dims, c = ck_sign_code_bytes(d)
**
**   offset  bytes  what
**        0    8 n  embedding ids, int64, ascending
**      8 n    4 n  add, float32      } the factors of vector/signcode.h
**     12 n    4 n  mul, float32      }
**     16 n    4 n  ones, uint32      }
**     20 n    h n  heads of the codes, h = ck_sign_head_bytes(c)
**  (20+h)n      …  rests of the codes, c - h each
**
** Little-endian. n is in the directory (store/block.h); a block of 768 dims has 423 slots. Columns
** let a search stream through the codes and look at ids only where a code is near enough.
*/
#ifndef CK_STORE_SCAN_BLOCK_H
#define CK_STORE_SCAN_BLOCK_H

#include "base/buf.h"
#include "store/block.h"
#include "vector/signcode.h"

#define CK_SCAN_SLOT_BYTES 20 /* what a slot takes beside its code */

/* A block in memory, in host byte order. Points into its buffer. */
typedef struct CkScanBlock {
    const int64_t *ids;
    CkSignColumns columns;
} CkScanBlock;

/* Slots a block holds when it is full. */
size_t ck_scan_block_capacity(size_t code_bytes);

static inline size_t ck_scan_block_bytes(size_t n, size_t code_bytes) {
    return n * (CK_SCAN_SLOT_BYTES + code_bytes);
}

/*
** Makes a view of n slots of bytes that were read, swapping them to host order in place. `data` is
** aligned to 8, and as long as ck_scan_block_bytes() says.
*/
void ck_scan_block_view(uint8_t *data, size_t n, size_t code_bytes, CkScanBlock *block);

/*
** Collects slots, to be written as a block or to be searched as they are.
*/
typedef struct CkScanBuilder {
    size_t code_bytes, n;
    CkBuf ids, add, mul, ones, heads, rests;
    CkBuf bytes; /* the last one serialised */
} CkScanBuilder;

void ck_scan_builder_init(CkScanBuilder *builder, size_t code_bytes);
void ck_scan_builder_release(CkScanBuilder *builder);
void ck_scan_builder_clear(CkScanBuilder *builder);

/* Adds a slot; ids ascend. */
int ck_scan_builder_add(CkScanBuilder *builder, int64_t id, const CkSignFactors *factors,
                        const uint8_t *code, CkError *err);

/* What was collected, to search in. Valid until the next change. */
void ck_scan_builder_view(const CkScanBuilder *builder, CkScanBlock *block);

/* Has the memory that writing what was collected takes. */
int ck_scan_builder_reserve(CkScanBuilder *builder, CkError *err);

/*
** Writes what was collected as blocks of a generation, numbered from *number on, and clears it.
** Inside a write transaction. *number becomes the next one.
*/
int ck_scan_builder_write(CkScanBuilder *builder, CkStore *store, int64_t model,
                          int64_t generation, int64_t *number, CkError *err);

#endif
