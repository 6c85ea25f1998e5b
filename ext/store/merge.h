/*
** Merging: building a new generation of a model's index.
**
** The new generation is made of all vectors of the model, coded around their mean. Nobody reads its
** blocks until the row in _ck_index names it, so they can be written in transactions of a few
** milliseconds each, with the coding done between them, unlocked:
**
**   1. claim     the row says who builds; leftovers of builders that died are deleted; what the
**                sequence counter is now is noted
**   2. mean      from all vectors, or a sample of a large model
**   3. code      a few thousand vectors at a time: read and coded without a lock, then written.
**                Each time the claim is held against the row again: whoever lost it stops
**   4. graph     built in memory of what was coded, and written; the other steps know it not
**   5. calibrate how many candidates a search must compare (store/calibrate.h)
**   6. flip      what was put or replaced since the claim goes to the tail, coded anew; the stale
**                bits of what the new blocks are right about are cleared; the row changes over
**   7. drop      the old blocks, in batches
**
** Inside a transaction of the caller's all of it happens in that one. A builder that is killed
** leaves blocks that nobody reads, and a claim that grows old (store/merge_claim.h). So does one
** that was interrupted, since nothing can be written until its statement has ended.
*/
#ifndef CK_STORE_MERGE_H
#define CK_STORE_MERGE_H

#include "store/model.h"

typedef struct CkMergeResult {
    int64_t n_vectors; /* in the new generation */
    int busy;          /* another builder is at it: nothing was done */
} CkMergeResult;

/*
** Builds the index of a model anew, with a graph (store/graph_build.h) if the model is large enough
** for one. *result is for one model.
*/
int ck_merge_run(CkStore *store, const CkModel *model, int with_graph, CkMergeResult *result,
                 CkError *err);

/*
** Begins the index of a small model in the caller's transaction, in a few milliseconds: as
** ck_merge_run, without calibration.
*/
int ck_merge_begin(CkStore *store, const CkModel *model, CkError *err);

#endif
