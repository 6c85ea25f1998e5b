/* Searching the graph: see graph_search.h. */
#include "store/graph_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/stored_vector.h"

/*
** An estimate is off by what rounding to 8 bits leaves: each component of each side by up to half a
** step, evenly. Four standard deviations of the sum, and what float32 itself loses.
*/
#define ROUNDING_VARIANCE (1.0f / 12)
#define MARGIN_DEVIATIONS 4
#define BIAS_DEVIATIONS 8
#define FLOAT_ERROR 1e-6f

/* Passing ids are looked up in a bit map when they are spread over no more than this many ids. */
#define MAP_IDS_MAX (1 << 27)

/* Embeddings of one code that are compared before they are taken for equal. */
#define TWINS_MIN 64

/* So many vectors ahead of the one that is compared are fetched. */
#define FETCH_AHEAD 3

/* How many times as wide a walk is that is made again. */
#define WIDER 4

typedef struct Run {
    CkIndex *index;
    CkGraph *graph;
    CkNearest *nearest;
    const CkGraphSearch *what;
    CkIntQuery query;
    float query_length; /* |q| in the measure of the codes */
    float bias_dims;    /* dims, and deviations of a sum of so many squares */
    CkBuf map;          /* bit of each passing id from first_id on */
    int64_t first_id, last_id;
    sqlite3_stmt *stmt;
    CkError *err;
} Run;

/* Whether an embedding of the graph is still what the graph says, and wanted. */
static int counts(const Run *run, int64_t id) {
    const CkIdSet *passing = run->what->passing;
    if (ck_stale_bits_test(&run->index->stale, id)) return 0;
    if (!passing->restricts) return 1;
    if (id < run->first_id || id > run->last_id) return 0;
    if (run->map.n_bytes > 0) {
        uint64_t bit = (uint64_t)(id - run->first_id);
        return run->map.data[bit / 8] >> (bit % 8) & 1;
    }
    return ck_idset_contains(passing, id);
}

static int passes(void *context, uint32_t node) {
    Run *run = context;
    int64_t id;
    if (ck_graph_id(run->graph, node, &id) != SQLITE_OK) return 0;
    if (counts(run, id)) return 1;
    size_t n;
    const CkTwin *twins = ck_graph_twins(run->graph, node, &n);
    for (size_t i = 0; i < n; i++) {
        if (counts(run, twins[i].id)) return 1;
    }
    return 0;
}

static int make_map(Run *run) {
    const CkIdSet *passing = run->what->passing;
    const int64_t *ids = ck_idset_ids(passing);
    size_t n = ck_idset_count(passing);
    run->first_id = n > 0 ? ids[0] : 1;
    run->last_id = n > 0 ? ids[n - 1] : 0;
    uint64_t span = (uint64_t)run->last_id - (uint64_t)run->first_id; /* any int64 may be listed */
    if (!passing->restricts || n == 0 || span >= MAP_IDS_MAX) return SQLITE_OK;
    size_t n_bytes = (size_t)span / 8 + 1;
    uint8_t *map = ck_buf_extend(&run->map, n_bytes);
    if (!map) return ck_error_nomem(run->err);
    memset(map, 0, n_bytes);
    for (size_t i = 0; i < n; i++) {
        uint64_t bit = (uint64_t)(ids[i] - run->first_id);
        map[bit / 8] |= (uint8_t)(1u << (bit % 8));
    }
    return SQLITE_OK;
}

/* A distance of the metric in the terms of the codes (vector/intcode.h). */
static float in_terms_of_codes(const Run *run, float distance) {
    return run->graph->space.metric == CK_INT_L2 ? distance * distance : distance;
}

