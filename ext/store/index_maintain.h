/*
** Looking after the indexes of a store: when to build them anew, and how to be rid of them.
*/
#ifndef CK_STORE_INDEX_MAINTAIN_H
#define CK_STORE_INDEX_MAINTAIN_H

#include "store/model.h"

typedef enum CkMergeWhen {
    CK_MERGE_IF_BAD,     /* a fifth of the blocks is stale, or most was coded around an old mean */
    CK_MERGE_IF_CHANGED, /* anything is stale or in the tail */
    CK_MERGE_ALWAYS
} CkMergeWhen;

/*
** Builds indexes anew (store/merge.h), of the models called `name`, or of all when it is NULL.
** Models of less than CK_INDEX_MIN embeddings get none. *n_vectors counts the embeddings in the
** new generations; a model that another connection is building is left to it. An unknown name is
** an error.
*/
int ck_index_merge(CkStore *store, const char *name, CkMergeWhen when, int64_t *n_vectors,
                   CkError *err);

/* Deletes all of a model's index, inside a write transaction. Stale bits stay: they are of ids. */
int ck_index_drop(CkStore *store, int64_t model, CkError *err);

#endif
