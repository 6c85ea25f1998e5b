/*
** Lanes of the AVX2 tier: 256 bits and fused multiply-add. Included by kernels_tier.c alone, which
** explains what a lanes file defines.
**
** Codes are int8 widened to 16 bits, sixteen a register: vpmaddwd then makes 32-bit sums of two
** products and cannot overflow. vpmaddubsw would take twice as many, but saturates.
*/
#include <simde/x86/avx2.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

#include "vector/lanes_tail.h"

#define LANES 8
#define ROUND 4
#define CODES 16
#define BYTES 32
#define ROWS 2
#define TILE 2

typedef simde__m256 Floats;
typedef simde__m256i Ints;
typedef simde__m256i Codes;
typedef simde__m256i Bytes;
typedef simde__m256i ByteSums;
typedef simde__m256i Wide;

static inline simde__m128i load_16_bytes(const void *p) {
    return simde_mm_loadu_si128((const simde__m128i *)p);
}

static inline simde__m128i load_less_than_16_bytes(const void *p, size_t n) {
    uint8_t block[16] = {0};
    tail_copy(block, p, n);
    return load_16_bytes(block);
}

static inline Floats floats_zero(void) {
    return simde_mm256_setzero_ps();
}

static inline Floats floats_load(const float *a) {
    return simde_mm256_loadu_ps(a);
}

static inline Floats floats_load_tail(const float *a, size_t n) {
    Ints lane = simde_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    Ints mask = simde_mm256_cmpgt_epi32(simde_mm256_set1_epi32((int)n), lane);
    return simde_mm256_maskload_ps(a, mask);
}

static inline Floats floats_load_f16(const uint16_t *a) {
    return simde_mm256_cvtph_ps(load_16_bytes(a));
}

static inline Floats floats_load_f16_tail(const uint16_t *a, size_t n) {
    return simde_mm256_cvtph_ps(load_less_than_16_bytes(a, n * sizeof *a));
}

static inline Floats floats_add(Floats a, Floats b) {
    return simde_mm256_add_ps(a, b);
}

static inline Floats floats_sub(Floats a, Floats b) {
    return simde_mm256_sub_ps(a, b);
}

static inline Floats floats_abs(Floats a) {
    return simde_mm256_andnot_ps(simde_mm256_set1_ps(-0.0f), a);
}

static inline Floats floats_fma(Floats a, Floats b, Floats sum) {
    return simde_mm256_fmadd_ps(a, b, sum);
}

static inline float floats_sum(Floats v) {
    simde__m128 s = simde_mm256_castps256_ps128(v);
    s = simde_mm_add_ps(s, simde_mm256_extractf128_ps(v, 1));
    s = simde_mm_add_ps(s, simde_mm_movehl_ps(s, s));
    return simde_mm_cvtss_f32(simde_mm_add_ss(s, simde_mm_shuffle_ps(s, s, 1)));
}

static inline Ints ints_zero(void) {
    return simde_mm256_setzero_si256();
}

static inline Ints ints_add(Ints a, Ints b) {
    return simde_mm256_add_epi32(a, b);
}

static inline Ints ints_sub(Ints a, Ints b) {
    return simde_mm256_sub_epi32(a, b);
}

static inline uint32_t ints_sum(Ints v) {
    simde__m128i s = simde_mm256_castsi256_si128(v);
    s = simde_mm_add_epi32(s, simde_mm256_extracti128_si256(v, 1));
    s = simde_mm_add_epi32(s, simde_mm_shuffle_epi32(s, 0x4e));
    s = simde_mm_add_epi32(s, simde_mm_shuffle_epi32(s, 0xb1));
    return (uint32_t)simde_mm_cvtsi128_si32(s);
}

static inline Ints ints_or_not_finite(Ints bad, Floats a) {
    Ints exponent = simde_mm256_set1_epi32(0x7f800000);
    Ints bits = simde_mm256_and_si256(simde_mm256_castps_si256(a), exponent);
    return simde_mm256_or_si256(bad, simde_mm256_cmpeq_epi32(bits, exponent));
}

static inline int ints_any(Ints a, Ints b) {
    return simde_mm256_movemask_epi8(simde_mm256_or_si256(a, b)) != 0;
}

static inline Codes codes_load_i8(const void *p) {
    return simde_mm256_cvtepi8_epi16(load_16_bytes(p));
}

static inline Codes codes_load_i8_tail(const void *p, size_t n) {
    return simde_mm256_cvtepi8_epi16(load_less_than_16_bytes(p, n));
}

static inline Codes codes_load_u8(const void *p) {
    return simde_mm256_cvtepu8_epi16(load_16_bytes(p));
}

static inline Codes codes_load_u8_tail(const void *p, size_t n) {
    return simde_mm256_cvtepu8_epi16(load_less_than_16_bytes(p, n));
}

static inline Ints ints_add_dot_i8(Ints sum, Codes a, Codes b) {
    return simde_mm256_add_epi32(sum, simde_mm256_madd_epi16(a, b));
}

#include "vector/lanes_widened.h"

static inline Ints ints_add_l2sq_i8(Ints sum, Codes a, Codes b) {
    Codes d = simde_mm256_sub_epi16(a, b);
    return ints_add_dot_i8(sum, d, d);
}

static inline Bytes bytes_load(const void *p) {
    return simde_mm256_loadu_si256((const simde__m256i *)p);
}

