/*
** Lanes of the portable tier: 128 bits, which every baseline has (SSE2, NEON); elsewhere simde
** falls back to C. Included by kernels_tier.c alone, which explains what a lanes file defines.
*/
#include <simde/x86/fma.h>
#include <simde/x86/sse4.1.h>

#define LANES 4

typedef simde__m128 Floats;
typedef simde__m128i Ints;

static inline Floats floats_zero(void) {
    return simde_mm_setzero_ps();
}

static inline Floats floats_load(const float *a) {
    return simde_mm_loadu_ps(a);
}

static inline Floats floats_add(Floats a, Floats b) {
    return simde_mm_add_ps(a, b);
}

static inline Floats floats_sub(Floats a, Floats b) {
    return simde_mm_sub_ps(a, b);
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

static inline Ints ints_or_not_finite(Ints bad, Floats a) {
    Ints exponent = simde_mm_set1_epi32(0x7f800000);
    Ints bits = simde_mm_and_si128(simde_mm_castps_si128(a), exponent);
    return simde_mm_or_si128(bad, simde_mm_cmpeq_epi32(bits, exponent));
}

static inline int ints_any(Ints a, Ints b) {
    return simde_mm_movemask_epi8(simde_mm_or_si128(a, b)) != 0;
}
