/*
** Writing a graph's blocks, some in each transaction: all of a new generation's, or what an append
** adds to codes and ids and its links, which go to the side that is not read.
*/
#ifndef CK_STORE_GRAPH_WRITE_H
#define CK_STORE_GRAPH_WRITE_H

#include "store/record_plane.h"

/* What is to be written; borrowed until the last block is. */
typedef struct CkGraphParts {
    int64_t model;
    uint32_t dims;
    const CkGraphRow *row; /* generation and side */
    const CkHnswGraph *graph;
    const uint8_t *codes; /* by slot, as are the ids, int64_t each */
    const uint8_t *ids;
    const CkBuf *twins;   /* CkTwin */
    uint32_t n_present;   /* slots whose codes and ids are in the file already */
} CkGraphParts;

typedef struct CkGraphWriter {
    CkRecordWrite writes[3 + CK_HNSW_LEVELS_MAX];
    size_t n, at;
} CkGraphWriter;

void ck_graph_writer_init(CkGraphWriter *writer, const CkGraphParts *parts);

/* Writes some blocks, in a write transaction. *done says whether these were the last. */
int ck_graph_writer_step(CkGraphWriter *writer, CkStore *store, int *done, CkError *err);

#endif
