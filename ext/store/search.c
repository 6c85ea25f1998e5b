/*
** Search: see search.h.
**
** Five ways lead to an answer, and planner.h says which: to read every vector, to read those that
** pass by id, to scan the index for candidates and compare these, to do so with the nearest cells
** of it, or to walk the graph and scan only what it does not know yet.
*/
#include "store/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/candidates.h"
#include "store/cells.h"
#include "store/graph_search.h"
#include "store/nearest.h"
#include "store/planner.h"
#include "store/refine.h"
#include "store/stored_vector.h"

typedef struct Search {
    CkStore *store;
    const CkQuery *query;
    CkNearest nearest;
    CkIndex *index; /* NULL when the model has none */
    CkPlanInput input;
    CkPlanGraph graph; /* of the input */
    CkPlan plan;
    CkSearchCounts *counts;
} Search;

/* Compares the vector of a stepped row of (id, encoding, checksum, data). */
static int compare_row(Search *search, sqlite3_stmt *stmt, CkError *err) {
    CkStoredVector stored;
    const float *v = NULL;
    float norm;
    ck_stored_vector_from_row(stmt, 0, &stored);
    if (ck_stored_vector_decode(search->store, &stored, search->query->model->dims, &v, err) !=
        SQLITE_OK) {
        return err->rc;
    }
    search->nearest.n_compared++;
    ck_nearest_offer(&search->nearest,
                     (CkHit){stored.id, ck_nearest_distance(&search->nearest, v, &norm)});
    return SQLITE_OK;
}

/* Walks vectors and passing ids side by side; both are in id order. */
static int walk(Search *search, sqlite3_stmt *stmt, CkError *err) {
    const CkIdSet *passing = search->query->passing;
    const int64_t *ids = ck_idset_ids(passing);
    size_t n = ck_idset_count(passing), at = 0;
    while (err->rc == SQLITE_OK && ck_stmt_step(search->store, stmt, err) == SQLITE_ROW) {
        if (passing->restricts) {
            int64_t id = sqlite3_column_int64(stmt, 0);
            while (at < n && ids[at] < id) at++;
            if (at == n) break;
            if (ids[at] != id) continue;
        }
        compare_row(search, stmt, err);
    }
    return err->rc;
}

static int exact_scan(Search *search, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(search->store, CK_SQL_VECTOR_SCAN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", search->query->model->id);
    walk(search, stmt, err);
    ck_stmt_give(search->store, CK_SQL_VECTOR_SCAN, stmt);
    return err->rc;
}

static int exact_lookup(Search *search, CkError *err) {
    const int64_t *ids = ck_idset_ids(search->query->passing);
    size_t n = ck_idset_count(search->query->passing);
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(search->store, CK_SQL_VECTOR_GET_OF_MODEL, &stmt, err)) return err->rc;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        ck_stmt_bind(stmt, "ii", ids[i], search->query->model->id);
        if (ck_stmt_step(search->store, stmt, err) == SQLITE_ROW) compare_row(search, stmt, err);
        sqlite3_reset(stmt);
    }
    ck_stmt_give(search->store, CK_SQL_VECTOR_GET_OF_MODEL, stmt);
    return err->rc;
}

/* What the query is multiplied by to be compared with codes. */
static float scale_of(const Search *search) {
    return search->query->model->metric == CK_METRIC_COSINE ? 1 / search->nearest.query_norm : 1;
}

static int exact(Search *search, CkError *err) {
    return search->plan.path == CK_PATH_EXACT_SCAN ? exact_scan(search, err)
                                                   : exact_lookup(search, err);
}

/* Compares the candidates that were none before; both lists are in order of id. */
static int refine(Search *search, const CkBuf *found, const CkBuf *before, CkError *err) {
    const CkCandidate *list = (const CkCandidate *)(const void *)found->data;
    const CkCandidate *old = (const CkCandidate *)(const void *)before->data;
    size_t n = found->n_bytes / sizeof *list, n_old = before->n_bytes / sizeof *old, at = 0;
    CkBuf fresh;
    ck_buf_init(&fresh);
    for (size_t i = 0; i < n && n_old > 0; i++) {
        while (at < n_old && old[at].id < list[i].id) at++;
        if (at == n_old || old[at].id != list[i].id) ck_buf_append(&fresh, &list[i], sizeof *list);
    }
    if (fresh.rc != SQLITE_OK) ck_error_nomem(err);
    if (n_old > 0) {
        list = (const CkCandidate *)(const void *)fresh.data;
        n = fresh.n_bytes / sizeof *list;
    }
    if (err->rc == SQLITE_OK && n > 0) {
        ck_refine(search->index, &search->nearest, list, n, scale_of(search), err);
    }
    ck_buf_release(&fresh);
    return err->rc;
}

