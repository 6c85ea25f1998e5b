/*
** The distance kernels, once for all tiers.
**
** Compiled once per tier with -DCK_TIER=<tier> and that tier's flags (tiers.mk). What a tier has
** of its own is lanes_<tier>.h: vector types and one-line operations on them, in simde or in the
** compiler's intrinsics. Everything below is written on those:
**
**   Floats, LANES of f32, and ROUND, how many of them a round of a loop takes: up to 4
**     floats_zero load add sub abs fma sum     the usual
**     floats_load_f16                          LANES of f16, widened
**     floats_minus(v)                          bit i is set where lane i has a minus sign
**   Ints, 32-bit lanes whose sums wrap
**     ints_zero add sub sum                    the usual
**     ints_or_not_finite(bad, floats)          bad, with all ones where a float is NaN or infinite
**     ints_any(a, b)                           whether any bit is set
**   Codes, CODES of i8 or u8, widened or as they are
**     codes_load_i8, codes_load_u8
**     ints_add_dot_i8(sum, a, b)               sum + a * b, which a tier may have to take with a
**     ints_add_excess_i8(excess, b)              shifted by a constant: the excess to take off in
**     (the same for u8i8)                        the end. The others return excess unchanged, and
**                                                the compiler sees that it is zero.
**     ints_add_l2sq_i8(sum, a, b)
**     TILE                                     rows of a that a tile of products has: as many as
**                                                there are registers for 4 * TILE sums
**   Bytes, BYTES of bits or i8, and ByteSums, lanes whose total wraps at 2^32 or later
**     bytes_load xor and add                   the usual; bytes_add byte by byte
**     bytes_count(v)                           the bits set in each byte
**     sums_zero add total                      the usual
**     sums_add_bytes(sum, v)                   sum + unsigned bytes
**     sums_add_count(sum, v)                   sum + bits set
**     sums_add_l1_i8(sum, a, b)
**   Wide, 16 * ROWS bytes of one code or of several rows: see kernels_sign.h. Its sums are Ints
**     wide_load(p, stride, level)              pieces of 2^level rows, stride apart, the first at p
**     wide_load_tail(p, stride, n)             n < 16 bytes of each of ROWS rows
**     weights_of(p0, p1, p2, p3)               four planes, in the form the next one wants
**     ints_add_weights(sum, code, weights)     sum + bits set in code & plane p, times 2^p
**     ints_fold(a, b, level)                   halves added, a's sums before b's: from registers of
**                                                2^level rows to one of 2^(level + 1)
**     ints_sum_lanes(a, b, c, d)               the sum of each 128 bits of a, b, c and d: four of
**                                                lane 0, four of lane 1, …
**     ints_store
**
** Every load takes any address; load_tail takes fewer elements than a register holds and fills up
** with zeros, which change no sum, so that nothing is read past the end.
**
** A loop takes several registers of each array per round, with an accumulator of its own for each:
** that hides the latency of multiply-add, and in L1 the loads are then what bounds the kernels.
** Loops are written once and get their load and their step as functions, which always_inline
** turns into straight code.
**
** The conversions are plain loops without branches, which compilers vectorise at -O3.
**
** Must never: assume alignment of an input, touch anything past n, keep state, or define a
** function that is not static: the linker could take it, with this tier's instructions, for all.
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
#include "vector/intcode.h"
#include "vector/quantize.h"

#define INLINE static inline __attribute__((always_inline))

/* How an element type is read: LANES elements, or the n < LANES that are left. */
typedef struct FloatType {
    size_t size;
    Floats (*load)(const void *a);
    Floats (*load_tail)(const void *a, size_t n);
} FloatType;

INLINE Floats load_f32(const void *a) {
    return floats_load(a);
}

INLINE Floats load_f32_tail(const void *a, size_t n) {
    return floats_load_tail(a, n);
}

INLINE Floats load_f16(const void *a) {
    return floats_load_f16(a);
}

INLINE Floats load_f16_tail(const void *a, size_t n) {
    return floats_load_f16_tail(a, n);
}

