/*
** Lanes of the portable tier: 128 bits, which every baseline has (SSE2, NEON); elsewhere simde
** falls back to C. Included by kernels_tier.c alone, which explains what a lanes file defines.
**
** Only operations that SSE2 has: simde's imitations of the later ones go component by component.
*/
#include <simde/x86/fma.h>
#include <simde/x86/sse2.h>

#include "vector/lanes_tail.h"

#define LANES 4
#define ROUND 4
#define CODES 8
#define BYTES 16
#define ROWS 1
#define TILE 2

typedef simde__m128 Floats;
typedef simde__m128i Ints;
typedef simde__m128i Codes; /* widened to 16 bits */
typedef simde__m128i Bytes;
typedef simde__m128i ByteSums;
typedef simde__m128i Wide;

static inline Bytes bytes_load(const void *p) {
    return simde_mm_loadu_si128((const simde__m128i *)p);
}

static inline Bytes bytes_load_tail(const void *p, size_t n) {
    uint8_t block[16] = {0};
    tail_copy(block, p, n);
    return bytes_load(block);
}

static inline simde__m128i load_8_bytes(const void *p) {
    return simde_mm_loadl_epi64((const simde__m128i *)p);
}

static inline Floats floats_zero(void) {
    return simde_mm_setzero_ps();
}

static inline Floats floats_load(const float *a) {
    return simde_mm_loadu_ps(a);
}

static inline Floats floats_load_tail(const float *a, size_t n) {
    return simde_mm_castsi128_ps(bytes_load_tail(a, n * sizeof *a));
}

/* Four finite f16 in the upper halves of 32-bit lanes, to f32: ck_f32_from_f16() of quantize.h,
** without what it does for NaN and infinities. */
static inline Floats floats_from_f16(simde__m128i high) {
    simde__m128i sign = simde_mm_and_si128(high, simde_mm_set1_epi32(INT32_MIN));
    simde__m128i bits = simde_mm_srli_epi32(simde_mm_xor_si128(high, sign), 3);
    simde__m128i subnormal = simde_mm_cmplt_epi32(bits, simde_mm_set1_epi32(0x400 << 13));
    simde__m128i one = simde_mm_and_si128(subnormal, simde_mm_set1_epi32(0x00800000));
    simde__m128i less = simde_mm_and_si128(subnormal, simde_mm_set1_epi32(0x38800000));
    bits = simde_mm_add_epi32(bits, simde_mm_add_epi32(one, simde_mm_set1_epi32(0x38000000)));
    Floats v = simde_mm_sub_ps(simde_mm_castsi128_ps(bits), simde_mm_castsi128_ps(less));
    return simde_mm_or_ps(v, simde_mm_castsi128_ps(sign));
}

static inline Floats floats_load_f16(const uint16_t *a) {
    return floats_from_f16(simde_mm_unpacklo_epi16(simde_mm_setzero_si128(), load_8_bytes(a)));
}

static inline Floats floats_load_f16_tail(const uint16_t *a, size_t n) {
    Bytes v = bytes_load_tail(a, n * sizeof *a);
    return floats_from_f16(simde_mm_unpacklo_epi16(simde_mm_setzero_si128(), v));
}

static inline Floats floats_add(Floats a, Floats b) {
    return simde_mm_add_ps(a, b);
}

static inline Floats floats_sub(Floats a, Floats b) {
    return simde_mm_sub_ps(a, b);
}

static inline Floats floats_abs(Floats a) {
    return simde_mm_andnot_ps(simde_mm_set1_ps(-0.0f), a);
}

static inline Floats floats_fma(Floats a, Floats b, Floats sum) {
    return simde_mm_fmadd_ps(a, b, sum);
}

static inline float floats_sum(Floats v) {
    v = simde_mm_add_ps(v, simde_mm_movehl_ps(v, v));
    return simde_mm_cvtss_f32(simde_mm_add_ss(v, simde_mm_shuffle_ps(v, v, 1)));
}

static inline Ints ints_zero(void) {
    return simde_mm_setzero_si128();
}

static inline Ints ints_add(Ints a, Ints b) {
    return simde_mm_add_epi32(a, b);
}

static inline Ints ints_sub(Ints a, Ints b) {
    return simde_mm_sub_epi32(a, b);
}

static inline uint32_t ints_sum(Ints v) {
    v = simde_mm_add_epi32(v, simde_mm_shuffle_epi32(v, 0x4e));
    v = simde_mm_add_epi32(v, simde_mm_shuffle_epi32(v, 0xb1));
    return (uint32_t)simde_mm_cvtsi128_si32(v);
}

static inline Ints ints_or_not_finite(Ints bad, Floats a) {
    Ints exponent = simde_mm_set1_epi32(0x7f800000);
    Ints bits = simde_mm_and_si128(simde_mm_castps_si128(a), exponent);
    return simde_mm_or_si128(bad, simde_mm_cmpeq_epi32(bits, exponent));
}

static inline int ints_any(Ints a, Ints b) {
    return simde_mm_movemask_epi8(simde_mm_or_si128(a, b)) != 0;
}

static inline Codes codes_from_i8(simde__m128i v) {
    return simde_mm_srai_epi16(simde_mm_unpacklo_epi8(v, v), 8);
}

