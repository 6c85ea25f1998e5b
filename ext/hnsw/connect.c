/*
** Linking what cannot be reached: level by level, from the entries on, every list is followed once.
** Where a node is left over, the nearest of those that were reached gets a link to it, and what it
** leads to is reached, too.
*/
#include "hnsw/connect.h"

#include <string.h>

#include "base/sqlite.h"
#include "hnsw/prune.h"

#define FOLLOW_AHEAD 8 /* lists that are fetched while others are followed */
#define CONNECT_EF 48 /* reached nodes that are looked at for one with room for a link */

typedef struct Reach {
    const CkHnswInsert *insert;
    const uint8_t *dead;
    uint32_t level, n;
    uint8_t *reached;
    uint32_t *queue; /* each node is in it once at most */
} Reach;

static int is_dead(const Reach *reach, uint32_t node) {
    return reach->dead && reach->dead[node];
}

void ck_hnsw_attach(const CkHnswGraph *graph, uint32_t level, uint32_t from, uint32_t to) {
    const uint32_t width = ck_hnsw_width(&graph->shape, level);
    uint32_t *record = ck_hnsw_links_of(graph, level, from);
    if (record[0] < width) {
        record[++record[0]] = to;
        return;
    }
    uint32_t moved = record[width], *other = ck_hnsw_links_of(graph, level, to);
    record[width] = to;
    for (uint32_t i = 1; i <= other[0]; i++) {
        if (other[i] == moved) return;
    }
    if (other[0] < width) other[0]++;
    other[other[0]] = moved;
}

/* Fetches a node's list, which is anywhere. */
static void fetch_list(const Reach *reach, uint32_t node) {
    const CkHnswGraph *graph = reach->insert->graph;
    const uint8_t *record = (const uint8_t *)ck_hnsw_links_of(graph, reach->level, node);
    const size_t n_bytes = ck_hnsw_links_stride(&graph->shape, reach->level);
    for (size_t at = 0; at < n_bytes; at += 64) __builtin_prefetch(record + at);
}

/* Marks a node and all that it leads to. */
static void follow(Reach *reach, uint32_t node) {
    const CkHnswGraph *graph = reach->insert->graph;
    uint8_t *reached = reach->reached;
    uint32_t *queue = reach->queue;
    size_t n = 0;
    if (reached[node]) return;
    reached[node] = 1;
    queue[n++] = node;
    for (size_t at = 0; at < n; at++) {
        const uint32_t *record = ck_hnsw_links_of(graph, reach->level, queue[at]);
        const uint32_t n_links = record[0];
        if (at + FOLLOW_AHEAD < n) fetch_list(reach, queue[at + FOLLOW_AHEAD]);
        for (uint32_t i = 1; i <= n_links; i++) {
            uint32_t other = record[i];
            queue[n] = other; /* a guess whether it counts would be wrong too often */
            n += !reached[other];
            reached[other] = 1;
        }
    }
}

/* A walk may begin at a node that lives and leads somewhere. */
static int is_start(const Reach *reach, uint32_t node) {
    return !is_dead(reach, node) &&
           ck_hnsw_links_of(reach->insert->graph, reach->level, node)[0] > 0;
}

/* From the entries, or the nodes of the level above. When there are none such the first live one
** is to become it, or dead entries serve. */
static void follow_starts(Reach *reach) {
    const CkHnswShape *shape = &reach->insert->graph->shape;
    const int is_top = reach->level + 1 == shape->n_levels;
    uint32_t n = is_top ? ck_hnsw_n_entries(shape) : shape->n[reach->level + 1];
    uint32_t n_starts = 0, first_live = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_start(reach, i)) continue;
        follow(reach, i);
        n_starts++;
    }
    if (n_starts > 0) return;
    while (first_live < n && is_dead(reach, first_live)) first_live++;
    if (first_live < n) follow(reach, first_live);
    for (uint32_t i = 0; first_live == n && i < ck_hnsw_n_entries(shape); i++) follow(reach, i);
}

