/* Int8 codes: see intcode.h. */
#include "vector/intcode.h"

#include <math.h>
#include <string.h>

#include "vector/kernels.h"
#include "vector/quantize.h"

#define CHUNK 512 /* components that are taken at a time; whole bytes of signs */

#define QUERY_LEVELS 15 /* the largest value of a component of bit planes */

/*
** How far below its estimate a distance is expected. The estimate of <r, p> is off by about
**
**     |r|^2 / |r|_1 * |p| * sqrt(1 - (|r|_1 / |r|)^2 / d)
**
** where the root is 0.6 for normal components. With one such deviation recall at a given ef stays
** as it was, to a few ten-thousandths; four of five nodes are ruled out.
*/
#define NOISE 0.6f
#define DEVIATIONS 1.0f

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

/* out = x * scale - t * mean, from component i on. */
static void residual(const CkIntSpace *space, const float *x, float scale, float t, size_t i,
                     float *out, size_t n) {
    const float *mean = space->mean ? space->mean + i : x;
    ck_kernels()->residual_f32(out, x, scale, mean, space->mean ? t : 0, n);
}

void ck_int_signs(const CkIntSpace *space, uint8_t *row) {
    const CkKernels *kernels = ck_kernels();
    const float step = ck_int_step(space->metric, ck_int_factors(row, space->dims));
    uint8_t *signs = row + ck_int_signs_at(space->dims);
    float x[CHUNK], r[CHUNK], norm_sq = 0, abs_sum = 0, along = 0;
    for (size_t i = 0; i < space->dims; i += CHUNK) {
        size_t n = space->dims - i < CHUNK ? space->dims - i : CHUNK;
        kernels->f32_from_i8(x, (const int8_t *)row + i, 1, n);
        residual(space, x, step, 1, i, r, n);
        float r_sq;
        along += kernels->dot_norm_f32(space->mean ? space->mean + i : r, r, n, &r_sq);
        norm_sq += r_sq;
        abs_sum += kernels->signs_f32(signs + i / 8, r, n);
    }
    float slope = abs_sum > 0 ? norm_sq / abs_sum : 0;
    CkIntSignFactors factors = {space->mean ? -along : 0, slope,
                                kernels->popcount(signs, ck_int_sign_bytes(space->dims))};
    if (space->metric == CK_INT_L2) {
        factors.add = norm_sq;
        factors.mul = 2 * slope;
    }
    memcpy(row + ck_int_sign_factors_at(space->dims), &factors, sizeof factors);
}

void ck_int_code(const CkIntSpace *space, const float *x, float scale, uint8_t *row) {
    const uint32_t dims = space->dims;
    float step = code_of(x, scale, dims, (int8_t *)row);
    CkIntFactors factors = factors_of(space->metric, (const int8_t *)row, step, dims);
    memset(row + dims, 0, ck_int_stride(dims) - dims);
    memcpy(row + ck_int_factors_at(dims), &factors, sizeof factors);
    if (ck_int_sign_bytes(dims) > 0) ck_int_signs(space, row);
}

void ck_int_unsigned(const uint8_t *row, uint32_t dims, uint8_t *codes) {
    const size_t n = ck_int_code_bytes(dims);
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, row + i, sizeof eight);
        eight ^= 0x8080808080808080u;
        memcpy(codes + i, &eight, sizeof eight);
    }
    memset(codes + dims, 0, n - dims);
}

/* Where the mean meets the query: distance = base + key (signcode.h), p = x * scale - t * mean. */
static void place(const CkIntSpace *space, const float *x, float scale, CkIntQuery *query) {
    const CkKernels *kernels = ck_kernels();
    const float *mean = space->mean;
    float along = mean ? scale * kernels->dot_f32(mean, x, space->dims) : 0;
    float mean_sq = mean ? kernels->dot_f32(mean, mean, space->dims) : 0;
    query->t = mean_sq > 0 ? along / mean_sq : 0;
    query->base = -along;
    if (space->metric == CK_INT_COSINE) query->base += 1;
    if (space->metric == CK_INT_L2) query->t = 1;
}

/* Room for p in the query's memory. */
static float *floats_of(const CkIntQuery *query, uint32_t dims) {
    size_t at = ck_int_code_bytes(dims) + ck_int_lines(4 * ck_int_sign_bytes(dims));
    return (float *)(void *)(query->codes + at);
}

/* Lays p out in bit planes, rounded to 4 bits a component. x may be where p goes. */
static void lay_out(const CkIntSpace *space, const float *x, float scale, CkIntQuery *query) {
    const CkKernels *kernels = ck_kernels();
    const uint32_t dims = space->dims;
    const size_t n_bytes = ck_int_sign_bytes(dims);
    uint8_t *planes = query->codes + ck_int_code_bytes(dims);
    float *p = floats_of(query, dims), chunk[CHUNK], high;
    uint64_t levels = 0;
    place(space, x, scale, query);
    for (size_t i = 0; i < dims; i += CHUNK) {
        size_t n = dims - i < CHUNK ? dims - i : CHUNK;
        memcpy(chunk, x + i, n * sizeof *x);
        residual(space, chunk, scale, query->t, i, p + i, n);
    }
    float norm_sq = kernels->dot_f32(p, p, dims);
    if (space->metric == CK_INT_L2) query->base = norm_sq;
    kernels->range_f32(p, dims, &query->low, &high);
    query->step = (high - query->low) / QUERY_LEVELS;
    kernels->planes_f32(planes, p, query->low, query->step > 0 ? 1 / query->step : 0, dims);
    for (size_t i = 0; i < 4; i++) {
        levels += (uint64_t)kernels->popcount(planes + i * n_bytes, n_bytes) << i;
    }
    query->shift = DEVIATIONS * NOISE * sqrtf(norm_sq) -
                   (query->low * (float)dims + query->step * (float)levels);
    query->planes = planes;
}

static void take_factors(const CkIntFactors *factors, CkIntQuery *query) {
    query->add = factors->add;
    query->scale = factors->scale;
    query->half = factors->half;
    query->planes = NULL;
}

void ck_int_query(const CkIntSpace *space, const float *x, float scale, CkIntQuery *query) {
    const uint32_t dims = space->dims;
    float step = code_of(x, scale, dims, (int8_t *)query->codes);
    CkIntFactors factors = factors_of(space->metric, (const int8_t *)query->codes, step, dims);
    memset(query->codes + dims, 0, ck_int_code_bytes(dims) - dims);
    ck_int_unsigned(query->codes, dims, query->codes);
    take_factors(&factors, query);
    if (ck_int_sign_bytes(dims) > 0) lay_out(space, x, scale, query);
}

void ck_int_query_of_row(const uint8_t *row, uint32_t dims, CkIntQuery *query) {
    ck_int_unsigned(row, dims, query->codes);
    take_factors(ck_int_factors(row, dims), query);
}

void ck_int_query_like_row(const CkIntSpace *space, const uint8_t *row, CkIntQuery *query) {
    const uint32_t dims = space->dims;
    ck_int_query_of_row(row, dims, query);
    if (ck_int_sign_bytes(dims) == 0) return;
    float *x = floats_of(query, dims);
    ck_kernels()->f32_from_i8(x, (const int8_t *)row, 1, dims);
    lay_out(space, x, ck_int_step(space->metric, ck_int_factors(row, dims)), query);
}
