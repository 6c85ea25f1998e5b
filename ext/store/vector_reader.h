/*
** Reading many vectors of a model in id order, a batch per statement, so that no read stays open
** between batches and what else goes on in the store is not held up.
*/
#ifndef CK_STORE_VECTOR_READER_H
#define CK_STORE_VECTOR_READER_H

#include "store/model.h"

/* Gets each vector; x is valid during the call. Reading stops at an error. */
typedef int (*CkVectorVisit)(void *context, int64_t id, const float *x, CkError *err);

typedef struct CkVectorBatch {
    int64_t after;     /* read are ids above this one; set to the last one read */
    int64_t last;      /* and up to this one */
    int64_t limit;     /* so many at most */
    int64_t n_read;    /* set to how many there were */
    int64_t n_damaged; /* counted up: skipped, because the row does not read back */
} CkVectorBatch;

int ck_vectors_read(CkStore *store, const CkModel *model, CkVectorBatch *batch,
                    CkVectorVisit visit, void *context, CkError *err);

#endif
