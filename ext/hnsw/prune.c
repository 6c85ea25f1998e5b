/* Choosing links: see prune.h. */
#include "hnsw/prune.h"

#include "base/sqlite.h"
#include "vector/kernels.h"

/* How much nearer to a chosen one a candidate must be to be left out. At 1, the paper's, lists are
** short: on the real sets recall .95 takes a fifth more time then; generated ones do not care. */
#define ALPHA 1.1f

static float nearness(const CkHnswSource *source, const CkIntQuery *query, uint32_t node,
                      int32_t dot) {
    const CkIntFactors *factors = ck_int_factors(ck_hnsw_row(source, node), source->dims);
    return ck_int_half_l2sq(query, factors, dot);
}

int ck_hnsw_rank(const CkHnswSource *source, uint32_t self, const uint32_t *nodes, size_t n,
                 CkHnswScratch *scratch, size_t *n_keys) {
    CkIntQuery query;
    *n_keys = 0;
    int rc = ck_hnsw_query_of(source, self, NULL, scratch, &query);
    if (rc == SQLITE_OK) rc = ck_hnsw_scratch_nodes(scratch, n);
    if (rc == SQLITE_OK) {
        rc = ck_hnsw_grow(&scratch->keys, &scratch->keys_room, n, sizeof(uint64_t));
    }
    if (rc != SQLITE_OK || n == 0) return rc;
    memcpy(scratch->nodes, nodes, n * sizeof *nodes);
    rc = ck_hnsw_compare(source, &query, scratch, n);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
        if (nodes[i] == self) continue;
        float distance = nearness(source, &query, nodes[i], scratch->dots[i]);
        scratch->keys[(*n_keys)++] = ck_hnsw_key(distance, nodes[i]);
    }
    ck_hnsw_keys_sort(scratch->keys, *n_keys);
    return rc;
}

/* Drops of the n candidates in `left` those that are nearer to the chosen one; returns how many
** stay. `again`: they have met one before, and are in the cache. */
static int drop_behind(const CkHnswSource *source, uint32_t chosen, int again, uint64_t *left,
                       CkHnswScratch *scratch, size_t *n) {
    CkIntQuery query;
    size_t n_kept = 0;
    int rc = ck_hnsw_query_of(source, chosen, NULL, scratch, &query);
    for (size_t i = 0; i < *n; i++) scratch->nodes[i] = ck_hnsw_key_node(left[i]);
    if (rc == SQLITE_OK && again) {
        ck_hnsw_compare_again(source, &query, scratch, *n);
    } else if (rc == SQLITE_OK) {
        rc = ck_hnsw_compare(source, &query, scratch, *n);
    }
    if (rc != SQLITE_OK) return rc;
    for (size_t i = 0; i < *n; i++) {
        float apart = nearness(source, &query, scratch->nodes[i], scratch->dots[i]);
        left[n_kept] = left[i];
        n_kept += ALPHA * apart >= ck_hnsw_key_distance(left[i]);
    }
    *n = n_kept;
    return SQLITE_OK;
}

/* Every candidate meets the chosen ones in their order until one drops it, as in the paper; but all
** candidates meet one chosen at a time, so that the kernel has many rows to go through. */
int ck_hnsw_prune(const CkHnswSource *source, const uint64_t *candidates, size_t n, size_t width,
                  CkHnswScratch *scratch, size_t *n_chosen) {
    int rc = ck_hnsw_scratch_nodes(scratch, n);
    *n_chosen = 0;
    if (rc == SQLITE_OK) {
        rc = ck_hnsw_grow(&scratch->chosen, &scratch->chosen_room, width + n, sizeof(uint64_t));
    }
    if (rc != SQLITE_OK) return rc;
    uint64_t *chosen = scratch->chosen, *left = scratch->chosen + width;
    memcpy(left, candidates, n * sizeof *candidates);
    while (rc == SQLITE_OK && n > 0 && *n_chosen < width) {
        uint64_t key = *left++;
        n--;
        chosen[(*n_chosen)++] = key;
        if (n > 0 && *n_chosen < width) {
            rc = drop_behind(source, ck_hnsw_key_node(key), *n_chosen > 1, left, scratch, &n);
        }
    }
    return rc;
}

void ck_hnsw_set_links(const CkHnswGraph *graph, uint32_t level, uint32_t node,
                       const uint64_t *chosen, size_t n) {
    uint32_t *record = ck_hnsw_links_of(graph, level, node);
    const uint32_t width = ck_hnsw_width(&graph->shape, level);
    memset(record, 0, (1 + (size_t)width) * sizeof *record);
    record[0] = (uint32_t)n;
    for (size_t i = 0; i < n; i++) record[1 + i] = ck_hnsw_key_node(chosen[i]);
}
