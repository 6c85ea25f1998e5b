/*
** The k nearest of the vectors a search compares exactly.
*/
#ifndef CK_STORE_NEAREST_H
#define CK_STORE_NEAREST_H

#include "store/search.h"
#include "vector/kernels.h"

typedef struct CkNearest {
    const CkQuery *query;
    const CkKernels *kernels;
    CkHits *hits;     /* while running: a max-heap, the farthest on top */
    float query_norm; /* |q| */
    int64_t n_compared;
} CkNearest;

/*
** Makes room for k in hits->hits and takes the query's length, which must fit its metric:
** SQLITE_ERROR for a zero query of a cosine model, or one beyond float32.
*/
int ck_nearest_init(CkNearest *nearest, const CkQuery *query, CkHits *hits, CkError *err);

/* The distance of a vector by the model's metric. *norm is |v| for cosine, else 1. */
float ck_nearest_distance(const CkNearest *nearest, const float *v, float *norm);

/* Counts an embedding in if it is within the thresholds and among the k nearest so far. */
void ck_nearest_offer(CkNearest *nearest, CkHit hit);

/* Brings the hits into order, nearest first. */
void ck_nearest_sort(CkNearest *nearest);

#endif
