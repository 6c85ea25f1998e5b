/* The order of slots: see order.h. */
#include "hnsw/order.h"

#include <string.h>

#include "base/aligned.h"
#include "hnsw/keys.h"
#include "hnsw/random.h"
#include "vector/intcode.h"
#include "vector/kernels.h"

#define GROUP_MAX 16 /* nodes that are not cut in two any more: about a block's of codes */
#define SAMPLE 8     /* nodes of which the two to cut by are taken, as far apart as they are */
#define CHUNK 256

/* ---- twins ---- */

/* first[i] = the first input with the row of input i. The table is open addressing over numbers of
** inputs plus 1. */
static int find_twins(const CkHnswCodes *codes, uint32_t n, uint32_t *first) {
    const CkKernels *kernels = ck_kernels();
    uint32_t size = 4;
    while (size < 2 * n) size *= 2;
    const size_t n_bytes = ck_int_identity_bytes(codes->dims);
    uint32_t *table = sqlite3_malloc64((uint64_t)size * sizeof *table);
    if (!table) return SQLITE_NOMEM;
    memset(table, 0, size * sizeof *table);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *row = codes->rows + i * codes->stride;
        uint32_t at = (uint32_t)kernels->checksum(row, n_bytes, 0) & (size - 1);
        while (table[at] != 0 &&
               memcmp(codes->rows + (table[at] - 1) * codes->stride, row, n_bytes) != 0) {
            at = (at + 1) & (size - 1);
        }
        if (table[at] == 0) table[at] = i + 1;
        first[i] = table[at] - 1;
    }
    sqlite3_free(table);
    return SQLITE_OK;
}

/* ---- locality ---- */

typedef struct Cut {
    const CkHnswCodes *codes;
    const CkHnswProgress *progress;
    uint64_t *keys, random;
    uint8_t *query; /* c + 128 */
    size_t n_done, n;
} Cut;

/* near[i] = half the squared l2 distance of a node and nodes[i]. */
static void compare(const Cut *cut, uint32_t node, const uint32_t *nodes, size_t n, float *near) {
    const CkHnswCodes *codes = cut->codes;
    const CkRows rows = {codes->rows, codes->stride, codes->n_bytes,
                         ck_int_identity_bytes(codes->dims)};
    CkIntQuery query = {.codes = cut->query};
    int32_t dots[CHUNK];
    ck_int_query_of_row(codes->rows + node * codes->stride, codes->dims, &query);
    ck_kernels()->gather_u8i8(dots, query.codes, &rows, nodes, n);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *row = codes->rows + nodes[i] * codes->stride;
        near[i] = ck_int_half_l2sq(&query, ck_int_factors(row, codes->dims), dots[i]);
    }
}

/* Two nodes far apart: one at random, and of a sample the farthest from it. */
static void choose_ends(Cut *cut, const uint32_t *nodes, size_t n, uint32_t *a, uint32_t *b) {
    uint32_t sample[SAMPLE];
    float near[SAMPLE];
    size_t farthest = 0;
    for (int i = 0; i < SAMPLE; i++) {
        sample[i] = nodes[ck_hnsw_random_below(&cut->random, (uint32_t)n)];
    }
    *a = nodes[ck_hnsw_random_below(&cut->random, (uint32_t)n)];
    compare(cut, *a, sample, SAMPLE, near);
    for (size_t i = 1; i < SAMPLE; i++) farthest = near[i] > near[farthest] ? i : farthest;
    *b = sample[farthest];
}

/* Puts the half of the nodes that is nearer to one end first, then orders the halves. */
static int cut_in_two(Cut *cut, uint32_t *nodes, size_t n) {
    float near_a[CHUNK], near_b[CHUNK];
    uint32_t a, b;
    if (n <= GROUP_MAX) {
        cut->n_done += n;
        return SQLITE_OK;
    }
    choose_ends(cut, nodes, n, &a, &b);
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        compare(cut, a, nodes + i, m, near_a);
        compare(cut, b, nodes + i, m, near_b);
        for (size_t j = 0; j < m; j++) {
            cut->keys[i + j] = ck_hnsw_key(near_a[j] - near_b[j], nodes[i + j]);
        }
        int rc = ck_hnsw_step(cut->progress, cut->n_done, cut->n);
        if (rc != SQLITE_OK) return rc;
    }
    ck_hnsw_keys_select(cut->keys, n, n / 2);
    for (size_t i = 0; i < n; i++) nodes[i] = ck_hnsw_key_node(cut->keys[i]);
    int rc = cut_in_two(cut, nodes, n / 2);
    return rc == SQLITE_OK ? cut_in_two(cut, nodes + n / 2, n - n / 2) : rc;
}

static int order_by_locality(const CkHnswCodes *codes, uint32_t *nodes, uint32_t n, uint64_t seed,
                             const CkHnswProgress *progress) {
    Cut cut = {.codes = codes, .progress = progress, .random = seed, .n = n};
    int rc = SQLITE_NOMEM;
    cut.keys = sqlite3_malloc64(((uint64_t)n + 1) * sizeof *cut.keys);
    cut.query = ck_aligned_new(codes->stride);
    if (cut.keys && cut.query) rc = cut_in_two(&cut, nodes, n);
    sqlite3_free(cut.keys);
    ck_aligned_free(cut.query);
    return rc;
}

/* ---- levels ---- */

