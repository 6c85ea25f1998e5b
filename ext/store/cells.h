/*
** Cells: a way to look at some of the embeddings only when little is in memory.
**
** A first search of a process would read the whole scan plane, and a walk of the graph reads a
** block for every few nodes that it meets. So the embeddings that a graph is built of are in sign
** codes a second time, in the order of cells (hnsw/cells.h), a block or some for each: plane
** CK_PLANE_CELLS, in the format of the scan plane, ids ascending within a block. For each of its
** blocks the plane CK_PLANE_CENTRES has the centre of the cell (graph_format.h).
**
** A search by probing reads the centres, scans the blocks of the nearest ones, and what was put
** since in the scan plane and the tail. How many it takes for some recall was measured when they
** were made (graph_calibrate.h). Cells do not change until the graph is built anew; what is stale
** of them is told by the same bits.
*/
#ifndef CK_STORE_CELLS_H
#define CK_STORE_CELLS_H

#include "hnsw/keys.h"
#include "store/index.h"

/* Makes index->cells those of the graph, which was just refreshed. What is in memory stays while
** the stamp of the graph's row is the same. */
int ck_cells_refresh(CkIndex *index, CkError *err);
void ck_cells_release(CkIndex *index);

/* Whether a block is one of them. */
static inline int ck_cells_have(const CkIndex *index, const CkIndexBlock *block) {
    return index->n_cells > 0 && block >= index->cells && block < index->cells + index->n_cells;
}

/* Takes all blocks out of memory. */
void ck_cells_evict(CkIndex *index);

/* Blocks in memory; bytes of these and of the centres. */
void ck_cells_kept(const CkIndex *index, int64_t *n_blocks, int64_t *n_bytes);

/* Reads the centres, unless they are in memory, where they stay. */
int ck_cells_load_centres(CkIndex *index, CkError *err);

/* Lists all cells in `order` (uint32_t), from the one whose centre is nearest to x * scale on. */
int ck_cells_order(CkIndex *index, const float *x, float scale, CkBuf *order, CkError *err);

/* keys[i] = the number of the i-th nearest of n centres, rows of vector/intcode.h, and its distance
** (hnsw/keys.h). */
void ck_cells_rank(const CkIntQuery *query, const uint8_t *centres, uint32_t dims, uint32_t n,
                   uint64_t *keys);

/* The slots of a cell, as ck_index_scan_block(); the close ends the last read. */
int ck_cells_scan_block(CkIndex *index, uint32_t cell, CkScanBlock *block, CkError *err);
void ck_cells_end_read(CkIndex *index);

#endif
