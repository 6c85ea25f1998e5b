/* Measuring a graph: see graph_calibrate.h. */
#include "store/graph_calibrate.h"

#include <math.h>
#include <string.h>

#include "base/sqlite.h"
#include "vector/kernels.h"

/* Fewer queries of a large graph: each compares with every node, for its truth. */
#define QUERIES_MAX 128
#define QUERIES_MIN 48
#define COMPARED_MAX 30000000
#define NEIGHBOURS 10

/* How much of the other vector is added to one of length 1. */
#define MOVED_LITTLE 0.25f
#define MOVED_FAR 0.8f

static const uint32_t efs[] = {10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384,
                               512, 768, 1024};

typedef struct Query {
    CkIntQuery side;
    float farthest; /* the distance of the last true neighbour */
    size_t n;       /* true neighbours */
} Query;

typedef struct Calibration {
    const CkHnswSource *source;
    CkIntMetric metric;
    const CkGraphStep *step;
    CkHnswScratch *scratch;
    Query queries[QUERIES_MAX];
    size_t n_queries;
    uint8_t *memory; /* the queries' codes */
    float *x;        /* one query being made */
} Calibration;

/* The vector of a node as its code has it, in the scale the codes were made of. */
static float component(const Calibration *calibration, uint32_t node, uint32_t j) {
    const CkHnswSource *source = calibration->source;
    const uint8_t *row = source->codes.base + source->codes.stride * node;
    float scale = ck_int_factors(row, source->dims)->scale;
    if (calibration->metric == CK_INT_L2) scale /= sqrtf(2);
    return (float)((const int8_t *)row)[j] * scale;
}

static void make_query(Calibration *calibration, size_t i) {
    const CkHnswSource *source = calibration->source;
    uint32_t n = source->shape.n[0], dims = source->dims;
    /* Evenly spread nodes, and a partner that is in another place. */
    uint32_t one = (uint32_t)((uint64_t)n * i / calibration->n_queries);
    uint32_t other = (uint32_t)(((uint64_t)n * i / calibration->n_queries + n / 2 + 7 * i) % n);
    float moved = i % 2 ? MOVED_FAR : MOVED_LITTLE, norm_sq = 0;
    for (uint32_t j = 0; j < dims; j++) {
        calibration->x[j] = component(calibration, one, j) +
                            moved * component(calibration, other, j);
        norm_sq += calibration->x[j] * calibration->x[j];
    }
    float scale = calibration->metric == CK_INT_COSINE && norm_sq > 0 ? 1 / sqrtf(norm_sq) : 1;
    if (calibration->metric == CK_INT_L2) scale = 1 / (1 + moved); /* a point between the two */
    Query *query = &calibration->queries[i];
    size_t stride = ck_int_stride(dims);
    query->side.codes = calibration->memory + i * stride;
    ck_int_query(calibration->metric, calibration->x, scale, dims, &query->side);
}

static int find_truth(Calibration *calibration, Query *query) {
    CkHnswSearch search = {query->side, NEIGHBOURS, NEIGHBOURS, NULL};
    CkHnswFound found;
    int rc = ck_hnsw_exact(calibration->source, &search, calibration->scratch, &found);
    if (rc != SQLITE_OK) return rc;
    query->n = found.n;
    query->farthest = found.n > 0 ? found.hits[found.n - 1].distance : 0;
    return SQLITE_OK;
}

/* Searches all queries with an ef. Neighbours at the same distance are as good as each other. */
static int measure(Calibration *calibration, uint32_t ef, CkEffort *effort) {
    size_t n_right = 0, n_all = 0;
    int64_t n_distances = 0;
    for (size_t i = 0; i < calibration->n_queries; i++) {
        const Query *query = &calibration->queries[i];
        CkHnswSearch search = {query->side, ef, ef, NULL};
        CkHnswFound found;
        int rc = ck_hnsw_search(calibration->source, &search, calibration->scratch, &found);
        if (rc != SQLITE_OK) return rc;
        for (size_t j = 0; j < found.n && j < query->n; j++) {
            n_right += found.hits[j].distance <= query->farthest;
        }
        n_all += query->n;
        n_distances += found.n_distances;
    }
    effort->ef = ef;
    effort->recall = n_all > 0 ? (float)n_right / (float)n_all : 1;
    effort->n_distances = (float)n_distances / (float)calibration->n_queries;
    return SQLITE_OK;
}

static int run(Calibration *calibration, CkGraphRow *row) {
    int rc = SQLITE_OK;
    for (size_t i = 0; i < calibration->n_queries && rc == SQLITE_OK; i++) {
        make_query(calibration, i);
        rc = find_truth(calibration, &calibration->queries[i]);
        if (rc == SQLITE_OK) rc = calibration->step->step(calibration->step->context, 1);
    }
    row->n_efforts = 0;
    for (size_t i = 0; i < sizeof efs / sizeof *efs && rc == SQLITE_OK; i++) {
        CkEffort *effort = &row->efforts[row->n_efforts];
        rc = measure(calibration, efs[i], effort);
        if (rc != SQLITE_OK) break;
        /* A sample may find less with more; a table that is ascending is what is meant. */
        if (row->n_efforts > 0) effort->recall = fmaxf(effort->recall, effort[-1].recall);
        row->n_efforts++;
        if (effort->recall >= 1) break;
        rc = calibration->step->step(calibration->step->context, 1);
    }
    return rc;
}

int ck_graph_calibrate(const CkHnswSource *source, CkIntMetric metric, const CkGraphStep *step,
                       CkGraphRow *row) {
    Calibration *calibration = sqlite3_malloc64(sizeof *calibration);
    int rc = SQLITE_NOMEM;
    if (!calibration) return rc;
    memset(calibration, 0, sizeof *calibration);
    calibration->source = source;
    calibration->metric = metric;
    calibration->step = step;
    size_t n = COMPARED_MAX / source->shape.n[0];
    calibration->n_queries = n < QUERIES_MIN ? QUERIES_MIN : n > QUERIES_MAX ? QUERIES_MAX : n;
    calibration->scratch = ck_hnsw_scratch_new();
    /* The codes are aligned to their strides' unit within the block; see CkIntQuery. */
    size_t stride = ck_int_stride(source->dims);
    uint8_t *block = sqlite3_malloc64(calibration->n_queries * stride + CK_INT_ALIGNMENT);
    calibration->x = sqlite3_malloc64(source->dims * sizeof(float));
    if (calibration->scratch && block && calibration->x) {
        uintptr_t at = (uintptr_t)block + CK_INT_ALIGNMENT - 1;
        calibration->memory = (uint8_t *)(at - at % CK_INT_ALIGNMENT);
        rc = run(calibration, row);
    }
    ck_hnsw_scratch_free(calibration->scratch);
    sqlite3_free(block);
    sqlite3_free(calibration->x);
    sqlite3_free(calibration);
    return rc;
}
