/*
** Which input becomes which node.
**
** Inputs with the same row share a node: a clique of equal vectors would use up each other's links.
** The nodes are brought into an order of locality, by cutting them in two, nearer to one node or to
** another, again and again. Slots are given to the nodes of the highest level first, then to those
** of the next, so that levels are prefixes, and within a level in that order.
*/
#ifndef CK_HNSW_ORDER_H
#define CK_HNSW_ORDER_H

#include "hnsw/build.h"
#include "hnsw/columns.h"
#include "hnsw/progress.h"

/* Fills in built->order and built->twin_of and the graph's shape, for n inputs. */
int ck_hnsw_order(const CkHnswCodes *codes, uint32_t n, const CkHnswOptions *options,
                  const CkHnswProgress *progress, CkHnswBuilt *built);

/* Brings the rows into that order. */
int ck_hnsw_move_rows(uint8_t *rows, size_t stride, const uint32_t *order, uint32_t n);

#endif