/* Half a register is common (384 bits are one and a half), and needs no detour over memory. */
static inline Bytes bytes_load_tail(const void *p, size_t n) {
    const uint8_t *at = p;
    if (n < 16) return simde_mm256_zextsi128_si256(load_less_than_16_bytes(at, n));
    Bytes low = simde_mm256_zextsi128_si256(load_16_bytes(at));
    if (n == 16) return low;
    return simde_mm256_inserti128_si256(low, load_less_than_16_bytes(at + 16, n - 16), 1);
}

static inline Bytes bytes_and(Bytes a, Bytes b) {
    return simde_mm256_and_si256(a, b);
}

static inline Bytes bytes_add(Bytes a, Bytes b) {
    return simde_mm256_add_epi8(a, b);
}

static inline Bytes bytes_xor(Bytes a, Bytes b) {
    return simde_mm256_xor_si256(a, b);
}

/* The set bits of each byte: of both halves of it, by table. */
static inline Bytes bytes_count(Bytes v) {
    Bytes table = simde_mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2,
                                        1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    Bytes low = simde_mm256_set1_epi8(15);
    Bytes a = simde_mm256_shuffle_epi8(table, simde_mm256_and_si256(v, low));
    Bytes b = simde_mm256_and_si256(simde_mm256_srli_epi16(v, 4), low);
    return simde_mm256_add_epi8(a, simde_mm256_shuffle_epi8(table, b));
}

static inline ByteSums sums_zero(void) {
    return simde_mm256_setzero_si256();
}

static inline ByteSums sums_add(ByteSums a, ByteSums b) {
    return simde_mm256_add_epi64(a, b);
}

static inline uint32_t sums_total(ByteSums v) {
    simde__m128i s = simde_mm256_castsi256_si128(v);
    s = simde_mm_add_epi64(s, simde_mm256_extracti128_si256(v, 1));
    s = simde_mm_add_epi64(s, simde_mm_unpackhi_epi64(s, s));
    return (uint32_t)simde_mm_cvtsi128_si32(s);
}

static inline ByteSums sums_add_bytes(ByteSums sum, Bytes v) {
    return simde_mm256_add_epi64(sum, simde_mm256_sad_epu8(v, simde_mm256_setzero_si256()));
}

static inline ByteSums sums_add_count(ByteSums sum, Bytes v) {
    return sums_add_bytes(sum, bytes_count(v));
}

/* Flipping the sign bits keeps differences and makes them unsigned. */
static inline ByteSums sums_add_l1_i8(ByteSums sum, Bytes a, Bytes b) {
    Bytes sign = simde_mm256_set1_epi8(-128);
    Bytes d = simde_mm256_sad_epu8(bytes_xor(a, sign), bytes_xor(b, sign));
    return simde_mm256_add_epi64(sum, d);
}

static inline uint32_t floats_minus(Floats v) {
    return (uint32_t)simde_mm256_movemask_ps(v);
}

static inline Wide wide_load(const uint8_t *p, size_t stride, int level) {
    if (level == 0) return bytes_load(p);
    return simde_mm256_inserti128_si256(simde_mm256_castsi128_si256(load_16_bytes(p)),
                                        load_16_bytes(p + stride), 1);
}

static inline Wide wide_load_tail(const uint8_t *p, size_t stride, size_t n) {
    Wide low = simde_mm256_castsi128_si256(load_less_than_16_bytes(p, n));
    return simde_mm256_inserti128_si256(low, load_less_than_16_bytes(p + stride, n), 1);
}

static inline Ints ints_fold(Ints a, Ints b, int level) {
    (void)level;
    return simde_mm256_add_epi32(simde_mm256_permute2x128_si256(a, b, 0x20),
                                 simde_mm256_permute2x128_si256(a, b, 0x31));
}

static inline Ints ints_sum_lanes(Ints a, Ints b, Ints c, Ints d) {
    Ints ab = simde_mm256_hadd_epi32(a, b), cd = simde_mm256_hadd_epi32(c, d);
    return simde_mm256_hadd_epi32(ab, cd);
}

static inline void ints_store(uint32_t *out, Ints v) {
    simde_mm256_storeu_si256((simde__m256i *)(void *)out, v);
}

/* Both halves of the planes' bytes, where the halves of a code meet them. */
typedef struct Weights {
    Wide low[4], high[4];
} Weights;

static inline Weights weights_of(Wide p0, Wide p1, Wide p2, Wide p3) {
    Weights weights = {{p0, p1, p2, p3}, {p0, p1, p2, p3}};
    for (int i = 0; i < 4; i++) weights.high[i] = simde_mm256_srli_epi16(weights.high[i], 4);
    return weights;
}

/* The table is doubled from plane to plane, in place of the counts. A byte of 8 bits of weight 15
** is 120. */
static inline Ints ints_add_weights(Ints sum, Wide code, const Weights *weights) {
    const Wide mask = simde_mm256_set1_epi8(15);
    Wide counts = simde_mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2,
                                        1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    Wide low = simde_mm256_and_si256(code, mask), v = simde_mm256_setzero_si256();
    Wide high = simde_mm256_and_si256(simde_mm256_srli_epi16(code, 4), mask);
    for (int i = 0; i < 4; i++) {
        Wide a = simde_mm256_shuffle_epi8(counts, simde_mm256_and_si256(low, weights->low[i]));
        Wide b = simde_mm256_shuffle_epi8(counts, simde_mm256_and_si256(high, weights->high[i]));
        v = simde_mm256_add_epi8(v, simde_mm256_add_epi8(a, b));
        counts = simde_mm256_add_epi8(counts, counts);
    }
    return simde_mm256_add_epi32(sum, simde_mm256_sad_epu8(v, simde_mm256_setzero_si256()));
}
