/* Sign codes: see signcode.h. */
#include "vector/signcode.h"

#include <math.h>

#include "vector/kernels.h"

#define QUERY_LEVELS 15 /* the largest u of a query's component */

/* Standard deviations of a rest's noise that a head is given the benefit of. */
#define REST_DEVIATIONS 2

/* Rests that are fetched before they are compared: they lie apart, and in no cache near the CPU. */
#define PREFETCH_AHEAD 6

void ck_sign_encode(const CkSignSpace *space, const float *x, float scale, float *scratch,
                    uint8_t *code, CkSignFactors *factors) {
    const CkKernels *kernels = ck_kernels();
    size_t dims = space->dims;
    float *r = scratch;
    kernels->residual_f32(r, x, scale, space->mean, 1, dims);
    float norm_sq = kernels->dot_f32(r, r, dims);
    float abs_sum = kernels->signs_f32(code, r, dims);
    float slope = abs_sum > 0 ? norm_sq / abs_sum : 0;
    factors->head_ones =
        kernels->popcount(code, ck_sign_head_bytes(ck_sign_code_bytes(space->dims)));
    if (space->squared_l2) {
        factors->add = norm_sq;
        factors->mul = 2 * slope;
    } else {
        factors->add = -kernels->dot_f32(space->mean, r, dims);
        factors->mul = slope;
    }
}

/* Rounds a part of the residual and lays it out. */
static void make_part(const CkSignQuery *query, const float *p, size_t dims, CkSignPart *part) {
    const CkKernels *kernels = ck_kernels();
    float per_step = query->step > 0 ? 1 / query->step : 0;
    double levels = 0; /* the sum of all u */
    kernels->planes_f32(part->planes, p, query->low, per_step, dims);
    for (int plane = 0; plane < 4; plane++) {
        const uint8_t *bits = part->planes + (size_t)plane * part->n_bytes;
        levels += (double)kernels->popcount(bits, part->n_bytes) * (1 << plane);
    }
    part->sum = (float)((double)query->low * (double)dims + (double)query->step * levels);
    part->norm_sq = kernels->dot_f32(p, p, dims);
}

void ck_sign_query(const CkSignSpace *space, const float *q, float scale, float *scratch,
                   CkSignQuery *query) {
    const CkKernels *kernels = ck_kernels();
    size_t dims = space->dims, code_bytes = ck_sign_code_bytes(space->dims);
    float *p = scratch, high;
    query->t = 1;
    if (!space->squared_l2) {
        float mean_sq, along = kernels->dot_norm_f32(q, space->mean, dims, &mean_sq);
        query->t = mean_sq > 0 ? along * scale / mean_sq : 0;
    }
    kernels->residual_f32(p, q, scale, space->mean, query->t, dims);
    kernels->range_f32(p, dims, &query->low, &high);
    /* Divided first: the difference of two floats may be infinite. */
    query->step = high / QUERY_LEVELS - query->low / QUERY_LEVELS;
    query->head = (CkSignPart){query->planes, ck_sign_head_bytes(code_bytes), 0, 0};
    query->rest = (CkSignPart){query->planes + 4 * query->head.n_bytes,
                               code_bytes - query->head.n_bytes, 0, 0};
    size_t head_dims = query->rest.n_bytes > 0 ? 8 * query->head.n_bytes : dims;
    make_part(query, p, head_dims, &query->head);
    if (query->rest.n_bytes > 0) {
        make_part(query, p + head_dims, dims - head_dims, &query->rest);
    }
}

/* The key of column i, whose head has been compared. */
static float key_of(const CkSignQuery *query, const CkSignColumns *columns, size_t i,
                    uint32_t dot) {
    const CkKernels *kernels = ck_kernels();
    uint32_t ones = columns->head_ones[i];
    if (query->rest.n_bytes > 0) {
        const uint8_t *rest = columns->rests + i * query->rest.n_bytes;
        ones += kernels->popcount(rest, query->rest.n_bytes);
        dot += kernels->dot_bit4(rest, query->rest.planes, query->rest.n_bytes);
    }
    float signed_sum = 2 * (query->low * (float)ones + query->step * (float)dot) -
                       (query->head.sum + query->rest.sum);
    return query->t * columns->add[i] - columns->mul[i] * signed_sum;
}

float ck_sign_key(const CkSignQuery *query, const CkSignColumns *columns, size_t i) {
    const uint8_t *head = columns->heads + i * query->head.n_bytes;
    return key_of(query, columns, i,
                  ck_kernels()->dot_bit4(head, query->head.planes, query->head.n_bytes));
}

/* The terms of the least key that a head leaves possible. */
static CkSignTerms bound_of(const CkSignQuery *query, const CkSignColumns *columns) {
    float head_sq = query->head.norm_sq, rest_sq = query->rest.norm_sq;
    float share = head_sq > 0 ? 1 + rest_sq / head_sq : 1;
    float noise = REST_DEVIATIONS * sqrtf(rest_sq);
    CkSignTerms terms = {query->t,
                         query->low * share,
                         query->step * share,
                         query->head.sum * share - noise,
                         columns->add,
                         columns->mul,
                         columns->head_ones};
    return terms;
}

size_t ck_sign_scan(const CkSignQuery *query, const CkSignColumns *columns, float threshold,
                    uint32_t *dots, uint32_t *slots, float *keys) {
    const CkKernels *kernels = ck_kernels();
    CkSignTerms terms = bound_of(query, columns);
    size_t n = 0;
    kernels->dots_bit4(dots, columns->heads, columns->n, query->head.planes, query->head.n_bytes);
    kernels->sign_keys(keys, &terms, dots, columns->n);
    size_t n_near = kernels->list_up_to(slots, keys, columns->n, threshold);
    for (size_t j = 0; j < n_near; j++) {
        size_t i = slots[j];
        if (j + PREFETCH_AHEAD < n_near) {
            __builtin_prefetch(columns->rests + slots[j + PREFETCH_AHEAD] * query->rest.n_bytes);
        }
        float key = key_of(query, columns, i, dots[i]);
        if (key > threshold) continue;
        slots[n] = (uint32_t)i;
        keys[n++] = key;
    }
    return n;
}
