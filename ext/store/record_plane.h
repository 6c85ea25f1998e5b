/*
** Records of a plane in memory: blocks of the graph, read when they are first needed.
**
** Record i is at base + i * stride of one large arena, so that a search finds it without asking
** where its block is; whether the block is there is a byte of resident[]. A block stays until it is
** evicted, or until its stamp in the directory is another one, which is looked at again when
** ck_record_plane_set() has put it in doubt.
*/
#ifndef CK_STORE_RECORD_PLANE_H
#define CK_STORE_RECORD_PLANE_H

#include "base/arena.h"
#include "store/graph_format.h"

typedef struct CkRecordPlane {
    CkRecordFormat format;
    int64_t model, generation;
    uint32_t n;          /* records there are */
    uint32_t capacity;   /* records the arena has room for */
    CkArena arena;
    uint8_t *resident;   /* of each block: may it be read now? */
    int64_t *stamps;     /* of each block in memory, 0: it is not */
    uint32_t n_kept;     /* blocks in memory */
    uint32_t n_resident; /* blocks that a search has found to hold, or read */
    int64_t n_bytes;     /* which they take */
    int huge;            /* huge pages were advised */
} CkRecordPlane;

/* What a plane is of. */
typedef struct CkRecordPlaneKey {
    CkRecordFormat format;
    int64_t model, generation;
    uint32_t n;
} CkRecordPlaneKey;

/*
** Makes it the plane of the key; a new one is zeroed. What it has stays, in doubt, when that is of
** the same plane; else nothing does.
*/
int ck_record_plane_set(CkRecordPlane *plane, const CkRecordPlaneKey *key, CkError *err);
void ck_record_plane_release(CkRecordPlane *plane);

/* Makes a block resident. *was_read says whether its data had to be read. */
int ck_record_plane_load(CkRecordPlane *plane, CkStore *store, uint32_t block, int *was_read,
                         CkError *err);

/* Makes all blocks resident. */
int ck_record_plane_load_all(CkRecordPlane *plane, CkStore *store, CkError *err);

/* Says that most blocks will be in memory, which loading them finds out when half of them are. */
void ck_record_plane_advise_huge(CkRecordPlane *plane);

/* Reads the key's n records into `to`, without a plane. */
int ck_records_read(CkStore *store, const CkRecordPlaneKey *key, uint8_t *to, CkError *err);

static inline uint32_t ck_record_plane_blocks(const CkRecordPlane *plane) {
    return ck_record_blocks(&plane->format, plane->n);
}

static inline int64_t ck_record_plane_block_bytes(const CkRecordPlane *plane) {
    return (int64_t)(plane->format.stride << plane->format.shift);
}

/* Takes a block out of memory. Returns whether it was there. */
int ck_record_plane_evict(CkRecordPlane *plane, uint32_t block);

/* The records as a search takes them. Once all blocks are resident it need not ask for each. */
CkHnswRecords ck_record_plane_records(const CkRecordPlane *plane);

/*
** Writes blocks from *block on, at most `limit` of them, of n records at `records`, inside a write
** transaction; *block becomes the next one to be written, ck_record_blocks(format, n) at the end.
*/
typedef struct CkRecordWrite {
    CkRecordPlaneKey key;
    const uint8_t *records;
    uint32_t block; /* the next one */
} CkRecordWrite;

int ck_records_write(CkRecordWrite *write, CkStore *store, uint32_t limit, uint32_t *n_written,
                     CkError *err);

#endif
