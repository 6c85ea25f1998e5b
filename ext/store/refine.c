/* Refining: see refine.h. */
#include "store/refine.h"

#include <math.h>
#include <stdlib.h>

#include "store/cells.h"
#include "store/stored_vector.h"

/* A candidate whose distance is known up to a margin; both as refine_codes.h has them. */
typedef struct Estimate {
    const CkCandidate *candidate;
    float value, margin;
} Estimate;

typedef struct Refine {
    CkIndex *index;
    CkNearest *nearest;
    CkRefineQuery query;
    sqlite3_stmt *stmt;
    Estimate *estimates;
    size_t n_estimates;
    float *bounds; /* the worst each candidate can be */
    size_t n_bounds;
    int n_absent; /* rows that were not there */
} Refine;

/* A distance in the terms of estimates. */
static float value_of(const Refine *refine, float distance) {
    switch (refine->index->metric) {
    case CK_METRIC_COSINE:
        return distance - 1;
    case CK_METRIC_L2:
        return distance * distance;
    default:
        return distance;
    }
}

/* Leaves the code of a vector for later queries, where there is room; a first one leaves nothing
** (store/index.h). Those of cells have no room: who asks on comes to walk the graph, which has
** codes of its own, and 49 probes took 15 MB. */
static void keep_code(Refine *refine, const CkCandidate *candidate, const float *v, float norm) {
    CkIndex *index = refine->index;
    CkIndexBlock *block = candidate->block;
    CkRefineCodes *codes = &block->refine;
    size_t n = (size_t)block->entry.n, n_bytes = ck_refine_codes_bytes(n, index->dims);
    if (norm <= 0 || index->n_queries < 2 || ck_cells_have(index, block)) return;
    if (!codes->codes) {
        if (!ck_index_may_keep(index, n_bytes) ||
            ck_refine_codes_init(codes, n, index->dims) != SQLITE_OK) {
            return;
        }
        index->store->index_cache.kept_bytes += (int64_t)n_bytes;
    }
    ck_refine_codes_put(codes, candidate->slot, v, 1 / norm, index->dims);
}

/* Reads a candidate's vector and offers it. A row that is not there is none. */
static int compare(Refine *refine, const CkCandidate *candidate, float *value, CkError *err) {
    CkStore *store = refine->index->store;
    CkStoredVector stored;
    const float *v = NULL;
    float norm;
    *value = INFINITY;
    refine->n_absent++;
    ck_stmt_bind(refine->stmt, "ii", candidate->id, refine->index->model);
    if (ck_stmt_step(store, refine->stmt, err) == SQLITE_ROW) {
        refine->n_absent--;
        ck_stored_vector_from_row(refine->stmt, 0, &stored);
        if (ck_stored_vector_decode(store, &stored, refine->index->dims, &v, err) == SQLITE_OK) {
            CkHit hit = {candidate->id, ck_nearest_distance(refine->nearest, v, &norm)};
            refine->nearest->n_compared++;
            ck_nearest_offer(refine->nearest, hit);
            *value = value_of(refine, hit.distance);
            keep_code(refine, candidate, v, norm);
        }
    }
    sqlite3_reset(refine->stmt);
    return err->rc;
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* Beyond this value nothing can be among the k nearest. */
static float farthest_of_interest(Refine *refine) {
    size_t k = refine->nearest->query->k;
    if (refine->n_bounds <= k) return INFINITY;
    qsort(refine->bounds, refine->n_bounds, sizeof *refine->bounds, by_value);
    return refine->bounds[k - 1];
}

/* Compares the estimated ones that are at best beyond `from`, and at best up to `to`. */
static int compare_between(Refine *refine, float from, float to, CkError *err) {
    float ignored;
    for (size_t i = 0; i < refine->n_estimates && err->rc == SQLITE_OK; i++) {
        const Estimate *estimate = &refine->estimates[i];
        float best = estimate->value - estimate->margin;
        if (best > from && best <= to) compare(refine, estimate->candidate, &ignored, err);
    }
    return err->rc;
}

static int run(Refine *refine, const CkCandidate *candidates, size_t n, CkError *err) {
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        const CkCandidate *candidate = &candidates[i];
        const CkRefineCodes *codes = &candidate->block->refine;
        float *bound = &refine->bounds[refine->n_bounds++];
        if (codes->codes && codes->scales[candidate->slot] > 0) {
            CkRefineEstimate estimate =
                ck_refine_estimate(&refine->query, codes, candidate->slot);
            *bound = estimate.value + estimate.margin;
            refine->estimates[refine->n_estimates++] =
                (Estimate){candidate, estimate.value, estimate.margin};
        } else {
            compare(refine, candidate, bound, err);
        }
    }
    float limit = farthest_of_interest(refine);
    compare_between(refine, -INFINITY, limit, err);
    /* Somebody took rows away behind the index's back; their estimates have narrowed the limit. */
    if (refine->n_absent > 0) compare_between(refine, limit, INFINITY, err);
    return err->rc;
}

int ck_refine(CkIndex *index, CkNearest *nearest, const CkCandidate *candidates, size_t n,
              float scale, CkError *err) {
    Refine refine = {.index = index, .nearest = nearest};
    size_t estimates_bytes = n * sizeof *refine.estimates, bounds_bytes = n * sizeof(float);
    uint8_t *memory = sqlite3_malloc64(estimates_bytes + bounds_bytes + index->dims);
    if (!memory) return ck_error_nomem(err);
    refine.estimates = (Estimate *)(void *)memory;
    refine.bounds = (float *)(void *)(memory + estimates_bytes);
    refine.query.codes = (int8_t *)(memory + estimates_bytes + bounds_bytes);
    refine.query.dims = index->dims;
    refine.query.squared_l2 = index->metric == CK_METRIC_L2;
    ck_refine_query(&refine.query, nearest->query->x, scale);
    if (ck_stmt_take(index->store, CK_SQL_VECTOR_GET_OF_MODEL, &refine.stmt, err) == SQLITE_OK) {
        run(&refine, candidates, n, err);
        ck_stmt_give(index->store, CK_SQL_VECTOR_GET_OF_MODEL, refine.stmt);
    }
    sqlite3_free(memory);
    return err->rc;
}
