/*
** Search: the paper's algorithms 5 (down the levels) and 2 (on the last one).
**
** The beam is one ordered array of the nearest nodes seen, each marked once it was walked from.
** Where the paper keeps a heap of candidates and one of results, here the candidates are what has
** no mark: a candidate that falls out of the array could not have been walked from any more.
**
** A step takes the first few nodes without a mark, gathers those of their neighbours that were not
** seen, passes over those that are too far by their signs, once the beam is full, compares the
** others in one kernel that fetches ahead, and inserts them. A neighbour as near as the
** last of a full beam still comes in if its number is lower: equal distances do not stop a walk
** that the order of nodes leads on.
*/
#include "hnsw/search.h"

#include <math.h>

#include "base/sqlite.h"
#include "hnsw/walk.h"

/* Entries compared at once. */
#define ENTRY_CHUNK 64

/*
** Nodes that a step walks from together: what it fetches of one does not wait for another. The beam
** would have come to them all the same, but for a few: with 4 instead of 1 a search looks at 1 to
** 2 % more nodes (12 % at ef 15) and takes 5 to 15 % less time.
*/
#define WALK_WIDTH 4

typedef struct Walk {
    const CkHnswSource *source;
    const CkHnswSearch *search;
    CkHnswScratch *scratch;
    size_t n_beam, beam_max;
    size_t next; /* no node of the beam before it is without a mark */
    size_t n_passed;
    int64_t n_distances;
} Walk;

static int compare(Walk *walk, size_t n) {
    walk->n_distances += (int64_t)n;
    return ck_hnsw_measure(walk->source, &walk->search->query, walk->scratch, n);
}

static uint64_t key_of(const Walk *walk, size_t i) {
    return ck_hnsw_key(walk->scratch->distances[i], walk->scratch->nodes[i]);
}

/* Takes a node that was compared into the beam, and into the result if it passes. */
static void take(Walk *walk, uint64_t key) {
    CkHnswScratch *scratch = walk->scratch;
    const CkHnswFilter *filter = walk->search->filter;
    const size_t ef = walk->search->ef;
    size_t at = ck_hnsw_keys_insert(scratch->beam, &walk->n_beam, walk->beam_max, key);
    if (at < walk->next) walk->next = at;
    if (!filter) return;
    if (walk->n_passed == ef && key > scratch->passed[ef - 1]) return;
    if (!filter->passes(filter->context, ck_hnsw_key_node(key))) return;
    ck_hnsw_keys_insert(scratch->passed, &walk->n_passed, ef, key);
}

/* The distance from which on a node is of no use: what is full ends with it. */
static float limit_of(const Walk *walk) {
    const CkHnswScratch *scratch = walk->scratch;
    const size_t ef = walk->search->ef;
    if (walk->n_beam < walk->beam_max) return INFINITY;
    float limit = ck_hnsw_key_distance(scratch->beam[walk->n_beam - 1]);
    if (!walk->search->filter) return limit;
    if (walk->n_passed < ef) return INFINITY;
    return fmaxf(limit, ck_hnsw_key_distance(scratch->passed[ef - 1]));
}

/* Takes those of n compared nodes that are near enough. Most are not, and no processor guesses
** which: so these are left out without a branch, before the others come in one by one. */
static void take_near(Walk *walk, size_t n) {
    const float limit = limit_of(walk), *distances = walk->scratch->distances;
    const uint32_t *nodes = walk->scratch->nodes;
    uint64_t keys[WALK_WIDTH * 2 * CK_HNSW_M_MAX];
    size_t n_near = 0;
    for (size_t i = 0; i < n; i++) {
        keys[n_near] = ck_hnsw_key(distances[i], nodes[i]);
        n_near += distances[i] <= limit;
    }
    for (size_t i = 0; i < n_near; i++) take(walk, keys[i]);
}

/* Compares with n gathered nodes, but for those whose signs rule them out; *n becomes how many were
** compared. */
static int judge(Walk *walk, float limit, size_t *n) {
    const CkIntQuery *query = &walk->search->query;
    if (query->planes && limit < INFINITY) {
        size_t n_all = *n;
        int rc = ck_hnsw_ensure_codes(walk->source, walk->scratch, n_all);
        if (rc != SQLITE_OK) return rc;
        *n = ck_hnsw_rule_out(walk->source, query, limit, walk->scratch, n_all);
        walk->n_distances += (int64_t)(n_all - *n);
    }
    return compare(walk, *n);
}

/* Adds the neighbours that were not seen to the *n in scratch->nodes. */
static int gather(Walk *walk, uint32_t level, uint32_t node, size_t *n) {
    CkHnswScratch *scratch = walk->scratch;
    int rc = ck_hnsw_ensure(walk->source, (int)level, node);
    if (rc != SQLITE_OK) return rc;
    const uint32_t *record = ck_hnsw_record(walk->source, level, node);
    const uint32_t n_links = record[0];
    uint32_t *nodes = scratch->nodes;
    uint8_t *visited = scratch->visited;
    const uint8_t epoch = scratch->epoch;
    size_t at = *n;
    for (uint32_t i = 1; i <= n_links; i++) {
        uint32_t neighbour = record[i];
        nodes[at] = neighbour;
        at += visited[neighbour] != epoch;
        visited[neighbour] = epoch;
    }
    *n = at;
    return SQLITE_OK;
}

