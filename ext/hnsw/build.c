/*
** Building: order, candidates, links, and what cannot be reached.
**
** Each level is built by itself, over the prefix of slots that it has. Its nodes choose links of
** their candidates by algorithm 4; then every node has, beside its own choice, all that chose it,
** and if these are more than its list holds it chooses again. That is the overflow rule of the
** paper's insert, applied once to all.
*/
#include "hnsw/build.h"

#include <string.h>

#include "base/arena.h"
#include "base/sqlite.h"
#include "hnsw/connect.h"
#include "hnsw/order.h"
#include "hnsw/partition.h"
#include "hnsw/prune.h"

/* Shares of the whole, measured at 100K x 768: the order; of a level's, candidates and choosing. */
#define SHARE_ORDER 0.06
#define SHARE_PARTITION 0.6
#define SHARE_CHOOSE 0.8

/*
** Links that a node chooses itself: M, but on level 0, where lists hold 2 M, half as many again.
** Searches then take fewer steps, of more nodes each, most of which their signs rule out: 73 us
** instead of 95 at recall .95 of 100K x 768.
*/
static uint32_t n_choices(uint32_t m, uint32_t level) {
    return level == 0 ? m + m / 2 : m;
}

#define STEP_NODES 64 /* nodes whose links are chosen between steps */

typedef struct Level {
    const CkHnswSource *source;
    CkHnswScratch *scratch;
    CkHnswLists lists;
    uint32_t level, n;
    CkArena memory; /* of `back`: gigabytes of it are more than sqlite3_malloc64() gives */
    uint64_t *back; /* for each node the keys of those that chose it: back[begin[i]] on */
    uint32_t *begin;
} Level;

/* Algorithm 4 on each node's candidates. What it chooses takes their place. */
static int choose(Level *level, uint32_t n_wanted, const CkHnswProgress *progress) {
    CkHnswLists *lists = &level->lists;
    int rc = SQLITE_OK;
    for (uint32_t i = 0; rc == SQLITE_OK && i < level->n; i++) {
        size_t n;
        uint64_t *list = ck_hnsw_list(lists, i);
        rc = ck_hnsw_prune(level->source, list, lists->n_of[i], n_wanted, level->scratch, &n);
        if (rc != SQLITE_OK) break;
        memcpy(list, level->scratch->chosen, n * sizeof *list);
        lists->n_of[i] = (uint32_t)n;
        if (i % STEP_NODES == 0) rc = ck_hnsw_step(progress, i, level->n);
    }
    return rc;
}

/* Turns the choices round. */
static int turn_round(Level *level) {
    const CkHnswLists *lists = &level->lists;
    uint64_t n_links = 0;
    for (uint32_t i = 0; i < level->n; i++) n_links += lists->n_of[i];
    level->begin = sqlite3_malloc64(((uint64_t)level->n + 2) * sizeof *level->begin);
    if (!level->begin) return SQLITE_NOMEM;
    if (ck_arena_init(&level->memory, (n_links + 1) * sizeof *level->back)) return SQLITE_NOMEM;
    level->back = (uint64_t *)(void *)level->memory.base;
    uint32_t *at = level->begin + 1;
    memset(level->begin, 0, ((size_t)level->n + 2) * sizeof *level->begin);
    for (uint32_t i = 0; i < level->n; i++) {
        const uint64_t *list = ck_hnsw_list(lists, i);
        for (uint32_t j = 0; j < lists->n_of[i]; j++) at[ck_hnsw_key_node(list[j]) + 1]++;
    }
    for (uint32_t i = 0; i < level->n; i++) at[i + 1] += at[i];
    for (uint32_t i = 0; i < level->n; i++) {
        const uint64_t *list = ck_hnsw_list(lists, i);
        for (uint32_t j = 0; j < lists->n_of[i]; j++) {
            level->back[at[ck_hnsw_key_node(list[j])]++] =
                ck_hnsw_key(ck_hnsw_key_distance(list[j]), i);
        }
    }
    return SQLITE_OK;
}

/* The links of one node: its choice and those that chose it, or the best of them. */
static int link_node(Level *level, const CkHnswGraph *graph, uint32_t node) {
    CkHnswScratch *scratch = level->scratch;
    const uint64_t *list = ck_hnsw_list(&level->lists, node);
    const uint64_t *back = level->back + level->begin[node];
    size_t n_list = level->lists.n_of[node], n_back = level->begin[node + 1] - level->begin[node];
    const uint32_t width = ck_hnsw_width(&graph->shape, level->level);
    int rc = ck_hnsw_grow(&scratch->keys, &scratch->keys_room, n_list + n_back, sizeof *list);
    if (rc != SQLITE_OK) return rc;
    uint64_t *keys = scratch->keys;
    memcpy(keys, list, n_list * sizeof *list);
    memcpy(keys + n_list, back, n_back * sizeof *back);
    ck_hnsw_keys_sort(keys, n_list + n_back);
    size_t n = 0;
    for (size_t i = 0; i < n_list + n_back; i++) {
        if (n == 0 || keys[i] != keys[n - 1]) keys[n++] = keys[i];
    }
    if (n > width) {
        rc = ck_hnsw_prune(level->source, keys, n, width, scratch, &n);
        keys = scratch->chosen;
    }
    if (rc == SQLITE_OK) ck_hnsw_set_links(graph, level->level, node, keys, n);
    return rc;
}

