/*
** The distance kernels, once for all tiers.
**
** Compiled once per tier with -DCK_TIER=<tier> and that tier's flags (Makefile, TIERS). What a
** tier has of its own is lanes_<tier>.h: the vector types Floats and Ints of LANES components and
** a dozen one-line operations on them, in simde. Everything below is written on those.
**
**   floats_zero load add sub fma sum    the usual; load takes any address
**   ints_or_not_finite(bad, a)          bad, with all ones in the lanes where a is NaN or infinite
**   ints_any(a, b)                      whether any bit is set
**
** Four independent accumulators per sum hide the latency of the multiply-add; in L1 the two loads
** per step are then what bounds dot_f32. The last n % LANES components are copied into a block
** padded with zeros: zeros change no sum, and nothing is read past the end.
**
** The conversions are plain loops without branches, which compilers vectorise at -O3.
**
** Must never: assume alignment of an input, touch anything past n, or keep state.
*/
#include "vector/kernels.h"

#define XXH_INLINE_ALL /* xxHash compiles for the instruction set it is included under */
#include <xxhash.h>

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define TEXT2(a) #a
#define TEXT(a) TEXT2(a)

#include TEXT(JOIN(lanes_, CK_TIER).h)

#include <math.h>
#include <string.h>

#include "base/coding.h"
#include "vector/quantize.h"

#define STEP (4 * LANES)

/* The n < LANES components at a, then zeros. */
static inline Floats load_tail(const float *a, size_t n) {
    float block[LANES] = {0};
    memcpy(block, a, n * sizeof *a);
    return floats_load(block);
}

static inline float sum4(Floats a, Floats b, Floats c, Floats d) {
    return floats_sum(floats_add(floats_add(a, b), floats_add(c, d)));
}

static float dot_f32(const float *a, const float *b, size_t n) {
    Floats s0 = floats_zero(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        s0 = floats_fma(floats_load(a + i), floats_load(b + i), s0);
        s1 = floats_fma(floats_load(a + i + LANES), floats_load(b + i + LANES), s1);
        s2 = floats_fma(floats_load(a + i + 2 * LANES), floats_load(b + i + 2 * LANES), s2);
        s3 = floats_fma(floats_load(a + i + 3 * LANES), floats_load(b + i + 3 * LANES), s3);
    }
    for (; i + LANES <= n; i += LANES) s0 = floats_fma(floats_load(a + i), floats_load(b + i), s0);
    if (i < n) s1 = floats_fma(load_tail(a + i, n - i), load_tail(b + i, n - i), s1);
    return sum4(s0, s1, s2, s3);
}

static inline Floats add_square(Floats a, Floats b, Floats sum) {
    Floats d = floats_sub(a, b);
    return floats_fma(d, d, sum);
}

static float l2sq_f32(const float *a, const float *b, size_t n) {
    Floats s0 = floats_zero(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        s0 = add_square(floats_load(a + i), floats_load(b + i), s0);
        s1 = add_square(floats_load(a + i + LANES), floats_load(b + i + LANES), s1);
        s2 = add_square(floats_load(a + i + 2 * LANES), floats_load(b + i + 2 * LANES), s2);
        s3 = add_square(floats_load(a + i + 3 * LANES), floats_load(b + i + 3 * LANES), s3);
    }
    for (; i + LANES <= n; i += LANES) s0 = add_square(floats_load(a + i), floats_load(b + i), s0);
    if (i < n) s1 = add_square(load_tail(a + i, n - i), load_tail(b + i, n - i), s1);
    return sum4(s0, s1, s2, s3);
}

/* One step of dot_norm_f32: dot += a * b, norm += b * b, with a single load of b. */
static inline void add_dot_norm(Floats a, Floats b, Floats *dot, Floats *norm) {
    *dot = floats_fma(a, b, *dot);
    *norm = floats_fma(b, b, *norm);
}

static float dot_norm_f32(const float *a, const float *b, size_t n, float *b_norm_sq) {
    Floats s0 = floats_zero(), s1 = s0, s2 = s0, s3 = s0;
    Floats t0 = s0, t1 = s0, t2 = s0, t3 = s0;
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        add_dot_norm(floats_load(a + i), floats_load(b + i), &s0, &t0);
        add_dot_norm(floats_load(a + i + LANES), floats_load(b + i + LANES), &s1, &t1);
        add_dot_norm(floats_load(a + i + 2 * LANES), floats_load(b + i + 2 * LANES), &s2, &t2);
        add_dot_norm(floats_load(a + i + 3 * LANES), floats_load(b + i + 3 * LANES), &s3, &t3);
    }
    for (; i + LANES <= n; i += LANES) {
        add_dot_norm(floats_load(a + i), floats_load(b + i), &s0, &t0);
    }
    if (i < n) add_dot_norm(load_tail(a + i, n - i), load_tail(b + i, n - i), &s1, &t1);
    *b_norm_sq = sum4(t0, t1, t2, t3);
    return sum4(s0, s1, s2, s3);
}

/* Tests exponents as integers: comparisons of floats may be optimised or flushed away. */
static int finite_f32(const float *a, size_t n) {
    Ints bad0 = ints_zero(), bad1 = bad0;
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        bad0 = ints_or_not_finite(bad0, floats_load(a + i));
        bad1 = ints_or_not_finite(bad1, floats_load(a + i + LANES));
    }
    for (; i + LANES <= n; i += LANES) bad0 = ints_or_not_finite(bad0, floats_load(a + i));
    if (i < n) bad1 = ints_or_not_finite(bad1, load_tail(a + i, n - i));
    return !ints_any(bad0, bad1);
}

/* Magnitudes of floats are ordered like their bits, and integer maxima vectorise. */
static float max_abs_f32(const float *x, size_t n) {
    int32_t max = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t magnitude = (int32_t)(ck_f32_bits(x[i]) & 0x7fffffffu);
        max = magnitude > max ? magnitude : max;
    }
    return ck_f32_from_bits((uint32_t)max);
}

static void f32_from_f16(float *out, const uint8_t *h, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = ck_f32_from_f16(ck_load_u16(h + 2 * i));
}

static void f16_from_f32(uint8_t *out, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) ck_store_u16(out + 2 * i, ck_f16_from_f32(x[i]));
}

static void f32_from_i8(float *out, const int8_t *q, float scale, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (float)q[i] / scale;
}

static void i8_from_f32(int8_t *out, const float *x, float scale, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = ck_i8_from_f32(x[i], scale);
}

static uint64_t checksum(const void *bytes, size_t n, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, n, seed);
}

extern const CkKernels JOIN(ck_kernels_, CK_TIER);

const CkKernels JOIN(ck_kernels_, CK_TIER) = {
    .tier = TEXT(CK_TIER),
    .dot_f32 = dot_f32,
    .l2sq_f32 = l2sq_f32,
    .dot_norm_f32 = dot_norm_f32,
    .finite_f32 = finite_f32,
    .max_abs_f32 = max_abs_f32,
    .f32_from_f16 = f32_from_f16,
    .f16_from_f32 = f16_from_f32,
    .f32_from_i8 = f32_from_i8,
    .i8_from_f32 = i8_from_f32,
    .checksum = checksum,
};
