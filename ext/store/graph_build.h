/*
** Building the graph of a new generation: part of a merge (store/merge.h).
**
**   1. add     each vector, as the merge codes it for the scan plane
**   2. run     the graph is built in memory (hnsw/build.h)
**   3. measure what searches of it find and cost, with one ef and another
**   4. write   blocks, some in each transaction
**   5. flip    the row of _ck_graph, in the transaction in which the index changes over
**
** Memory: a code for each vector (CkIntCode rows), and what hnsw/build.h says.
*/
#ifndef CK_STORE_GRAPH_BUILD_H
#define CK_STORE_GRAPH_BUILD_H

#include "base/arena.h"
#include "hnsw/build.h"
#include "store/graph_write.h"

/* Embeddings from which on an index has a graph: a scan of fewer is as fast as a walk. Where
** CK_PLAN says "graph" every index has one, where it says "index" none (store/conn.h). */
#define CK_GRAPH_MIN 4096
int64_t ck_graph_min(const CkStore *store);

/* A graph that has grown to so many times what it was built of has too few nodes above level 0. */
#define CK_GRAPH_GROWTH 2

typedef struct CkGraphBuild {
    CkStore *store;
    const CkModel *model;
    CkIntSpace space; /* of the codes; its mean is borrowed */
    uint32_t n, capacity;
    CkArena codes; /* in order of arrival; of slots after run */
    CkBuf ids;     /* int64_t each, likewise */
    CkBuf twins;   /* CkTwin, after run */
    CkHnswBuilt built;
    CkGraphRow row;
    CkGraphWriter writer;
} CkGraphBuild;

/* Whether a graph can have as many nodes. */
int ck_graph_fits(const CkModel *model, int64_t n);

/* Room for n_max vectors, which must fit; more of them are left out. The generation's mean is
** borrowed. */
int ck_graph_build_init(CkGraphBuild *build, CkStore *store, const CkModel *model,
                        const float *mean, int64_t n_max, CkError *err);
void ck_graph_build_release(CkGraphBuild *build);

int ck_graph_build_add(CkGraphBuild *build, int64_t id, const float *x, CkError *err);

/*
** Steps 2 and 3. `step` is called as hnsw/build.h says. When it stops the build its code is
** returned; err is its own to set.
*/
typedef struct CkGraphStep {
    int (*step)(void *context, double done);
    void *context;
} CkGraphStep;

int ck_graph_build_run(CkGraphBuild *build, const CkGraphStep *step, CkError *err);

/* Step 4, in a write transaction: *done says whether that was all. */
int ck_graph_build_write(CkGraphBuild *build, int64_t generation, int *done, CkError *err);

/* Step 5. The first n_scan_blocks blocks of the scan plane hold what the graph does. */
int ck_graph_build_flip(CkGraphBuild *build, int64_t n_scan_blocks, CkError *err);

#endif
