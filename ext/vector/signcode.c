/* Sign codes: see signcode.h. */
#include "vector/signcode.h"

#include "vector/kernels.h"

#define QUERY_LEVELS 15 /* the largest u of a query's component */

void ck_sign_encode(const CkSignSpace *space, const float *x, float scale, float *scratch,
                    uint8_t *code, CkSignFactors *factors) {
    const CkKernels *kernels = ck_kernels();
    size_t dims = space->dims;
    float *r = scratch;
    kernels->residual_f32(r, x, scale, space->mean, 1, dims);
    float norm_sq = kernels->dot_f32(r, r, dims);
    float abs_sum = kernels->signs_f32(code, r, dims);
    float slope = abs_sum > 0 ? norm_sq / abs_sum : 0;
    factors->ones = kernels->popcount(code, ck_sign_code_bytes(space->dims));
    if (space->squared_l2) {
        factors->add = norm_sq;
        factors->mul = 2 * slope;
    } else {
        factors->add = -kernels->dot_f32(space->mean, r, dims);
        factors->mul = slope;
    }
}

void ck_sign_query(const CkSignSpace *space, const float *q, float scale, float *scratch,
                   CkSignQuery *query) {
    const CkKernels *kernels = ck_kernels();
    size_t dims = space->dims;
    float *p = scratch, high;
    query->code_bytes = ck_sign_code_bytes(space->dims);
    query->t = 1;
    if (!space->squared_l2) {
        float mean_sq, along = kernels->dot_norm_f32(q, space->mean, dims, &mean_sq);
        query->t = mean_sq > 0 ? along * scale / mean_sq : 0;
    }
    kernels->residual_f32(p, q, scale, space->mean, query->t, dims);
    kernels->range_f32(p, dims, &query->low, &high);
    /* Divided first: the difference of two floats may be infinite. */
    query->step = high / QUERY_LEVELS - query->low / QUERY_LEVELS;
    float per_step = query->step > 0 ? 1 / query->step : 0;
    kernels->planes_f32(query->planes, p, query->low, per_step, dims);
    double levels = 0; /* the sum of all u */
    for (int plane = 0; plane < 4; plane++) {
        const uint8_t *bits = query->planes + (size_t)plane * query->code_bytes;
        levels += (double)kernels->popcount(bits, query->code_bytes) * (1 << plane);
    }
    query->sum = (float)((double)query->low * (double)dims + (double)query->step * levels);
}

/* The terms of column i on. */
static CkSignTerms terms_of(const CkSignQuery *query, const CkSignColumns *columns, size_t i) {
    CkSignTerms terms = {query->t,         query->low,       query->step,      query->sum,
                         columns->add + i, columns->mul + i, columns->ones + i};
    return terms;
}

void ck_sign_keys(const CkSignQuery *query, const CkSignColumns *columns, uint32_t *dots,
                  float *keys) {
    const CkKernels *kernels = ck_kernels();
    CkSignTerms terms = terms_of(query, columns, 0);
    kernels->dots_bit4(dots, columns->codes, columns->n, query->planes, query->code_bytes);
    kernels->sign_keys(keys, &terms, dots, columns->n);
}

float ck_sign_key(const CkSignQuery *query, const CkSignColumns *columns, size_t i) {
    const CkKernels *kernels = ck_kernels();
    CkSignTerms terms = terms_of(query, columns, i);
    const uint8_t *code = columns->codes + i * query->code_bytes;
    uint32_t dot = kernels->dot_bit4(code, query->planes, query->code_bytes);
    float key;
    kernels->sign_keys(&key, &terms, &dot, 1);
    return key;
}
