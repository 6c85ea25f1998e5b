/*
** Linking what cannot be reached, or hardly.
*/
#ifndef CK_HNSW_CONNECT_H
#define CK_HNSW_CONNECT_H

#include "hnsw/insert.h"

/* ck_hnsw_connect() that knows which nodes are dead (NULL: none). */
int ck_hnsw_connect_live(const CkHnswInsert *insert, const uint8_t *dead);

/* Gives a live node of level 0 the neighbours that an insert would give it, besides those it has.
** The lists of live nodes are clean. */
int ck_hnsw_relink(const CkHnswInsert *insert, uint32_t node, const uint8_t *dead);

/* Makes a link from a node to another, at the cost of the last link of a full list, which `to` then
** has instead: whatever could be reached still can. */
void ck_hnsw_attach(const CkHnswGraph *graph, uint32_t level, uint32_t from, uint32_t to);

/* The source of what is being changed. */
static inline void ck_hnsw_insert_source(const CkHnswInsert *insert, CkHnswSource *source) {
    ck_hnsw_source(insert->graph, insert->codes, insert->space->dims, insert->load, insert->context,
                   source);
}

#endif
