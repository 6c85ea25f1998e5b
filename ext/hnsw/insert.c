/*
** Inserting a node on level 0: the paper's algorithm 1.
**
** Everything that can fail comes first: the search, which makes resident what it compares, and the
** lists of the neighbours, chosen one after the other.
*/
#include "hnsw/insert.h"

#include "base/sqlite.h"
#include "hnsw/candidates.h"
#include "hnsw/connect.h"
#include "hnsw/prune.h"

/* For a node that lies far from all others, which are hardly nearer than one another. */
#define RELINK_EF 1024

/* A hit with the same code. */
static int find_twin(const CkHnswSource *source, uint32_t node, const CkHnswFound *found,
                     uint32_t *twin) {
    const uint8_t *row = ck_hnsw_row(source, node);
    const size_t n_bytes = ck_int_identity_bytes(source->dims);
    for (size_t i = 0; i < found->n; i++) {
        uint32_t other = found->hits[i].node;
        if (memcmp(row, ck_hnsw_row(source, other), n_bytes) != 0) continue;
        *twin = other;
        return 1;
    }
    return 0;
}

/* Puts `node` into the list of `other`, which is chosen anew when it is full. Sets *in when it got
** in. */
static int link_back(const CkHnswInsert *insert, const CkHnswSource *source, uint32_t other,
                     uint32_t node, int *in) {
    CkHnswScratch *scratch = insert->scratch;
    const uint32_t width = ck_hnsw_width(&insert->graph->shape, 0);
    uint32_t *record = ck_hnsw_links_of(insert->graph, 0, other);
    uint32_t nodes[2 * CK_HNSW_M_MAX + 1];
    size_t n_keys, n_chosen;
    if (record[0] < width) {
        record[++record[0]] = node;
        *in = 1;
        return SQLITE_OK;
    }
    memcpy(nodes, record + 1, width * sizeof *nodes);
    nodes[width] = node;
    int rc = ck_hnsw_rank(source, other, nodes, width + 1, scratch, &n_keys);
    if (rc == SQLITE_OK) {
        rc = ck_hnsw_prune(source, scratch->keys, n_keys, width, scratch, &n_chosen);
    }
    if (rc != SQLITE_OK) return rc;
    for (size_t i = 0; i < n_chosen; i++) *in |= ck_hnsw_key_node(scratch->chosen[i]) == node;
    ck_hnsw_set_links(insert->graph, 0, other, scratch->chosen, n_chosen);
    return SQLITE_OK;
}

/* Links both ways; the new node's list first, so that the walk of another insert finds it whole. */
static int link_node(const CkHnswInsert *insert, const CkHnswSource *source, uint32_t node,
                     size_t n_keys) {
    CkHnswScratch *scratch = insert->scratch;
    size_t n;
    int in = 0;
    int rc = ck_hnsw_prune(source, scratch->keys, n_keys, insert->graph->shape.m, scratch, &n);
    if (rc != SQLITE_OK) return rc;
    ck_hnsw_set_links(insert->graph, 0, node, scratch->chosen, n);
    const uint32_t *record = ck_hnsw_links_of(insert->graph, 0, node);
    for (size_t i = 1; rc == SQLITE_OK && i <= n; i++) {
        rc = link_back(insert, source, record[i], node, &in);
    }
    if (rc == SQLITE_OK && !in) ck_hnsw_attach(insert->graph, 0, record[1], node);
    return rc;
}

/* What a search finds is nearer than what a partition does, so three quarters of a build's
** candidates will do. */
static size_t n_candidates(const CkHnswInsert *insert) {
    return ck_hnsw_n_candidates(insert->graph->shape.m, insert->ef_construction / 4 * 3);
}

/* Searches, and ranks what was found. */
static int find_neighbours(const CkHnswInsert *insert, const CkHnswSource *source, uint32_t node,
                           uint32_t *twin_of, size_t *n_keys) {
    CkHnswScratch *scratch = insert->scratch;
    CkHnswSearch search = {.ef = n_candidates(insert)};
    CkHnswFound found;
    uint32_t nodes[CK_HNSW_CANDIDATES_MAX];
    int rc = ck_hnsw_query_of(source, node, insert->space, scratch, &search.query);
    if (rc == SQLITE_OK) rc = ck_hnsw_search(source, &search, scratch, &found);
    if (rc != SQLITE_OK || find_twin(source, node, &found, twin_of)) return rc;
    for (size_t i = 0; i < found.n; i++) nodes[i] = found.hits[i].node;
    return ck_hnsw_rank(source, node, nodes, found.n, scratch, n_keys);
}

