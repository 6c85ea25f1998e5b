/*
** Reading a graph as a whole, to change it.
*/
#ifndef CK_STORE_GRAPH_LOAD_H
#define CK_STORE_GRAPH_LOAD_H

#include "store/record_plane.h"

/* Reads all links into a graph of its own with room for `capacity` nodes; released on failure. */
int ck_graph_load_links(CkStore *store, int64_t model, const CkGraphRow *row, uint32_t capacity,
                        CkHnswGraph *graph, CkError *err);

/* Appends the nodes' embeddings to `ids`, int64_t each. */
int ck_graph_load_ids(CkStore *store, int64_t model, const CkGraphRow *row, CkBuf *ids,
                      CkError *err);

#endif
