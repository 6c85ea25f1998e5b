/* The k nearest: see nearest.h. */
#include "store/nearest.h"

#include <float.h>
#include <math.h>
#include <string.h>

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

int ck_nearest_init(CkNearest *nearest, const CkQuery *query, CkHits *hits, CkError *err) {
    const CkKernels *kernels = ck_kernels();
    float norm_sq = kernels->dot_f32(query->x, query->x, query->model->dims);
    hits->n = 0;
    memset(&hits->counts, 0, sizeof hits->counts);
    if (norm_sq > CK_LENGTH_SQ_MAX) {
        return ck_error_set(err, SQLITE_ERROR,
                            "knn: query is too long: its squared length is beyond 2^124");
    }
    if (norm_sq < FLT_MIN && query->model->metric == CK_METRIC_COSINE) {
        return ck_error_set(err, SQLITE_ERROR, "knn: query is zero, the model compares by cosine");
    }
    *nearest = (CkNearest){query, kernels, hits, sqrtf(norm_sq), 0};
    if (query->k <= hits->room && hits->hits) return SQLITE_OK;
    CkHit *room = sqlite3_realloc64(hits->hits, query->k * sizeof *room);
    if (!room) return ck_error_nomem(err);
    hits->hits = room;
    hits->room = query->k;
    return SQLITE_OK;
}

float ck_nearest_distance(const CkNearest *nearest, const float *v, float *norm) {
    const CkQuery *query = nearest->query;
    size_t dims = query->model->dims;
    float norm_sq;
    *norm = 1;
    switch (query->model->metric) {
    case CK_METRIC_COSINE: {
        float dot = nearest->kernels->dot_norm_f32(query->x, v, dims, &norm_sq);
        /* A vector whose f16 or i8 form came out as zero is at a right angle to everything. */
        *norm = sqrtf(norm_sq);
        float lengths = nearest->query_norm * *norm;
        float cosine = lengths > 0 ? dot / lengths : 0;
        return 1.0f - fminf(1.0f, fmaxf(-1.0f, cosine));
    }
    case CK_METRIC_L2:
        return sqrtf(nearest->kernels->l2sq_f32(query->x, v, dims));
    default:
        return -nearest->kernels->dot_f32(query->x, v, dims);
    }
}

static int within(const CkNearest *nearest, float distance) {
    const CkThreshold *t = &nearest->query->threshold;
    double d = distance, s = ck_similarity(nearest->query->model->metric, distance);
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

void ck_nearest_offer(CkNearest *nearest, CkHit hit) {
    CkHit *heap = nearest->hits->hits;
    size_t n = nearest->hits->n;
    if (!within(nearest, hit.distance)) return;
    if (n < nearest->query->k) {
        size_t at = n;
        while (at > 0 && nearer(heap[(at - 1) / 2], hit)) {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        heap[at] = hit;
        nearest->hits->n = n + 1;
    } else if (nearer(hit, heap[0])) {
        heap[0] = hit;
        sift_down(heap, n, 0);
    }
}

/* Heap sort: the farthest goes last. */
void ck_nearest_sort(CkNearest *nearest) {
    CkHits *hits = nearest->hits;
    for (size_t n = hits->n; n > 1; n--) {
        CkHit last = hits->hits[n - 1];
        hits->hits[n - 1] = hits->hits[0];
        hits->hits[0] = last;
        sift_down(hits->hits, n - 1, 0);
    }
}