/*
** How far the estimate of a node may be from its distance, if that is `farthest` at most.
**
** For squared l2 both sides are codes: |x + e - y - f|^2 is off by 2 <x - y, e - f>, and by
** |e - f|^2, which is never below 0. The inner product is off by <e, y> + <x, f>.
*/
static float margin_of(const Run *run, uint32_t node, float farthest) {
    const CkGraph *graph = run->graph;
    const uint8_t *row = graph->codes.arena.base + graph->codes.format.stride * node;
    const CkIntFactors *factors = ck_int_factors(row, graph->space.dims);
    float node_sq = factors->scale * factors->scale, query_sq = run->query.scale * run->query.scale;
    float variance, bias = 0;
    if (graph->space.metric == CK_INT_L2) { /* the scales are sqrt(2) steps */
        variance = ROUNDING_VARIANCE * (node_sq + query_sq) / 2;
        bias = variance * run->bias_dims;
        variance *= 4 * farthest;
    } else {
        float query_length = run->query_length;
        variance = ROUNDING_VARIANCE *
                   (node_sq * query_length * query_length + query_sq * 2 * factors->half);
    }
    return MARGIN_DEVIATIONS * sqrtf(variance) + bias +
           FLOAT_ERROR * (fabsf(run->query.add) + fabsf(factors->add));
}

/* The vector of an embedding: from memory, or its row. NULL when there is no row. */
static const float *vector_of(Run *run, int64_t id) {
    CkGraph *graph = run->graph;
    const float *x = ck_vector_cache_get(&graph->vectors, id);
    if (x) return x;
    CkStore *store = graph->store;
    CkStoredVector stored;
    if (!run->stmt) ck_stmt_take(store, CK_SQL_VECTOR_GET_OF_MODEL, &run->stmt, run->err);
    if (!run->stmt) return NULL;
    ck_stmt_bind(run->stmt, "ii", id, graph->model);
    if (ck_stmt_step(store, run->stmt, run->err) == SQLITE_ROW) {
        ck_stored_vector_from_row(run->stmt, 0, &stored);
        ck_stored_vector_decode(store, &stored, graph->space.dims, &x, run->err);
        if (x) ck_vector_cache_put(&graph->vectors, id, x);
    }
    /* The vector is the codec's, or the statement's row; so it is read from the cache, if kept. */
    if (x && graph->vectors.n_sets > 0) {
        sqlite3_reset(run->stmt);
        x = ck_vector_cache_get(&graph->vectors, id);
    }
    return x;
}

/* Compares an embedding, if it counts. *distance becomes what it is; else it stays. */
static void compare(Run *run, int64_t id, float *distance) {
    float norm;
    if (!counts(run, id)) return;
    const float *x = vector_of(run, id);
    if (x) {
        CkHit hit = {id, ck_nearest_distance(run->nearest, x, &norm)};
        run->nearest->n_compared++;
        ck_nearest_offer(run->nearest, hit);
        *distance = hit.distance;
    }
    if (run->stmt) sqlite3_reset(run->stmt);
}

/*
** Compares the embeddings of a node, which have one code. As a rule that is because they have one
** vector, and then the k with the smallest ids will do. But vectors may also differ by less than
** codes show: once the distances tell so, all are compared.
*/
static void compare_node(Run *run, uint32_t node) {
    size_t k = run->nearest->query->k, n, n_alike = k > TWINS_MIN ? k : TWINS_MIN;
    float first = NAN, distance = NAN;
    int64_t id;
    if (ck_graph_id(run->graph, node, &id) != SQLITE_OK) return;
    compare(run, id, &first);
    const CkTwin *twins = ck_graph_twins(run->graph, node, &n);
    int64_t end = run->nearest->n_compared + (int64_t)n_alike;
    int differ = 0;
    for (size_t i = 0; i < n && run->err->rc == SQLITE_OK; i++) {
        if (!differ && run->nearest->n_compared >= end) break;
        compare(run, twins[i].id, &distance);
        if (isnan(first)) first = distance;
        differ = differ || distance != first;
    }
}

