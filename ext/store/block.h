/*
** The block store: the index's data, as rows of about 50 KB.
**
** A block is addressed by model, generation, plane and number, packed into one integer (see
** schema.sql). The directory has an entry for each block, so a reader sees what there is, what
** changed and what it needs without touching data. Whoever keeps a block in memory keeps its stamp
** too, and takes the block for unchanged while the directory shows the same stamp; the number of a
** block or a generation may come again, a stamp does not.
**
** The data of a block is covered by a checksum that is seeded with its address, its entry by one of
** its own: a search skips blocks by what their entries say. What does not match is answered with
** SQLITE_CORRUPT_VTAB and a message that names the block and the repair.
*/
#ifndef CK_STORE_BLOCK_H
#define CK_STORE_BLOCK_H

#include "store/store.h"

typedef enum CkPlane {
    CK_PLANE_SCAN = 1, /* sign codes (scan_block.h) */
    CK_PLANE_CODES,    /* of the graph (graph_format.h): int8 codes, */
    CK_PLANE_IDS,      /* embedding ids, */
    CK_PLANE_LINKS_A,  /* and links: one plane is read */
    CK_PLANE_LINKS_B,  /* while the next links are written to the other; */
    CK_PLANE_CELLS,    /* sign codes by cell (cells.h), */
    CK_PLANE_CENTRES   /* and the centres of the cells */
} CkPlane;

/* What the parts of an address can hold. */
#define CK_BLOCK_MODEL_MAX ((1 << 20) - 1)
#define CK_BLOCK_GENERATION_MAX ((1 << 20) - 1)
#define CK_BLOCK_NUMBER_MAX ((1 << 20) - 1)

/* What a block is filled up to. Measured for reading: DESIGN.md 10. */
#define CK_BLOCK_BYTES 49152

static inline int64_t ck_block_address(int64_t model, int64_t generation, CkPlane plane,
                                       int64_t number) {
    /* Added: the generation behind the last one begins where the next model does. */
    return (model << 43) + (generation << 23) + ((int64_t)plane << 20) + number;
}

/* A row of the directory. */
typedef struct CkBlockEntry {
    int64_t address;
    int64_t stamp;
    int64_t checksum;
    int64_t n;                 /* slots in it */
    int64_t first_id, last_id; /* the smallest and the largest embedding id, or slot, in it */
} CkBlockEntry;

/* "block 3 of plane 1 of generation 2 of model 5" for messages. */
#define CK_BLOCK_FORMAT "block %lld of plane %lld of generation %lld of model %lld"
#define CK_BLOCK_FORMAT_ARGS(address)                                                      \
    (long long)((address)&0xfffff), (long long)((address) >> 20 & 7),                      \
        (long long)((address) >> 23 & 0xfffff), (long long)((address) >> 43)

/* Appends the directory of a plane to `entries` (CkBlockEntry each), in order, each one checked. */
int ck_block_directory(CkStore *store, int64_t model, int64_t generation, CkPlane plane,
                       CkBuf *entries, CkError *err);

/*
** Reads a block's data into `out`, which is replaced. n_bytes is what the entry's n slots take: any
** other length is corruption.
*/
int ck_block_read(CkStore *store, const CkBlockEntry *entry, size_t n_bytes, CkBuf *out,
                  CkError *err);

/* Reads the entry of one block, which must be there. */
int ck_block_entry(CkStore *store, int64_t address, CkBlockEntry *entry, CkError *err);

/*
** Reads entry and data of one block in place: `data` is the statement's, which the caller gives
** back as CK_SQL_BLOCK_GET, also when *stmt is not NULL after an error.
*/
typedef struct CkBlockData {
    CkBlockEntry entry;
    const uint8_t *data;
    size_t n_bytes;
    sqlite3_stmt *stmt;
} CkBlockData;

int ck_block_open(CkStore *store, int64_t address, CkBlockData *block, CkError *err);

/* Sets the error of a block that is not what it should be; `what` is "is missing" or the like. */
int ck_block_refuse(const CkBlockEntry *entry, const char *what, CkError *err);

/*
** Writes block and entry, inside a write transaction. Fills entry->checksum; the stamp is made by
** SQL. The next free number of a plane, for a new block, is ck_block_next's.
*/
int ck_block_write(CkStore *store, CkBlockEntry *entry, const void *data, size_t n_bytes,
                   CkError *err);
int ck_block_next(CkStore *store, int64_t model, int64_t generation, CkPlane plane,
                  int64_t *number, CkError *err);

/*
** Deletes up to `limit` blocks with addresses from `from` to before `to`, in a write transaction.
** *n_deleted tells how many there were.
*/
int ck_block_drop(CkStore *store, int64_t from, int64_t to, int64_t limit, int64_t *n_deleted,
                  CkError *err);

#endif
