/*
** Cells: nodes by the nearest of some centres, so that who looks for the nearest of a query need
** look into a few of them.
**
** The centres are means of a sample's parts (k-means; Lloyd, 1982), which begin spread evenly over
** the slots: these are in an order of locality. A cell's size is what comes of it. Of 1M x 384 with
** 25 directions the nearest eighth of 1,400 cells held 99 % of ten nearest neighbours; of as many
** equal parts of the slots, cut in two again and again by 2-means, it took the nearest fifth.
*/
#ifndef CK_HNSW_CELLS_H
#define CK_HNSW_CELLS_H

#include "hnsw/columns.h"
#include "hnsw/progress.h"
#include "vector/intcode.h"

/* More cells would take longer than the graph: their number times that of nodes. */
#define CK_HNSW_CELLS_MAX 4096

typedef struct CkHnswCells {
    const CkIntSpace *space;
    uint32_t n;       /* cells, at most CK_HNSW_CELLS_MAX */
    uint8_t *centres; /* n rows of vector/intcode.h; what is used of them is code and factors */
    uint32_t *cell_of; /* of each node */
} CkHnswCells;

/* Fills in centres and cell_of, the caller's, for 1 <= cells->n <= n nodes. SQLITE_OK,
** SQLITE_NOMEM, or what the step returned. The same in every SIMD tier. */
int ck_hnsw_cells(const CkHnswCodes *codes, uint32_t n, const CkHnswProgress *progress,
                  CkHnswCells *cells);

#endif
