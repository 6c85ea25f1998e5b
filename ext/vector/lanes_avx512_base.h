/*
** What the two AVX-512 tiers share: see lanes_avx512.h and lanes_avx512vnni.h, which include it.
**
** The compiler's own intrinsics, since this can only ever be compiled for these instructions, and
** simde 0.7.4 has no masked loads. A masked-out byte is neither read nor able to fault, so tails
** cost no more than a full register.
**
** Two registers a round and not four: as fast in L1; streaming 768 f32 from memory, with four it
** took 1.10 to 1.20 times as long as SimSIMD beside it on a busy Zen 4, with two 1.08 times.
*/
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 16
#define ROUND 2

#define ROWS 4
#define TILE 4

typedef __m512 Floats;
typedef __m512i Ints;
typedef __m512i Wide;

static inline Floats floats_zero(void) {
    return _mm512_setzero_ps();
}

static inline Floats floats_load(const float *a) {
    return _mm512_loadu_ps(a);
}

static inline Floats floats_load_tail(const float *a, size_t n) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), a);
}

static inline Floats floats_load_f16(const uint16_t *a) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)a));
}

static inline Floats floats_load_f16_tail(const uint16_t *a, size_t n) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), a));
}

static inline Floats floats_add(Floats a, Floats b) {
    return _mm512_add_ps(a, b);
}

static inline Floats floats_sub(Floats a, Floats b) {
    return _mm512_sub_ps(a, b);
}

static inline Floats floats_abs(Floats a) {
    return _mm512_abs_ps(a);
}

static inline Floats floats_fma(Floats a, Floats b, Floats sum) {
    return _mm512_fmadd_ps(a, b, sum);
}

static inline float floats_sum(Floats v) {
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline Ints ints_zero(void) {
    return _mm512_setzero_si512();
}

static inline Ints ints_add(Ints a, Ints b) {
    return _mm512_add_epi32(a, b);
}

static inline Ints ints_sub(Ints a, Ints b) {
    return _mm512_sub_epi32(a, b);
}

static inline uint32_t ints_sum(Ints v) {
    __m256i h = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti32x8_epi32(v, 1));
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(s);
}

static inline Ints ints_or_not_finite(Ints bad, Floats a) {
    Ints exponent = _mm512_set1_epi32(0x7f800000);
    Ints bits = _mm512_and_si512(_mm512_castps_si512(a), exponent);
    __mmask16 is_bad = _mm512_cmpeq_epi32_mask(bits, exponent);
    return _mm512_mask_set1_epi32(bad, is_bad, -1);
}

static inline int ints_any(Ints a, Ints b) {
    Ints either = _mm512_or_si512(a, b);
    return _mm512_test_epi32_mask(either, either) != 0;
}

static inline uint32_t floats_minus(Floats v) {
    return _mm512_movepi32_mask(_mm512_castps_si512(v));
}

static inline Wide wide_lanes(__m128i a, __m128i b, __m128i c, __m128i d) {
    Wide v = _mm512_inserti32x4(_mm512_castsi128_si512(a), b, 1);
    return _mm512_inserti32x4(_mm512_inserti32x4(v, c, 2), d, 3);
}

static inline Wide wide_load(const uint8_t *p, size_t stride, int level) {
    if (level == 0) return _mm512_loadu_si512(p);
    const __m128i *a = (const __m128i *)p, *b = (const __m128i *)(p + stride);
    if (level == 1) {
        __m256i low = _mm256_loadu_si256((const __m256i *)a);
        return _mm512_inserti64x4(_mm512_castsi256_si512(low),
                                  _mm256_loadu_si256((const __m256i *)b), 1);
    }
    return wide_lanes(_mm_loadu_si128(a), _mm_loadu_si128(b),
                      _mm_loadu_si128((const __m128i *)(p + 2 * stride)),
                      _mm_loadu_si128((const __m128i *)(p + 3 * stride)));
}

static inline Wide wide_load_tail(const uint8_t *p, size_t stride, size_t n) {
    __mmask16 mask = (__mmask16)((1u << n) - 1);
    return wide_lanes(_mm_maskz_loadu_epi8(mask, p), _mm_maskz_loadu_epi8(mask, p + stride),
                      _mm_maskz_loadu_epi8(mask, p + 2 * stride),
                      _mm_maskz_loadu_epi8(mask, p + 3 * stride));
}

static inline Ints ints_fold(Ints a, Ints b, int level) {
    if (level == 0) {
        return _mm512_add_epi32(_mm512_shuffle_i64x2(a, b, 0x44),
                                _mm512_shuffle_i64x2(a, b, 0xee));
    }
    return _mm512_add_epi32(_mm512_shuffle_i64x2(a, b, 0x88), _mm512_shuffle_i64x2(a, b, 0xdd));
}

static inline Ints ints_sum_lanes(Ints a, Ints b, Ints c, Ints d) {
    Ints ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    Ints cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

static inline void ints_store(uint32_t *out, Ints v) {
    _mm512_storeu_si512(out, v);
}
