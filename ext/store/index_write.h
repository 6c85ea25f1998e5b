/*
** Writing to the index, in the transaction of what is written to the store.
**
** A model has no index until it has CK_INDEX_MIN embeddings: up to there reading them all is as
** fast. From there on every new embedding is coded into the tail, and when the tail has grown to
** CK_TAIL_PACK_MIN its rows are moved to blocks, which takes a few milliseconds of the put that
** notices. Building a new generation, with a mean of all vectors and without what was deleted, is
** store/merge.h.
*/
#ifndef CK_STORE_INDEX_WRITE_H
#define CK_STORE_INDEX_WRITE_H

#include "store/model.h"

/* Embeddings of a model with which its index begins, and with which a put no longer begins one. */
#define CK_INDEX_MIN 1024
#define CK_INDEX_BEGIN_MAX 8192

/* Rows of the tail that are worth packing. */
#define CK_TAIL_PACK_MIN 4096

/* Every so many sequence numbers a put looks whether there is something to pack or to begin. A
** prime: with two models put in turn, both have their turn at looking. */
#define CK_INDEX_LOOK_EVERY 509

/*
** A damaged index never makes a put fail: what could not be done is a row of ck_errors, and the
** searches that meet the damage say how to repair it.
*/

/*
** Adds a vector that was put under `id`; `replaced` when the id had another one. index_stamp is the
** stamp of the model's row in _ck_index.
*/
int ck_index_put(CkStore *store, const CkModel *model, int64_t index_stamp, int64_t id,
                 const float *x, int replaced, CkError *err);

/* Takes n embeddings that are being deleted out of the index. */
int ck_index_forget(CkStore *store, const int64_t *ids, size_t n, CkError *err);

/* Begins the model's index, or packs tails, if it is time to. Called with the seq of each put. */
int ck_index_look_after(CkStore *store, const CkModel *model, int64_t seq, CkError *err);

/*
** A change of the index that stops half way leaves one that lacks something. In a transaction of
** our own it is rolled back; the caller may commit his, so there the model is left without an
** index, which is slow and right. _prepare, before the first write, does what may fail. Where there
** is no transaction, as after an I/O error that made SQLite roll back, there is nothing to give up.
*/
int ck_index_give_up_prepare(CkStore *store, CkError *err);
void ck_index_give_up(CkStore *store, int64_t model);

/*
** Moves the tail of a model to blocks of its current generation, in a write transaction. An
** embedding whose stale bit is set stays: the bit is of its id, and so would hide it in the new
** block as in the old one.
*/
int ck_index_pack(CkStore *store, int64_t model_id, CkError *err);

#endif
