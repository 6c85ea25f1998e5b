/*
** Recall on a sample: see recall_sample.h.
**
** The vectors are read twice, first those that are queries, then all, each compared with every
** query while it is in the cache: so only the queries are in memory, and the work is bounded by
** CK_RECALL_VECTORS_MAX whatever the size of the store.
*/
#include "store/recall_sample.h"

#include <math.h>
#include <string.h>

#include "store/idset.h"
#include "store/stored_vector.h"
#include "vector/kernels.h"

/* Multiplications for one side of the comparison. Above 5,000 dims there are fewer queries. */
#define WORK_MAX 2000000000
#define QUERIES_MIN 10

/* The nearest of one query by approximate distance, and their true distances; nearest first. */
typedef struct Nearest {
    int n;
    float by[CK_RECALL_K];
    float distance[CK_RECALL_K];
} Nearest;

typedef struct Query {
    size_t at; /* its place in the sample */
    Nearest true_ones, found;
} Query;

typedef struct Sample {
    CkStore *store;
    const CkModel *model;
    int encoding;
    CkIdSet ids;
    Query *queries;
    float *vectors; /* n_queries of dims */
    float *x;       /* the vector at hand, as it is stored */
    CkBuf encoded;  /* and as the encoding would store it */
    size_t n_queries;
    int64_t n_total;
    int n_read;
} Sample;

/* Orders as the metric's distance does, without what a query's own length contributes. */
static float distance(const Sample *sample, const float *q, const float *v) {
    const CkKernels *kernels = ck_kernels();
    size_t dims = sample->model->dims;
    float norm_sq;
    switch (sample->model->metric) {
    case CK_METRIC_COSINE: {
        float dot = kernels->dot_norm_f32(q, v, dims, &norm_sq);
        return norm_sq > 0 ? -dot / sqrtf(norm_sq) : 0;
    }
    case CK_METRIC_L2:
        return kernels->l2sq_f32(q, v, dims);
    default:
        return -kernels->dot_f32(q, v, dims);
    }
}

static void offer(Nearest *nearest, float by, float true_distance) {
    int at = nearest->n;
    if (at == CK_RECALL_K && !(by < nearest->by[at - 1])) return;
    if (at == CK_RECALL_K) at--;
    for (; at > 0 && by < nearest->by[at - 1]; at--) {
        nearest->by[at] = nearest->by[at - 1];
        nearest->distance[at] = nearest->distance[at - 1];
    }
    nearest->by[at] = by;
    nearest->distance[at] = true_distance;
    if (nearest->n < CK_RECALL_K) nearest->n++;
}

/* Element number i of n that are spread evenly over `total`. */
static int64_t spread(int64_t i, int64_t n, int64_t total) {
    return i * total / n;
}

