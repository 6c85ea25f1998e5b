/*
** Search: see search.h.
**
** Three ways lead to an answer, and planner.h says which: to read every vector, to read those that
** pass by id, or to scan the index for candidates and compare these.
*/
#include "store/search.h"

#include <string.h>

#include "store/candidates.h"
#include "store/nearest.h"
#include "store/planner.h"
#include "store/refine.h"
#include "store/stored_vector.h"

typedef struct Search {
    CkStore *store;
    const CkQuery *query;
    CkNearest nearest;
    CkIndex *index; /* NULL when the model has none */
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

static int scan_index(Search *search, size_t depth, int64_t *n_codes, size_t *n_candidates,
                      CkError *err) {
    const CkQuery *query = search->query;
    float norm = search->nearest.query_norm;
    CkScan scan = {
        .x = query->x,
        .scale = query->model->metric == CK_METRIC_COSINE ? 1 / norm : 1,
        .depth = depth,
        .passing = query->passing,
    };
    CkBuf candidates;
    ck_buf_init(&candidates);
    ck_candidates_scan(search->index, &scan, &candidates, n_codes, err);
    const CkCandidate *candidate = (const CkCandidate *)(const void *)candidates.data;
    *n_candidates = candidates.n_bytes / sizeof *candidate;
    if (err->rc == SQLITE_OK) {
        ck_refine(search->index, &search->nearest, candidate, *n_candidates, scan.scale, err);
    }
    ck_buf_release(&candidates);
    return err->rc;
}

/* How many rows there are to choose from, about. */
static int count_rows(Search *search, int64_t *n_rows, CkError *err) {
    int found;
    *n_rows = search->index ? search->index->n_slots : 0;
    if (search->index) return SQLITE_OK;
    return ck_stmt_ints(search->store, CK_SQL_EMBEDDING_MAX_ID, err, n_rows, 1, &found, "");
}

static int run(Search *search, CkError *err) {
    const CkQuery *query = search->query;
    CkHits *hits = search->nearest.hits;
    CkPlanInput input = {
        .n_passing = query->passing->restricts ? (int64_t)ck_idset_count(query->passing) : -1,
        .k = query->k,
        .ef = query->ef,
        .recall = query->recall,
        .depth = search->index ? (size_t)search->index->depth : 0,
    };
    int64_t n_codes = 0;
    size_t n_candidates = 0;
    if (count_rows(search, &input.n_rows, err) != SQLITE_OK) return err->rc;
    CkPlan plan = ck_plan(&input);
    switch (plan.path) {
    case CK_PATH_EXACT_SCAN:
        exact_scan(search, err);
        break;
    case CK_PATH_EXACT_LOOKUP:
        exact_lookup(search, err);
        break;
    case CK_PATH_INDEX_SCAN:
        scan_index(search, plan.depth, &n_codes, &n_candidates, err);
        break;
    }
    const char *name = ck_path_name(plan.path);
    if (plan.path == CK_PATH_INDEX_SCAN) {
        sqlite3_snprintf(sizeof hits->plan, hits->plan, "%s, %lld codes, %llu candidates, %lld "
                         "vectors", name, (long long)n_codes, (unsigned long long)n_candidates,
                         (long long)search->nearest.n_compared);
    } else {
        sqlite3_snprintf(sizeof hits->plan, hits->plan, "%s, %lld vectors", name,
                         (long long)search->nearest.n_compared);
    }
    return err->rc;
}

int ck_search(CkStore *store, const CkQuery *query, CkHits *hits, CkError *err) {
    Search search = {.store = store, .query = query};
    if (ck_nearest_init(&search.nearest, query, hits, err) != SQLITE_OK) return err->rc;
    if (ck_index_open(store, query->model, &search.index, err) != SQLITE_OK) return err->rc;
    if (run(&search, err) == SQLITE_OK) ck_nearest_sort(&search.nearest);
    ck_index_close(search.index);
    return err->rc;
}

void ck_hits_release(CkHits *hits) {
    sqlite3_free(hits->hits);
    memset(hits, 0, sizeof *hits);
}
