/* Refinement codes: see refine_codes.h. */
#include "store/refine_codes.h"

#include <math.h>
#include <string.h>

#include "base/sqlite.h"
#include "vector/kernels.h"

/* A rounding error is uniform in +-1/2 step: its standard deviation is 1 / sqrt(12) of one. */
#define ROUNDING_VARIANCE (1.0 / 12)
#define MARGIN_DEVIATIONS 4

int ck_refine_codes_init(CkRefineCodes *refine, size_t n, uint32_t dims) {
    uint8_t *memory = sqlite3_malloc64(ck_refine_codes_bytes(n, dims));
    if (!memory) return SQLITE_NOMEM;
    refine->scales = (float *)(void *)memory;
    refine->norm_sq = refine->scales + n;
    refine->codes = (int8_t *)(refine->norm_sq + n);
    memset(refine->scales, 0, n * sizeof *refine->scales);
    return SQLITE_OK;
}

void ck_refine_codes_release(CkRefineCodes *refine) {
    sqlite3_free(refine->scales);
    memset(refine, 0, sizeof *refine);
}

/* The factor that brings x to 127 steps; 1 for a zero vector. */
static float steps_of(const float *x, uint32_t dims) {
    float max = ck_kernels()->max_abs_f32(x, dims);
    float steps = 127 / max;
    return max > 0 && isfinite(steps) ? steps : 1;
}

void ck_refine_codes_put(CkRefineCodes *refine, size_t i, const float *x, float scale,
                         uint32_t dims) {
    float steps = steps_of(x, dims);
    ck_kernels()->i8_from_f32(refine->codes + i * dims, x, steps, dims);
    refine->scales[i] = steps / scale; /* of x * scale */
    refine->norm_sq[i] = ck_kernels()->dot_f32(x, x, dims) * scale * scale;
}

void ck_refine_query(CkRefineQuery *query, const float *q, float scale) {
    float steps = steps_of(q, query->dims);
    ck_kernels()->i8_from_f32(query->codes, q, steps, query->dims);
    query->scale = steps / scale;
    query->norm_sq = ck_kernels()->dot_f32(q, q, query->dims) * scale * scale;
}

CkRefineEstimate ck_refine_estimate(const CkRefineQuery *query, const CkRefineCodes *refine,
                                    size_t i) {
    float per_q = 1 / query->scale, per_x = 1 / refine->scales[i];
    int32_t sum = ck_kernels()->dot_i8(query->codes, refine->codes + i * query->dims, query->dims);
    float dot = (float)sum * per_q * per_x;
    /* In double: of short vectors float32 would make it zero, of long ones infinite. */
    double variance = ROUNDING_VARIANCE * ((double)refine->norm_sq[i] * per_q * per_q +
                                           (double)query->norm_sq * per_x * per_x);
    CkRefineEstimate estimate = {-dot, (float)(MARGIN_DEVIATIONS * sqrt(variance))};
    if (query->squared_l2) {
        estimate.value = query->norm_sq + refine->norm_sq[i] - 2 * dot;
        estimate.margin *= 2;
    }
    return estimate;
}