/* Brings what a hit will be compared by near. */
static void fetch(const Run *run, const CkHnswHit *hit) {
    const CkRecordPlane *ids = &run->graph->ids;
    int64_t id;
    if (!ids->resident[hit->node >> ids->format.shift]) return;
    memcpy(&id, ids->arena.base + sizeof id * hit->node, sizeof id);
    ck_vector_cache_fetch(&run->graph->vectors, id);
}

/* What is too far for sure is passed over. One farther off may yet be near: margins differ, where
** some vectors have a component that is much larger than the others. */
static void refine(Run *run, const CkHnswFound *found) {
    const CkHits *hits = run->nearest->hits;
    const size_t k = run->nearest->query->k, n_sure = found->n < k ? found->n : k;
    for (size_t i = 0; i < n_sure && i < FETCH_AHEAD; i++) fetch(run, &found->hits[i]);
    for (size_t i = 0; i < found->n && run->err->rc == SQLITE_OK; i++) {
        const CkHnswHit *hit = &found->hits[i];
        if (i + FETCH_AHEAD < n_sure) fetch(run, hit + FETCH_AHEAD);
        if (hits->n == k) {
            float farthest = in_terms_of_codes(run, hits->hits[0].distance);
            if (hit->distance - margin_of(run, hit->node, farthest) > farthest) continue;
        }
        compare_node(run, hit->node);
    }
}

static void make_query(Run *run) {
    uint32_t dims = run->graph->space.dims;
    run->query.codes = run->graph->query_codes;
    ck_int_query(&run->graph->space, run->nearest->query->x, run->what->scale, &run->query);
    run->query_length = run->nearest->query_norm * run->what->scale;
    run->bias_dims = (float)dims + BIAS_DEVIATIONS * sqrtf((float)dims);
}

/* Nodes that pass of which a walk should find some: k of them, and half of what was reckoned with,
** unless there are not so many. */
static size_t wanted(const Run *run) {
    const CkIdSet *passing = run->what->passing;
    size_t k = run->nearest->query->k, n = run->what->ef / 2 > k ? run->what->ef / 2 : k;
    size_t n_passing = passing->restricts ? ck_idset_count(passing) : n;
    return n < n_passing ? n : n_passing;
}

/*
** Walks the graph. When what passes is far from the query, or what is dead near to it, a walk may
** meet too little that passes, and is made again, wider, up to one through all nodes.
*/
static void search(Run *run, int64_t *n_distances) {
    CkHnswFilter filter = {passes, run};
    CkHnswSearch what = {
        .query = run->query,
        .ef = run->what->ef,
        .walk_ef = run->what->walk_ef,
        .filter = run->what->passing->restricts || run->index->stale.n > 0 ? &filter : NULL,
    };
    const CkHnswSource *source = ck_graph_source(run->graph);
    CkHnswFound found;
    int rc, is_short;
    do {
        rc = ck_hnsw_search(source, &what, run->graph->scratch, &found);
        if (run->err->rc == SQLITE_OK && rc == SQLITE_NOMEM) ck_error_nomem(run->err);
        if (run->err->rc != SQLITE_OK) return;
        *n_distances += found.n_distances;
        is_short = what.filter && found.n < wanted(run) && what.walk_ef < source->shape.n[0];
        what.walk_ef *= WIDER;
    } while (is_short);
    refine(run, &found);
}

int ck_graph_search(CkIndex *index, CkNearest *nearest, const CkGraphSearch *what,
                    int64_t *n_distances, CkError *err) {
    Run run = {
        .index = index, .graph = &index->graph, .nearest = nearest, .what = what, .err = err};
    *n_distances = 0;
    index->graph.err = err;
    ck_buf_init(&run.map);
    if (make_map(&run) == SQLITE_OK) {
        make_query(&run);
        search(&run, n_distances);
    }
    ck_stmt_give(index->store, CK_SQL_VECTOR_GET_OF_MODEL, run.stmt);
    ck_buf_release(&run.map);
    index->graph.err = NULL;
    return err->rc;
}