static inline Codes codes_from_u8(simde__m128i v) {
    return simde_mm_unpacklo_epi8(v, simde_mm_setzero_si128());
}

static inline Codes codes_load_i8(const void *p) {
    return codes_from_i8(load_8_bytes(p));
}

static inline Codes codes_load_i8_tail(const void *p, size_t n) {
    return codes_from_i8(bytes_load_tail(p, n));
}

static inline Codes codes_load_u8(const void *p) {
    return codes_from_u8(load_8_bytes(p));
}

static inline Codes codes_load_u8_tail(const void *p, size_t n) {
    return codes_from_u8(bytes_load_tail(p, n));
}

static inline Ints ints_add_dot_i8(Ints sum, Codes a, Codes b) {
    return simde_mm_add_epi32(sum, simde_mm_madd_epi16(a, b));
}

#include "vector/lanes_widened.h"

static inline Ints ints_add_l2sq_i8(Ints sum, Codes a, Codes b) {
    Codes d = simde_mm_sub_epi16(a, b);
    return ints_add_dot_i8(sum, d, d);
}

static inline Bytes bytes_and(Bytes a, Bytes b) {
    return simde_mm_and_si128(a, b);
}

static inline Bytes bytes_add(Bytes a, Bytes b) {
    return simde_mm_add_epi8(a, b);
}

static inline Bytes bytes_xor(Bytes a, Bytes b) {
    return simde_mm_xor_si128(a, b);
}

/* The set bits of each byte: of pairs, of fours, of eight, side by side. Shifts move bits between
** bytes; the masks remove them. */
static inline Bytes bytes_count(Bytes v) {
    Bytes pairs = simde_mm_set1_epi8(0x55), fours = simde_mm_set1_epi8(0x33);
    v = simde_mm_sub_epi8(v, simde_mm_and_si128(simde_mm_srli_epi16(v, 1), pairs));
    v = simde_mm_add_epi8(simde_mm_and_si128(v, fours),
                          simde_mm_and_si128(simde_mm_srli_epi16(v, 2), fours));
    v = simde_mm_add_epi8(v, simde_mm_srli_epi16(v, 4));
    return simde_mm_and_si128(v, simde_mm_set1_epi8(15));
}

static inline ByteSums sums_zero(void) {
    return simde_mm_setzero_si128();
}

static inline ByteSums sums_add(ByteSums a, ByteSums b) {
    return simde_mm_add_epi64(a, b);
}

static inline uint32_t sums_total(ByteSums v) {
    v = simde_mm_add_epi64(v, simde_mm_unpackhi_epi64(v, v));
    return (uint32_t)simde_mm_cvtsi128_si32(v);
}

static inline ByteSums sums_add_bytes(ByteSums sum, Bytes v) {
    return simde_mm_add_epi64(sum, simde_mm_sad_epu8(v, simde_mm_setzero_si128()));
}

static inline ByteSums sums_add_count(ByteSums sum, Bytes v) {
    return sums_add_bytes(sum, bytes_count(v));
}

/* Flipping the sign bits keeps differences and makes them unsigned. */
static inline ByteSums sums_add_l1_i8(ByteSums sum, Bytes a, Bytes b) {
    Bytes sign = simde_mm_set1_epi8(-128);
    return simde_mm_add_epi64(sum, simde_mm_sad_epu8(bytes_xor(a, sign), bytes_xor(b, sign)));
}

static inline uint32_t floats_minus(Floats v) {
    return (uint32_t)simde_mm_movemask_ps(v);
}

/* One row fills the register: there is no other to load or to fold. */
static inline Wide wide_load(const uint8_t *p, size_t stride, int level) {
    (void)stride;
    (void)level;
    return bytes_load(p);
}

static inline Wide wide_load_tail(const uint8_t *p, size_t stride, size_t n) {
    (void)stride;
    return bytes_load_tail(p, n);
}

static inline Ints ints_fold(Ints a, Ints b, int level) {
    (void)level;
    return ints_add(a, b);
}

static inline Ints ints_sum_lanes(Ints a, Ints b, Ints c, Ints d) {
    Ints ab = simde_mm_add_epi32(simde_mm_unpacklo_epi32(a, b), simde_mm_unpackhi_epi32(a, b));
    Ints cd = simde_mm_add_epi32(simde_mm_unpacklo_epi32(c, d), simde_mm_unpackhi_epi32(c, d));
    return simde_mm_add_epi32(simde_mm_unpacklo_epi64(ab, cd), simde_mm_unpackhi_epi64(ab, cd));
}

static inline void ints_store(uint32_t *out, Ints v) {
    simde_mm_storeu_si128((simde__m128i *)(void *)out, v);
}

typedef struct Weights {
    Wide plane[4];
} Weights;

static inline Weights weights_of(Wide p0, Wide p1, Wide p2, Wide p3) {
    return (Weights){{p0, p1, p2, p3}};
}

/* Doubled from plane to plane: a byte of 8 bits of weight 15 is 120. */
static inline Ints ints_add_weights(Ints sum, Wide code, const Weights *weights) {
    Wide v = bytes_count(bytes_and(code, weights->plane[3]));
    for (int i = 2; i >= 0; i--) {
        v = bytes_add(bytes_add(v, v), bytes_count(bytes_and(code, weights->plane[i])));
    }
    return sums_add_bytes(sum, v);
}
