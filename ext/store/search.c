/*
** Search: see search.h.
**
** Five ways lead to an answer, and planner.h says which: to read every vector, to read those that
** pass by id, to scan the index for candidates and compare these, to do so with the nearest cells
** of it, or to walk the graph and scan only what it does not know yet.
*/
#include "store/search.h"

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

/* Scans blocks from first_block on, and the tail; cells before, if there is a probe. */
static int scan_index(Search *search, size_t depth, size_t first_block, CkProbe *probe,
                      CkError *err) {
    CkScan scan = {
        .x = search->query->x,
        .scale = scale_of(search),
        .depth = depth,
        .first_block = first_block,
        .probe = probe,
        .passing = search->query->passing,
    };
    CkBuf candidates;
    ck_buf_init(&candidates);
    ck_candidates_scan(search->index, &scan, &candidates, &search->counts->n_codes, err);
    const CkCandidate *candidate = (const CkCandidate *)(const void *)candidates.data;
    size_t n = candidates.n_bytes / sizeof *candidate;
    search->counts->n_candidates = (int64_t)n;
    if (err->rc == SQLITE_OK) {
        ck_refine(search->index, &search->nearest, candidate, n, scan.scale, err);
    }
    ck_buf_release(&candidates);
    return err->rc;
}

static int walk_graph(Search *search, const CkPlan *plan, CkError *err) {
    CkIndex *index = search->index;
    CkGraphSearch what = {scale_of(search), plan->ef, plan->walk_ef, search->query->passing};
    ck_graph_search(index, &search->nearest, &what, &search->counts->n_distances, err);
    if (err->rc != SQLITE_OK ||
        ck_index_slots_behind(index, index->graph.row.n_scan_blocks) == 0) {
        return err->rc;
    }
    return scan_index(search, plan->depth, (size_t)index->graph.row.n_scan_blocks, NULL, err);
}

static int probe_cells(Search *search, const CkPlan *plan, CkError *err) {
    CkIndex *index = search->index;
    CkBuf order;
    ck_buf_init(&order);
    if (ck_cells_order(index, search->query->x, scale_of(search), &order, err) == SQLITE_OK) {
        CkProbe probe = {(const uint32_t *)(const void *)order.data, index->n_cells,
                         plan->n_cells, 0};
        scan_index(search, plan->depth, (size_t)index->graph.row.n_celled, &probe, err);
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

static CkPlan plan_search(Search *search, int64_t n_rows) {
    const CkQuery *query = search->query;
    const CkIndex *index = search->index;
    CkPlanGraph graph;
    CkPlanInput input = {
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
        graph = describe_graph(index, query->model);
        input.graph = &graph;
    }
    return ck_plan(&input);
}

static int run(Search *search, CkError *err) {
    int64_t n_rows = 0;
    if (count_rows(search, &n_rows, err) != SQLITE_OK) return err->rc;
    CkPlan plan = plan_search(search, n_rows);
    switch (plan.path) {
    case CK_PATH_EXACT_SCAN:
        exact_scan(search, err);
        break;
    case CK_PATH_EXACT_LOOKUP:
        exact_lookup(search, err);
        break;
    case CK_PATH_INDEX_SCAN:
        scan_index(search, plan.depth, 0, NULL, err);
        break;
    case CK_PATH_PROBE:
        probe_cells(search, &plan, err);
        break;
    case CK_PATH_GRAPH:
        walk_graph(search, &plan, err);
        break;
    }
    search->counts->plan = plan;
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
