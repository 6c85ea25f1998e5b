/*
** Distance kernels: the innermost loops, one table of functions per SIMD tier.
**
** kernels_tier.c is written once and compiled once per tier with that tier's compiler flags
** (tiers.mk); dispatch.c picks the best tier this CPU has when the extension is loaded, or the one
** the environment variable CK_SIMD names (never one the CPU lacks). No other file contains SIMD
** code. The tiers:
**
**   portable     the compiler's baseline through simde: SSE2, NEON or plain C
**   avx2         AVX2, FMA, F16C, POPCNT
**   avx512       AVX-512 F, BW, DQ and VL, BMI2
**   avx512vnni   and VNNI, BITALG, VPOPCNTDQ
**   neon         what every aarch64 has
**   dotprod      and the dot product instructions of ARMv8.2
**
** Any length will do, including 0, and any address, whatever the type of the pointer says, except
** where it says "aligned" (f32 at a multiple of 4). Nothing outside the n elements is read.
**
** Sums of f32 and f16. f16 components (IEEE 754 binary16, in the host's byte order) are widened to
** f32, which is exact, and everything is added in f32, in 16 accumulators or more side by side. No
** term passes through more than n/16 + 10 roundings: its own (up to 3 for a square), the steps of
** one accumulator (n/16, and 3 for what is left over), the tree that adds up the accumulators (4; a
** wider tier has more levels and fewer steps). With u = 2^-24 the error is thus, to first order,
** at most
**
**     (n/16 + 10) * u * sum of |terms|
**
** where the terms are a[i]*b[i], (a[i]-b[i])^2 or |a[i]-b[i]|: 3.5e-6 of that sum at 768 dims, and
** in practice nearer to 1e-7. To that comes 2^-149 for each term that underflows. Sums past FLT_MAX
** are infinite; NaN and infinities must be kept out by the caller (finite_f32).
**
** Sums of integers are exact, in every tier the same, and may use every value of the type (-128
** too). What bounds n is the result:
**
**     dot_i8     65,536 * 128 * 128 = 2^30                      < 2^31
**     dot_u8i8   65,536 * 255 * 128 = 2,139,095,040             < 2^31 = 2,147,483,648
**     l2sq_i8    65,536 * 255 * 255 = 4,261,478,400             < 2^32 = 4,294,967,296
**
** Inside, partial sums are taken modulo 2^32, so only the result has to fit: 65,536 dims always
** do. No step saturates (dpbusd and not dpbusds; never maddubs, whose pairs saturate at 2^15).
*/
#ifndef CK_VECTOR_KERNELS_H
#define CK_VECTOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define CK_KERNEL_INTS_MAX 65536 /* the n up to which every sum of integers is exact */

/* What sign_keys makes keys of: see signcode.h. */
typedef struct CkSignTerms {
    float t, low, step, sum;
    const float *add, *mul;
    const uint32_t *ones;
} CkSignTerms;

/* Rows, stride apart: n_bytes of each are compared, n_fetched fetched ahead, because more will be
** read; 0: nothing is, because they are in the cache. */
typedef struct CkRows {
    const uint8_t *base;
    size_t stride, n_bytes, n_fetched;
} CkRows;

/* What int_distances makes distances of, beside the products: those of the query, and columns. */
typedef struct CkIntTerms {
    float query_add, query_scale;
    const float *add, *scale;
    const int32_t *sum;
} CkIntTerms;

struct CkIntQuery;