static const FloatType f32 = {sizeof(float), load_f32, load_f32_tail};
static const FloatType f16 = {sizeof(uint16_t), load_f16, load_f16_tail};

INLINE Floats add_product(Floats sum, Floats a, Floats b) {
    return floats_fma(a, b, sum);
}

INLINE Floats add_square(Floats sum, Floats a, Floats b) {
    Floats d = floats_sub(a, b);
    return floats_fma(d, d, sum);
}

INLINE Floats add_distance(Floats sum, Floats a, Floats b) {
    return floats_add(sum, floats_abs(floats_sub(a, b)));
}

INLINE float sum4(const Floats s[4]) {
    return floats_sum(floats_add(floats_add(s[0], s[1]), floats_add(s[2], s[3])));
}

/* The sum over all i of what add makes of a[i] and b[i]. */
INLINE float sum_floats(FloatType type, const void *a, const void *b, size_t n,
                        Floats (*add)(Floats, Floats, Floats)) {
    const char *x = a, *y = b;
    const size_t step = LANES * type.size;
    Floats s[4] = {floats_zero(), floats_zero(), floats_zero(), floats_zero()};
    for (; n >= ROUND * LANES; n -= ROUND * LANES, x += ROUND * step, y += ROUND * step) {
        for (size_t i = 0; i < ROUND; i++) {
            s[i] = add(s[i], type.load(x + i * step), type.load(y + i * step));
        }
    }
    for (; n >= LANES; n -= LANES, x += step, y += step) {
        s[0] = add(s[0], type.load(x), type.load(y));
    }
    if (n > 0) s[1] = add(s[1], type.load_tail(x, n), type.load_tail(y, n));
    return sum4(s);
}

static float dot_f32(const float *a, const float *b, size_t n) {
    return sum_floats(f32, a, b, n, add_product);
}

static float dot_f16(const uint16_t *a, const uint16_t *b, size_t n) {
    return sum_floats(f16, a, b, n, add_product);
}

static float l2sq_f32(const float *a, const float *b, size_t n) {
    return sum_floats(f32, a, b, n, add_square);
}

static float l2sq_f16(const uint16_t *a, const uint16_t *b, size_t n) {
    return sum_floats(f16, a, b, n, add_square);
}

static float l1_f32(const float *a, const float *b, size_t n) {
    return sum_floats(f32, a, b, n, add_distance);
}

static float l1_f16(const uint16_t *a, const uint16_t *b, size_t n) {
    return sum_floats(f16, a, b, n, add_distance);
}

/* One step of dot_norm: dot += a * b, norm += b * b, with a single load of b. */
INLINE void add_dot_norm(Floats a, Floats b, Floats *dot, Floats *norm) {
    *dot = floats_fma(a, b, *dot);
    *norm = floats_fma(b, b, *norm);
}

INLINE float dot_norm(FloatType type, const void *a, const void *b, size_t n, float *b_norm_sq) {
    const char *x = a, *y = b;
    const size_t step = LANES * type.size;
    Floats s[4] = {floats_zero(), floats_zero(), floats_zero(), floats_zero()};
    Floats t[4] = {floats_zero(), floats_zero(), floats_zero(), floats_zero()};
    for (; n >= ROUND * LANES; n -= ROUND * LANES, x += ROUND * step, y += ROUND * step) {
        for (size_t i = 0; i < ROUND; i++) {
            add_dot_norm(type.load(x + i * step), type.load(y + i * step), &s[i], &t[i]);
        }
    }
    for (; n >= LANES; n -= LANES, x += step, y += step) {
        add_dot_norm(type.load(x), type.load(y), &s[0], &t[0]);
    }
    if (n > 0) add_dot_norm(type.load_tail(x, n), type.load_tail(y, n), &s[1], &t[1]);
    *b_norm_sq = sum4(t);
    return sum4(s);
}

static float dot_norm_f32(const float *a, const float *b, size_t n, float *b_norm_sq) {
    return dot_norm(f32, a, b, n, b_norm_sq);
}

