/*
** Sign codes: one bit a component, two factors and a count, from which inner products and
** distances are estimated (after RaBitQ, Gao and Long, SIGMOD 2024, without its random rotation).
**
** A vector x is taken relative to a mean m of its kind: r = x - m. Its code is the signs of r. For
** a query's residual p,
**
**     <r, p>  is estimated as  (|r|^2 / |r|_1) * <sign r, p>
**
** which is exact for p = r. What a search orders by is a key, smaller is nearer, that differs from
** the metric by a constant of the query, or a factor:
**
**     inner product  -<q, x> = const - <t m, r> - <q - t m, r>   with t = <q, m> / <m, m>
**     squared l2     |q - x|^2 = const + |r|^2 - 2 <q - m, r>
**
** so both are  key = t * add - mul * <sign r, p>  with two numbers kept for each vector:
**
**                   add         mul                 t, p
**     inner product -<m, r>     |r|^2 / |r|_1       t, q - t m
**     squared l2    |r|^2       2 |r|^2 / |r|_1     1, q - m
**
** The query's residual is rounded to 4 bits a component, p[j] = low + step * u[j] with u[j] in
** 0..15, and laid out as bit planes for the kernel dot_bit4. With ones = the bits set in the code,
**
**     <sign r, p> = 2 (low * ones + step * dot_bit4(code, u)) - sum p
*/
#ifndef CK_VECTOR_SIGNCODE_H
#define CK_VECTOR_SIGNCODE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the code of a vector; bit j % 8 of byte j / 8 is set where r[j] is not negative. */
static inline size_t ck_sign_code_bytes(uint32_t dims) {
    return (dims + 7u) / 8;
}

/* What a code is made with and a query compared by. `mean` has dims components. */
typedef struct CkSignSpace {
    const float *mean;
    uint32_t dims;
    int squared_l2; /* else inner product */
} CkSignSpace;

typedef struct CkSignFactors {
    float add, mul;
    uint32_t ones;
} CkSignFactors;

/* Codes x * scale. `scratch` has room for dims floats. */
void ck_sign_encode(const CkSignSpace *space, const float *x, float scale, float *scratch,
                    uint8_t *code, CkSignFactors *factors);

/* A query, ready to be compared. `planes` is the caller's, 4 * ck_sign_code_bytes(dims) long. */
typedef struct CkSignQuery {
    uint8_t *planes;
    size_t code_bytes;
    float t, low, step, sum;
} CkSignQuery;

/* Prepares the query q * scale. `scratch` has room for dims floats. */
void ck_sign_query(const CkSignSpace *space, const float *q, float scale, float *scratch,
                   CkSignQuery *query);

/* Codes in columns, as blocks keep them: code i at codes + i * code_bytes. */
typedef struct CkSignColumns {
    size_t n;
    const float *add, *mul;
    const uint32_t *ones;
    const uint8_t *codes;
} CkSignColumns;

/* keys[i] for all of them. `dots` has room for n. */
void ck_sign_keys(const CkSignQuery *query, const CkSignColumns *columns, uint32_t *dots,
                  float *keys);

/* The key of column i. */
float ck_sign_key(const CkSignQuery *query, const CkSignColumns *columns, size_t i);

#endif
