/*
** Lanes of the AVX-512 tier with VNNI, BITALG and VPOPCNTDQ (Ice Lake, Zen 4). Included by
** kernels_tier.c alone, which explains what a lanes file defines.
**
** vpdpbusd adds four products of an unsigned byte and a signed one to each 32-bit lane, and wraps.
** A signed a is made unsigned by flipping its sign bit, which adds 128 to it; what that adds to the
** sum, 128 * sum b, is collected by a second vpdpbusd and taken off. The other way, |a| times b
** with the sign of a, has no answer for b = -128.
**
** Bytes are 256 bits: codes of bits are short (96 bytes at 768 dims, which are three registers of
** these and one and a half of 512 bits), and Zen 4 takes the wider ones in two halves anyway. On a
** Zen 4 dot_bit4 of 96 bytes took 4.4 ns instead of 4.9.
*/
#include "vector/lanes_avx512_base.h"

#define CODES 64
#define BYTES 32

typedef __m512i Codes; /* the bytes as they are */
typedef __m256i Bytes;
typedef __m256i ByteSums;

static inline Codes codes_load_u8(const void *p) {
    return _mm512_loadu_si512(p);
}

static inline Codes codes_load_u8_tail(const void *p, size_t n) {
    return _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p);
}

/* Two instructions use b: left alone, gcc reads it from memory for each of them, and the loads are
** what dot_i8 waits for. */
static inline Codes codes_load_i8(const void *p) {
    Codes v = codes_load_u8(p);
    __asm__("" : "+v"(v));
    return v;
}

static inline Codes codes_load_i8_tail(const void *p, size_t n) {
    return codes_load_u8_tail(p, n);
}

static inline Ints ints_add_dot_u8i8(Ints sum, Codes a, Codes b) {
    return _mm512_dpbusd_epi32(sum, a, b);
}

static inline Ints ints_add_excess_u8i8(Ints excess, Codes b) {
    (void)b;
    return excess;
}

static inline Ints ints_add_dot_i8(Ints sum, Codes a, Codes b) {
    return _mm512_dpbusd_epi32(sum, _mm512_xor_si512(a, _mm512_set1_epi8(-128)), b);
}

static inline Ints ints_add_excess_i8(Ints excess, Codes b) {
    return _mm512_dpbusd_epi32(excess, _mm512_set1_epi8(-128), b);
}

/* The larger less the smaller is 0..255; widened, because a square needs 255 signed. */
static inline Ints ints_add_l2sq_i8(Ints sum, Codes a, Codes b) {
    Codes d = _mm512_sub_epi8(_mm512_max_epi8(a, b), _mm512_min_epi8(a, b));
    Codes low = _mm512_unpacklo_epi8(d, ints_zero()), high = _mm512_unpackhi_epi8(d, ints_zero());
    return _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(sum, low, low), high, high);
}

static inline Bytes bytes_load(const void *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline Bytes bytes_load_tail(const void *p, size_t n) {
    return _mm256_maskz_loadu_epi8(((__mmask32)1 << n) - 1, p);
}

static inline Bytes bytes_and(Bytes a, Bytes b) {
    return _mm256_and_si256(a, b);
}

static inline Bytes bytes_add(Bytes a, Bytes b) {
    return _mm256_add_epi8(a, b);
}

static inline Bytes bytes_xor(Bytes a, Bytes b) {
    return _mm256_xor_si256(a, b);
}

static inline Bytes bytes_count(Bytes v) {
    return _mm256_popcnt_epi8(v);
}

static inline ByteSums sums_zero(void) {
    return _mm256_setzero_si256();
}

static inline ByteSums sums_add(ByteSums a, ByteSums b) {
    return _mm256_add_epi64(a, b);
}

static inline uint32_t sums_total(ByteSums v) {
    __m128i s = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi64(s, _mm_unpackhi_epi64(s, s)));
}

static inline ByteSums sums_add_bytes(ByteSums sum, Bytes v) {
    return _mm256_add_epi64(sum, _mm256_sad_epu8(v, sums_zero()));
}

static inline ByteSums sums_add_count(ByteSums sum, Bytes v) {
    return _mm256_add_epi64(sum, _mm256_popcnt_epi64(v));
}

/* Flipping the sign bits keeps differences and makes them unsigned. */
static inline ByteSums sums_add_l1_i8(ByteSums sum, Bytes a, Bytes b) {
    Bytes sign = _mm256_set1_epi8(-128);
    return _mm256_add_epi64(sum, _mm256_sad_epu8(bytes_xor(a, sign), bytes_xor(b, sign)));
}

typedef struct Weights {
    Wide plane[4];
} Weights;

static inline Weights weights_of(Wide p0, Wide p1, Wide p2, Wide p3) {
    return (Weights){{p0, p1, p2, p3}};
}

static inline Ints ints_add_weights(Ints sum, Wide code, const Weights *weights) {
    for (int i = 0; i < 4; i++) {
        Wide count = _mm512_popcnt_epi8(_mm512_and_si512(code, weights->plane[i]));
        sum = _mm512_dpbusd_epi32(sum, count, _mm512_set1_epi8((char)(1 << i)));
    }
    return sum;
}
