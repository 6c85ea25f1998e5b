/*
** Calibration: how many candidates a search of this index must compare.
**
** Some stored vectors, each moved a little towards another one, stand in for queries. Their true
** neighbours are found by comparing with everything; how many sign codes look nearer than a true
** neighbour is its rank; and the depth is such that almost all true neighbours rank below it, with
** room to spare. It is never less than an index begins with: queries unlike anything stored need
** more candidates than the stored vectors show (recall .978 instead of .994 with what they did).
*/
#ifndef CK_STORE_CALIBRATE_H
#define CK_STORE_CALIBRATE_H

#include "store/model.h"

typedef struct CkCalibration {
    CkStore *store;
    const CkModel *model;
    const float *mean;
    int64_t generation; /* of the blocks, in use or not */
    int64_t last_id;    /* embeddings up to this one are in them */
} CkCalibration;

/* Raises *depth where needed; leaves it when there are too few vectors to tell. Reads only. */
int ck_calibrate(const CkCalibration *what, int *depth, CkError *err);

#endif
