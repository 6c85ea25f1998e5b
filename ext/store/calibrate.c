/* Calibration: see calibrate.h. */
#include "store/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/coder.h"
#include "store/scan_block.h"
#include "store/vector_reader.h"
#include "vector/kernels.h"

#define QUERIES 24
#define NEIGHBOURS 10

/* A query is its vector plus this much of another one. */
#define MOVED 0.25f

/* The rank that 99.5 % of the neighbours stay below, and half of it again. With the sets of
** bge-base, bge-small and SIFT this gave recall .9985 or more on their real queries. */
#define SHARE 0.995
#define RESERVE 1.5
#define DEPTH_MAX CK_EF_MAX

typedef struct Neighbour {
    float distance, key;
    int64_t n_before; /* codes with smaller keys */
} Neighbour;

typedef struct Query {
    float *x;
    CkSignQuery sign;
    Neighbour neighbours[NEIGHBOURS]; /* nearest first */
    int n;
} Query;

typedef struct Calibration {
    const CkCalibration *what;
    CkCoder coder;
    Query queries[QUERIES];
    int n_queries;
    uint8_t *memory;
} Calibration;

/* Adds to the query that is being made: first its vector, then a part of another. */
static int add_to_query(void *context, int64_t id, const float *x, CkError *err) {
    Calibration *calibration = context;
    const CkModel *model = calibration->what->model;
    Query *query = &calibration->queries[calibration->n_queries];
    float scale = ck_coder_scale(model, x) * (query->n == 0 ? 1 : MOVED);
    (void)id;
    for (uint32_t j = 0; j < model->dims; j++) query->x[j] += x[j] * scale;
    query->n++;
    return err->rc;
}

/* Queries from evenly spread ids; their other part is from half way to the next. */
static int make_queries(Calibration *calibration, CkError *err) {
    const CkCalibration *what = calibration->what;
    for (int i = 0; i < QUERIES && err->rc == SQLITE_OK; i++) {
        Query *query = &calibration->queries[calibration->n_queries];
        int64_t step = what->last_id / QUERIES;
        CkVectorBatch one = {.after = step * i, .last = what->last_id, .limit = 1};
        CkVectorBatch other = {.after = step * i + step / 2, .last = what->last_id, .limit = 1};
        memset(query->x, 0, what->model->dims * sizeof(float));
        query->n = 0;
        ck_vectors_read(what->store, what->model, &one, add_to_query, calibration, err);
        ck_vectors_read(what->store, what->model, &other, add_to_query, calibration, err);
        float scale = ck_coder_scale(what->model, query->x);
        if (query->n < 2) continue;
        ck_sign_query(&calibration->coder.space, query->x, scale, calibration->coder.scratch,
                      &query->sign);
        query->n = 0;
        calibration->n_queries++;
    }
    return err->rc;
}

/* Smaller is nearer, as the model's metric orders. */
static float distance(const CkModel *model, const Query *query, const float *x, float scale) {
    const CkKernels *kernels = ck_kernels();
    if (model->metric == CK_METRIC_L2) return kernels->l2sq_f32(query->x, x, model->dims);
    return -kernels->dot_f32(query->x, x, model->dims) * scale;
}

/* Holds a vector against every query. */
static int compare(void *context, int64_t id, const float *x, CkError *err) {
    Calibration *calibration = context;
    const CkModel *model = calibration->what->model;
    float scale = ck_coder_scale(model, x);
    int coded = 0;
    CkSignFactors factors;
    (void)id;
    for (int i = 0; i < calibration->n_queries; i++) {
        Query *query = &calibration->queries[i];
        Neighbour *at = query->neighbours;
        float d = distance(model, query, x, scale);
        if (query->n == NEIGHBOURS && d >= at[NEIGHBOURS - 1].distance) continue;
        if (!coded++) ck_coder_code(&calibration->coder, x, calibration->coder.code, &factors);
        const uint8_t *code = calibration->coder.code;
        CkSignColumns one = {1,    &factors.add, &factors.mul, &factors.head_ones,
                             code, code + query->sign.head.n_bytes};
        int place = query->n < NEIGHBOURS ? query->n++ : NEIGHBOURS - 1;
        for (; place > 0 && at[place - 1].distance > d; place--) at[place] = at[place - 1];
        at[place] = (Neighbour){d, ck_sign_key(&query->sign, &one, 0), 0};
    }
    return err->rc;
}

