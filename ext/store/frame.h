/*
** The wire format: a frame carries a batch of items (store/item.h) between stores, whatever carries
** the frame; a pack is any number of frames, one behind the other, and every prefix of whole frames
** is a pack. Little-endian.
**
**     offset  bytes
**          0      4   "CKF" and the version of the format, 1
**          4      1   codec of the body: 0 as it is, 1 one zstd frame with its content size
**          5      1   0
**          6      2   n_models                                 at most CK_FRAME_MODELS_MAX
**          8      2   n_origins                                at most CK_FRAME_ORIGINS_MAX
**         10      2   0
**         12      4   n_items                                  at most CK_FRAME_ITEMS_MAX
**         16      4   n_plain: bytes of the body, decompressed at most CK_FRAME_PLAIN_MAX
**         20      4   n_body: bytes that follow the head       at most CK_FRAME_PLAIN_MAX
**         24      8   XXH3-64 of the body, seeded with XXH3-64 (seed 0) of bytes 0 .. 23
**         32          the body
**
** The body, once decompressed, in this order:
**
**     models, each    0  4   dims, 1 .. CK_DIMS_MAX
**                     4  1   metric: 0 cosine, 1 l2, 2 dot
**                     5  1   encoding (vector/encoding.h), for who registers the model
**                     6  1   1 if its vectors have length 1, else 0
**                     7  1   0
**                     8  2   bytes of the name, 1 .. CK_NAME_MAX, no zero byte among them
**                    10  2   bytes of the version, the same
**                    12      name, version
**     origins, each   0  2   bytes, 1 .. CK_ORIGIN_MAX, no zero byte among them
**                     2      origin
**     0 .. 7 zero bytes, up to a multiple of 8 from the beginning of the body
**     items, each     0  1   op: 1 put, 2 tombstone
**                     1  1   encoding of the vector; 0 without one
**                     2  2   model, counted from 0
**                     4  2   origin, counted from 1; 0: none
**                     6  2   0
**                     8  8   seq in the feed of the sender
**                    16  8   created_at
**                    24  8   checksum (store/item.h)
**                    32  32  hash
**                    64  4   bytes of the vector; 0 for a tombstone, and in a listing, which
**                            only says what there is
**                    68  4   0
**     vectors, in the order of the items, up to the end of the body
**
** So a reader needs memory for one frame: the body and, if it is compressed, CK_FRAME_PLAIN_MAX
** more, whatever the head says. Nothing is decompressed before the checksum matches, and then only
** to the size that both the head and zstd's own header name.
*/
#ifndef CK_STORE_FRAME_H
#define CK_STORE_FRAME_H

#include "base/buf.h"
#include "store/item.h"

#define CK_FRAME_VERSION 1
#define CK_FRAME_HEAD_BYTES 32
#define CK_FRAME_ITEM_BYTES 72
#define CK_FRAME_MODELS_MAX 256
#define CK_FRAME_ORIGINS_MAX 4096
#define CK_FRAME_ITEMS_MAX 65536
#define CK_FRAME_PLAIN_MAX (16 * 1024 * 1024)

/* A writer calls a frame full from here on. It is what one transaction of a sync writes: the more,
** the less often the pages of _ck_hash are written again (_ck_hash is in random order). */
#define CK_FRAME_FULL_BYTES (8 * 1024 * 1024)

/* Items are added until it is full, then it is appended to a buffer and empty again. */
typedef struct CkFrameWriter {
    CkBuf models, origins, items, vectors; /* the parts of the body */
    CkBuf body, packed;
    uint32_t n_models, n_origins, n_items;
    struct ZSTD_CCtx_s *zstd;
    int plain; /* set by the caller: do not compress */
} CkFrameWriter;

void ck_frame_writer_init(CkFrameWriter *writer);
void ck_frame_writer_release(CkFrameWriter *writer);

/* Bytes the frame would have now, uncompressed; 0 when it has no items. */
size_t ck_frame_writer_bytes(const CkFrameWriter *writer);
int ck_frame_writer_is_full(const CkFrameWriter *writer);

/* Adds an item, its checksum set, to a frame that is not full. */
int ck_frame_writer_add(CkFrameWriter *writer, const CkItem *item, CkError *err);

/* Appends the frame, if it has items, to out. */
int ck_frame_writer_end(CkFrameWriter *writer, CkBuf *out, CkError *err);

typedef struct CkFrameHead {
    uint32_t n_models, n_origins, n_items, n_plain, n_body;
    int codec;
    uint64_t checksum;
} CkFrameHead;

/* Reads and checks the CK_FRAME_HEAD_BYTES at bytes; SQLITE_CORRUPT_VTAB "frame: …". */
int ck_frame_head_read(const uint8_t *bytes, CkFrameHead *head, CkError *err);

/* One frame that is read; the memory is kept for the next one. */
typedef struct CkFrame {
    CkFrameHead head;
    CkBuf plain;    /* the body, if it had to be decompressed */
    CkBuf models;   /* CkItemModel each; their names are in texts */
    CkBuf origins;  /* size_t each: where it is in texts */
    CkBuf texts;
    const uint8_t *items, *vectors;
    uint32_t at; /* items that were read */
    struct ZSTD_DCtx_s *zstd;
} CkFrame;

void ck_frame_init(CkFrame *frame);
void ck_frame_release(CkFrame *frame);

/*
** Opens the frame at the beginning of n bytes, which must stay as they are while it is read, and
** checks everything about it but the items' own checksums. *n_used: the bytes of the frame, head
** included; 0 when there are too few bytes for it (they end within it), which is no error.
*/
int ck_frame_open(CkFrame *frame, const uint8_t *bytes, size_t n, size_t *n_used, CkError *err);

/* SQLITE_ROW and the next item, which lives as long as the frame is open, or SQLITE_DONE. */
int ck_frame_next(CkFrame *frame, CkItem *item);

#endif
