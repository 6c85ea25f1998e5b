/*
** What searching and changing a graph share: the scratch memory, and a search that ends on a level.
*/
#ifndef CK_HNSW_WALK_H
#define CK_HNSW_WALK_H

#include "hnsw/keys.h"
#include "hnsw/search.h"

/*
** Arrays that only grow. A node was visited in the walk that is under way when its byte is `epoch`,
** so that a new walk has to clear nothing but every 255th time.
*/
struct CkHnswScratch {
    uint8_t *visited;
    size_t visited_room;
    uint8_t epoch;
    uint64_t *beam; /* nodes to walk from; with the mark: walked from */
    size_t beam_room;
    uint64_t *passed; /* nodes that pass the filter */
    size_t passed_room;
    CkHnswHit *hits;
    size_t hits_room;
    uint32_t *nodes; /* a list of nodes, and products with their codes */
    size_t nodes_room;
    int32_t *dots;
    size_t dots_room;
    float *distances;
    size_t distances_room;
    uint64_t *keys; /* candidates of a node's links */
    size_t keys_room;
    uint64_t *chosen;
    size_t chosen_room;
    uint8_t *codes; /* of a CkIntQuery made of a row; aligned */
    size_t codes_room;
};

/* Makes *array, never NULL then, hold n elements of that size, keeping what is in it. SQLITE_OK or
** SQLITE_NOMEM. */
int ck_hnsw_grow(void *array, size_t *room, size_t n, size_t size);

/* Room for n nodes, and dots and distances of them. */
int ck_hnsw_scratch_nodes(CkHnswScratch *scratch, size_t n);

/* Begins a walk over n nodes, none of them visited. */
int ck_hnsw_scratch_visit(CkHnswScratch *scratch, size_t n);

/* Makes of a row of the source a query in scratch->codes; with signs, if the space is given. */
int ck_hnsw_query_of(const CkHnswSource *source, uint32_t node, const CkIntSpace *space,
                     CkHnswScratch *scratch, CkIntQuery *query);

/* Makes record i of a level (-1: codes) resident. */
static inline int ck_hnsw_ensure(const CkHnswSource *source, int level, uint32_t i) {
    const CkHnswRecords *records = level < 0 ? &source->codes : &source->links[level];
    if (!records->resident || records->resident[i >> records->shift]) return 0;
    return source->load(source->context, level, i >> records->shift);
}

static inline const uint32_t *ck_hnsw_record(const CkHnswSource *source, uint32_t level,
                                             uint32_t node) {
    const CkHnswRecords *links = &source->links[level];
    return (const uint32_t *)(const void *)(links->base + node * links->stride);
}

static inline const uint8_t *ck_hnsw_row(const CkHnswSource *source, uint32_t node) {
    return source->codes.base + node * source->codes.stride;
}

/* Where every search begins: the first so many slots. */
static inline uint32_t ck_hnsw_n_entries(const CkHnswShape *shape) {
    if (shape->n_levels == 0) return 0;
    uint32_t n = shape->n[shape->n_levels - 1];
    return n < CK_HNSW_TOP_MAX ? n : CK_HNSW_TOP_MAX;
}

/* scratch->dots[i] = <u, c> of the query and scratch->nodes[i], for n of them, made resident. */
int ck_hnsw_compare(const CkHnswSource *source, const CkIntQuery *query, CkHnswScratch *scratch,
                    size_t n);

/* The same for nodes that were compared with something just before: nothing is fetched ahead. */
void ck_hnsw_compare_again(const CkHnswSource *source, const CkIntQuery *query,
                           CkHnswScratch *scratch, size_t n);

/* scratch->distances[i] of the query and scratch->nodes[i], likewise. */
int ck_hnsw_measure(const CkHnswSource *source, const CkIntQuery *query, CkHnswScratch *scratch,
                    size_t n);

/* Makes the codes of scratch->nodes resident, n of them. */
int ck_hnsw_ensure_codes(const CkHnswSource *source, const CkHnswScratch *scratch, size_t n);

/* Takes out of scratch->nodes, n of them and resident, those whose signs say that they are farther
** than `limit`; returns how many stay. */
size_t ck_hnsw_rule_out(const CkHnswSource *source, const CkIntQuery *query, float limit,
                        CkHnswScratch *scratch, size_t n);

/* ck_hnsw_search() that ends with the nodes of a level other than 0. */
int ck_hnsw_search_level(const CkHnswSource *source, const CkHnswSearch *search, uint32_t level,
                         CkHnswScratch *scratch, CkHnswFound *found);

#endif
