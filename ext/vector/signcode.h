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
**
** A scan is bound by reading the codes, so a long code is kept in two parts, and the second half,
** the rest, is read only where the first, the head, leaves a chance. With the parts of p called h
** and s, <sign r, s> is at most
**
**     <sign r, h> * |s|^2 / |h|^2  +  2 |s|
**
** but for chance: what a near vector's head has in common with h its rest has in common with s,
** give or take the signs' noise, whose standard deviation is below |s|. Heads that stay below the
** threshold even so are passed over: nearly all; of 10,000 neighbours in the set of bge-base, one.
*/
#ifndef CK_VECTOR_SIGNCODE_H
#define CK_VECTOR_SIGNCODE_H

#include <stddef.h>
#include <stdint.h>

/* Codes from this length on have a rest; a shorter head would cost as much as the whole code. */
#define CK_SIGN_SPLIT_BYTES 64

/* Bytes of the code of a vector; bit j % 8 of byte j / 8 is set where r[j] is not negative. */
static inline size_t ck_sign_code_bytes(uint32_t dims) {
    return (dims + 7u) / 8;
}

/* Bytes of its head: half of a long code, in whole registers; all of a short one. */
static inline size_t ck_sign_head_bytes(size_t code_bytes) {
    return code_bytes < CK_SIGN_SPLIT_BYTES ? code_bytes : (code_bytes / 2 + 15) / 16 * 16;
}

/* What a code is made with and a query compared by. `mean` has dims components. */
typedef struct CkSignSpace {
    const float *mean;
    uint32_t dims;
    int squared_l2; /* else inner product */
} CkSignSpace;

typedef struct CkSignFactors {
    float add, mul;
    uint32_t head_ones; /* bits set in the head */
} CkSignFactors;

/* Codes x * scale. `scratch` has room for dims floats. */
void ck_sign_encode(const CkSignSpace *space, const float *x, float scale, float *scratch,
                    uint8_t *code, CkSignFactors *factors);

/* One part of a query's residual. */
typedef struct CkSignPart {
    uint8_t *planes; /* 4 * n_bytes */
    size_t n_bytes;  /* 0: there is no rest */
    float sum;       /* of the rounded components */
    float norm_sq;   /* |h|^2 or |s|^2 */
} CkSignPart;

/* A query, ready to be compared. `planes` is the caller's, 4 * ck_sign_code_bytes(dims) long. */
typedef struct CkSignQuery {
    uint8_t *planes;
    float t, low, step;
    CkSignPart head, rest;
} CkSignQuery;

/* Prepares the query q * scale. `scratch` has room for dims floats. */
void ck_sign_query(const CkSignSpace *space, const float *q, float scale, float *scratch,
                   CkSignQuery *query);

/* Codes in columns, as blocks keep them: head i at heads + i * head bytes, and so the rests. */
typedef struct CkSignColumns {
    size_t n;
    const float *add, *mul;
    const uint32_t *head_ones;
    const uint8_t *heads, *rests;
} CkSignColumns;

/* The key of column i. */
float ck_sign_key(const CkSignQuery *query, const CkSignColumns *columns, size_t i);

/*
** Finds the columns whose key is at most `threshold`, but for those that the head rules out by
** mistake; with an infinite threshold all. Writes their numbers to slots, ascending, and their
** keys, the same as ck_sign_key's, to keys; returns how many. There is room for n in all three.
*/
size_t ck_sign_scan(const CkSignQuery *query, const CkSignColumns *columns, float threshold,
                    uint32_t *dots, uint32_t *slots, float *keys);

#endif