static void count_before(Calibration *calibration, const CkScanBlock *block) {
    for (int i = 0; i < calibration->n_queries; i++) {
        Query *query = &calibration->queries[i];
        for (size_t s = 0; s < block->columns.n; s++) {
            float key = ck_sign_key(&query->sign, &block->columns, s);
            for (int j = 0; j < query->n; j++) {
                query->neighbours[j].n_before += key < query->neighbours[j].key;
            }
        }
    }
}

/* Counts, in every block, the codes that look nearer than the neighbours. */
static int rank(Calibration *calibration, CkError *err) {
    const CkCalibration *what = calibration->what;
    size_t code_bytes = calibration->coder.code_bytes;
    CkBuf entries, data;
    ck_buf_init(&entries);
    ck_buf_init(&data);
    ck_block_directory(what->store, what->model->id, what->generation, CK_PLANE_SCAN, &entries,
                       err);
    const CkBlockEntry *entry = (const CkBlockEntry *)(const void *)entries.data;
    for (size_t i = 0; i < entries.n_bytes / sizeof *entry && err->rc == SQLITE_OK; i++) {
        CkScanBlock block;
        size_t n = (size_t)entry[i].n;
        /* Read from the file: more than there is room for is no block of ours. */
        if (entry[i].n < 1 || n > ck_scan_block_capacity(code_bytes)) continue;
        ck_block_read(what->store, &entry[i], ck_scan_block_bytes(n, code_bytes), &data, err);
        if (err->rc != SQLITE_OK) break;
        ck_scan_block_view(data.data, n, code_bytes, &block);
        count_before(calibration, &block);
    }
    ck_buf_release(&data);
    ck_buf_release(&entries);
    return err->rc;
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void choose(const Calibration *calibration, int *depth) {
    int64_t ranks[QUERIES * NEIGHBOURS];
    size_t n = 0;
    for (int i = 0; i < calibration->n_queries; i++) {
        const Query *query = &calibration->queries[i];
        for (int j = 0; j < query->n; j++) ranks[n++] = query->neighbours[j].n_before + 1;
    }
    if (n < QUERIES * NEIGHBOURS / 2) return;
    qsort(ranks, n, sizeof *ranks, ascending);
    double wanted = (double)ranks[(size_t)((double)(n - 1) * SHARE)] * RESERVE;
    if (wanted > *depth) *depth = (int)fmin(wanted, DEPTH_MAX);
}

static int allocate(Calibration *calibration, CkError *err) {
    size_t query_bytes = calibration->what->model->dims * sizeof(float);
    size_t planes_bytes = 4 * calibration->coder.code_bytes;
    calibration->memory = sqlite3_malloc64(QUERIES * (query_bytes + planes_bytes));
    if (!calibration->memory) return ck_error_nomem(err);
    uint8_t *planes = calibration->memory + QUERIES * query_bytes;
    for (size_t i = 0; i < QUERIES; i++) {
        calibration->queries[i].x = (float *)(void *)(calibration->memory + i * query_bytes);
        calibration->queries[i].sign.planes = planes + i * planes_bytes;
    }
    return SQLITE_OK;
}

int ck_calibrate(const CkCalibration *what, int *depth, CkError *err) {
    CkVectorBatch batch = {.last = what->last_id, .limit = 4096};
    Calibration *calibration = sqlite3_malloc64(sizeof *calibration);
    if (!calibration) return ck_error_nomem(err);
    memset(calibration, 0, sizeof *calibration);
    calibration->what = what;
    ck_coder_init(&calibration->coder, what->model, what->mean, err);
    if (err->rc == SQLITE_OK) allocate(calibration, err);
    if (err->rc == SQLITE_OK) make_queries(calibration, err);
    do {
        if (err->rc != SQLITE_OK || calibration->n_queries == 0) break;
        ck_vectors_read(what->store, what->model, &batch, compare, calibration, err);
    } while (batch.n_read == batch.limit);
    if (err->rc == SQLITE_OK && calibration->n_queries > 0) rank(calibration, err);
    if (err->rc == SQLITE_OK) choose(calibration, depth);
    ck_coder_release(&calibration->coder);
    sqlite3_free(calibration->memory);
    sqlite3_free(calibration);
    return err->rc;
}