static int build_level(const CkHnswCodes *codes, const CkHnswOptions *options, Level *level,
                       const CkHnswGraph *graph, CkHnswProgress *progress) {
    const double begin = progress->end, all = 1 - begin;
    const uint32_t n_candidates = ck_hnsw_n_candidates(options->m, options->ef_construction);
    int rc = ck_hnsw_lists_init(&level->lists, level->n, n_candidates);
    const double span = level->level == 0 ? all : all / options->m;
    ck_hnsw_next_part(progress, begin + span * SHARE_PARTITION);
    if (rc == SQLITE_OK) {
        rc = ck_hnsw_partition(codes, options->seed + level->level, progress, &level->lists);
    }
    ck_hnsw_next_part(progress, begin + span * SHARE_CHOOSE);
    if (rc == SQLITE_OK) rc = choose(level, n_choices(options->m, level->level), progress);
    if (rc == SQLITE_OK) rc = turn_round(level);
    ck_hnsw_next_part(progress, begin + span);
    for (uint32_t i = 0; rc == SQLITE_OK && i < level->n; i++) {
        rc = link_node(level, graph, i);
        if (rc == SQLITE_OK && i % STEP_NODES == 0) rc = ck_hnsw_step(progress, i, level->n);
    }
    ck_hnsw_lists_release(&level->lists);
    ck_arena_release(&level->memory);
    sqlite3_free(level->begin);
    return rc;
}

/* All levels, from the top, which has no links unless it is the only one. */
static int build_links(uint8_t *rows, const CkHnswCodes *codes, const CkHnswOptions *options,
                       CkHnswProgress *progress, CkHnswGraph *graph) {
    const CkHnswRecords records = {.base = rows, .stride = codes->stride};
    const CkHnswShape *shape = &graph->shape;
    CkHnswSource source;
    const CkIntSpace space = {.dims = codes->dims};
    CkHnswInsert insert = {.graph = graph, .codes = &records, .space = &space};
    ck_hnsw_insert_source(&insert, &source);
    insert.scratch = ck_hnsw_scratch_new();
    int rc = insert.scratch ? SQLITE_OK : SQLITE_NOMEM;
    uint32_t n_linked = shape->n_levels > 1 ? shape->n_levels - 1 : shape->n_levels;
    for (uint32_t l = n_linked; rc == SQLITE_OK && l-- > 0;) {
        Level level = {.source = &source, .scratch = insert.scratch, .level = l,
                       .n = shape->n[l]};
        rc = build_level(codes, options, &level, graph, progress);
    }
    if (rc == SQLITE_OK) rc = ck_hnsw_connect_live(&insert, NULL);
    ck_hnsw_scratch_free(insert.scratch);
    return rc;
}

int ck_hnsw_build(uint8_t *codes, uint32_t n, const CkHnswOptions *options, CkHnswBuilt *built) {
    const CkHnswCodes rows = {codes, options->dims, ck_int_stride(options->dims),
                              ck_int_code_bytes(options->dims)};
    CkHnswProgress progress = {options->step, options->context, 0, SHARE_ORDER};
    memset(built, 0, sizeof *built);
    int rc = n <= CK_HNSW_NODES_MAX ? SQLITE_OK : SQLITE_TOOBIG;
    if (rc == SQLITE_OK) rc = ck_hnsw_order(&rows, n, options, &progress, built);
    if (rc == SQLITE_OK) rc = ck_hnsw_move_rows(codes, rows.stride, built->order, n);
    if (rc == SQLITE_OK) {
        CkHnswShape shape = built->graph.shape;
        rc = ck_hnsw_graph_init(&built->graph, &shape, shape.n[0]);
    }
    if (rc == SQLITE_OK) rc = build_links(codes, &rows, options, &progress, &built->graph);
    if (rc == SQLITE_OK) rc = ck_hnsw_step(&progress, 1, 1);
    if (rc != SQLITE_OK) ck_hnsw_built_release(built);
    return rc;
}

void ck_hnsw_built_release(CkHnswBuilt *built) {
    ck_hnsw_graph_release(&built->graph);
    sqlite3_free(built->order);
    sqlite3_free(built->twin_of);
    memset(built, 0, sizeof *built);
}
