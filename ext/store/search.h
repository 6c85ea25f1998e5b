/*
** Nearest-neighbour search in one model of one store.
**
** Distances by the model's metric, in float32:
**   cosine   distance 1 - cos(q, v)          similarity cos(q, v)
**   l2       distance |q - v|                similarity 1 / (1 + distance)
**   dot      distance -<q, v>                similarity <q, v>
** Smaller distance is nearer for all three; equal distances are ordered by id.
*/
#ifndef CK_STORE_SEARCH_H
#define CK_STORE_SEARCH_H

#include "store/idset.h"
#include "store/model.h"
#include "store/planner.h"

typedef struct CkHit {
    int64_t id;
    float distance;
} CkHit;

/* Which hits count: those nearer than a limit. Both limits are inclusive or not. */
typedef struct CkThreshold {
    double max_distance;   /* +infinity when there is none */
    double min_similarity; /* -infinity when there is none */
    int distance_strict, similarity_strict;
} CkThreshold;

typedef struct CkQuery {
    const CkModel *model;
    const float *x; /* model->dims components */
    size_t k;
    size_t ef;     /* candidates to compare at least; 0: not given */
    double recall; /* the share of the true neighbours wanted; 0: not given */
    const CkIdSet *passing; /* sealed, or not restricting */
    CkThreshold threshold;
    int64_t stamp; /* of the store, in a read that stays open (ck_store_pin) */
} CkQuery;

/* What a search did. */
typedef struct CkSearchCounts {
    CkPlan plan;
    int64_t n_distances, n_codes, n_candidates, n_probed, n_cells, n_vectors;
} CkSearchCounts;

/* Up to k hits, nearest first, and how they were found. */
typedef struct CkHits {
    CkHit *hits;
    size_t n, room;
    CkSearchCounts counts;
} CkHits;

/*
** Runs the query. hits, zeroed before the first query, may be that of an earlier one, whose memory
** is used again; release it in either case. The search steps SQL statements as it goes, so
** sqlite3_interrupt() and progress handlers work.
*/
int ck_search(CkStore *store, const CkQuery *query, CkHits *hits, CkError *err);
void ck_hits_release(CkHits *hits);

/* How the hits were found: "exact scan, 1000 vectors". */
#define CK_HITS_PLAN_BYTES 96
void ck_hits_plan(const CkHits *hits, char plan[CK_HITS_PLAN_BYTES]);

double ck_similarity(CkMetric metric, float distance);

#endif
