/*
** Rows of codes side by side, to compare many others with.
*/
#ifndef CK_HNSW_COLUMNS_H
#define CK_HNSW_COLUMNS_H

#include "hnsw/graph.h"

#define CK_HNSW_BLOCK 16 /* nodes that are compared with all columns at a time */

/* Codes of nodes: rows of vector/intcode.h, without gaps. */
typedef struct CkHnswCodes {
    const uint8_t *rows;
    uint32_t dims;
    size_t stride, n_bytes; /* of a row, and of what of it is compared */
} CkHnswCodes;

typedef struct CkHnswColumns {
    const CkHnswCodes *codes;
    size_t n, n_padded, capacity; /* n_padded: columns of zeros make it a multiple of 4 */
    uint8_t *rows, *block;        /* codes of the columns; c + 128 of the block's */
    float *half, *scale;
    int32_t *sum, *dots;          /* dots: of the block with all columns */
    float *near;                  /* of one of the block to all columns */
} CkHnswColumns;

/* SQLITE_OK or SQLITE_NOMEM, which leaves it released. */
int ck_hnsw_columns_init(CkHnswColumns *columns, const CkHnswCodes *codes, size_t capacity);
void ck_hnsw_columns_release(CkHnswColumns *columns);

void ck_hnsw_columns_set(CkHnswColumns *columns, const uint32_t *nodes, size_t n);

/* Compares up to CK_HNSW_BLOCK nodes with all columns. */
void ck_hnsw_columns_compare(CkHnswColumns *columns, const uint32_t *nodes, size_t n);

/* Makes columns->near that of node i of the last block: halves of squared l2 distances. */
void ck_hnsw_columns_near(CkHnswColumns *columns, uint32_t node, size_t i);

#endif