static float dot_norm_f16(const uint16_t *a, const uint16_t *b, size_t n, float *b_norm_sq) {
    return dot_norm(f16, a, b, n, b_norm_sq);
}

/* How dot products of two kinds of codes are taken: a of one sign or the other, b signed. */
typedef struct CodeType {
    Codes (*load_a)(const void *a);
    Codes (*load_a_tail)(const void *a, size_t n);
    Ints (*add)(Ints sum, Codes a, Codes b);
    Ints (*add_excess)(Ints excess, Codes b);
} CodeType;

static const CodeType i8i8 = {codes_load_i8, codes_load_i8_tail, ints_add_dot_i8,
                              ints_add_excess_i8};
static const CodeType u8i8 = {codes_load_u8, codes_load_u8_tail, ints_add_dot_u8i8,
                              ints_add_excess_u8i8};

INLINE uint32_t sum4_ints(const Ints s[4]) {
    return ints_sum(ints_add(ints_add(s[0], s[1]), ints_add(s[2], s[3])));
}

/* Two accumulators for the excess: it is of two operations a step the cheaper one. */
INLINE uint32_t dot_codes(CodeType type, const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b;
    Ints s[4] = {ints_zero(), ints_zero(), ints_zero(), ints_zero()};
    Ints excess[2] = {ints_zero(), ints_zero()};
    for (; n >= 4 * CODES; n -= 4 * CODES, x += 4 * CODES, y += 4 * CODES) {
        for (int i = 0; i < 4; i++) {
            Codes v = codes_load_i8(y + i * CODES);
            s[i] = type.add(s[i], type.load_a(x + i * CODES), v);
            excess[i % 2] = type.add_excess(excess[i % 2], v);
        }
    }
    for (; n >= CODES; n -= CODES, x += CODES, y += CODES) {
        Codes v = codes_load_i8(y);
        s[0] = type.add(s[0], type.load_a(x), v);
        excess[0] = type.add_excess(excess[0], v);
    }
    if (n > 0) {
        Codes v = codes_load_i8_tail(y, n);
        s[1] = type.add(s[1], type.load_a_tail(x, n), v);
        excess[1] = type.add_excess(excess[1], v);
    }
    s[0] = ints_sub(s[0], excess[0]);
    s[1] = ints_sub(s[1], excess[1]);
    return sum4_ints(s);
}

static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t n) {
    return (int32_t)dot_codes(i8i8, a, b, n);
}

static int32_t dot_u8i8(const uint8_t *a, const int8_t *b, size_t n) {
    return (int32_t)dot_codes(u8i8, a, b, n);
}

static uint32_t l2sq_i8(const int8_t *a, const int8_t *b, size_t n) {
    Ints s[4] = {ints_zero(), ints_zero(), ints_zero(), ints_zero()};
    for (; n >= 4 * CODES; n -= 4 * CODES, a += 4 * CODES, b += 4 * CODES) {
        for (int i = 0; i < 4; i++) {
            s[i] = ints_add_l2sq_i8(s[i], codes_load_i8(a + i * CODES),
                                    codes_load_i8(b + i * CODES));
        }
    }
    for (; n >= CODES; n -= CODES, a += CODES, b += CODES) {
        s[0] = ints_add_l2sq_i8(s[0], codes_load_i8(a), codes_load_i8(b));
    }
    if (n > 0) s[1] = ints_add_l2sq_i8(s[1], codes_load_i8_tail(a, n), codes_load_i8_tail(b, n));
    return sum4_ints(s);
}

