/*
** The mean of a model's vectors, which its codes are relative to.
*/
#ifndef CK_STORE_MEAN_H
#define CK_STORE_MEAN_H

#include "store/model.h"

/*
** Writes the mean of what codes are made of (vectors of length 1 for cosine, else as they are) to
** mean, dims floats; zero when there are none. Of a large model a sample is taken: runs of
** neighbouring ids, evenly spread up to last_id. Reads unlocked.
*/
int ck_mean_read(CkStore *store, const CkModel *model, int64_t last_id, float *mean, CkError *err);

#endif
