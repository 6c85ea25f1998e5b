/*
** Re-encoding: brings the stored vectors of a model to another encoding.
**
** A vector's row says how it is encoded, so a store with some vectors in the old and some in the
** new encoding is as right as any other, and lasts as long as it likes: reads, searches and puts go
** on meanwhile, and a run that was killed is finished by calling it again.
*/
#ifndef CK_STORE_REENCODE_H
#define CK_STORE_REENCODE_H

#include "store/recall_sample.h"

typedef struct CkReencode {
    int64_t n_rows;                    /* rewritten */
    int64_t bytes_before, bytes_after; /* of these */
    int64_t n_kept;    /* left as they were: beyond the range of the encoding */
    int64_t n_damaged; /* left as they were: the checksum does not match */
    CkRecall recall;   /* measured on what was to be rewritten */
} CkReencode;

/*
** Measures the recall, then makes `encoding` that of the model, for new vectors, and rewrites the
** stored ones. In autocommit mode it works in batches of its own, of CK_GC_BATCH_MS, with the lock
** left free between them for as long (store/gc.h); else in the caller's transaction. The first
** batch and the model's row are written together.
**
** Every batch asks anew whether the model still wants this encoding, and every row whether it still
** needs it. When a second run has set another one meanwhile this run ends with an error.
**
** After a failure or an interrupt each row is whole, in one encoding or the other: in autocommit
** mode up to the last batch, in a transaction of the caller's up to the row before.
*/
int ck_reencode_run(CkStore *store, const CkModel *model, int encoding, CkReencode *result,
                    CkError *err);

#endif
