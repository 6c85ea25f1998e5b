/* Sign codes: see signcode.h. */
#include "vector/signcode.h"

#include <string.h>

#include "vector/kernels.h"

#define QUERY_LEVELS 15 /* the largest u of a query's component */

void ck_sign_encode(const CkSignSpace *space, const float *x, float scale, float *scratch,
                    uint8_t *code, CkSignFactors *factors) {
    const CkKernels *kernels = ck_kernels();
    size_t dims = space->dims;
    float *r = scratch;
    for (size_t j = 0; j < dims; j++) r[j] = x[j] * scale - space->mean[j];
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

/* Writes bit b of u to bit j of plane b. */
static void set_planes(CkSignQuery *query, size_t j, uint32_t u) {
    for (size_t plane = 0; plane < 4; plane++) {
        query->planes[plane * query->code_bytes + j / 8] |=
            (uint8_t)((u >> plane & 1u) << (j % 8));
    }
}

void ck_sign_query(const CkSignSpace *space, const float *q, float scale, float *scratch,
                   CkSignQuery *query) {
    const CkKernels *kernels = ck_kernels();
    size_t dims = space->dims;
    float *p = scratch, low = 0, high = 0, sum = 0;
    query->code_bytes = ck_sign_code_bytes(space->dims);
    query->t = 1;
    if (!space->squared_l2) {
        float mean_sq = kernels->dot_f32(space->mean, space->mean, dims);
        float along = kernels->dot_f32(q, space->mean, dims) * scale;
        query->t = mean_sq > 0 ? along / mean_sq : 0;
    }
    for (size_t j = 0; j < dims; j++) {
        p[j] = q[j] * scale - query->t * space->mean[j];
        low = j == 0 || p[j] < low ? p[j] : low;
        high = j == 0 || p[j] > high ? p[j] : high;
    }
    query->low = low;
    query->step = (high - low) / QUERY_LEVELS;
    float per_step = query->step > 0 ? 1 / query->step : 0;
    memset(query->planes, 0, 4 * query->code_bytes);
    for (size_t j = 0; j < dims; j++) {
        /* Rounded half up; the clamp is for the rounding of per_step. */
        uint32_t u = (uint32_t)((p[j] - low) * per_step + 0.5f);
        u = u > QUERY_LEVELS ? QUERY_LEVELS : u;
        set_planes(query, j, u);
        sum += low + query->step * (float)u;
    }
    query->sum = sum;
}

static float key_of(const CkSignQuery *query, const CkSignColumns *columns, size_t i,
                    uint32_t dot) {
    float signed_sum =
        2 * (query->low * (float)columns->ones[i] + query->step * (float)dot) - query->sum;
    return query->t * columns->add[i] - columns->mul[i] * signed_sum;
}

void ck_sign_keys(const CkSignQuery *query, const CkSignColumns *columns, uint32_t *dots,
                  float *keys) {
    ck_kernels()->dots_bit4(dots, columns->codes, columns->n, query->planes, query->code_bytes);
    for (size_t i = 0; i < columns->n; i++) keys[i] = key_of(query, columns, i, dots[i]);
}

float ck_sign_key(const CkSignQuery *query, const CkSignColumns *columns, size_t i) {
    const uint8_t *code = columns->codes + i * query->code_bytes;
    return key_of(query, columns, i,
                  ck_kernels()->dot_bit4(code, query->planes, query->code_bytes));
}
