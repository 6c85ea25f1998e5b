/*
** Exact nearest neighbours by brute force in float32, for vectors of length 1, and what they tell
** of the data.
*/
#ifndef CK_BENCH_TRUTH_H
#define CK_BENCH_TRUTH_H

#include "db.h"

/* A row and the dot product of it and the query. */
typedef struct TruthHit {
    float dot;
    int32_t row;
} TruthHit;

/*
** The k rows of greatest dot product for each of the queries, the greatest first: k hits a query.
** Rows i with live[i] = 0 are left out; live may be NULL. dims must be a multiple of 16, and k at
** most the number of rows that are live. Tiles of rows and queries stay in the processor's cache:
** 1,000 queries of 100,000 x 768 take some 3 s.
*/
void truth_find(const Rows *rows, const uint8_t *live, const Rows *queries, int k, TruthHit *hits);

/*
** The local intrinsic dimension at points whose k nearest (k > 10) are given, the nearest first:
** the maximum likelihood estimate of Levina and Bickel (2004) averaged over the 10th to the k-th
** neighbour, with the correction of MacKay and Ghahramani (2005): the mean over the points is taken
** of the inverses. Distances are Euclidean, sqrt(2 - 2 dot).
*/
double truth_dimension(const TruthHit *hits, int n, int k);

#endif
