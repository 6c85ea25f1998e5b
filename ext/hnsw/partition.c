/* Partition into leaves: see partition.h. */
#include "hnsw/partition.h"

#include <math.h>

#include "base/sqlite.h"
#include "hnsw/random.h"

#define LEAF_MAX 1000    /* nodes of a leaf */
#define LEADERS_MAX 1000
#define OVERLAP 8        /* parts that a node goes to, at the first division */
#define FILL 0.45        /* a division aims at parts of so much of LEAF_MAX */
#define LEAF_KEEP 24     /* candidates that a leaf adds to a node, at most */
#define DEPTH_MAX 6      /* what cannot be divided is cut up */

typedef struct Partition {
    const CkHnswCodes *codes;
    const CkHnswProgress *progress;
    CkHnswLists *lists;
    CkHnswColumns leaf;
    uint64_t random;
    uint64_t n_done, n_expected; /* nodes that went through a leaf */
} Partition;

/* What a division makes: nodes of part p are nodes[begin[p]] .. nodes[begin[p + 1] - 1]. */
typedef struct Parts {
    uint32_t *nodes, *begin;
    uint32_t n;
} Parts;

static void parts_release(Parts *parts) {
    sqlite3_free(parts->nodes);
    sqlite3_free(parts->begin);
}

/* All pairs of a leaf. */
static int leaf(Partition *partition, const uint32_t *nodes, size_t n) {
    CkHnswColumns *columns = &partition->leaf;
    uint64_t least[CK_HNSW_LEAST_CHUNK + 2 * LEAF_KEEP];
    ck_hnsw_columns_set(columns, nodes, n);
    for (size_t i = 0; i < n; i += CK_HNSW_BLOCK) {
        size_t block = n - i < CK_HNSW_BLOCK ? n - i : CK_HNSW_BLOCK;
        int rc = ck_hnsw_step(partition->progress, partition->n_done, partition->n_expected);
        if (rc != SQLITE_OK) return rc;
        partition->n_done += block;
        if (partition->n_done > partition->n_expected) partition->n_done = partition->n_expected;
        ck_hnsw_columns_compare(columns, nodes + i, block);
        for (size_t j = 0; j < block; j++) {
            uint32_t self = nodes[i + j];
            float limit = ck_hnsw_list_limit(partition->lists, self);
            ck_hnsw_columns_near(columns, self, j);
            columns->near[i + j] = NAN;
            size_t m = ck_hnsw_keys_least(least, columns->near, n, LEAF_KEEP, limit);
            /* The nodes of a leaf ascend, so the keys stay in order. */
            for (size_t k = 0; k < m; k++) {
                uint32_t at = ck_hnsw_key_node(least[k]);
                least[k] = ck_hnsw_key(columns->near[at], nodes[at]);
            }
            ck_hnsw_list_merge(partition->lists, self, least, m);
        }
    }
    return SQLITE_OK;
}

/* Leaders, drawn without repetition: `draw` is a copy of the nodes to shuffle. */
static void draw_leaders(Partition *partition, uint32_t *draw, size_t n, size_t n_leaders) {
    for (size_t i = 0; i < n_leaders; i++) {
        size_t j = i + ck_hnsw_random_below(&partition->random, (uint32_t)(n - i));
        uint32_t node = draw[i];
        draw[i] = draw[j];
        draw[j] = node;
    }
}

/* near_of[i * overlap ..] = the leaders nearest to node i. */
static void find_leaders(CkHnswColumns *leaders, const uint32_t *nodes, size_t n, size_t overlap,
                         uint16_t *near_of) {
    uint64_t least[CK_HNSW_LEAST_CHUNK + 2 * OVERLAP];
    for (size_t i = 0; i < n; i += CK_HNSW_BLOCK) {
        size_t block = n - i < CK_HNSW_BLOCK ? n - i : CK_HNSW_BLOCK;
        ck_hnsw_columns_compare(leaders, nodes + i, block);
        for (size_t j = 0; j < block; j++) {
            ck_hnsw_columns_near(leaders, nodes[i + j], j);
            ck_hnsw_keys_least(least, leaders->near, leaders->n, overlap, INFINITY);
            for (size_t k = 0; k < overlap; k++) {
                near_of[(i + j) * overlap + k] = (uint16_t)ck_hnsw_key_node(least[k]);
            }
        }
    }
}

