/*
** Search: see search.h. The exact form: every passing vector is read from its row, compared with
** the best kernel, and the k nearest are kept in a heap.
*/
#include "store/search.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "store/planner.h"
#include "store/stored_vector.h"
#include "vector/kernels.h"

typedef struct Search {
    CkStore *store;
    const CkQuery *query;
    const CkKernels *kernels;
    CkHits *hits; /* while running: a max-heap, the farthest on top */
    float query_norm; /* |q|, for cosine */
    int64_t n_compared;
} Search;

double ck_similarity(CkMetric metric, float distance) {
    switch (metric) {
    case CK_METRIC_COSINE:
        return 1.0 - (double)distance;
    case CK_METRIC_L2:
        return 1.0 / (1.0 + (double)distance);
    default:
        return -(double)distance;
    }
}

static float distance_to(const Search *search, const float *v) {
    const CkQuery *query = search->query;
    size_t dims = query->model->dims;
    float norm_sq;
    switch (query->model->metric) {
    case CK_METRIC_COSINE: {
        float dot = search->kernels->dot_norm_f32(query->x, v, dims, &norm_sq);
        /* A vector whose f16 or i8 form came out as zero is at a right angle to everything. */
        float lengths = search->query_norm * sqrtf(norm_sq);
        float cosine = lengths > 0 ? dot / lengths : 0;
        return 1.0f - fminf(1.0f, fmaxf(-1.0f, cosine));
    }
    case CK_METRIC_L2:
        return sqrtf(search->kernels->l2sq_f32(query->x, v, dims));
    default:
        return -search->kernels->dot_f32(query->x, v, dims);
    }
}

static int within(const Search *search, float distance) {
    const CkThreshold *t = &search->query->threshold;
    double d = distance, s = ck_similarity(search->query->model->metric, distance);
    return (t->distance_strict ? d < t->max_distance : d <= t->max_distance) &&
           (t->similarity_strict ? s > t->min_similarity : s >= t->min_similarity);
}

static int nearer(CkHit a, CkHit b) {
    return a.distance < b.distance || (a.distance == b.distance && a.id < b.id);
}

static void sift_down(CkHit *heap, size_t n, size_t at) {
    CkHit moving = heap[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && nearer(heap[child], heap[child + 1])) child++;
        if (!nearer(moving, heap[child])) break;
        heap[at] = heap[child];
    }
    heap[at] = moving;
}

static void offer(Search *search, CkHit hit) {
    CkHit *heap = search->hits->hits;
    size_t n = search->hits->n;
    if (n < search->query->k) {
        size_t at = n;
        while (at > 0 && nearer(heap[(at - 1) / 2], hit)) {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        heap[at] = hit;
        search->hits->n = n + 1;
    } else if (nearer(hit, heap[0])) {
        heap[0] = hit;
        sift_down(heap, n, 0);
    }
}

/* Heap sort: the farthest goes last. */
static void sort_hits(CkHits *hits) {
    for (size_t n = hits->n; n > 1; n--) {
        CkHit last = hits->hits[n - 1];
        hits->hits[n - 1] = hits->hits[0];
        hits->hits[0] = last;
        sift_down(hits->hits, n - 1, 0);
    }
}

/* Compares the vector of a stepped row of (id, encoding, checksum, data). */
static int compare_row(Search *search, sqlite3_stmt *stmt, CkError *err) {
    CkStoredVector stored;
    const float *v = NULL;
    ck_stored_vector_from_row(stmt, 0, &stored);
    if (ck_stored_vector_decode(search->store, &stored, search->query->model->dims, &v, err) !=
        SQLITE_OK) {
        return err->rc;
    }
    search->n_compared++;
    CkHit hit = {stored.id, distance_to(search, v)};
    if (within(search, hit.distance)) offer(search, hit);
    return SQLITE_OK;
}

/* Walks vectors and passing ids side by side; both are in id order. */
static int scan(Search *search, sqlite3_stmt *stmt, CkError *err) {
    const CkIdSet *passing = search->query->passing;
    const int64_t *ids = ck_idset_ids(passing);
    size_t n = ck_idset_count(passing), at = 0;
    while (err->rc == SQLITE_OK && ck_stmt_step(search->store, stmt, err) == SQLITE_ROW) {
        if (passing->restricts) {
            int64_t id = sqlite3_column_int64(stmt, 0);
            while (at < n && ids[at] < id) at++;
            if (at == n) break;
            if (ids[at] != id) continue;
        }
        compare_row(search, stmt, err);
    }
    return err->rc;
}

static int lookup(Search *search, sqlite3_stmt *stmt, CkError *err) {
    const int64_t *ids = ck_idset_ids(search->query->passing);
    size_t n = ck_idset_count(search->query->passing);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        ck_stmt_bind(stmt, "ii", ids[i], search->query->model->id);
        if (ck_stmt_step(search->store, stmt, err) == SQLITE_ROW) compare_row(search, stmt, err);
        sqlite3_reset(stmt);
    }
    return err->rc;
}

static int run(Search *search, CkPath path, CkError *err) {
    CkSqlId sql = path == CK_PATH_EXACT_SCAN ? CK_SQL_VECTOR_SCAN : CK_SQL_VECTOR_GET_OF_MODEL;
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(search->store, sql, &stmt, err) != SQLITE_OK) return err->rc;
    if (path == CK_PATH_EXACT_SCAN) {
        ck_stmt_bind(stmt, "i", search->query->model->id);
        scan(search, stmt, err);
    } else {
        lookup(search, stmt, err);
    }
    ck_stmt_give(search->store, sql, stmt);
    return err->rc;
}

int ck_search(CkStore *store, const CkQuery *query, CkHits *hits, CkError *err) {
    Search search = {store, query, ck_kernels(), hits, 0, 0};
    int64_t n_rows = 0;
    int found;
    memset(hits, 0, sizeof *hits);
    float norm_sq = search.kernels->dot_f32(query->x, query->x, query->model->dims);
    if (norm_sq > FLT_MAX) {
        return ck_error_set(err, SQLITE_ERROR,
                            "knn: query is too long: its squared length is beyond float32");
    }
    if (norm_sq < FLT_MIN && query->model->metric == CK_METRIC_COSINE) {
        return ck_error_set(err, SQLITE_ERROR, "knn: query is zero, the model compares by cosine");
    }
    search.query_norm = sqrtf(norm_sq);
    hits->hits = sqlite3_malloc64(query->k * sizeof *hits->hits);
    if (!hits->hits) return ck_error_nomem(err);
    ck_stmt_ints(store, CK_SQL_EMBEDDING_MAX_ID, err, &n_rows, 1, &found, "");
    if (err->rc != SQLITE_OK) return err->rc;
    int64_t n_passing =
        query->passing->restricts ? (int64_t)ck_idset_count(query->passing) : -1;
    CkPath path = ck_plan(n_passing, n_rows);
    if (run(&search, path, err) != SQLITE_OK) return err->rc;
    sort_hits(hits);
    sqlite3_snprintf(sizeof hits->plan, hits->plan, "%s, %lld vectors", ck_path_name(path),
                     (long long)search.n_compared);
    return SQLITE_OK;
}

void ck_hits_release(CkHits *hits) {
    sqlite3_free(hits->hits);
    memset(hits, 0, sizeof *hits);
}