static int compare_id(const void *id, const void *candidate) {
    int64_t a = *(const int64_t *)id, b = ((const CkCandidate *)candidate)->id;
    return (a > b) - (a < b);
}

/* The rank by code, among the candidates, of the last of the nearest that are of them. */
static size_t rank_of_nearest(const Search *search, const CkBuf *candidates) {
    const CkCandidate *list = (const CkCandidate *)(const void *)candidates->data;
    size_t n = candidates->n_bytes / sizeof *list, rank = 0;
    const CkHits *hits = search->nearest.hits;
    float last = -INFINITY;
    for (size_t i = 0; i < hits->n; i++) {
        const CkCandidate *hit =
            n > 0 ? bsearch(&hits->hits[i].id, list, n, sizeof *list, compare_id) : NULL;
        if (hit && hit->key > last) last = hit->key;
    }
    for (size_t i = 0; i < n; i++) rank += list[i].key <= last;
    return rank;
}

/* Whether the candidates may have been too few. */
static int is_shallow(const Search *search, const CkBuf *candidates) {
    size_t n = candidates->n_bytes / sizeof(CkCandidate);
    if (n < search->plan.depth) return 0; /* these are all there are */
    return ck_plan_is_shallow(&search->input, &search->plan, rank_of_nearest(search, candidates));
}

static int is_exact(const CkPlan *plan) {
    return plan->path == CK_PATH_EXACT_SCAN || plan->path == CK_PATH_EXACT_LOOKUP;
}

/* Compares candidates, and more of them as long as they may be too few, which is not asked where
   that was calibrated. The plan may become an exact one, which is left to the caller. */
static int scan_index(Search *search, CkScan *scan, int is_calibrated, CkError *err) {
    CkBuf found, before;
    ck_buf_init(&found);
    ck_buf_init(&before);
    scan->x = search->query->x;
    scan->scale = scale_of(search);
    scan->passing = search->query->passing;
    for (;;) {
        scan->depth = search->plan.depth;
        ck_candidates_scan(search->index, scan, &found, &search->counts->n_codes, err);
        if (err->rc == SQLITE_OK) refine(search, &found, &before, err);
        search->counts->n_candidates = (int64_t)(found.n_bytes / sizeof(CkCandidate));
        if (err->rc != SQLITE_OK || is_calibrated || !is_shallow(search, &found)) break;
        search->plan = ck_plan_deepen(&search->input, &search->plan);
        if (is_exact(&search->plan)) break;
        CkBuf again = before;
        before = found;
        found = again;
        ck_buf_clear(&found);
    }
    ck_buf_release(&found);
    ck_buf_release(&before);
    return err->rc;
}

static int scan_all(Search *search, CkError *err) {
    CkScan scan = {.first_block = 0};
    scan_index(search, &scan, ck_index_is_calibrated(search->index), err);
    if (err->rc != SQLITE_OK || !is_exact(&search->plan)) return err->rc;
    search->nearest.hits->n = 0;
    return exact(search, err);
}

static int walk_graph(Search *search, CkError *err) {
    CkIndex *index = search->index;
    const CkPlan *plan = &search->plan;
    CkGraphSearch what = {scale_of(search), plan->ef, plan->walk_ef, search->query->passing};
    CkScan scan = {.first_block = (size_t)index->graph.row.n_scan_blocks};
    ck_graph_search(index, &search->nearest, &what, &search->counts->n_distances, err);
    if (err->rc != SQLITE_OK || ck_index_slots_behind(index, index->graph.row.n_scan_blocks) == 0) {
        return err->rc;
    }
    return scan_index(search, &scan, 0, err);
}

static int probe_cells(Search *search, CkError *err) {
    CkIndex *index = search->index;
    CkBuf order;
    ck_buf_init(&order);
    if (ck_cells_order(index, search->query->x, scale_of(search), &order, err) == SQLITE_OK) {
        CkProbe probe = {(const uint32_t *)(const void *)order.data, index->n_cells,
                         search->plan.n_cells, 0};
        CkScan scan = {.first_block = (size_t)index->graph.row.n_celled, .probe = &probe};
        scan_index(search, &scan, ck_index_is_calibrated(index), err);
        search->counts->n_probed = (int64_t)probe.n_probed;
    }
    ck_buf_release(&order);
    return err->rc;
}

/* How many rows there are to choose from, about. */
static int count_rows(Search *search, int64_t *n_rows, CkError *err) {
    int found;
    *n_rows = search->index ? search->index->n_slots : 0;
    if (search->index) return SQLITE_OK;
    return ck_stmt_ints(search->store, CK_SQL_EMBEDDING_MAX_ID, err, n_rows, 1, &found, "");
}

