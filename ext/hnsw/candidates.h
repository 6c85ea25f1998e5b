/*
** The candidates of all nodes while a level is built: for each the nearest that were met.
*/
#ifndef CK_HNSW_CANDIDATES_H
#define CK_HNSW_CANDIDATES_H

#include "hnsw/keys.h"

#define CK_HNSW_CANDIDATES_MAX 256

/*
** How many candidates a node's links are chosen of. ef_construction is how many the paper's insert
** keeps on its way; the way's nearest serve as well, and a partition finds little else: two fifths
** of them give the recall of all.
*/
static inline uint32_t ck_hnsw_n_candidates(uint32_t m, uint32_t ef_construction) {
    uint32_t n = ef_construction / 5 * 2, low = 2 * m;
    if (n < low) n = low;
    return n < CK_HNSW_CANDIDATES_MAX ? n : CK_HNSW_CANDIDATES_MAX;
}

/* Lists of keys in order, `capacity` long at most, of n nodes; in segments, because an allocation
** of SQLite has less than 2 GB. */
typedef struct CkHnswLists {
    uint32_t n, capacity;
    uint64_t **segments;
    uint32_t *n_of; /* keys of each node */
} CkHnswLists;

int ck_hnsw_lists_init(CkHnswLists *lists, uint32_t n, uint32_t capacity);
void ck_hnsw_lists_release(CkHnswLists *lists);

#define CK_HNSW_SEGMENT_SHIFT 16

static inline uint64_t *ck_hnsw_list(const CkHnswLists *lists, uint32_t node) {
    const uint32_t mask = (1u << CK_HNSW_SEGMENT_SHIFT) - 1;
    return lists->segments[node >> CK_HNSW_SEGMENT_SHIFT] +
           (size_t)(node & mask) * lists->capacity;
}

/* The distance above which a key is no news for a node. */
float ck_hnsw_list_limit(const CkHnswLists *lists, uint32_t node);

/* Adds n keys, in order and up to CK_HNSW_CANDIDATES_MAX, to a node's. What is there already, with
** the same distance, is passed over. */
void ck_hnsw_list_merge(CkHnswLists *lists, uint32_t node, const uint64_t *keys, size_t n);

#endif
