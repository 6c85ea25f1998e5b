/* The exact answer, by comparing with every node: see search.h. */
#include "base/sqlite.h"
#include "hnsw/walk.h"

#define CHUNK 256

static void take(CkHnswScratch *scratch, const CkHnswSearch *search, size_t ef, uint64_t key,
                 size_t *n) {
    const CkHnswFilter *filter = search->filter;
    if (*n == ef && key > scratch->passed[ef - 1]) return;
    if (filter && !filter->passes(filter->context, ck_hnsw_key_node(key))) return;
    ck_hnsw_keys_insert(scratch->passed, n, ef, key);
}

/* Compares with nodes first .. first + n - 1. */
static int scan(const CkHnswSource *source, const CkHnswSearch *search, CkHnswScratch *scratch,
                uint32_t first, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) scratch->nodes[i] = first + i;
    return ck_hnsw_compare(source, &search->query, scratch, n);
}

int ck_hnsw_exact(const CkHnswSource *source, const CkHnswSearch *search, CkHnswScratch *scratch,
                  CkHnswFound *found) {
    const uint32_t n = source->shape.n_levels > 0 ? source->shape.n[0] : 0;
    const size_t ef = search->ef < n ? search->ef : n;
    memset(found, 0, sizeof *found);
    if (ef == 0) return SQLITE_OK;
    int rc = ck_hnsw_scratch_nodes(scratch, CHUNK);
    if (rc == SQLITE_OK) rc = ck_hnsw_grow(&scratch->passed, &scratch->passed_room, ef, 8);
    if (rc == SQLITE_OK) rc = ck_hnsw_grow(&scratch->hits, &scratch->hits_room, ef, 8);
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i += CHUNK) {
        uint32_t chunk = n - i < CHUNK ? n - i : CHUNK;
        rc = scan(source, search, scratch, i, chunk);
        for (uint32_t j = 0; rc == SQLITE_OK && j < chunk; j++) {
            const CkIntFactors *factors = ck_int_factors(ck_hnsw_row(source, i + j), source->dims);
            float distance = ck_int_distance(&search->query, factors, scratch->dots[j]);
            take(scratch, search, ef, ck_hnsw_key(distance, i + j), &found->n);
        }
    }
    for (size_t i = 0; i < found->n; i++) {
        scratch->hits[i].distance = ck_hnsw_key_distance(scratch->passed[i]);
        scratch->hits[i].node = ck_hnsw_key_node(scratch->passed[i]);
    }
    found->hits = scratch->hits;
    found->n_distances = n;
    return rc;
}
