/* Int8 codes: see intcode.h. */
#include "vector/intcode.h"

#include <math.h>
#include <string.h>

#include "vector/kernels.h"
#include "vector/quantize.h"

/* Writes the code of x, dims of them, and returns the length of a step of it. */
static float code_of(const float *x, float scale, uint32_t dims, int8_t *code) {
    float per_step = ck_i8_scale(x, dims);
    if (per_step <= 0) {
        memset(code, 0, dims);
        return 0;
    }
    ck_kernels()->i8_from_f32(code, x, per_step, dims);
    return scale / per_step;
}

static CkIntFactors factors_of(CkIntMetric metric, const int8_t *code, float step, uint32_t dims) {
    const CkKernels *kernels = ck_kernels();
    CkIntFactors factors = {.scale = step, .sum = kernels->sum_i8(code, dims)};
    if (metric == CK_INT_L2) factors.scale *= (float)M_SQRT2;
    float square = factors.scale * factors.scale;
    factors.half = square / 2 * (float)kernels->dot_i8(code, code, dims);
    if (metric == CK_INT_COSINE) factors.add = 0.5f;
    if (metric == CK_INT_L2) factors.add = factors.half;
    return factors;
}

void ck_int_code(CkIntMetric metric, const float *x, float scale, uint32_t dims, uint8_t *row) {
    size_t at = ck_int_factors_at(dims);
    float step = code_of(x, scale, dims, (int8_t *)row);
    CkIntFactors factors = factors_of(metric, (const int8_t *)row, step, dims);
    memset(row + dims, 0, ck_int_stride(dims) - dims);
    memcpy(row + at, &factors, sizeof factors);
}

void ck_int_unsigned(const uint8_t *row, uint32_t dims, uint8_t *codes) {
    const size_t n = ck_int_code_bytes(dims);
    for (size_t i = 0; i < n; i += CK_INT_ALIGNMENT) {
        for (size_t j = 0; j < CK_INT_ALIGNMENT; j++) codes[i + j] = row[i + j] ^ 0x80;
    }
    memset(codes + dims, 0, n - dims);
}

static void take_factors(const CkIntFactors *factors, CkIntQuery *query) {
    query->add = factors->add;
    query->scale = factors->scale;
    query->half = factors->half;
}

void ck_int_query(CkIntMetric metric, const float *x, float scale, uint32_t dims,
                  CkIntQuery *query) {
    float step = code_of(x, scale, dims, (int8_t *)query->codes);
    CkIntFactors factors = factors_of(metric, (const int8_t *)query->codes, step, dims);
    memset(query->codes + dims, 0, ck_int_stride(dims) - dims);
    ck_int_unsigned(query->codes, dims, query->codes);
    take_factors(&factors, query);
}

void ck_int_query_of_row(const uint8_t *row, uint32_t dims, CkIntQuery *query) {
    ck_int_unsigned(row, dims, query->codes);
    take_factors(ck_int_factors(row, dims), query);
}
