/*
** Making the cells of a new generation's graph (store/cells.h): part of building it, be it anew or
** of the old one.
**
** A cell of more slots than a block holds becomes several blocks with the same centre. Sign codes
** are made of the int8 codes, which are at hand and nearly as good as the vectors.
*/
#ifndef CK_STORE_CELL_BUILD_H
#define CK_STORE_CELL_BUILD_H

#include "store/graph_calibrate.h"
#include "store/record_plane.h"
#include "store/scan_block.h"

/* What cells are made of; borrowed until the last block is written, but for the truth. */
typedef struct CkCellInput {
    const CkModel *model;
    const CkIntSpace *space;
    const uint8_t *codes;      /* of nodes, rows of vector/intcode.h */
    uint32_t n;                /* nodes */
    const int64_t *ids;        /* theirs */
    const CkBuf *twins;        /* CkTwin */
    const CkGraphTruth *truth; /* no queries: what was measured of the old cells is taken over */
} CkCellInput;

typedef struct CkCellMember {
    int64_t id;
    uint32_t node, cell;
} CkCellMember;

typedef struct CkCellBuild {
    CkCellInput input;
    CkCellMember *members; /* by block, then id */
    size_t n_members;
    uint32_t n, *begin;   /* blocks, and where the members of each begin */
    uint8_t *centres;     /* of each block */
    uint32_t n_written;   /* blocks */
    CkRecordWrite centre_write;
} CkCellBuild;

/* Deals the nodes and fills in row->n_cells and the probes. SQLITE_OK, SQLITE_NOMEM, or what the
** step returned. */
int ck_cell_build_run(CkCellBuild *build, const CkCellInput *input, const CkGraphStep *step,
                      CkGraphRow *row);
void ck_cell_build_release(CkCellBuild *build);

/* Writes some blocks, in a write transaction. *done says whether these were the last. */
int ck_cell_build_write(CkCellBuild *build, CkStore *store, int64_t generation, int *done,
                        CkError *err);

#endif
