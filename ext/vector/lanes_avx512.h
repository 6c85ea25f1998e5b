/*
** Lanes of the AVX-512 tier (F, BW, DQ, VL; Skylake-X, Cascade Lake). Included by kernels_tier.c
** alone, which explains what a lanes file defines. Codes are int8 widened to 16 bits, as in AVX2.
*/
#include "vector/lanes_avx512_base.h"

#define CODES 32
#define BYTES 64

typedef __m512i Codes;
typedef __m512i Bytes;
typedef __m512i ByteSums;

static inline Codes codes_load_i8(const void *p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p));
}

static inline Codes codes_load_i8_tail(const void *p, size_t n) {
    return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8((__mmask32)((1u << n) - 1), p));
}

static inline Codes codes_load_u8(const void *p) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)p));
}

static inline Codes codes_load_u8_tail(const void *p, size_t n) {
    return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8((__mmask32)((1u << n) - 1), p));
}

static inline Ints ints_add_dot_i8(Ints sum, Codes a, Codes b) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
}

#include "vector/lanes_widened.h"

static inline Ints ints_add_l2sq_i8(Ints sum, Codes a, Codes b) {
    Codes d = _mm512_sub_epi16(a, b);
    return ints_add_dot_i8(sum, d, d);
}

static inline Bytes bytes_load(const void *p) {
    return _mm512_loadu_si512(p);
}

static inline Bytes bytes_load_tail(const void *p, size_t n) {
    return _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p);
}

static inline Bytes bytes_and(Bytes a, Bytes b) {
    return _mm512_and_si512(a, b);
}

static inline Bytes bytes_add(Bytes a, Bytes b) {
    return _mm512_add_epi8(a, b);
}

static inline Bytes bytes_xor(Bytes a, Bytes b) {
    return _mm512_xor_si512(a, b);
}

/* The set bits of each byte: of both halves of it, by table. */
static inline Bytes bytes_count(Bytes v) {
    Bytes table = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    Bytes low = _mm512_set1_epi8(15);
    Bytes a = _mm512_shuffle_epi8(table, _mm512_and_si512(v, low));
    Bytes b = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
    return _mm512_add_epi8(a, _mm512_shuffle_epi8(table, b));
}

static inline ByteSums sums_zero(void) {
    return _mm512_setzero_si512();
}

static inline ByteSums sums_add(ByteSums a, ByteSums b) {
    return _mm512_add_epi64(a, b);
}

static inline uint32_t sums_total(ByteSums v) {
    __m256i h = _mm256_add_epi64(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    __m128i s = _mm_add_epi64(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi64(s, _mm_unpackhi_epi64(s, s)));
}

static inline ByteSums sums_add_bytes(ByteSums sum, Bytes v) {
    return _mm512_add_epi64(sum, _mm512_sad_epu8(v, _mm512_setzero_si512()));
}

static inline ByteSums sums_add_count(ByteSums sum, Bytes v) {
    return sums_add_bytes(sum, bytes_count(v));
}

/* Flipping the sign bits keeps differences and makes them unsigned. */
static inline ByteSums sums_add_l1_i8(ByteSums sum, Bytes a, Bytes b) {
    Bytes sign = _mm512_set1_epi8(-128);
    return _mm512_add_epi64(sum, _mm512_sad_epu8(bytes_xor(a, sign), bytes_xor(b, sign)));
}

/* Both halves of the planes' bytes, where the halves of a code meet them. */
typedef struct Weights {
    Wide low[4], high[4];
} Weights;

static inline Weights weights_of(Wide p0, Wide p1, Wide p2, Wide p3) {
    Weights weights = {{p0, p1, p2, p3}, {p0, p1, p2, p3}};
    for (int i = 0; i < 4; i++) weights.high[i] = _mm512_srli_epi16(weights.high[i], 4);
    return weights;
}

/* The table is doubled from plane to plane, in place of the counts. A byte of 8 bits of weight 15
** is 120. */
static inline Ints ints_add_weights(Ints sum, Wide code, const Weights *weights) {
    const Wide mask = _mm512_set1_epi8(15);
    Wide counts = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    Wide low = _mm512_and_si512(code, mask), v = _mm512_setzero_si512();
    Wide high = _mm512_and_si512(_mm512_srli_epi16(code, 4), mask);
    for (int i = 0; i < 4; i++) {
        Wide a = _mm512_shuffle_epi8(counts, _mm512_and_si512(low, weights->low[i]));
        Wide b = _mm512_shuffle_epi8(counts, _mm512_and_si512(high, weights->high[i]));
        v = _mm512_add_epi8(v, _mm512_add_epi8(a, b));
        counts = _mm512_add_epi8(counts, counts);
    }
    return _mm512_add_epi32(sum, _mm512_sad_epu8(v, _mm512_setzero_si512()));
}
