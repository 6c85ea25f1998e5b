/*
** Int8 codes with factors: what the graph of an index compares vectors by.
**
** A code is x in steps of its own size, c[j] = round(x[j] * 127 / max |x|), and a distance is made
** of the inner product of two codes and two numbers kept with each:
**
**     distance(x, y) = x.add + y.add - x.scale * y.scale * <c(x), c(y)>
**
**                      add       scale                 so the distance is
**     cosine           1/2       max |x| / 127         1 - <x, y>, x brought to length 1 before
**     squared l2       |x|^2     sqrt(2) max |x| / 127 |x - y|^2
**     inner product    0         max |x| / 127         -<x, y>
**
** `sum` is that of the code's components: with one side as u = c + 128, dot_u8i8 gives
** <c(x), c(y)> = <u(x), c(y)> - 128 * sum(y).
**
** In memory a code is a row of ck_int_stride(dims) bytes, aligned to 64:
**
**   offset                     bytes  what
**        0                         d  code, int8
**        d                            zeros
**   ck_int_factors_at(dims)       12  CkIntFactors, host order
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
} CkIntFactors;

_Static_assert(sizeof(CkIntFactors) == 12, "three numbers of four bytes");

typedef enum CkIntMetric { CK_INT_COSINE, CK_INT_L2, CK_INT_DOT } CkIntMetric;

static inline size_t ck_int_factors_at(uint32_t dims) {
    return ((size_t)dims + 3) / 4 * 4;
}

static inline size_t ck_int_stride(uint32_t dims) {
    return (ck_int_factors_at(dims) + sizeof(CkIntFactors) + CK_INT_ALIGNMENT - 1) /
           CK_INT_ALIGNMENT * CK_INT_ALIGNMENT;
}

static inline const CkIntFactors *ck_int_factors(const uint8_t *row, uint32_t dims) {
    return (const CkIntFactors *)(const void *)(row + ck_int_factors_at(dims));
}

/*
** Codes x * scale into a row. `scale` is 1 / |x| for cosine, else 1; x is finite. The whole row is
** written, so equal vectors have equal rows.
*/
void ck_int_code(CkIntMetric metric, const float *x, float scale, uint32_t dims, uint8_t *row);

/* A side of a comparison that stays while the other changes. `codes` is the caller's. */
typedef struct CkIntQuery {
    uint8_t *codes; /* c + 128, dims of them; aligned to CK_INT_ALIGNMENT */
    float add, scale;
} CkIntQuery;

void ck_int_query(CkIntMetric metric, const float *x, float scale, uint32_t dims,
                  CkIntQuery *query);

/* The same of a row. */
void ck_int_query_of_row(const uint8_t *row, uint32_t dims, CkIntQuery *query);

/* The distance given <u, c> of the kernel. */
static inline float ck_int_distance(const CkIntQuery *query, const CkIntFactors *factors,
                                    int32_t dot_u8i8) {
    float dot = (float)(dot_u8i8 - 128 * factors->sum);
    return query->add + factors->add - query->scale * factors->scale * dot;
}

#endif
