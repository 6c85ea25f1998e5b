/*
** The doctor's check of the search index: reads every block and the tail of every model, which
** verifies their checksums, holds the ids that are in force against the embeddings, and walks the
** graphs.
*/
#include "store/doctor.h"
#include "store/graph_check.h"
#include "store/idset.h"
#include "store/index.h"

/* Ids that are in one of the two only. */
typedef struct Difference {
    int64_t n_lacking; /* embeddings that the index has not */
    int64_t n_extra;   /* entries in force without an embedding, or twice */
    int64_t n_indexed;
    CkGraphReport graph;
} Difference;

/* Appends the ids of a block, or of the tail, that count. */
static int collect(CkIndex *index, size_t number, CkIdSet *ids, CkError *err) {
    CkScanBlock block;
    if (ck_index_scan_block(index, number, &block, err) != SQLITE_OK) return err->rc;
    for (size_t i = 0; i < block.columns.n && err->rc == SQLITE_OK; i++) {
        int in_tail = number == index->n_blocks;
        if (!in_tail && ck_stale_bits_test(&index->stale, block.ids[i])) continue;
        ck_idset_add(ids, block.ids[i], err);
    }
    return err->rc;
}

/* Walks the sorted ids of the index and the embeddings side by side. */
static int compare(CkStore *store, int64_t model, const CkIdSet *set, Difference *difference,
                   CkError *err) {
    const int64_t *ids = ck_idset_ids(set);
    sqlite3_stmt *stmt = NULL;
    size_t n = ck_idset_count(set), at = 0;
    if (ck_stmt_take(store, CK_SQL_DOCTOR_INDEX_IDS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", model);
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        for (; at < n && ids[at] < id; at++) difference->n_extra++;
        if (at < n && ids[at] == id) {
            at++;
        } else {
            difference->n_lacking++;
        }
    }
    ck_stmt_give(store, CK_SQL_DOCTOR_INDEX_IDS, stmt);
    difference->n_extra += (int64_t)(n - at);
    return err->rc;
}

static int check_model(CkStore *store, const CkModel *model, Difference *difference,
                       CkError *err) {
    CkIndex *index = NULL;
    CkIdSet ids;
    if (ck_index_open(store, model, &index, err) != SQLITE_OK || !index) return err->rc;
    ck_idset_init(&ids);
    for (size_t i = 0; i <= index->n_blocks && err->rc == SQLITE_OK; i++) {
        collect(index, i, &ids, err);
    }
    size_t n_entries = ck_idset_count(&ids);
    ck_idset_seal(&ids);
    difference->n_indexed += (int64_t)n_entries;
    difference->n_extra += (int64_t)(n_entries - ck_idset_count(&ids));
    if (err->rc == SQLITE_OK) compare(store, model->id, &ids, difference, err);
    if (err->rc == SQLITE_OK && index->graph.exists) {
        ck_graph_check(index, &difference->graph, err);
    }
    ck_idset_release(&ids);
    ck_index_close(index);
    return err->rc;
}

static int check_models(CkStore *store, Difference *difference, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    CkModel model;
    /* Who tampers with the tables does not tell it by a stamp. */
    ck_index_forget_all(store);
    if (ck_stmt_take(store, CK_SQL_MODEL_SCAN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", INT64_MAX);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        CkError own = CK_ERROR_NONE;
        /* A damaged row of a model is for another check to say. */
        if (ck_model_from_row(stmt, 0, &model, &own) == SQLITE_OK) {
            check_model(store, &model, difference, err);
        }
        ck_error_release(&own);
    }
    ck_stmt_give(store, CK_SQL_MODEL_SCAN, stmt);
    return err->rc;
}

int ck_doctor_index(CkDoctor *doctor, CkError *err) {
    CkStore *store = doctor->store;
    CkError own = CK_ERROR_NONE;
    Difference difference = {.n_lacking = 0};
    int64_t n_orphans = 0;
    int found;
    check_models(store, &difference, &own);
    if (own.rc == SQLITE_CORRUPT_VTAB) {
        ck_doctor_find(doctor, CK_FINDING_ERROR, err, "%s", own.message);
        ck_error_release(&own);
        return err->rc;
    }
    *err = own;
    if (err->rc != SQLITE_OK) return err->rc;
    ck_stmt_ints(store, CK_SQL_DOCTOR_INDEX_ORPHANS, err, &n_orphans, 1, &found, "");
    if (err->rc != SQLITE_OK) return err->rc;
    if (difference.n_lacking + difference.n_extra > 0) {
        return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                              "%lld embeddings are not in it, %lld in it are not in the store",
                              (long long)difference.n_lacking, (long long)difference.n_extra);
    }
    const CkGraphReport *graph = &difference.graph;
    if (graph->n_lacking + graph->n_extra + graph->n_bad_lists + graph->n_unreachable > 0) {
        return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                              "graph: %lld embeddings are not in it, %lld in it should not be, "
                              "%lld lists of links are wrong, %lld nodes cannot be reached",
                              (long long)graph->n_lacking, (long long)graph->n_extra,
                              (long long)graph->n_bad_lists, (long long)graph->n_unreachable);
    }
    if (n_orphans > 0) {
        return ck_doctor_find(doctor, CK_FINDING_INFO, err,
                              "%lld blocks were left by a merge that did not end",
                              (long long)n_orphans);
    }
    if (difference.n_indexed == 0) return SQLITE_OK;
    return ck_doctor_find(doctor, CK_FINDING_OK, err, "%lld embeddings are in it",
                          (long long)difference.n_indexed);
}
