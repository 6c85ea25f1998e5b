/*
** Lanes of the AVX2 tier: 256 bits and fused multiply-add. Included by kernels_tier.c alone, which
** explains what a lanes file defines.
*/
#include <simde/x86/avx2.h>
#include <simde/x86/fma.h>

#define LANES 8

typedef simde__m256 Floats;
typedef simde__m256i Ints;

static inline Floats floats_zero(void) {
    return simde_mm256_setzero_ps();
}

static inline Floats floats_load(const float *a) {
    return simde_mm256_loadu_ps(a);
}

static inline Floats floats_add(Floats a, Floats b) {
    return simde_mm256_add_ps(a, b);
}

static inline Floats floats_sub(Floats a, Floats b) {
    return simde_mm256_sub_ps(a, b);
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

static inline Ints ints_or_not_finite(Ints bad, Floats a) {
    Ints exponent = simde_mm256_set1_epi32(0x7f800000);
    Ints bits = simde_mm256_and_si256(simde_mm256_castps_si256(a), exponent);
    return simde_mm256_or_si256(bad, simde_mm256_cmpeq_epi32(bits, exponent));
}

static inline int ints_any(Ints a, Ints b) {
    return simde_mm256_movemask_epi8(simde_mm256_or_si256(a, b)) != 0;
}
