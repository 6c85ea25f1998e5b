/*
** The graph: hierarchical navigable small world (Malkov and Yashunin, 2016; TPAMI 2020).
**
** Nodes are slots 0 .. n - 1. A node's level is drawn once, with the paper's distribution; here the
** nodes of each level are a prefix of the slots, n[0] >= n[1] >= ..., so a level's links are an
** array and a node's level needs no room. Nodes that are inserted later come after all others and
** are of level 0; when they have become many, the graph is built anew.
**
** Above the highest level there is no single entry point: the top level has a few hundred nodes at
** most, the entries, and a search compares its query with all of them. So nothing follows links on
** the top level, and unless it is the only one its records are empty. If it is the only one, and
** has grown, the first CK_HNSW_TOP_MAX nodes are the entries.
**
** Links of a node are a record of uint32: how many, then the slots, then zeros. There are up to 2 m
** on level 0 and up to m above.
**
** This folder knows nothing of SQLite but its result codes and its allocator, and nothing of files:
** codes and links are reached through records that somebody else makes resident (CkHnswRecords).
*/
#ifndef CK_HNSW_GRAPH_H
#define CK_HNSW_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#define CK_HNSW_LEVELS_MAX 8
#define CK_HNSW_M_MIN 4
#define CK_HNSW_M_MAX 64
#define CK_HNSW_TOP_MAX 256 /* nodes of the top level, at most */
#define CK_HNSW_NODES_MAX (1 << 24)

/* How large a graph is. */
typedef struct CkHnswShape {
    uint32_t m;
    uint32_t n_levels; /* 1 at least, once there is a node */
    uint32_t n[CK_HNSW_LEVELS_MAX]; /* nodes of each level; n[0] is all */
} CkHnswShape;

static inline uint32_t ck_hnsw_width(const CkHnswShape *shape, uint32_t level) {
    return level == 0 ? 2 * shape->m : shape->m;
}

/* Bytes of a record of links. */
static inline size_t ck_hnsw_links_stride(const CkHnswShape *shape, uint32_t level) {
    return (1 + (size_t)ck_hnsw_width(shape, level)) * sizeof(uint32_t);
}

/* 1 when a shape that was read from somewhere is one that a build or an insert can have made. */
int ck_hnsw_shape_ok(const CkHnswShape *shape);

/*
** Records of one size that are read in blocks of 2^shift, when they are first needed. Record i is
** at base + i * stride; it may be read once resident[i >> shift] is not 0. Without `resident` all
** of them may.
*/
typedef struct CkHnswRecords {
    uint8_t *base;
    size_t stride;
    uint32_t shift;
    const uint8_t *resident;
} CkHnswRecords;

/*
** Where a search finds the graph. load() makes a block of records resident, or returns an error
** code, which the search passes on; `level` is -1 for codes. It may not move what is resident.
** What it makes resident is trusted, so whoever reads links from a file checks them with
** ck_hnsw_links_ok().
*/
typedef struct CkHnswSource {
    uint32_t dims;
    CkHnswShape shape;
    CkHnswRecords codes; /* vector/intcode.h */
    CkHnswRecords links[CK_HNSW_LEVELS_MAX];
    int (*load)(void *context, int level, uint32_t block);
    void *context;
} CkHnswSource;

/* Whether a record has at most width links, all below n, none to the node itself. */
int ck_hnsw_links_ok(const uint32_t *record, uint32_t width, uint32_t n, uint32_t self);

/* A graph in memory of its own, that can be changed. */
typedef struct CkHnswGraph {
    CkHnswShape shape;
    uint32_t *links[CK_HNSW_LEVELS_MAX];
    uint32_t capacity; /* nodes that links[0] has room for */
} CkHnswGraph;

/* Makes links for the shape, none set, with room for `capacity` nodes. SQLITE_OK or SQLITE_NOMEM,
** which leaves it released. */
int ck_hnsw_graph_init(CkHnswGraph *graph, const CkHnswShape *shape, uint32_t capacity);
void ck_hnsw_graph_release(CkHnswGraph *graph);

static inline uint32_t *ck_hnsw_links_of(const CkHnswGraph *graph, uint32_t level, uint32_t node) {
    return graph->links[level] + (size_t)node * (1 + ck_hnsw_width(&graph->shape, level));
}

/* A source of the graph and codes. Its load() is the codes'; NULL when they are all resident. */
void ck_hnsw_source(const CkHnswGraph *graph, const CkHnswRecords *codes, uint32_t dims,
                    int (*load)(void *context, int level, uint32_t block), void *context,
                    CkHnswSource *source);

#endif
