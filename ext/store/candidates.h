/*
** The candidates of a search: the embeddings whose sign codes look nearest.
*/
#ifndef CK_STORE_CANDIDATES_H
#define CK_STORE_CANDIDATES_H

#include "store/idset.h"
#include "store/index.h"

typedef struct CkCandidate {
    int64_t id;
    float key; /* vector/signcode.h: smaller is nearer */
    uint32_t slot;
    CkIndexBlock *block; /* where its code is, the tail being one */
} CkCandidate;

/* Cells to look into, too (store/cells.h). */
typedef struct CkProbe {
    const uint32_t *order; /* all n of them, from the nearest on */
    size_t n;
    size_t n_wanted; /* so many, and as many more as it takes to have all candidates wanted */
    size_t n_probed; /* becomes how many it was */
} CkProbe;

/* What to look for. */
typedef struct CkScan {
    const float *x;  /* the query */
    float scale;     /* compared is x * scale: 1 / |x| for cosine, else 1 */
    size_t depth;    /* how many candidates are wanted */
    size_t first_block; /* blocks before this one are left out */
    CkProbe *probe;     /* NULL: no cells */
    const CkIdSet *passing; /* sealed; a set that does not restrict lets all pass */
} CkScan;

/*
** Scans the cells, the blocks and the tail for the `depth` passing candidates with the smallest
** keys, fewer only when fewer pass; of equal keys, those of smaller ids. Blocks of the scan plane
** without a passing id are not read. The candidates come in order of id, each once. *n_compared
** counts the codes compared.
*/
int ck_candidates_scan(CkIndex *index, const CkScan *scan, CkBuf *candidates, int64_t *n_compared,
                       CkError *err);

#endif
