/*
** Searching the graph of an index: from the query to the nearest of what the graph finds, compared
** exactly.
*/
#ifndef CK_STORE_GRAPH_SEARCH_H
#define CK_STORE_GRAPH_SEARCH_H

#include "store/idset.h"
#include "store/index.h"
#include "store/nearest.h"

typedef struct CkGraphSearch {
    float scale;    /* compared is the query * scale: 1 / |q| for cosine, else 1 */
    size_t ef;      /* nodes to find */
    size_t walk_ef; /* nodes to walk from, when not all of them count; at least ef */
    const CkIdSet *passing; /* sealed; a set that does not restrict lets all pass */
} CkGraphSearch;

/*
** Offers what the graph finds to `nearest`. A node is estimated by its int8 code, and its vector is
** compared only when the estimate, give or take its margin, leaves it among the k nearest; vectors
** come from the graph's cache, or from their rows. What is in no block of the graph yet is for
** ck_candidates_scan(). *n_distances counts the codes compared.
*/
int ck_graph_search(CkIndex *index, CkNearest *nearest, const CkGraphSearch *search,
                    int64_t *n_distances, CkError *err);

#endif
