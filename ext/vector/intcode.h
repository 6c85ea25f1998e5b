/*
** Int8 codes with factors: what the graph of an index compares vectors by.
**
** A code is x in steps of its own size, c[j] = round(x[j] * 127 / max |x|), and a distance is made
** of the inner product of two codes and two numbers kept with each:
**
**     distance(x, y) = x.add + y.add - x.scale * y.scale * <c(x), c(y)>
**
**                      add       scale                 so the distance is about
**     cosine           1/2       max |x| / 127         1 - <x, y>, x brought to length 1 before
**     squared l2       half      sqrt(2) max |x| / 127 |x - y|^2
**     inner product    0         max |x| / 127         -<x, y>
**
** `sum` is that of the code's components: with one side as u = c + 128, dot_u8i8 gives
** <c(x), c(y)> = <u(x), c(y)> - 128 * sum(y).
**
** `half` is half the squared length of what the code stands for, scale^2 <c, c> / 2. Put in the
** place of `add` it makes half the squared l2 distance of the two codes, whatever the metric: a
** true distance, which a graph's links are chosen by (for cosine and l2 it is the metric's own).
**
** Long codes have signs, too: the sign code (signcode.h) of what the code stands for, around the
** mean of its kind, from which a search mostly sees that a distance is too large without reading
** the code, which lies in memory that is far away: two cache lines instead of 13 at 768 dims.
**
** In memory a code is a row of ck_int_stride(dims) bytes, aligned to 64:
**
**   offset                     bytes  what
**        0                         d  code, int8
**        d                            zeros
**   ck_int_factors_at(dims)       16  CkIntFactors, host order
**   ck_int_signs_at(dims)   (d+7)/8   sign code          } of CK_INT_SIGNS_MIN
**                                     zeros              } dims and more
**   ck_int_sign_factors_at(dims)  12  CkIntSignFactors   }
**                                     zeros up to the stride
*/
#ifndef CK_VECTOR_INTCODE_H
#define CK_VECTOR_INTCODE_H

#include <stddef.h>
#include <stdint.h>

#define CK_INT_ALIGNMENT 64

/* Dims from which on codes have signs: the code of fewer is read as fast as judged. */
#define CK_INT_SIGNS_MIN 256

typedef struct CkIntFactors {
    float add, scale;
    int32_t sum;
    float half;
} CkIntFactors;

/* As in signcode.h; ones: bits set in the sign code. */
typedef struct CkIntSignFactors {
    float add, mul;
    uint32_t ones;
} CkIntSignFactors;

_Static_assert(sizeof(CkIntFactors) == 16, "four numbers of four bytes");
_Static_assert(sizeof(CkIntSignFactors) == 12, "three numbers of four bytes");

typedef enum CkIntMetric { CK_INT_COSINE, CK_INT_L2, CK_INT_DOT } CkIntMetric;

/* What codes are made in. Those that are compared are of the same. */
typedef struct CkIntSpace {
    CkIntMetric metric;
    uint32_t dims;
    const float *mean; /* of vectors times their scale, for the signs; NULL: zeros */
} CkIntSpace;

static inline size_t ck_int_lines(size_t n_bytes) {
    return (n_bytes + CK_INT_ALIGNMENT - 1) / CK_INT_ALIGNMENT * CK_INT_ALIGNMENT;
}

static inline size_t ck_int_factors_at(uint32_t dims) {
    return ((size_t)dims + 3) / 4 * 4;
}

static inline size_t ck_int_signs_at(uint32_t dims) {
    return ck_int_factors_at(dims) + sizeof(CkIntFactors);
}

/* 0: there are none. */
static inline size_t ck_int_sign_bytes(uint32_t dims) {
    return dims < CK_INT_SIGNS_MIN ? 0 : ((size_t)dims + 7) / 8;
}

static inline size_t ck_int_sign_factors_at(uint32_t dims) {
    return ck_int_signs_at(dims) + (ck_int_sign_bytes(dims) + 3) / 4 * 4;
}

static inline size_t ck_int_stride(uint32_t dims) {
    size_t n_factors = dims < CK_INT_SIGNS_MIN ? 0 : sizeof(CkIntSignFactors);
    return ck_int_lines(ck_int_sign_factors_at(dims) + n_factors);
}

