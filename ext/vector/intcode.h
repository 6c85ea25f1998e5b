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
** In memory a code is a row of ck_int_stride(dims) bytes, aligned to 64:
**
**   offset                     bytes  what
**        0                         d  code, int8
**        d                            zeros
**   ck_int_factors_at(dims)       16  CkIntFactors, host order
**                                     zeros up to the stride
*/
#ifndef CK_VECTOR_INTCODE_H
#define CK_VECTOR_INTCODE_H

#include <stddef.h>
#include <stdint.h>

#define CK_INT_ALIGNMENT 64

typedef struct CkIntFactors {
    float add, scale;
    int32_t sum;
    float half;
} CkIntFactors;

_Static_assert(sizeof(CkIntFactors) == 16, "four numbers of four bytes");

typedef enum CkIntMetric { CK_INT_COSINE, CK_INT_L2, CK_INT_DOT } CkIntMetric;

static inline size_t ck_int_factors_at(uint32_t dims) {
    return ((size_t)dims + 3) / 4 * 4;
}

static inline size_t ck_int_stride(uint32_t dims) {
    return (ck_int_factors_at(dims) + sizeof(CkIntFactors) + CK_INT_ALIGNMENT - 1) /
           CK_INT_ALIGNMENT * CK_INT_ALIGNMENT;
}

/* Bytes of a row that the kernels go through: those of the code, in whole cache lines. */
static inline size_t ck_int_code_bytes(uint32_t dims) {
    return ((size_t)dims + CK_INT_ALIGNMENT - 1) / CK_INT_ALIGNMENT * CK_INT_ALIGNMENT;
}

static inline const CkIntFactors *ck_int_factors(const uint8_t *row, uint32_t dims) {
    return (const CkIntFactors *)(const void *)(row + ck_int_factors_at(dims));
}

/*
** Codes x * scale into a row. `scale` is 1 / |x| for cosine, else 1; x is finite. The whole row is
** written, so equal vectors have equal rows.
*/
void ck_int_code(CkIntMetric metric, const float *x, float scale, uint32_t dims, uint8_t *row);

/*
** A side of a comparison that stays while the other changes. `codes` is the caller's, aligned and
** as long as a row, ck_int_stride(dims): c + 128, and zeros behind them, so that the kernels may go
** through rows in whole registers: what is behind a row's code meets zeros.
*/
typedef struct CkIntQuery {
    uint8_t *codes;
    float add, scale, half;
} CkIntQuery;

void ck_int_query(CkIntMetric metric, const float *x, float scale, uint32_t dims,
                  CkIntQuery *query);

/* The same of a row. */
void ck_int_query_of_row(const uint8_t *row, uint32_t dims, CkIntQuery *query);

/* Only the codes of it, ck_int_code_bytes(dims) of them: c + 128, and zeros behind them. */
void ck_int_unsigned(const uint8_t *row, uint32_t dims, uint8_t *codes);

/* The inner product's part of the distance given <u, c> of the kernel. Steps of their own, here and
** below, because a compiler may fuse a product and a sum of one expression, and round otherwise. */
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

#endif