void ck_hits_plan(const CkHits *hits, char plan[CK_HITS_PLAN_BYTES]) {
    const CkSearchCounts *counts = &hits->counts;
    const char *name = ck_path_name(counts->plan.path);
    long long n_codes = counts->n_codes, n_vectors = counts->n_vectors;
    switch (counts->plan.path) {
    case CK_PATH_GRAPH:
        sqlite3_snprintf(CK_HITS_PLAN_BYTES, plan,
                         "%s, ef %llu, %lld nodes, %lld codes, %lld vectors", name,
                         (unsigned long long)counts->plan.ef, (long long)counts->n_distances,
                         n_codes, n_vectors);
        break;
    case CK_PATH_PROBE:
        sqlite3_snprintf(CK_HITS_PLAN_BYTES, plan,
                         "%s, %lld of %lld cells, %lld codes, %lld candidates, %lld vectors", name,
                         (long long)counts->n_probed, (long long)counts->n_cells, n_codes,
                         (long long)counts->n_candidates, n_vectors);
        break;
    case CK_PATH_INDEX_SCAN:
        sqlite3_snprintf(CK_HITS_PLAN_BYTES, plan, "%s, %lld codes, %lld candidates, %lld vectors",
                         name, n_codes, (long long)counts->n_candidates, n_vectors);
        break;
    default:
        sqlite3_snprintf(CK_HITS_PLAN_BYTES, plan, "%s, %lld vectors", name, n_vectors);
    }
}

/* What the planner is to know of the graph. */
static CkPlanGraph describe_graph(const CkIndex *index, const CkModel *model) {
    int64_t n_blocks, n_kept;
    ck_graph_blocks(&index->graph, &n_blocks, &n_kept);
    const CkGraphRow *row = &index->graph.row;
    return (CkPlanGraph){
        .efforts = row->efforts,
        .n_efforts = row->n_efforts,
        .ef_search = (size_t)model->ef_search,
        .n_nodes = row->shape.n[0],
        .n_beside = ck_index_slots_behind(index, row->n_scan_blocks),
        .probes = row->probes,
        .n_probes = index->n_cells > 0 ? row->n_probes : 0,
        .n_cells = index->n_cells,
        .n_uncelled = ck_index_slots_behind(index, row->n_celled),
        .dead = index->dead,
        .resident = n_blocks > 0 ? (double)n_kept / (double)n_blocks : 0,
        .fits = ck_index_graph_fits(index),
        .n_queries = index->n_queries,
    };
}

static void plan_search(Search *search, int64_t n_rows) {
    const CkQuery *query = search->query;
    const CkIndex *index = search->index;
    search->input = (CkPlanInput){
        .n_passing = query->passing->restricts ? (int64_t)ck_idset_count(query->passing) : -1,
        .n_rows = n_rows,
        .dims = query->model->dims,
        .k = query->k,
        .ef = query->ef,
        .recall = query->recall,
        .depth = index ? (size_t)index->depth : 0,
        .forced = search->store->conn->plan,
    };
    if (index && index->graph.exists) {
        search->graph = describe_graph(index, query->model);
        search->input.graph = &search->graph;
    }
    search->plan = ck_plan(&search->input);
}

static int run(Search *search, CkError *err) {
    int64_t n_rows = 0;
    if (count_rows(search, &n_rows, err) != SQLITE_OK) return err->rc;
    plan_search(search, n_rows);
    switch (search->plan.path) {
    case CK_PATH_INDEX_SCAN:
        scan_all(search, err);
        break;
    case CK_PATH_PROBE:
        probe_cells(search, err);
        break;
    case CK_PATH_GRAPH:
        walk_graph(search, err);
        break;
    default:
        exact(search, err);
    }
    search->counts->plan = search->plan;
    search->counts->n_cells = search->index ? search->index->n_cells : 0;
    search->counts->n_vectors = search->nearest.n_compared;
    return err->rc;
}

int ck_search(CkStore *store, const CkQuery *query, CkHits *hits, CkError *err) {
    Search search = {.store = store, .query = query, .counts = &hits->counts};
    if (ck_nearest_init(&search.nearest, query, hits, err) != SQLITE_OK) return err->rc;
    if (ck_index_open_at(store, query->model, query->stamp, &search.index, err) != SQLITE_OK) {
        return err->rc;
    }
    if (run(&search, err) == SQLITE_OK) ck_nearest_sort(&search.nearest);
    ck_index_close(search.index);
    return err->rc;
}

void ck_hits_release(CkHits *hits) {
    sqlite3_free(hits->hits);
    memset(hits, 0, sizeof *hits);
}