/* Bytes of a row that the kernels go through: those of the code, in whole cache lines. */
static inline size_t ck_int_code_bytes(uint32_t dims) {
    return ck_int_lines(dims);
}

/* The first bytes of a row, which are the same in every SIMD tier; equal ones are of one code. */
static inline size_t ck_int_identity_bytes(uint32_t dims) {
    return ck_int_factors_at(dims) + sizeof(CkIntFactors);
}

static inline const CkIntFactors *ck_int_factors(const uint8_t *row, uint32_t dims) {
    return (const CkIntFactors *)(const void *)(row + ck_int_factors_at(dims));
}

static inline const CkIntSignFactors *ck_int_sign_factors(const uint8_t *row, uint32_t dims) {
    return (const CkIntSignFactors *)(const void *)(row + ck_int_sign_factors_at(dims));
}

/* What a 1 of a row's code stands for. */
static inline float ck_int_step(CkIntMetric metric, const CkIntFactors *factors) {
    return metric == CK_INT_L2 ? factors->scale / 1.41421356f : factors->scale;
}

/*
** Codes x * scale into a row. `scale` is 1 / |x| for cosine, else 1; x is finite. The whole row is
** written, so equal vectors have equal rows.
*/
void ck_int_code(const CkIntSpace *space, const float *x, float scale, uint8_t *row);

/* Makes the signs of a row, if it is long enough to have some, of its code and factors alone. */
void ck_int_signs(const CkIntSpace *space, uint8_t *row);

/*
** A side of a comparison that stays while the other changes. `codes` is the caller's, aligned and
** ck_int_query_bytes(dims) long; ck_int_code_bytes(dims) will do without signs. It holds c + 128,
** and zeros behind them: what is behind a row's code meets zeros in the kernels, which go through
** whole cache lines.
*/
typedef struct CkIntQuery {
    uint8_t *codes;
    float add, scale, half;
    /* For signs: bit planes, behind the codes, NULL without; what ck_int_low() makes of them. */
    const uint8_t *planes;
    float base, t, low, step, shift;
} CkIntQuery;

static inline size_t ck_int_query_bytes(uint32_t dims) {
    size_t n_floats = dims < CK_INT_SIGNS_MIN ? 0 : dims;
    return ck_int_code_bytes(dims) + ck_int_lines(4 * ck_int_sign_bytes(dims)) +
           ck_int_lines(n_floats * sizeof(float));
}

void ck_int_query(const CkIntSpace *space, const float *x, float scale, CkIntQuery *query);

/* The same of a row: without signs, and of what the code stands for, with them. */
void ck_int_query_of_row(const uint8_t *row, uint32_t dims, CkIntQuery *query);
void ck_int_query_like_row(const CkIntSpace *space, const uint8_t *row, CkIntQuery *query);

/* Only the codes of it. */
void ck_int_unsigned(const uint8_t *row, uint32_t dims, uint8_t *codes);

/* The inner product's part of the distance given <u, c> of the kernel. Steps of their own, here
** and below: a compiler may fuse a product and a sum of one expression, and round otherwise. */
static inline float ck_int_product(const CkIntQuery *query, const CkIntFactors *factors,
                                   int32_t dot_u8i8) {
    float scale = query->scale * factors->scale;
    return scale * (float)(dot_u8i8 - 128 * factors->sum);
}

/* The distance given <u, c> of the kernel. */
static inline float ck_int_distance(const CkIntQuery *query, const CkIntFactors *factors,
                                    int32_t dot_u8i8) {
    float product = ck_int_product(query, factors, dot_u8i8);
    return query->add + factors->add - product;
}

/* Half the squared l2 distance of what the codes stand for. */
static inline float ck_int_half_l2sq(const CkIntQuery *query, const CkIntFactors *factors,
                                     int32_t dot_u8i8) {
    float product = ck_int_product(query, factors, dot_u8i8);
    return query->half + factors->half - product;
}

/* A distance that the row's is not below, but for chance, given dot_bit4 of its sign code. */
static inline float ck_int_low(const CkIntQuery *query, const CkIntSignFactors *factors,
                               uint32_t dot_bit4) {
    float bits = query->low * (float)factors->ones + query->step * (float)dot_bit4;
    return query->base + query->t * factors->add - factors->mul * (2 * bits + query->shift);
}

#endif