/* Fetches a node's list, which is up to three cache lines at M = 16. */
static void fetch_list(const Walk *walk, uint32_t level, uint32_t node) {
    const uint8_t *record = (const uint8_t *)ck_hnsw_record(walk->source, level, node);
    const size_t n_bytes = walk->source->links[level].stride;
    for (size_t at = 0; at < n_bytes; at += 64) __builtin_prefetch(record + at);
}

/* Marks the first nodes of the beam without a mark and lists them in `from`. */
static size_t leave(Walk *walk, uint32_t level, uint32_t *from) {
    CkHnswScratch *scratch = walk->scratch;
    size_t n = 0;
    for (; n < WALK_WIDTH && walk->next < walk->n_beam; walk->next++) {
        uint64_t *key = scratch->beam + walk->next;
        if (*key & CK_HNSW_KEY_MARK) continue;
        *key |= CK_HNSW_KEY_MARK;
        from[n] = ck_hnsw_key_node(*key);
        fetch_list(walk, level, from[n++]);
    }
    return n;
}

/* Algorithm 2. The beam has where to begin. */
static int walk_level(Walk *walk, uint32_t level) {
    uint32_t from[WALK_WIDTH];
    size_t n_from;
    while ((n_from = leave(walk, level, from)) > 0) {
        size_t n = 0;
        int rc = SQLITE_OK;
        for (size_t i = 0; rc == SQLITE_OK && i < n_from; i++) {
            rc = gather(walk, level, from[i], &n);
        }
        if (rc == SQLITE_OK) rc = judge(walk, limit_of(walk), &n);
        if (rc != SQLITE_OK) return rc;
        take_near(walk, n);
    }
    return SQLITE_OK;
}

/* Algorithm 2 with a beam of one: to the node from which no link leads nearer. */
static int descend(Walk *walk, uint32_t level, uint64_t *nearest) {
    CkHnswScratch *scratch = walk->scratch;
    int rc = ck_hnsw_scratch_visit(scratch, walk->source->shape.n[0]);
    for (uint64_t from = 0; rc == SQLITE_OK && from != *nearest;) {
        size_t n = 0;
        from = *nearest;
        rc = gather(walk, level, ck_hnsw_key_node(from), &n);
        if (rc == SQLITE_OK) rc = judge(walk, ck_hnsw_key_distance(from), &n);
        for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
            uint64_t key = key_of(walk, i);
            if (key < *nearest) *nearest = key;
        }
    }
    return rc;
}

/* Whether a walk can begin at a node: dead ones have no links. */
static int has_links(const Walk *walk, uint32_t level, uint32_t node, int *yes) {
    int rc = ck_hnsw_ensure(walk->source, (int)level, node);
    if (rc == SQLITE_OK) *yes = ck_hnsw_record(walk->source, level, node)[0] > 0;
    return rc;
}

/* Compares with entries first .. first + n - 1: keeps the nearest that has links on `level`. */
static int nearest_entry(Walk *walk, uint32_t first, uint32_t n, uint32_t level,
                         uint64_t *nearest) {
    for (uint32_t i = 0; i < n; i++) walk->scratch->nodes[i] = first + i;
    int rc = compare(walk, n);
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++) {
        uint64_t key = key_of(walk, i);
        int yes = 0;
        if (key >= *nearest) continue;
        rc = has_links(walk, level, first + i, &yes);
        if (yes) *nearest = key;
    }
    return rc;
}

/* Finds where a walk on `level` begins, above which there is at least one more. */
static int find_entry(Walk *walk, uint32_t level, uint64_t *nearest) {
    const CkHnswShape *shape = &walk->source->shape;
    const uint32_t n = ck_hnsw_n_entries(shape);
    int rc = SQLITE_OK;
    *nearest = UINT64_MAX;
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i += ENTRY_CHUNK) {
        uint32_t chunk = n - i < ENTRY_CHUNK ? n - i : ENTRY_CHUNK;
        rc = nearest_entry(walk, i, chunk, shape->n_levels - 2, nearest);
    }
    for (uint32_t above = shape->n_levels - 2; rc == SQLITE_OK && above > level; above--) {
        if (*nearest != UINT64_MAX) rc = descend(walk, above, nearest);
    }
    return rc;
}

/* The top level itself: all entries go into the beam. */
static int take_entries(Walk *walk) {
    CkHnswScratch *scratch = walk->scratch;
    const uint32_t n = ck_hnsw_n_entries(&walk->source->shape);
    int rc = SQLITE_OK;
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i += ENTRY_CHUNK) {
        uint32_t chunk = n - i < ENTRY_CHUNK ? n - i : ENTRY_CHUNK;
        for (uint32_t j = 0; j < chunk; j++) {
            scratch->nodes[j] = i + j;
            scratch->visited[i + j] = scratch->epoch;
        }
        rc = compare(walk, chunk);
        for (uint32_t j = 0; rc == SQLITE_OK && j < chunk; j++) take(walk, key_of(walk, j));
    }
    return rc;
}