/* Sorts the nodes by leader, counting. */
static int make_parts(const uint32_t *nodes, size_t n, size_t overlap, const uint16_t *near_of,
                      Parts *parts) {
    parts->begin = sqlite3_malloc64(((uint64_t)parts->n + 2) * sizeof *parts->begin);
    parts->nodes = sqlite3_malloc64((uint64_t)n * overlap * sizeof *parts->nodes);
    if (!parts->begin || !parts->nodes) return SQLITE_NOMEM;
    uint32_t *at = parts->begin + 1;
    memset(parts->begin, 0, (parts->n + 2) * sizeof *parts->begin);
    for (size_t i = 0; i < n * overlap; i++) at[near_of[i] + 1]++;
    for (uint32_t i = 0; i < parts->n; i++) at[i + 1] += at[i];
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < overlap; k++) {
            parts->nodes[at[near_of[i * overlap + k]]++] = nodes[i];
        }
    }
    return SQLITE_OK;
}

static int divide(Partition *partition, const uint32_t *nodes, size_t n, size_t overlap,
                  Parts *parts) {
    size_t n_leaders = (size_t)((double)(n * overlap) / (LEAF_MAX * FILL));
    CkHnswColumns leaders = {0};
    uint32_t *draw = sqlite3_malloc64(n * sizeof *draw);
    uint16_t *near_of = sqlite3_malloc64((uint64_t)n * overlap * sizeof *near_of);
    int rc = draw && near_of ? SQLITE_OK : SQLITE_NOMEM;
    if (n_leaders > LEADERS_MAX) n_leaders = LEADERS_MAX;
    if (n_leaders < 2) n_leaders = 2;
    if (rc == SQLITE_OK) rc = ck_hnsw_columns_init(&leaders, partition->codes, n_leaders);
    if (rc == SQLITE_OK) {
        memcpy(draw, nodes, n * sizeof *draw);
        draw_leaders(partition, draw, n, n_leaders);
        ck_hnsw_columns_set(&leaders, draw, n_leaders);
        /* In slices, so that a step is called often enough. */
        const size_t slice = 1024;
        for (size_t i = 0; rc == SQLITE_OK && i < n; i += slice) {
            size_t m = n - i < slice ? n - i : slice;
            find_leaders(&leaders, nodes + i, m, overlap, near_of + i * overlap);
            rc = ck_hnsw_step(partition->progress, partition->n_done, partition->n_expected);
        }
    }
    parts->n = (uint32_t)n_leaders;
    if (rc == SQLITE_OK) rc = make_parts(nodes, n, overlap, near_of, parts);
    ck_hnsw_columns_release(&leaders);
    sqlite3_free(draw);
    sqlite3_free(near_of);
    return rc;
}

static int part(Partition *partition, const uint32_t *nodes, size_t n, int depth) {
    Parts parts = {0};
    int rc = SQLITE_OK;
    if (n <= LEAF_MAX) return n > 1 ? leaf(partition, nodes, n) : SQLITE_OK;
    if (depth > DEPTH_MAX) {
        for (size_t i = 0; rc == SQLITE_OK && i < n; i += LEAF_MAX) {
            rc = leaf(partition, nodes + i, n - i < LEAF_MAX ? n - i : LEAF_MAX);
        }
        return rc;
    }
    rc = divide(partition, nodes, n, depth == 0 ? OVERLAP : 1, &parts);
    for (uint32_t i = 0; rc == SQLITE_OK && i < parts.n; i++) {
        rc = part(partition, parts.nodes + parts.begin[i], parts.begin[i + 1] - parts.begin[i],
                  depth + 1);
    }
    parts_release(&parts);
    return rc;
}

int ck_hnsw_partition(const CkHnswCodes *codes, uint64_t seed, const CkHnswProgress *progress,
                      CkHnswLists *lists) {
    Partition partition = {.codes = codes, .progress = progress, .lists = lists, .random = seed};
    const uint32_t n = lists->n;
    uint32_t *nodes = sqlite3_malloc64(((uint64_t)n + 1) * sizeof *nodes);
    int rc = nodes ? SQLITE_OK : SQLITE_NOMEM;
    partition.n_expected = n <= LEAF_MAX ? n : (uint64_t)n * OVERLAP;
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++) nodes[i] = i;
    if (rc == SQLITE_OK) {
        rc = ck_hnsw_columns_init(&partition.leaf, codes, n < LEAF_MAX ? n : LEAF_MAX);
    }
    if (rc == SQLITE_OK) rc = part(&partition, nodes, n, 0);
    ck_hnsw_columns_release(&partition.leaf);
    sqlite3_free(nodes);
    return rc;
}
