/*
** The graph on disk: its row in _ck_graph, and its blocks.
**
** Records of one size, numbered by slot (hnsw/graph.h), in blocks of 2^shift; all integers and
** floats little-endian:
**
**   plane    number of a block                a record
**   codes    block                            vector/intcode.h: d bytes of code, then add, scale
**                                             (float32), sum (int32) and half (float32); its
**                                             signs are made of these when a block is read
**   centres  block                            the same, of the centre of a cell; it has no signs
**   cells    cell                             not records: the slots of a cell (scan_block.h)
**   ids      block                            int64, the embedding of the node
**   links    level << 16 | block              how many (one byte), then 2m (level 0) or m slots
**                                             of three bytes, those past the end 0
**            CK_GRAPH_TWINS << 16 | block     uint32 node, int64 embedding: another one with the
**                                             same code; ascending
**
** A block's shift is the largest with which it takes at most CK_GRAPH_BLOCK_BYTES. Codes and ids of
** new nodes are added behind the old ones, the last block being written anew; links change all
** over, so they are written to the other plane (side) as a whole. A block may hold more records
** than the row says: a merge that did not end has left them.
*/
#ifndef CK_STORE_GRAPH_FORMAT_H
#define CK_STORE_GRAPH_FORMAT_H

#include "hnsw/graph.h"
#include "store/block.h"
#include "store/model.h"
#include "vector/intcode.h"

#define CK_GRAPH_BLOCK_BYTES 65536
#define CK_GRAPH_SHIFT_MAX 12
#define CK_GRAPH_LEVEL_SHIFT 16
#define CK_GRAPH_TWINS 15 /* stands in for a level in the numbers of blocks */
#define CK_GRAPH_EFFORTS_MAX 24
#define CK_GRAPH_PROBES_MAX 16

/* What searches with this ef found in calibration, and how many distances they computed. */
typedef struct CkEffort {
    uint32_t ef;
    float recall;
    float n_distances;
} CkEffort;

/* What probing the n nearest cells finds. */
typedef struct CkProbeEffort {
    uint32_t n;
    float recall;
} CkProbeEffort;

/* The row of _ck_graph. */
typedef struct CkGraphRow {
    int64_t generation;
    int64_t stamp;
    int side; /* 0: CK_PLANE_LINKS_A, 1: CK_PLANE_LINKS_B */
    CkHnswShape shape;
    uint32_t n_twins;
    uint32_t n_built;
    int64_t n_scan_blocks;
    size_t n_efforts;
    CkEffort efforts[CK_GRAPH_EFFORTS_MAX]; /* ascending by ef */
    uint32_t n_cells; /* blocks of the plane of cells, and centres */
    int64_t n_celled; /* so many first blocks of the scan plane have their slots in cells, too */
    size_t n_probes;
    CkProbeEffort probes[CK_GRAPH_PROBES_MAX]; /* ascending */
} CkGraphRow;

/* Reads the row of a model. *found is 0 when there is none. Every number is checked. */
int ck_graph_row_read(CkStore *store, int64_t model, CkGraphRow *row, int *found, CkError *err);

/* Writes it, in a write transaction; the stamp is made by SQL. */
int ck_graph_row_write(CkStore *store, int64_t model, const CkGraphRow *row, CkError *err);

/* How records are kept in memory and on disk. */
typedef enum CkRecordKind {
    CK_RECORD_CODE,
    CK_RECORD_CENTRE,
    CK_RECORD_ID,
    CK_RECORD_LINKS,
    CK_RECORD_TWIN
} CkRecordKind;

typedef struct CkTwin {
    int64_t id;
    uint32_t node;
} CkTwin;

/* For qsort: by node, then id. */
int ck_twin_order(const void *a, const void *b);

typedef struct CkRecordFormat {
    CkRecordKind kind;
    CkPlane plane;
    uint32_t level;    /* of links */
    uint32_t width;    /* of links */
    const CkIntSpace *space; /* of codes and centres, borrowed */
    size_t stride;     /* bytes in memory */
    size_t disk_bytes; /* bytes on disk */
    uint32_t shift;
} CkRecordFormat;

void ck_record_format_codes(const CkIntSpace *space, CkRecordFormat *format);
void ck_record_format_centres(const CkIntSpace *space, CkRecordFormat *format);
void ck_record_format_ids(CkRecordFormat *format);
void ck_record_format_links(const CkHnswShape *shape, uint32_t level, int side,
                            CkRecordFormat *format);
void ck_record_format_twins(int side, CkRecordFormat *format);

/* How many nodes a graph can have: its blocks must have numbers. */
uint32_t ck_graph_nodes_max(uint32_t dims, uint32_t m);

/* The number of a block in its plane. */
static inline int64_t ck_record_block_number(const CkRecordFormat *format, uint32_t block) {
    return ((int64_t)format->level << CK_GRAPH_LEVEL_SHIFT) + block;
}

static inline uint32_t ck_record_blocks(const CkRecordFormat *format, uint32_t n) {
    return (uint32_t)(((uint64_t)n + (1u << format->shift) - 1) >> format->shift);
}

/*
** To and from disk, n records, the first being number `first` of n_all. Decoding says whether they
** are well-formed. The bytes on disk may be unaligned.
*/
void ck_records_encode(const CkRecordFormat *format, const uint8_t *records, uint32_t n,
                       uint8_t *out);
int ck_records_decode(const CkRecordFormat *format, const uint8_t *data, uint32_t first, uint32_t n,
                      uint32_t n_all, uint8_t *records);

#endif
