/*
** What an encoding costs in recall, measured on a sample of a model's own vectors.
*/
#ifndef CK_STORE_RECALL_SAMPLE_H
#define CK_STORE_RECALL_SAMPLE_H

#include "store/model.h"

/* Neighbours per query; fewer when the sample is smaller. */
#define CK_RECALL_K 10

/* The sample: a tenth of a second at 768 dims on one core. */
#define CK_RECALL_VECTORS_MAX 4000
#define CK_RECALL_QUERIES_MAX 100

typedef struct CkRecall {
    int64_t n_total; /* vectors to choose from */
    int n_vectors;   /* sampled; recall is of no meaning below 2 */
    double recall;
} CkRecall;

/*
** Takes up to CK_RECALL_VECTORS_MAX vectors of the model, evenly spaced among the ids from `first`
** on, so that the same store gives the same sample. Some of them, evenly spaced again, are the
** queries: each is compared, as it is stored, with every other vector as it is stored and as
** `encoding` would give it back. recall is the share of the CK_RECALL_K nearest by the second
** comparison that are as near as the CK_RECALL_K nearest by the first. A vector that `encoding`
** cannot hold counts as unchanged, one that is damaged is left out. Writes nothing.
**
** The figure is an estimate: on real vectors it is within 0.01 of the recall over the whole set
** (bench/README.md, "Which encoding?").
*/
int ck_recall_sample(CkStore *store, const CkModel *model, int64_t first, int encoding,
                     CkRecall *recall, CkError *err);

#endif