/* The sum over all of what add makes of BYTES of a and of b. Codes of bits are so short that the
** empty accumulators of the long loop would cost a tenth of the time. */
INLINE uint32_t sum_bytes(const void *a, const void *b, size_t n,
                          ByteSums (*add)(ByteSums sum, Bytes a, Bytes b)) {
    const uint8_t *x = a, *y = b;
    ByteSums s[4] = {sums_zero(), sums_zero(), sums_zero(), sums_zero()};
    if (n >= 4 * BYTES) {
        for (; n >= 4 * BYTES; n -= 4 * BYTES, x += 4 * BYTES, y += 4 * BYTES) {
            for (int i = 0; i < 4; i++) {
                s[i] = add(s[i], bytes_load(x + i * BYTES), bytes_load(y + i * BYTES));
            }
        }
        s[0] = sums_add(sums_add(s[0], s[1]), sums_add(s[2], s[3]));
    }
    for (; n >= BYTES; n -= BYTES, x += BYTES, y += BYTES) {
        s[0] = add(s[0], bytes_load(x), bytes_load(y));
    }
    if (n > 0) s[0] = add(s[0], bytes_load_tail(x, n), bytes_load_tail(y, n));
    return sums_total(s[0]);
}

INLINE ByteSums add_difference(ByteSums sum, Bytes a, Bytes b) {
    return sums_add_l1_i8(sum, a, b);
}

INLINE ByteSums add_xor_count(ByteSums sum, Bytes a, Bytes b) {
    return sums_add_count(sum, bytes_xor(a, b));
}

INLINE ByteSums add_first_count(ByteSums sum, Bytes a, Bytes b) {
    (void)b;
    return sums_add_count(sum, a);
}

static uint32_t l1_i8(const int8_t *a, const int8_t *b, size_t n) {
    return sum_bytes(a, b, n, add_difference);
}

static uint32_t hamming(const uint8_t *a, const uint8_t *b, size_t n_bytes) {
    return sum_bytes(a, b, n_bytes, add_xor_count);
}

static uint32_t popcount(const uint8_t *a, size_t n_bytes) {
    return sum_bytes(a, a, n_bytes, add_first_count);
}

#include "vector/kernels_sign.h"

#include "vector/kernels_int.h"

/* Tests exponents as integers: comparisons of floats may be optimised or flushed away. */
static int finite_f32(const float *a, size_t n) {
    Ints bad0 = ints_zero(), bad1 = bad0;
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        bad0 = ints_or_not_finite(bad0, floats_load(a + i));
        bad1 = ints_or_not_finite(bad1, floats_load(a + i + LANES));
    }
    for (; i + LANES <= n; i += LANES) bad0 = ints_or_not_finite(bad0, floats_load(a + i));
    if (i < n) bad1 = ints_or_not_finite(bad1, floats_load_tail(a + i, n - i));
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

/* A division takes several times as long as all the rest. */
static void f32_from_i8(float *out, const int8_t *q, float scale, size_t n) {
    if (scale == 1) {
        for (size_t i = 0; i < n; i++) out[i] = q[i];
    } else {
        for (size_t i = 0; i < n; i++) out[i] = (float)q[i] / scale;
    }
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
    .dot_f16 = dot_f16,
    .l2sq_f32 = l2sq_f32,
    .l2sq_f16 = l2sq_f16,
    .l1_f32 = l1_f32,
    .l1_f16 = l1_f16,
    .dot_norm_f32 = dot_norm_f32,
    .dot_norm_f16 = dot_norm_f16,
    .dot_i8 = dot_i8,
    .dot_u8i8 = dot_u8i8,
    .l2sq_i8 = l2sq_i8,
    .l1_i8 = l1_i8,
    .sum_i8 = sum_i8,
    .gather_u8i8 = gather_u8i8,
    .gather_distances = gather_distances,
    .gather_bit4 = gather_bit4,
    .products_u8i8 = products_u8i8,
    .int_distances = int_distances,
    .popcount = popcount,
    .hamming = hamming,
    .dot_bit4 = dot_bit4,
    .dots_bit4 = dots_bit4,
    .signs_f32 = signs_f32,
    .residual_f32 = residual_f32,
    .range_f32 = range_f32,
    .planes_f32 = planes_f32,
    .sign_keys = sign_keys,
    .list_up_to = list_up_to,
    .finite_f32 = finite_f32,
    .max_abs_f32 = max_abs_f32,
    .f32_from_f16 = f32_from_f16,
    .f16_from_f32 = f16_from_f32,
    .f32_from_i8 = f32_from_i8,
    .i8_from_f32 = i8_from_f32,
    .checksum = checksum,
};