typedef struct CkKernels {
    const char *tier; /* "portable", "avx2", … */
    /* sum a[i] * b[i] */
    float (*dot_f32)(const float *a, const float *b, size_t n);
    float (*dot_f16)(const uint16_t *a, const uint16_t *b, size_t n);
    /* sum (a[i] - b[i])^2 */
    float (*l2sq_f32)(const float *a, const float *b, size_t n);
    float (*l2sq_f16)(const uint16_t *a, const uint16_t *b, size_t n);
    /* sum |a[i] - b[i]| */
    float (*l1_f32)(const float *a, const float *b, size_t n);
    float (*l1_f16)(const uint16_t *a, const uint16_t *b, size_t n);
    /* returns sum a[i] * b[i] and writes sum b[i]^2: one pass for cosine against stored vectors */
    float (*dot_norm_f32)(const float *a, const float *b, size_t n, float *b_norm_sq);
    float (*dot_norm_f16)(const uint16_t *a, const uint16_t *b, size_t n, float *b_norm_sq);
    /* The same sums over integers, exact up to CK_KERNEL_INTS_MAX. With VNNI, dot_u8i8 takes about
    ** two thirds of the time of dot_i8: whoever keeps the sum of b's codes passes a[i] + 128 and
    ** takes 128 * sum b[i] off. A squared norm is dot_i8(a, a, n). */
    int32_t (*dot_i8)(const int8_t *a, const int8_t *b, size_t n);
    int32_t (*dot_u8i8)(const uint8_t *a, const int8_t *b, size_t n);
    uint32_t (*l2sq_i8)(const int8_t *a, const int8_t *b, size_t n);
    uint32_t (*l1_i8)(const int8_t *a, const int8_t *b, size_t n);
    /* sum a[i] */
    int32_t (*sum_i8)(const int8_t *a, size_t n);
    /* out[i] = dot_u8i8 of the query and row which[i], for n rows wherever they are: fetches ahead.
    ** Query and rows are aligned to 64, n_bytes a multiple of it */
    void (*gather_u8i8)(int32_t *out, const uint8_t *query, const CkRows *rows,
                        const uint32_t *which, size_t n);
    /* The same made ck_int_distance() of; what is fetched of a row ends with its factors */
    void (*gather_distances)(float *out, const struct CkIntQuery *query, const CkRows *rows,
                             const uint32_t *which, size_t n);
    /* out[i * n_b + j] = dot_u8i8 of row i of a and row j of b, n_a times n_b of them, multiples of
    ** 4. Rows are n_bytes apart, a multiple of 64, and aligned to that */
    void (*products_u8i8)(int32_t *out, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b,
                          size_t n_bytes);
    /* Of products with the rows of the columns: out[i] = query_add + add[i] -
    ** query_scale * scale[i] * (dots[i] - 128 * sum[i]), rounded after each step: the same bits in
    ** every tier, and those of ck_int_distance() */
    void (*int_distances)(float *out, const CkIntTerms *terms, const int32_t *dots, size_t n);
    /* Bits set: in a, and in a ^ b */
    uint32_t (*popcount)(const uint8_t *a, size_t n_bytes);
    uint32_t (*hamming)(const uint8_t *a, const uint8_t *b, size_t n_bytes);
    /* A code of 1 bit a component times a query of 4 bits a component: the sum of the query's
    ** values (0..15) where the code's bit is set. Plane p, n_bytes long at planes + p * n_bytes,
    ** holds bit p of every value, in the order of the code's bits:
    ** sum over p of 2^p * popcount(code & plane p). */
    uint32_t (*dot_bit4)(const uint8_t *code, const uint8_t *planes, size_t n_bytes);
    /* out[i] = dot_bit4 of code i at codes + i * n_bytes, for n codes: a whole block at a time */
    void (*dots_bit4)(uint32_t *out, const uint8_t *codes, size_t n, const uint8_t *planes,
                      size_t n_bytes);
    /* out[i] = dot_bit4 of row which[i], for n rows wherever they are: fetches ahead */
    void (*gather_bit4)(uint32_t *out, const uint8_t *planes, const CkRows *rows,
                        const uint32_t *which, size_t n);
    /* Packs signs: bit i % 8 of byte i / 8 is set where x[i] has no minus sign, the bits past n are
    ** clear. Returns sum |x[i]|. x is aligned */
    float (*signs_f32)(uint8_t *out, const float *x, size_t n);
    /* out[i] = x[i] * scale - t * mean[i]; all aligned, out overlaps neither */
    void (*residual_f32)(float *out, const float *x, float scale, const float *mean, float t,
                         size_t n);
    /* The least and the greatest of x; n is above 0, x finite and aligned */
    void (*range_f32)(const float *x, size_t n, float *low, float *high);
    /* Rounds (x[i] - low) * per_step, half up, to 0..15 and writes bit p of it to bit i % 8 of byte
    ** i / 8 of plane p. Planes are (n + 7) / 8 bytes long, one after the other, the bits past n
    ** clear. No x[i] is below low, per_step is not negative; x is aligned */
    void (*planes_f32)(uint8_t *planes, const float *x, float low, float per_step, size_t n);
    /* keys[i] = t * add[i] - mul[i] * (2 * (low * ones[i] + step * dots[i]) - sum); all aligned. A
    ** key does not depend on i or n: within a tier equal columns have equal keys, bit for bit */
    void (*sign_keys)(float *keys, const CkSignTerms *terms, const uint32_t *dots, size_t n);
    /* Writes the numbers of the x[i] that are not above `limit` (NaN is not) to out, ascending, and
    ** returns how many. out has room for n; x is aligned */
    size_t (*list_up_to)(uint32_t *out, const float *x, size_t n, float limit);
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
