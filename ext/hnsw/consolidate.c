/*
** Taking dead nodes out: see insert.h.
**
** A list is changed in place. That is safe, and the order of nodes makes no difference to a list's
** candidates, because those come from its own links and from the lists of dead nodes, which are
** cleared only in the end.
*/
#include <string.h>

#include "base/sqlite.h"
#include "hnsw/connect.h"
#include "hnsw/progress.h"
#include "hnsw/prune.h"

#define STEP_NODES 64
#define SHARE_LISTS 0.8 /* then for nodes with too few links, and the rest for what is cut off */
#define SHARE_PLACED 0.9

/* Live nodes that a list is chosen anew of: beyond these, dead nodes are not followed. */
#define CANDIDATES_MAX 512

typedef struct Dead {
    const uint8_t *dead;
    uint8_t *thin; /* nodes that have lost most of their links */
} Dead;

typedef struct Candidates {
    uint32_t nodes[CANDIDATES_MAX];
    size_t n;
} Candidates;

static int has_dead(const uint32_t *record, const uint8_t *dead) {
    for (uint32_t i = 1; i <= record[0]; i++) {
        if (dead[record[i]]) return 1;
    }
    return 0;
}

/* Adds the live ones of a list that were not met before. */
static void add_live(const uint32_t *record, const uint8_t *dead, CkHnswScratch *scratch,
                     Candidates *candidates) {
    for (uint32_t i = 1; i <= record[0] && candidates->n < CANDIDATES_MAX; i++) {
        uint32_t node = record[i];
        if (dead[node] || scratch->visited[node] == scratch->epoch) continue;
        scratch->visited[node] = scratch->epoch;
        candidates->nodes[candidates->n++] = node;
    }
}

static int renew(const CkHnswInsert *insert, const CkHnswSource *source, uint32_t level,
                 uint32_t node, const uint8_t *dead) {
    const CkHnswGraph *graph = insert->graph;
    CkHnswScratch *scratch = insert->scratch;
    const uint32_t *record = ck_hnsw_links_of(graph, level, node);
    Candidates candidates = {.n = 0};
    size_t n;
    int rc = ck_hnsw_scratch_visit(scratch, graph->shape.n[0]);
    if (rc != SQLITE_OK) return rc;
    scratch->visited[node] = scratch->epoch;
    add_live(record, dead, scratch, &candidates);
    for (uint32_t i = 1; i <= record[0]; i++) {
        if (!dead[record[i]]) continue;
        add_live(ck_hnsw_links_of(graph, level, record[i]), dead, scratch, &candidates);
    }
    rc = ck_hnsw_rank(source, node, candidates.nodes, candidates.n, scratch, &n);
    if (rc != SQLITE_OK) return rc;
    rc = ck_hnsw_prune(source, scratch->keys, n, ck_hnsw_width(&graph->shape, level), scratch, &n);
    if (rc == SQLITE_OK) ck_hnsw_set_links(graph, level, node, scratch->chosen, n);
    return rc;
}

/* Renews a list. One that is less than half as long afterwards may be all that is left of a
** neighbourhood: such nodes of level 0 are marked as thin. */
static int renew_list(const CkHnswInsert *insert, const CkHnswSource *source, uint32_t level,
                      uint32_t node, const Dead *dead) {
    const uint32_t *record = ck_hnsw_links_of(insert->graph, level, node);
    uint32_t n_before = record[0];
    int rc = renew(insert, source, level, node, dead->dead);
    if (level == 0 && record[0] < n_before / 2) dead->thin[node] = 1;
    return rc;
}

static int consolidate_level(const CkHnswInsert *insert, uint32_t level, const Dead *nodes,
                             const CkHnswProgress *progress) {
    const CkHnswGraph *graph = insert->graph;
    const uint8_t *dead = nodes->dead;
    const uint32_t n = graph->shape.n[level], n_entries = ck_hnsw_n_entries(&graph->shape);
    CkHnswSource source;
    int rc = SQLITE_OK;
    ck_hnsw_insert_source(insert, &source);
    /* Entries last: until then the lists of dead ones have to stay as they are. */
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++) {
        uint32_t node = i + n_entries < n ? i + n_entries : i + n_entries - n;
        if (dead[node] && node >= n_entries) continue;
        if (has_dead(ck_hnsw_links_of(graph, level, node), dead)) {
            rc = renew_list(insert, &source, level, node, nodes);
        }
        if (rc == SQLITE_OK && i % STEP_NODES == 0) rc = ck_hnsw_step(progress, i, n);
    }
    for (uint32_t i = n_entries; rc == SQLITE_OK && i < n; i++) {
        if (dead[i]) ck_hnsw_set_links(graph, level, i, NULL, 0);
    }
    return rc;
}

