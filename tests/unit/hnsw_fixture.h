/*
** Vectors, their codes, and the graph of them, for the tests of ext/hnsw.
*/
#ifndef CK_TESTS_HNSW_FIXTURE_H
#define CK_TESTS_HNSW_FIXTURE_H

#include <math.h>
#include <stdint.h>

#include "base/aligned.h"
#include "hnsw/build.h"
#include "hnsw/search.h"
#include "hnsw/validate.h"
#include "unit.h"

typedef struct Fixture {
    CkIntSpace space;
    CkIntMetric metric;
    uint32_t n, dims;
    float *vectors;   /* of the inputs */
    float *mean;      /* of what is coded */
    uint8_t *rows;    /* of the inputs; of the slots once built */
    CkHnswBuilt built;
    CkHnswRecords codes;
    CkHnswSource source;
    CkHnswScratch *scratch;
    uint8_t *query;
} Fixture;

static inline float fixture_normal(unsigned long long *state) {
    float sum = 0;
    for (int i = 0; i < 4; i++) sum += (float)(unit_random(state) >> 40) * 0x1p-24f;
    return (sum - 2) * 1.7320508f;
}

/* Points of a 12-dimensional part of the space, and a little noise: not everything is near. */
static inline void fixture_fill(float *x, size_t n, uint32_t dims, unsigned long long seed) {
    enum { RANK = 12 };
    unsigned long long state = 99, own = seed * 2 + 1;
    float *basis = malloc(RANK * dims * sizeof *basis);
    for (size_t i = 0; i < RANK * (size_t)dims; i++) basis[i] = fixture_normal(&state);
    for (size_t i = 0; i < n; i++, x += dims) {
        for (uint32_t d = 0; d < dims; d++) x[d] = 0.2f * fixture_normal(&own);
        for (int r = 0; r < RANK; r++) {
            float weight = fixture_normal(&own);
            for (uint32_t d = 0; d < dims; d++) x[d] += weight * basis[(size_t)r * dims + d];
        }
    }
    free(basis);
}

/* What a vector is multiplied with before it is coded. */
static inline float fixture_scale(const Fixture *f, const float *x) {
    float sum = 0;
    if (f->metric != CK_INT_COSINE) return 1;
    for (uint32_t d = 0; d < f->dims; d++) sum += x[d] * x[d];
    return sum > 0 ? 1 / sqrtf(sum) : 0;
}

static inline void fixture_code(const Fixture *f, uint32_t i, uint8_t *row) {
    const float *x = f->vectors + (size_t)i * f->dims;
    ck_int_code(&f->space, x, fixture_scale(f, x), row);
}

static inline void fixture_mean(Fixture *f, uint32_t n) {
    f->mean = calloc(f->dims, sizeof(float));
    for (uint32_t i = 0; i < n; i++) {
        const float *x = f->vectors + (size_t)i * f->dims;
        float scale = fixture_scale(f, x) / (float)n;
        for (uint32_t d = 0; d < f->dims; d++) f->mean[d] += x[d] * scale;
    }
}

/* Room for `room` vectors, the first n of them set and coded. */
static inline void fixture_init(Fixture *f, CkIntMetric metric, uint32_t n, uint32_t room,
                                uint32_t dims) {
    memset(f, 0, sizeof *f);
    f->metric = metric;
    f->n = n;
    f->dims = dims;
    f->vectors = malloc(((size_t)room + 1) * dims * sizeof(float));
    fixture_fill(f->vectors, room, dims, 7);
    fixture_mean(f, room);
    f->space = (CkIntSpace){metric, dims, f->mean};
    f->codes.stride = ck_int_stride(dims);
    f->rows = f->codes.base = ck_aligned_new((room + 1) * f->codes.stride);
    for (uint32_t i = 0; i < n; i++) fixture_code(f, i, f->rows + i * f->codes.stride);
    f->scratch = ck_hnsw_scratch_new();
    f->query = ck_aligned_new(ck_int_query_bytes(dims));
}

static inline CkHnswOptions fixture_options(const Fixture *f) {
    return (CkHnswOptions){.dims = f->dims, .m = 16, .ef_construction = 200, .seed = 5};
}

static inline void fixture_source(Fixture *f) {
    ck_hnsw_source(&f->built.graph, &f->codes, f->dims, NULL, NULL, &f->source);
}

static inline int fixture_build(Fixture *f, const CkHnswOptions *options) {
    int rc = ck_hnsw_build(f->rows, f->n, options, &f->built);
    if (rc == SQLITE_OK) fixture_source(f);
    return rc;
}

static inline void fixture_release(Fixture *f) {
    ck_hnsw_built_release(&f->built);
    free(f->vectors);
    free(f->mean);
    ck_aligned_free(f->rows);
    ck_aligned_free(f->query);
    ck_hnsw_scratch_free(f->scratch);
}

/* A search for a vector near to those of the fixture. */
static inline CkHnswSearch fixture_search(Fixture *f, const float *x, size_t ef) {
    CkHnswSearch search = {.ef = ef, .walk_ef = ef, .query.codes = f->query};
    ck_int_query(&f->space, x, fixture_scale(f, x), &search.query);
    return search;
}

/* The share of the k nearest that a search with ef finds among them, over n_queries. */
static inline double fixture_recall(Fixture *f, size_t ef, size_t walk_ef,
                                    const CkHnswFilter *filter) {
    enum { K = 10, QUERIES = 60 };
    float *queries = malloc(QUERIES * (size_t)f->dims * sizeof *queries);
    size_t n_found = 0, n_all = 0;
    fixture_fill(queries, QUERIES, f->dims, 1234);
    for (size_t i = 0; i < QUERIES; i++) {
        CkHnswHit exact[K];
        CkHnswFound found;
        CkHnswSearch search = fixture_search(f, queries + i * f->dims, K);
        search.filter = filter;
        CHECK_INT(ck_hnsw_exact(&f->source, &search, f->scratch, &found), SQLITE_OK);
        size_t n_exact = found.n;
        for (size_t j = 0; j < n_exact; j++) exact[j] = found.hits[j];
        search.ef = ef;
        search.walk_ef = walk_ef;
        CHECK_INT(ck_hnsw_search(&f->source, &search, f->scratch, &found), SQLITE_OK);
        n_all += n_exact;
        for (size_t j = 0; j < n_exact; j++) {
            for (size_t k = 0; k < found.n; k++) n_found += found.hits[k].node == exact[j].node;
        }
    }
    free(queries);
    return n_all > 0 ? (double)n_found / (double)n_all : 1;
}

/* Nothing is wrong with the graph, and `n_isolated` nodes are dead in it. */
static inline void fixture_validate(const CkHnswSource *source, uint32_t n_isolated) {
    CkHnswReport report;
    CHECK(ck_hnsw_shape_ok(&source->shape));
    CHECK_INT(ck_hnsw_validate(source, &report), SQLITE_OK);
    CHECK_INT(report.n_bad_lists, 0);
    CHECK_INT(report.n_unreachable, 0);
    CHECK_INT(report.n_isolated, n_isolated);
}

#endif
