/*
** Coding vectors of a model for its index: what a CkSignSpace needs to know of them.
*/
#ifndef CK_STORE_CODER_H
#define CK_STORE_CODER_H

#include "store/model.h"
#include "vector/signcode.h"

typedef struct CkCoder {
    CkSignSpace space;
    int cosine; /* vectors are brought to length 1 first */
    size_t code_bytes;
    uint8_t *code;  /* room for one code */
    float *scratch; /* dims of them */
} CkCoder;

/* The space's mean is borrowed. */
int ck_coder_init(CkCoder *coder, const CkModel *model, const float *mean, CkError *err);
void ck_coder_release(CkCoder *coder);

/* Codes a stored vector into `code`, coder->code_bytes long. */
void ck_coder_code(const CkCoder *coder, const float *x, uint8_t *code, CkSignFactors *factors);

/* What a stored vector is multiplied by before it is coded, or counted into a mean. */
float ck_coder_scale(const CkModel *model, const float *x);

#endif
