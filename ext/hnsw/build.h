/*
** Building a graph of many vectors at once.
*/
#ifndef CK_HNSW_BUILD_H
#define CK_HNSW_BUILD_H

#include "hnsw/graph.h"

typedef struct CkHnswOptions {
    uint32_t dims;
    uint32_t m;               /* CK_HNSW_M_MIN..CK_HNSW_M_MAX */
    uint32_t ef_construction; /* candidates that a node's links are chosen of */
    uint64_t seed;
    /* Called a few times a millisecond to a few times a second, from the caller's thread, with the
    ** share that is done; not SQLITE_OK stops the build with that code. May be NULL. */
    int (*step)(void *context, double done);
    void *context;
} CkHnswOptions;

/*
** What a build made of n vectors. order[slot] is the input that became the node, for the nodes;
** behind them come the twins: inputs whose code is that of another one's, order[n_nodes + i] being
** a twin of the node twin_of[i]; ascending by node, then input.
*/
typedef struct CkHnswBuilt {
    CkHnswGraph graph;
    uint32_t *order;   /* n of them */
    uint32_t *twin_of; /* n - n_nodes of them */
} CkHnswBuilt;

/*
** Builds the graph of n codes (rows of vector/intcode.h), and brings them into the order of slots,
** which is one of locality: what is near has near slots. The same input and seed give the same
** graph, byte for byte, in every SIMD tier. Every node can be reached from the top level.
**
** Memory: n * (8 max(2/5 ef_construction, 2 m) + 16 m + 100) bytes beside the codes, about. On
** failure *built is released.
*/
int ck_hnsw_build(uint8_t *codes, uint32_t n, const CkHnswOptions *options, CkHnswBuilt *built);
void ck_hnsw_built_release(CkHnswBuilt *built);

#endif