static int pick_ids(Sample *sample, int64_t first, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int64_t total = 0, at = 0, n_picked = 0;
    int found;
    ck_stmt_ints(sample->store, CK_SQL_REENCODE_COUNT, err, &total, 1, &found, "ii",
                 sample->model->id, first);
    sample->n_total = total;
    int64_t n = total < CK_RECALL_VECTORS_MAX ? total : CK_RECALL_VECTORS_MAX;
    if (err->rc != SQLITE_OK || n == 0) return err->rc;
    if (ck_stmt_take(sample->store, CK_SQL_REENCODE_IDS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ii", sample->model->id, first);
    while (n_picked < n && ck_stmt_step(sample->store, stmt, err) == SQLITE_ROW) {
        if (at++ < spread(n_picked, n, total)) continue;
        n_picked++;
        if (ck_idset_add(&sample->ids, sqlite3_column_int64(stmt, 0), err) != SQLITE_OK) break;
    }
    ck_stmt_give(sample->store, CK_SQL_REENCODE_IDS, stmt);
    return err->rc;
}

static int allocate(Sample *sample, CkError *err) {
    uint32_t dims = sample->model->dims;
    size_t n = ck_idset_count(&sample->ids), most = CK_RECALL_QUERIES_MAX;
    size_t affordable = n ? WORK_MAX / (n * dims) : most;
    if (most > affordable) most = affordable > QUERIES_MIN ? affordable : QUERIES_MIN;
    sample->n_queries = n < most ? n : most;
    sample->queries = sqlite3_malloc64((sample->n_queries + 1) * sizeof *sample->queries);
    sample->vectors = sqlite3_malloc64((sample->n_queries + 1) * dims * sizeof(float));
    sample->x = sqlite3_malloc64(dims * sizeof(float));
    if (!sample->queries || !sample->vectors || !sample->x) return ck_error_nomem(err);
    memset(sample->queries, 0, (sample->n_queries + 1) * sizeof *sample->queries);
    return SQLITE_OK;
}

/* Reads a vector into `to`. *good is 0 when it went, or is damaged. */
static int read_vector(Sample *sample, int64_t id, float *to, int *good, CkError *err) {
    CkError own = CK_ERROR_NONE;
    CkStoredVector stored;
    sqlite3_stmt *stmt = NULL;
    const float *x = NULL;
    *good = 0;
    if (ck_stmt_take(sample->store, CK_SQL_VECTOR_GET_OF_MODEL, &stmt, err)) return err->rc;
    ck_stmt_bind(stmt, "ii", id, sample->model->id);
    if (ck_stmt_step(sample->store, stmt, err) == SQLITE_ROW) {
        ck_stored_vector_from_row(stmt, 0, &stored);
        ck_stored_vector_decode(sample->store, &stored, sample->model->dims, &x, &own);
        *good = own.rc == SQLITE_OK;
        if (*good) memcpy(to, x, sample->model->dims * sizeof *to);
        if (own.rc == SQLITE_NOMEM) ck_error_nomem(err);
        ck_error_release(&own);
    }
    ck_stmt_give(sample->store, CK_SQL_VECTOR_GET_OF_MODEL, stmt);
    return err->rc;
}

static int read_queries(Sample *sample, CkError *err) {
    size_t n = ck_idset_count(&sample->ids), n_good = 0;
    for (size_t i = 0; i < sample->n_queries && err->rc == SQLITE_OK; i++) {
        size_t at = (size_t)spread((int64_t)i, (int64_t)sample->n_queries, (int64_t)n);
        float *to = sample->vectors + n_good * sample->model->dims;
        int good;
        read_vector(sample, ck_idset_ids(&sample->ids)[at], to, &good, err);
        if (good) sample->queries[n_good++].at = at;
    }
    sample->n_queries = n_good;
    return err->rc;
}

/* The vector at hand as the encoding would give it back; itself when it cannot be held. */
static int recode(Sample *sample, const float **y, CkError *err) {
    CkCodec *codec = sample->store->conn->codec;
    uint32_t dims = sample->model->dims;
    CkError own = CK_ERROR_NONE;
    const uint8_t *data = NULL;
    int n_bytes = 0;
    *y = sample->x;
    if (ck_codec_encode(codec, sample->encoding, sample->x, dims, &data, &n_bytes, &own) ==
        SQLITE_OK) {
        /* Copied: the codec decodes into the memory it encoded into. */
        ck_buf_clear(&sample->encoded);
        ck_buf_append(&sample->encoded, data, (size_t)n_bytes);
        if (sample->encoded.rc != SQLITE_OK) ck_error_nomem(err);
    }
    if (own.rc == SQLITE_OK && err->rc == SQLITE_OK) {
        ck_codec_decode(codec, sample->encoding, sample->encoded.data, n_bytes, dims, y, &own);
    }
    if (own.rc == SQLITE_NOMEM) ck_error_nomem(err);
    ck_error_release(&own);
    return err->rc;
}

static int compare_all(Sample *sample, CkError *err) {
    size_t n = ck_idset_count(&sample->ids), dims = sample->model->dims;
    for (size_t at = 0; at < n; at++) {
        const float *y;
        int good;
        read_vector(sample, ck_idset_ids(&sample->ids)[at], sample->x, &good, err);
        if (good) recode(sample, &y, err);
        if (err->rc != SQLITE_OK) return err->rc;
        if (!good) continue;
        sample->n_read++;
        for (size_t i = 0; i < sample->n_queries; i++) {
            Query *query = &sample->queries[i];
            const float *q = sample->vectors + i * dims;
            if (query->at == at) continue;
            float true_distance = distance(sample, q, sample->x);
            offer(&query->true_ones, true_distance, true_distance);
            offer(&query->found, distance(sample, q, y), true_distance);
        }
    }
    return SQLITE_OK;
}

/* Vectors at the same distance are as good as each other: identical ones would be lost else. */
static double recall_of(const Sample *sample) {
    int n_right = 0, n_all = 0;
    for (size_t i = 0; i < sample->n_queries; i++) {
        const Query *query = &sample->queries[i];
        int n = query->true_ones.n;
        for (int j = 0; j < n; j++) {
            n_right += query->found.distance[j] <= query->true_ones.distance[n - 1];
        }
        n_all += n;
    }
    return n_all ? (double)n_right / n_all : 1;
}

int ck_recall_sample(CkStore *store, const CkModel *model, int64_t first, int encoding,
                     CkRecall *recall, CkError *err) {
    Sample sample;
    memset(&sample, 0, sizeof sample);
    memset(recall, 0, sizeof *recall);
    sample.store = store;
    sample.model = model;
    sample.encoding = encoding;
    ck_idset_init(&sample.ids);
    ck_buf_init(&sample.encoded);
    if (pick_ids(&sample, first, err) == SQLITE_OK && allocate(&sample, err) == SQLITE_OK &&
        read_queries(&sample, err) == SQLITE_OK && compare_all(&sample, err) == SQLITE_OK) {
        recall->n_total = sample.n_total;
        recall->n_vectors = sample.n_read;
        recall->recall = recall_of(&sample);
    }
    ck_idset_release(&sample.ids);
    ck_buf_release(&sample.encoded);
    sqlite3_free(sample.queries);
    sqlite3_free(sample.vectors);
    sqlite3_free(sample.x);
    return err->rc;
}
