/* Measuring a graph: see graph_calibrate.h. */
#include "store/graph_calibrate.h"

#include <math.h>
#include <string.h>

#include "base/aligned.h"
#include "hnsw/random.h"
#include "vector/kernels.h"

#define QUERIES_MAX (2 * CK_GRAPH_SAMPLE_MAX)
#define NEIGHBOURS 10

/* More is not measured: large efs take most of the time, and the scan is as good. */
#define RECALL_ENOUGH 0.999f

/* Fewer queries of a large graph: each compares with every node, for its truth. */
#define SAMPLE_MIN 32
#define COMPARED_MAX 20000000

static const uint32_t efs[] = {10,  12,  16,  20,  24,  32,  48,  64,
                               96, 128, 192, 256, 384, 512, 1024};

typedef struct Query {
    CkIntQuery side;
    float farthest; /* the distance of the last true neighbour */
    size_t n;       /* true neighbours */
} Query;

typedef struct Calibration {
    const CkHnswSource *source;
    const CkGraphSample *sample;
    const CkGraphStep *step;
    CkHnswScratch *scratch;
    Query queries[QUERIES_MAX];
    size_t n_queries;
    uint8_t *codes; /* the queries' */
    float *x;        /* one query being made */
    uint64_t random;
} Calibration;

/* Adds noise of the same length as x, spread over all dims: the sum of four uniform numbers is
** normal enough. */
static void add_noise(Calibration *calibration, float norm_sq) {
    uint32_t dims = calibration->source->dims;
    float size = sqrtf(norm_sq / (float)dims) * sqrtf(3);
    for (uint32_t j = 0; j < dims; j++) {
        uint64_t r = ck_hnsw_random(&calibration->random);
        float sum = (float)(r & 0xffff) + (float)(r >> 16 & 0xffff) + (float)(r >> 32 & 0xffff) +
                    (float)(r >> 48);
        calibration->x[j] += size * (sum / 65535.0f - 2.0f);
    }
}

/* Makes query i: what the code of a vector that was held out stands for, every other one with
** noise. */
static void make_query(Calibration *calibration, size_t i) {
    uint32_t dims = calibration->source->dims;
    const CkGraphSample *sample = calibration->sample;
    const uint8_t *row = sample->rows + ck_int_stride(dims) * (i / 2);
    float step = ck_int_factors(row, dims)->scale, norm_sq = 0;
    Query *query = &calibration->queries[i];
    query->side.codes = calibration->codes + i * ck_int_query_bytes(dims);
    if (sample->space->metric == CK_INT_L2) step /= sqrtf(2);
    for (uint32_t j = 0; j < dims; j++) {
        calibration->x[j] = (float)((const int8_t *)row)[j] * step;
        norm_sq += calibration->x[j] * calibration->x[j];
    }
    if (i % 2 != 0) add_noise(calibration, norm_sq);
    norm_sq = ck_kernels()->dot_f32(calibration->x, calibration->x, dims);
    float scale = sample->space->metric == CK_INT_COSINE && norm_sq > 0 ? 1 / sqrtf(norm_sq) : 1;
    ck_int_query(sample->space, calibration->x, scale, &query->side);
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

/*
** Searches all queries with an ef. Neighbours at the same distance are as good as each other. What
** counts is the recall of the kind of query that has less of it.
*/
static int measure(Calibration *calibration, uint32_t ef, CkEffort *effort) {
    size_t n_right[2] = {0, 0}, n_all[2] = {0, 0};
    int64_t n_distances = 0;
    for (size_t i = 0; i < calibration->n_queries; i++) {
        const Query *query = &calibration->queries[i];
        CkHnswSearch search = {query->side, ef, ef, NULL};
        CkHnswFound found;
        int rc = ck_hnsw_search(calibration->source, &search, calibration->scratch, &found);
        if (rc != SQLITE_OK) return rc;
        for (size_t j = 0; j < found.n && j < query->n; j++) {
            n_right[i % 2] += found.hits[j].distance <= query->farthest;
        }
        n_all[i % 2] += query->n;
        n_distances += found.n_distances;
    }
    effort->ef = ef;
    effort->recall = 1;
    for (int kind = 0; kind < 2; kind++) {
        if (n_all[kind] == 0) continue;
        effort->recall = fminf(effort->recall, (float)n_right[kind] / (float)n_all[kind]);
    }
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
        if (effort->recall >= RECALL_ENOUGH) break;
        rc = calibration->step->step(calibration->step->context, 1);
    }
    return rc;
}

uint32_t ck_graph_sample_size(uint32_t n) {
    uint32_t wanted = COMPARED_MAX / (n > 0 ? n : 1);
    if (wanted < SAMPLE_MIN) wanted = SAMPLE_MIN;
    if (wanted > CK_GRAPH_SAMPLE_MAX) wanted = CK_GRAPH_SAMPLE_MAX;
    return wanted < n / 8 ? wanted : n / 8;
}

int ck_graph_calibrate(const CkHnswSource *source, const CkGraphSample *sample,
                       const CkGraphStep *step, CkGraphRow *row) {
    size_t n_bytes = ck_int_query_bytes(source->dims), n = 2 * (size_t)sample->n;
    Calibration *calibration = sqlite3_malloc64(sizeof *calibration);
    uint8_t *codes = ck_aligned_new(n * n_bytes);
    float *x = sqlite3_malloc64(source->dims * sizeof *x);
    CkHnswScratch *scratch = ck_hnsw_scratch_new();
    int rc = SQLITE_NOMEM;
    if (calibration && codes && x && scratch) {
        memset(calibration, 0, sizeof *calibration);
        calibration->source = source;
        calibration->sample = sample;
        calibration->step = step;
        calibration->n_queries = n;
        calibration->scratch = scratch;
        calibration->x = x;
        calibration->codes = codes;
        rc = run(calibration, row);
    }
    ck_hnsw_scratch_free(scratch);
    ck_aligned_free(codes);
    sqlite3_free(x);
    sqlite3_free(calibration);
    return rc;
}
