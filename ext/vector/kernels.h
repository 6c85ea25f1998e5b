/*
** Distance kernels: the innermost loops, one table of functions per SIMD tier.
**
** kernels_tier.c is written once with simde and compiled once per tier with that tier's compiler
** flags; dispatch.c picks the best tier this CPU has when the extension is loaded, or the one the
** environment variable CK_SIMD names (never one the CPU lacks). No other file contains SIMD code.
** The portable tier is the same source with the compiler's baseline (SSE2, NEON or plain C).
**
** Any length will do, including 0, and any address, except where it says "aligned" (f32 at a
** multiple of 4). f32 sums run in several f32 accumulators: the relative error against exact
** arithmetic is below n * 2^-24 of the sum of absolute products, in practice far smaller.
*/
#ifndef CK_VECTOR_KERNELS_H
#define CK_VECTOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef struct CkKernels {
    const char *tier; /* "portable", "avx2", … */
    /* sum a[i] * b[i] */
    float (*dot_f32)(const float *a, const float *b, size_t n);
    /* sum (a[i] - b[i])^2 */
    float (*l2sq_f32)(const float *a, const float *b, size_t n);
    /* returns sum a[i] * b[i] and writes sum b[i]^2: one pass for cosine against stored vectors */
    float (*dot_norm_f32)(const float *a, const float *b, size_t n, float *b_norm_sq);
    /* 1 when every component is finite */
    int (*finite_f32)(const float *a, size_t n);
    /* max |x[i]|, 0 when n is 0; x is finite and aligned */
    float (*max_abs_f32)(const float *x, size_t n);
    /* Conversions as quantize.h defines them, the same bits in every tier. f32 is aligned. */
    void (*f32_from_f16)(float *out, const uint8_t *h, size_t n);
    void (*f16_from_f32)(uint8_t *out, const float *x, size_t n);
    void (*f32_from_i8)(float *out, const int8_t *q, float scale, size_t n);
    void (*i8_from_f32)(int8_t *out, const float *x, float scale, size_t n);
    /* XXH3-64: the same value in every tier */
    uint64_t (*checksum)(const void *bytes, size_t n, uint64_t seed);
} CkKernels;

/* The tier in use. Chosen once by ck_kernels_init(); portable before that. */
const CkKernels *ck_kernels(void);

/* Chooses the tier from the CPU and CK_SIMD. Safe to call again; called by the entry point. */
void ck_kernels_init(void);

/* The tiers compiled in that this CPU can run, portable first; n of them. For tests and benches. */
const CkKernels *const *ck_kernels_usable(int *n);

#endif