/* Gives the thin nodes new neighbours, as an insert finds them. */
static int place_anew(const CkHnswInsert *insert, const Dead *nodes,
                      const CkHnswProgress *progress) {
    const uint32_t n = insert->graph->shape.n[0];
    int rc = SQLITE_OK;
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++) {
        if (nodes->thin[i] && !nodes->dead[i]) rc = ck_hnsw_relink(insert, i, nodes->dead);
        if (rc == SQLITE_OK && i % STEP_NODES == 0) rc = ck_hnsw_step(progress, i, n);
    }
    return rc;
}

int ck_hnsw_consolidate(const CkHnswInsert *insert, const uint8_t *dead,
                        int (*step)(void *context, double done), void *step_context) {
    const CkHnswShape *shape = &insert->graph->shape;
    CkHnswProgress progress = {.step = step, .context = step_context};
    uint64_t n_nodes = shape->n_levels > 0 ? shape->n[0] : 0;
    Dead nodes = {dead, sqlite3_malloc64(n_nodes + 1)};
    int rc = nodes.thin ? SQLITE_OK : SQLITE_NOMEM;
    if (rc == SQLITE_OK) memset(nodes.thin, 0, n_nodes);
    for (uint32_t level = shape->n_levels; rc == SQLITE_OK && level-- > 0;) {
        double end = level == 0 ? SHARE_LISTS : SHARE_LISTS / shape->m * (shape->n_levels - level);
        ck_hnsw_next_part(&progress, end < SHARE_LISTS ? end : SHARE_LISTS);
        rc = consolidate_level(insert, level, &nodes, &progress);
    }
    ck_hnsw_next_part(&progress, SHARE_PLACED);
    if (rc == SQLITE_OK) rc = place_anew(insert, &nodes, &progress);
    sqlite3_free(nodes.thin);
    if (rc == SQLITE_OK) rc = ck_hnsw_connect_live(insert, dead);
    ck_hnsw_next_part(&progress, 1);
    return rc == SQLITE_OK ? ck_hnsw_step(&progress, 1, 1) : rc;
}

/* Moves the lists of live nodes together and renumbers what is in them; returns how many stay. */
static uint32_t compact_level(CkHnswGraph *graph, uint32_t level, const uint32_t *new_of) {
    const uint32_t width = ck_hnsw_width(&graph->shape, level);
    uint32_t n = 0;
    for (uint32_t i = 0; i < graph->shape.n[level]; i++) {
        const uint32_t *from = ck_hnsw_links_of(graph, level, i);
        uint32_t *to = ck_hnsw_links_of(graph, level, n), n_links = 0;
        if (new_of[i] == UINT32_MAX) continue;
        for (uint32_t j = 1; j <= from[0]; j++) {
            uint32_t node = new_of[from[j]];
            if (node != UINT32_MAX) to[1 + n_links++] = node;
        }
        to[0] = n_links;
        memset(to + 1 + n_links, 0, (width - n_links) * sizeof *to);
        n++;
    }
    return n;
}

/* A top level that has died out is begun anew with the first nodes of the level below, as many as
** there were, for which there is room. */
static void renew_top(CkHnswShape *shape, const CkHnswShape *before) {
    while (shape->n_levels > 0 && shape->n[shape->n_levels - 1] == 0) {
        uint32_t top = shape->n_levels - 1;
        if (top > 1 && shape->n[top - 1] > CK_HNSW_TOP_MAX) {
            shape->n[top] = before->n[top];
        } else {
            shape->n_levels--;
        }
    }
}

void ck_hnsw_compact(CkHnswGraph *graph, const uint8_t *dead, uint32_t *new_of) {
    const CkHnswShape before = graph->shape;
    uint32_t n_live = 0;
    for (uint32_t i = 0; i < before.n[0]; i++) new_of[i] = dead[i] ? UINT32_MAX : n_live++;
    for (uint32_t level = 0; level < before.n_levels; level++) {
        graph->shape.n[level] = compact_level(graph, level, new_of);
    }
    renew_top(&graph->shape, &before);
}
