/*
** Refining: from the candidates of a scan to the nearest of them, compared exactly.
*/
#ifndef CK_STORE_REFINE_H
#define CK_STORE_REFINE_H

#include "store/candidates.h"
#include "store/nearest.h"

/*
** Offers the candidates that can be among the k nearest. Those whose int8 code is in memory are
** estimated by it first, and their vectors are read only when the estimate, give or take its
** margin, does not rule them out. `scale` is the scan's. Vectors that are read leave their code.
*/
int ck_refine(CkIndex *index, CkNearest *nearest, const CkCandidate *candidates, size_t n,
              float scale, CkError *err);

#endif
