/*
** Refinement codes: int8 copies of vectors that queries have met, in memory only.
**
** A scan's candidates are to be compared exactly, and reading a vector's row costs 2 us, its int8
** code from memory 0.05. So the first time a vector is read its code is kept here, beside the block
** it is in, and later queries read only the rows of those that the codes cannot tell apart.
**
** A code is of x * scale in 127 steps: q = round(x * s). Then <x, y> is estimated from <q, y'> with
** an error whose standard deviation is known, see ck_refine_margin().
*/
#ifndef CK_STORE_REFINE_CODES_H
#define CK_STORE_REFINE_CODES_H

#include <stddef.h>
#include <stdint.h>

typedef struct CkRefineCodes {
    int8_t *codes;  /* n * dims, or NULL: none kept yet */
    float *scales;  /* n of them; 0 where there is no code */
    float *norm_sq; /* n of them: |x|^2, which squared l2 distances need */
} CkRefineCodes;

static inline size_t ck_refine_codes_bytes(size_t n, uint32_t dims) {
    return n * (dims + 2 * sizeof(float));
}

/* Makes room for n codes, none of them kept yet. SQLITE_NOMEM leaves it empty. */
int ck_refine_codes_init(CkRefineCodes *refine, size_t n, uint32_t dims);
void ck_refine_codes_release(CkRefineCodes *refine);

/* Keeps the code of x * scale in slot i. */
void ck_refine_codes_put(CkRefineCodes *refine, size_t i, const float *x, float scale,
                         uint32_t dims);

/* A query to compare codes with. `codes` is the caller's, dims bytes. */
typedef struct CkRefineQuery {
    int8_t *codes;
    float scale; /* codes[j] = round(q[j] * scale) */
    float norm_sq;
    uint32_t dims;
    int squared_l2; /* else minus the inner product */
} CkRefineQuery;

void ck_refine_query(CkRefineQuery *query, const float *q, float scale);

/* An estimate of -<q, x> or |q - x|^2, and how far off it may be: four standard deviations. */
typedef struct CkRefineEstimate {
    float value, margin;
} CkRefineEstimate;

CkRefineEstimate ck_refine_estimate(const CkRefineQuery *query, const CkRefineCodes *refine,
                                    size_t i);

#endif
