/*
** Taking away what builders that died have left of a model's index: blocks that nobody reads, and
** a claim that is worth nothing any more.
**
** A merge that builds anew removes the first kind as it begins; where nothing has to be built, or a
** graph is only added to, they would stay.
*/
#ifndef CK_STORE_MERGE_SWEEP_H
#define CK_STORE_MERGE_SWEEP_H

#include "store/store.h"

/* Writes only if there is something to take away, and nobody builds. */
int ck_merge_sweep(CkStore *store, int64_t model, CkError *err);

#endif
