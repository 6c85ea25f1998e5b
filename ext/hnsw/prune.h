/*
** Choosing a node's links: the paper's algorithm 4.
**
** A candidate is kept unless one that was kept before, so a nearer one, is nearer to it than the
** node is: what lies behind a neighbour is reached through it. Nearness is that of
** ck_int_half_l2sq(), a true distance in every metric.
*/
#ifndef CK_HNSW_PRUNE_H
#define CK_HNSW_PRUNE_H

#include "hnsw/walk.h"

/* Puts the keys of n nodes, by nearness to `self`, into scratch->keys, in order, without `self`.
** Returns how many through *n_keys. SQLITE_OK, SQLITE_NOMEM or what load() returned. `nodes` may
** not be the scratch's. */
int ck_hnsw_rank(const CkHnswSource *source, uint32_t self, const uint32_t *nodes, size_t n,
                 CkHnswScratch *scratch, size_t *n_keys);

/* Chooses up to `width` of n candidates, in order and resident, and writes them to scratch->chosen.
** Returns how many through *n_chosen. The candidates are in scratch->keys, or elsewhere. */
int ck_hnsw_prune(const CkHnswSource *source, const uint64_t *candidates, size_t n, size_t width,
                  CkHnswScratch *scratch, size_t *n_chosen);

/* Writes a node's list of links. */
void ck_hnsw_set_links(const CkHnswGraph *graph, uint32_t level, uint32_t node,
                       const uint64_t *chosen, size_t n);

#endif