/* Ranks reached nodes near a node: those that a search finds. */
static int rank_found(Reach *reach, const CkHnswSource *source, uint32_t node, size_t *n_keys) {
    CkHnswScratch *scratch = reach->insert->scratch;
    uint32_t near[CONNECT_EF];
    CkHnswSearch search = {.ef = CONNECT_EF};
    CkHnswFound found;
    size_t n = 0;
    int rc = ck_hnsw_query_of(source, node, NULL, scratch, &search.query);
    if (rc == SQLITE_OK) rc = ck_hnsw_search_level(source, &search, reach->level, scratch, &found);
    if (rc != SQLITE_OK) return rc;
    for (size_t i = 0; i < found.n; i++) {
        uint32_t other = found.hits[i].node;
        if (reach->reached[other] && !is_dead(reach, other)) near[n++] = other;
    }
    return ck_hnsw_rank(source, node, near, n, scratch, n_keys);
}

/* Ranks the nearest of all reached nodes. A search begins at dead entries, too, and may have met
** nothing but what only these lead to. */
static int rank_all(Reach *reach, const CkHnswSource *source, uint32_t node, size_t *n_keys) {
    CkHnswScratch *scratch = reach->insert->scratch;
    uint32_t near[CONNECT_EF];
    size_t n = 0;
    int rc = SQLITE_OK;
    *n_keys = 0;
    for (uint32_t i = 0; rc == SQLITE_OK && i < reach->n; i++) {
        if (reach->reached[i] && !is_dead(reach, i) && i != node) near[n++] = i;
        if (n < CONNECT_EF && i + 1 < reach->n) continue;
        rc = ck_hnsw_rank(source, node, near, n, scratch, n_keys);
        for (n = 0; n < *n_keys && n < CONNECT_EF / 2; n++) {
            near[n] = ck_hnsw_key_node(scratch->keys[n]);
        }
    }
    return rc;
}

/* Gives a node that was left over, and that may have no links either, its place. */
static int connect(Reach *reach, uint32_t node) {
    const CkHnswGraph *graph = reach->insert->graph;
    CkHnswScratch *scratch = reach->insert->scratch;
    const uint32_t width = ck_hnsw_width(&graph->shape, reach->level);
    CkHnswSource source;
    size_t n_keys, n_chosen;
    ck_hnsw_insert_source(reach->insert, &source);
    int rc = rank_found(reach, &source, node, &n_keys);
    if (rc == SQLITE_OK && n_keys == 0) rc = rank_all(reach, &source, node, &n_keys);
    if (rc != SQLITE_OK || n_keys == 0) return rc;
    uint32_t from = ck_hnsw_key_node(scratch->keys[0]);
    for (size_t i = n_keys; i-- > 0;) {
        uint32_t other = ck_hnsw_key_node(scratch->keys[i]);
        if (ck_hnsw_links_of(graph, reach->level, other)[0] < width) from = other;
    }
    if (ck_hnsw_links_of(graph, reach->level, node)[0] == 0) {
        rc = ck_hnsw_prune(&source, scratch->keys, n_keys, width / 2, scratch, &n_chosen);
        if (rc != SQLITE_OK) return rc;
        ck_hnsw_set_links(graph, reach->level, node, scratch->chosen, n_chosen);
    }
    ck_hnsw_attach(graph, reach->level, from, node);
    follow(reach, node);
    return SQLITE_OK;
}

static int connect_level(Reach *reach) {
    int rc = SQLITE_OK;
    memset(reach->reached, 0, reach->n);
    follow_starts(reach);
    for (uint32_t i = 0; rc == SQLITE_OK && i < reach->n; i++) {
        if (!reach->reached[i] && !is_dead(reach, i)) rc = connect(reach, i);
    }
    return rc;
}

int ck_hnsw_connect_live(const CkHnswInsert *insert, const uint8_t *dead) {
    const CkHnswShape *shape = &insert->graph->shape;
    Reach reach = {.insert = insert, .dead = dead};
    int rc = SQLITE_NOMEM;
    if (shape->n_levels == 0) return SQLITE_OK;
    reach.reached = sqlite3_malloc64(shape->n[0]);
    reach.queue = sqlite3_malloc64(((uint64_t)shape->n[0] + 1) * sizeof(uint32_t));
    if (reach.reached && reach.queue) {
        rc = SQLITE_OK;
        uint32_t n_linked = shape->n_levels == 1 ? 1 : shape->n_levels - 1;
        for (uint32_t level = n_linked; rc == SQLITE_OK && level-- > 0;) {
            reach.level = level;
            reach.n = shape->n[level];
            rc = connect_level(&reach);
        }
    }
    sqlite3_free(reach.reached);
    sqlite3_free(reach.queue);
    return rc;
}

int ck_hnsw_connect(const CkHnswInsert *insert) {
    return ck_hnsw_connect_live(insert, NULL);
}
