/*
** The graph of an index as a connection sees it: its planes, read block by block when a search
** touches them, and the exact vectors of what searches found.
**
** All of it is held against the stamp of the graph's row. While that is the same, blocks and
** vectors hold; a vector, moreover, only while the stale bit of its id is clear. When the stamp has
** changed, each block's own stamp is looked at before its next use.
**
** What a search touches stays in memory until it ends; then blocks go, whichever, until the budget
** is kept (ck_config('cache_bytes')).
*/
#ifndef CK_STORE_GRAPH_H
#define CK_STORE_GRAPH_H

#include "hnsw/search.h"
#include "store/record_plane.h"
#include "store/vector_cache.h"

typedef struct CkGraph {
    CkStore *store;
    int64_t model;
    CkIntSpace space; /* of the codes; its mean is the index's */
    int exists; /* else nothing below means anything */
    CkGraphRow row;
    CkRecordPlane codes, ids, links[CK_HNSW_LEVELS_MAX];
    CkBuf twins; /* CkTwin, in order */
    CkHnswSource source;
    CkHnswScratch *scratch;
    uint8_t *query_codes; /* of the search under way; aligned */
    CkVectorCache vectors;
    int64_t vectors_room; /* bytes that it was made for */
    CkError *err; /* of the search under way, for load() */
    uint64_t evictions; /* random state */
    int64_t n_reads, n_evicted; /* blocks */
} CkGraph;

CkIntMetric ck_graph_metric(const CkModel *model);

/* The index that a graph must belong to; its mean is borrowed until the next refresh. */
typedef struct CkGraphOf {
    int64_t generation, n_scan_blocks;
    const float *mean;
} CkGraphOf;

/*
** Reads the row of the graph that belongs to a state of the index; what is in memory stays as far
** as it holds. Called inside the read that the index pins.
*/
int ck_graph_refresh(CkGraph *graph, CkStore *store, const CkModel *model, const CkGraphOf *of,
                     CkError *err);
void ck_graph_release(CkGraph *graph);

/* The graph for a search. */
const CkHnswSource *ck_graph_source(CkGraph *graph);

/* The embedding of a node, its first; loads the block. *id is 0 after an error. */
int ck_graph_id(CkGraph *graph, uint32_t node, int64_t *id);

/* The other embeddings of a node: n of them from *first on. */
const CkTwin *ck_graph_twins(const CkGraph *graph, uint32_t node, size_t *n);

/* Bytes of blocks in memory, of all blocks, and of everything else that only serves searches. */
int64_t ck_graph_block_bytes(const CkGraph *graph);
int64_t ck_graph_whole_bytes(const CkGraph *graph);
int64_t ck_graph_other_bytes(const CkGraph *graph);

/* How many blocks there are, and how many of them are in memory. */
void ck_graph_blocks(const CkGraph *graph, int64_t *n_blocks, int64_t *n_kept);

/* Takes blocks out of memory until n_bytes are left at most. */
void ck_graph_shrink(CkGraph *graph, int64_t n_bytes);

#endif