/* The level of an input: with the paper's distribution and mL = 1 / ln M, level l or higher has the
** probability M^-l. In integers, which are the same everywhere. */
static uint32_t level_of(uint64_t seed, uint32_t input, uint32_t m) {
    uint64_t state = seed ^ (uint64_t)input * 0xd1342543de82ef95u, limit = UINT64_MAX / m;
    uint64_t r = ck_hnsw_random(&state);
    uint32_t level = 0;
    for (; level + 1 < CK_HNSW_LEVELS_MAX && r < limit; limit /= m) level++;
    return level;
}

/* How many nodes each level has. The first level that is small enough to compare with all of it is
** the top one. */
static void make_shape(const uint32_t *nodes, uint32_t n, const CkHnswOptions *options,
                       CkHnswShape *shape) {
    *shape = (CkHnswShape){.m = options->m};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t level = level_of(options->seed, nodes[i], options->m);
        for (uint32_t l = 0; l <= level; l++) shape->n[l]++;
    }
    while (shape->n_levels < CK_HNSW_LEVELS_MAX && shape->n[shape->n_levels] > 0) {
        if (shape->n[shape->n_levels++] <= CK_HNSW_TOP_MAX) break;
    }
    for (uint32_t l = shape->n_levels; l < CK_HNSW_LEVELS_MAX; l++) shape->n[l] = 0;
    uint32_t *top = &shape->n[shape->n_levels > 0 ? shape->n_levels - 1 : 0];
    if (shape->n_levels > 1 && *top > CK_HNSW_TOP_MAX) *top = CK_HNSW_TOP_MAX;
}

/* Puts nodes of high levels first, without changing the order within a level. */
static int order_by_level(uint32_t *nodes, uint32_t n, const CkHnswOptions *options) {
    uint32_t *moved = sqlite3_malloc64(((uint64_t)n + 1) * sizeof *moved), n_moved = 0;
    if (!moved) return SQLITE_NOMEM;
    for (uint32_t level = CK_HNSW_LEVELS_MAX; level-- > 0;) {
        for (uint32_t i = 0; i < n; i++) {
            if (level_of(options->seed, nodes[i], options->m) == level) moved[n_moved++] = nodes[i];
        }
    }
    memcpy(nodes, moved, n * sizeof *nodes);
    sqlite3_free(moved);
    return SQLITE_OK;
}

/* ---- */

/* Behind the nodes in order[0 .. n_nodes - 1] come their twins, by node, then input: counted by
** node first, in at[], which is by input. */
static int append_twins(const uint32_t *first, uint32_t n, uint32_t n_nodes, CkHnswBuilt *built) {
    uint32_t *at = sqlite3_malloc64(((uint64_t)n + 1) * sizeof *at);
    if (!at) return SQLITE_NOMEM;
    memset(at, 0, n * sizeof *at);
    for (uint32_t i = 0; i < n; i++) at[first[i]] += first[i] != i;
    for (uint32_t slot = 0, sum = 0; slot < n_nodes; slot++) {
        uint32_t input = built->order[slot], n_twins = at[input];
        for (uint32_t i = 0; i < n_twins; i++) built->twin_of[sum + i] = slot;
        at[input] = n_nodes + sum;
        sum += n_twins;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (first[i] != i) built->order[at[first[i]]++] = i;
    }
    sqlite3_free(at);
    return SQLITE_OK;
}

int ck_hnsw_order(const CkHnswCodes *codes, uint32_t n, const CkHnswOptions *options,
                  const CkHnswProgress *progress, CkHnswBuilt *built) {
    uint32_t *first = sqlite3_malloc64(((uint64_t)n + 1) * sizeof *first), n_nodes = 0;
    built->order = sqlite3_malloc64(((uint64_t)n + 1) * sizeof *built->order);
    int rc = first && built->order ? find_twins(codes, n, first) : SQLITE_NOMEM;
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++) {
        if (first[i] == i) built->order[n_nodes++] = i;
    }
    if (rc == SQLITE_OK) {
        make_shape(built->order, n_nodes, options, &built->graph.shape);
        built->twin_of = sqlite3_malloc64(((uint64_t)n - n_nodes + 1) * sizeof *built->twin_of);
        if (!built->twin_of) rc = SQLITE_NOMEM;
    }
    if (rc == SQLITE_OK) {
        rc = order_by_locality(codes, built->order, n_nodes, options->seed, progress);
    }
    if (rc == SQLITE_OK) rc = order_by_level(built->order, n_nodes, options);
    if (rc == SQLITE_OK) rc = append_twins(first, n, n_nodes, built);
    sqlite3_free(first);
    return rc;
}

/* Follows the cycles of the permutation with one row in hand. */
int ck_hnsw_move_rows(uint8_t *rows, size_t stride, const uint32_t *order, uint32_t n) {
    uint8_t *hand = sqlite3_malloc64(stride), *moved = sqlite3_malloc64((uint64_t)n + 1);
    int rc = hand && moved ? SQLITE_OK : SQLITE_NOMEM;
    if (rc == SQLITE_OK) memset(moved, 0, n);
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++) {
        if (moved[i]) continue;
        uint32_t to = i;
        memcpy(hand, rows + i * stride, stride);
        for (; order[to] != i; to = order[to]) {
            memcpy(rows + to * stride, rows + order[to] * stride, stride);
            moved[to] = 1;
        }
        memcpy(rows + to * stride, hand, stride);
        moved[to] = 1;
    }
    sqlite3_free(hand);
    sqlite3_free(moved);
    return rc;
}