static int is_linked(const CkHnswGraph *graph, uint32_t from, uint32_t to) {
    const uint32_t *record = ck_hnsw_links_of(graph, 0, from);
    for (uint32_t i = 1; i <= record[0]; i++) {
        if (record[i] == to) return 1;
    }
    return 0;
}

/* Ranks what a search finds near a live node, and what it is linked to. */
static int rank_live(const CkHnswInsert *insert, const CkHnswSource *source, uint32_t node,
                     const uint8_t *dead, size_t *n_keys) {
    CkHnswScratch *scratch = insert->scratch;
    const uint32_t *record = ck_hnsw_links_of(insert->graph, 0, node);
    CkHnswSearch search = {.ef = RELINK_EF};
    CkHnswFound found;
    uint32_t nodes[CK_HNSW_CANDIDATES_MAX + 2 * CK_HNSW_M_MAX];
    size_t n = 0;
    int rc = ck_hnsw_query_of(source, node, insert->space, scratch, &search.query);
    if (rc == SQLITE_OK) rc = ck_hnsw_search(source, &search, scratch, &found);
    if (rc != SQLITE_OK) return rc;
    for (uint32_t i = 1; i <= record[0]; i++) nodes[n++] = record[i];
    for (size_t i = 0; i < found.n && i < CK_HNSW_CANDIDATES_MAX; i++) {
        uint32_t other = found.hits[i].node;
        if (!dead[other] && !is_linked(insert->graph, node, other)) nodes[n++] = other;
    }
    return ck_hnsw_rank(source, node, nodes, n, scratch, n_keys);
}

/* Adds the nearest of n ranked candidates to those that were chosen, up to `width` altogether. */
static size_t add_nearest(CkHnswScratch *scratch, size_t n, size_t width, size_t n_chosen) {
    for (size_t i = 0; i < n && n_chosen < width; i++) {
        size_t j = 0;
        while (j < n_chosen && scratch->chosen[j] != scratch->keys[i]) j++;
        if (j == n_chosen) scratch->chosen[n_chosen++] = scratch->keys[i];
    }
    return n_chosen;
}

/*
** A node that is left over lies far from all others, and these near one another: by the rule for
** links few of its neighbours would be chosen, and by few of them it would be. So its list is
** filled with the nearest, which a search for something near it meets.
*/
int ck_hnsw_relink(const CkHnswInsert *insert, uint32_t node, const uint8_t *dead) {
    CkHnswScratch *scratch = insert->scratch;
    const uint32_t m = insert->graph->shape.m;
    const uint32_t *record = ck_hnsw_links_of(insert->graph, 0, node);
    CkHnswSource source;
    size_t n_keys, n;
    int in = 0;
    ck_hnsw_insert_source(insert, &source);
    int rc = rank_live(insert, &source, node, dead, &n_keys);
    if (rc == SQLITE_OK) rc = ck_hnsw_prune(&source, scratch->keys, n_keys, m, scratch, &n);
    if (rc != SQLITE_OK) return rc;
    n = add_nearest(scratch, n_keys, m, n);
    ck_hnsw_set_links(insert->graph, 0, node, scratch->chosen, n);
    for (uint32_t i = 1; rc == SQLITE_OK && i <= record[0]; i++) {
        if (!is_linked(insert->graph, record[i], node)) {
            rc = link_back(insert, &source, record[i], node, &in);
        }
    }
    return rc;
}

int ck_hnsw_insert(const CkHnswInsert *insert, uint32_t *twin_of) {
    CkHnswShape *shape = &insert->graph->shape;
    const uint32_t node = shape->n[0];
    CkHnswSource source;
    size_t n_keys = 0;
    *twin_of = node;
    if (node >= insert->graph->capacity) return SQLITE_FULL;
    memset(ck_hnsw_links_of(insert->graph, 0, node), 0, ck_hnsw_links_stride(shape, 0));
    ck_hnsw_insert_source(insert, &source);
    int rc = find_neighbours(insert, &source, node, twin_of, &n_keys);
    if (rc != SQLITE_OK || *twin_of != node) return rc;
    if (n_keys > 0) rc = link_node(insert, &source, node, n_keys);
    if (rc != SQLITE_OK) return rc;
    shape->n[0]++;
    if (shape->n_levels == 0) shape->n_levels = 1;
    return SQLITE_OK;
}