/*
** A walk begins at one node and sees what that leads to. When it has seen all of it and the beam
** still has room, it goes on from the other nodes it could have begun at: only together do these
** lead to every node.
*/
static int go_on(Walk *walk, uint32_t level) {
    CkHnswScratch *scratch = walk->scratch;
    const uint32_t n_starts = walk->source->shape.n[level + 1];
    int rc = SQLITE_OK;
    for (uint32_t node = 0; rc == SQLITE_OK && node < n_starts;) {
        size_t n = 0;
        for (; rc == SQLITE_OK && n < ENTRY_CHUNK && node < n_starts; node++) {
            int yes = 0;
            if (scratch->visited[node] == scratch->epoch) continue;
            scratch->visited[node] = scratch->epoch;
            rc = has_links(walk, level, node, &yes);
            scratch->nodes[n] = node;
            n += (size_t)yes;
        }
        if (rc == SQLITE_OK) rc = compare(walk, n);
        for (size_t i = 0; rc == SQLITE_OK && i < n; i++) take(walk, key_of(walk, i));
    }
    return rc == SQLITE_OK ? walk_level(walk, level) : rc;
}

static int begin(Walk *walk) {
    const CkHnswSearch *search = walk->search;
    CkHnswScratch *scratch = walk->scratch;
    size_t n = WALK_WIDTH * 2 * CK_HNSW_M_MAX;
    int rc = ck_hnsw_scratch_nodes(scratch, n);
    if (rc == SQLITE_OK) {
        rc = ck_hnsw_grow(&scratch->beam, &scratch->beam_room, walk->beam_max, sizeof(uint64_t));
    }
    if (rc == SQLITE_OK && search->filter) {
        rc = ck_hnsw_grow(&scratch->passed, &scratch->passed_room, search->ef, sizeof(uint64_t));
    }
    if (rc == SQLITE_OK) {
        rc = ck_hnsw_grow(&scratch->hits, &scratch->hits_room, search->ef, sizeof(CkHnswHit));
    }
    return rc;
}

static void finish(const Walk *walk, CkHnswFound *found) {
    CkHnswScratch *scratch = walk->scratch;
    const int filtered = walk->search->filter != NULL;
    const uint64_t *keys = filtered ? scratch->passed : scratch->beam;
    found->n = filtered ? walk->n_passed : walk->n_beam;
    for (size_t i = 0; i < found->n; i++) {
        scratch->hits[i].distance = ck_hnsw_key_distance(keys[i]);
        scratch->hits[i].node = ck_hnsw_key_node(keys[i]);
    }
    found->hits = scratch->hits;
    found->n_distances = walk->n_distances;
}

int ck_hnsw_search_level(const CkHnswSource *source, const CkHnswSearch *search, uint32_t level,
                         CkHnswScratch *scratch, CkHnswFound *found) {
    const CkHnswShape *shape = &source->shape;
    CkHnswSearch wanted = *search;
    Walk walk = {.source = source, .search = &wanted, .scratch = scratch};
    memset(found, 0, sizeof *found);
    if (shape->n_levels == 0 || search->ef == 0) return SQLITE_OK;
    if (wanted.ef > shape->n[level]) wanted.ef = shape->n[level];
    walk.beam_max = wanted.filter && wanted.walk_ef > wanted.ef ? wanted.walk_ef : wanted.ef;
    if (walk.beam_max > shape->n[level]) walk.beam_max = shape->n[level];
    int rc = begin(&walk);
    if (rc == SQLITE_OK && level + 1 < shape->n_levels) {
        uint64_t nearest;
        rc = find_entry(&walk, level, &nearest);
        if (rc == SQLITE_OK) rc = ck_hnsw_scratch_visit(scratch, shape->n[0]);
        if (rc != SQLITE_OK || nearest == UINT64_MAX) return rc;
        scratch->visited[ck_hnsw_key_node(nearest)] = scratch->epoch;
        take(&walk, nearest);
    } else if (rc == SQLITE_OK) {
        rc = ck_hnsw_scratch_visit(scratch, shape->n[0]);
        if (rc == SQLITE_OK) rc = take_entries(&walk);
    }
    if (rc == SQLITE_OK) rc = walk_level(&walk, level);
    if (rc == SQLITE_OK && walk.n_beam < walk.beam_max && level + 1 < shape->n_levels) {
        rc = go_on(&walk, level);
    }
    if (rc == SQLITE_OK) finish(&walk, found);
    return rc;
}

int ck_hnsw_search(const CkHnswSource *source, const CkHnswSearch *search, CkHnswScratch *scratch,
                   CkHnswFound *found) {
    return ck_hnsw_search_level(source, search, 0, scratch, found);
}
