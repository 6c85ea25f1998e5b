/*
** The doctor's look at memory: does ck_config('cache_bytes') hold the graph of each model?
**
** A graph that it does not hold is read again and again, or passed over by the planner for a scan:
** right answers, later than they could be. Counted is what a connection holds after many
** searches: all blocks, and the exact vectors that it may keep, which is a quarter of the budget at
** most (store/graph.c).
*/
#include "store/doctor.h"
#include "store/index.h"
#include "store/model.h"

#define MEGABYTE ((int64_t)1 << 20)

/* What the graph of a model takes but for exact vectors, and with as many as may be kept. */
static void measure(const CkIndex *index, int64_t *n_bare, int64_t *n_whole) {
    const CkVectorCache *vectors = &index->graph.vectors;
    int64_t n_room = (int64_t)(vectors->n_sets * CK_VECTOR_CACHE_WAYS * vectors->dims *
                               sizeof(float));
    *n_bare = ck_graph_whole_bytes(&index->graph) + ck_graph_other_bytes(&index->graph) -
              (int64_t)ck_vector_cache_bytes(vectors);
    *n_whole = *n_bare + n_room;
}

/* The smallest budget, in whole megabytes, of which three quarters hold the rest. */
static int64_t budget_for(int64_t n_bare) {
    return (n_bare * 4 / 3 / MEGABYTE + 1) * MEGABYTE;
}

/* row: of model_scan. */
static int check_model(CkDoctor *doctor, sqlite3_stmt *row, const CkModel *model, int64_t *needed,
                       CkError *err) {
    CkError own = CK_ERROR_NONE;
    CkIndex *index = NULL;
    int64_t n_bare, n_whole;
    /* What is damaged is for another check to say. */
    if (ck_index_open(doctor->store, model, &index, &own) == SQLITE_NOMEM) ck_error_nomem(err);
    ck_error_release(&own);
    if (!index) return err->rc;
    int64_t budget = doctor->store->index_cache.budget_bytes;
    measure(index, &n_bare, &n_whole);
    int fits = !index->graph.exists || n_whole <= budget;
    ck_index_close(index);
    if (fits || budget_for(n_bare) <= *needed) return err->rc;
    *needed = budget_for(n_bare);
    sqlite3_snprintf(sizeof doctor->own_fix, doctor->own_fix,
                     "SELECT ck_config('cache_bytes', %lld)", (long long)*needed);
    doctor->fix = doctor->own_fix;
    const char *name = (const char *)sqlite3_column_text(row, 8);
    const char *version = (const char *)sqlite3_column_text(row, 9);
    return ck_doctor_find(doctor, CK_FINDING_INFO, err,
                          "model '%s' version '%s': its graph takes %lld bytes, cache_bytes is "
                          "%lld: searches read it anew, or scan instead",
                          name ? name : "", version ? version : "", (long long)n_whole,
                          (long long)budget);
}

int ck_doctor_cache(CkDoctor *doctor, CkError *err) {
    CkStore *store = doctor->store;
    sqlite3_stmt *stmt = NULL;
    int64_t needed = 0;
    if (ck_stmt_take(store, CK_SQL_MODEL_SCAN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", INT64_MAX);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        CkError own = CK_ERROR_NONE;
        CkModel model;
        if (ck_model_from_row(stmt, 0, &model, &own) == SQLITE_OK) {
            check_model(doctor, stmt, &model, &needed, err);
        } else if (own.rc == SQLITE_NOMEM) {
            ck_error_nomem(err);
        }
        ck_error_release(&own);
    }
    ck_stmt_give(store, CK_SQL_MODEL_SCAN, stmt);
    return err->rc;
}
