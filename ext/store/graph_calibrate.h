/*
** Measuring a graph: what searches with some ef find, and what they cost.
**
** The queries are vectors that the graph was built without, which are inserted afterwards: as far
** from what is stored as another embedding of the same kind would be. (Stored vectors that were
** moved a little turned out far too easy: 0.66 where they promised 0.8.) Each is asked a second
** time with noise of its own length added, as a query unlike anything stored. The recall of their
** ten neighbours is taken against comparing with every node; of the two kinds the lower one counts.
*/
#ifndef CK_STORE_GRAPH_CALIBRATE_H
#define CK_STORE_GRAPH_CALIBRATE_H

#include "hnsw/progress.h"
#include "hnsw/search.h"
#include "store/graph_format.h"

#define CK_GRAPH_SAMPLE_MAX 128

/* Codes that were held out: n rows of vector/intcode.h. */
typedef struct CkGraphSample {
    const CkIntSpace *space;
    const uint8_t *rows;
    uint32_t n;
} CkGraphSample;

/* How many of n vectors are held out. */
uint32_t ck_graph_sample_size(uint32_t n);

#define CK_TRUE_NEIGHBOURS 10

/* A query and its nearest nodes. */
typedef struct CkTrueQuery {
    CkIntQuery side;
    float farthest; /* the distance of the last of them */
    size_t n;
    uint32_t nodes[CK_TRUE_NEIGHBOURS];
} CkTrueQuery;

/* Every other query is one with noise. */
typedef struct CkGraphTruth {
    CkTrueQuery queries[2 * CK_GRAPH_SAMPLE_MAX];
    size_t n;
    uint8_t *codes; /* the queries' */
} CkGraphTruth;

void ck_graph_truth_release(CkGraphTruth *truth);

/*
** Fills row->efforts, and *truth, which the caller releases in any case. `step` is called as
** hnsw/build.h says. SQLITE_OK, SQLITE_NOMEM, or what the step returned.
*/
typedef struct CkGraphStep {
    int (*step)(void *context, double done);
    void *context;
} CkGraphStep;

int ck_graph_calibrate(const CkHnswSource *source, const CkGraphSample *sample,
                       const CkGraphStep *step, CkGraphRow *row, CkGraphTruth *truth);

#endif
