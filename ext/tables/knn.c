/*
** The table-valued function `knn(query [, k])`: nearest neighbours, filters inside the search.
**
** Inputs (query, k, ef, recall, workspace) are hidden columns that take = only; workspace also
** takes IN. Anything else said of an input is an error, never zero rows. model, version,
** workspace, hash IN, rowid IN and the thresholds on distance and similarity are honoured inside
** the search, so that k rows come back whenever k exist.
**
** k is the argument, else LIMIT + OFFSET. LIMIT is only a hint: SQLite still applies it (omit is
** not set), and it is used only when ORDER BY is absent or answered here; SQLite 3.40 answers
** compound queries wrongly otherwise.
**
** idxStr names what each xFilter argument is, one letter each, see letters[] below.
*/
#include <string.h>

#include "store/embedding.h"
#include "store/model_list.h"
#include "store/search.h"
#include "tables/knn_input.h"
#include "tables/table.h"

static const char declaration[] =
    "CREATE TABLE x(hash BLOB, distance REAL, similarity REAL, model TEXT, version TEXT, "
    "plan TEXT, query HIDDEN, k HIDDEN, ef HIDDEN, recall HIDDEN, workspace HIDDEN)";

/* A closed one stays with its table, and the next query takes its memory. */
typedef struct Cursor {
    sqlite3_vtab_cursor base;
    CkKnnInput input;
    CkHits hits;
    size_t at;
    CkModel model;
    char *model_name, *model_version;
} Cursor;

static CkStore *store_of(sqlite3_vtab_cursor *cursor) {
    return ((CkTable *)cursor->pVtab)->store;
}

static int knn_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                       sqlite3_vtab **vtab, char **message) {
    return ck_table_connect(db, aux, argc, argv, declaration, vtab, message);
}

static int knn_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    CkError err = CK_ERROR_NONE;
    int rc = ck_knn_plan(info, &err);
    return err.rc != SQLITE_OK ? ck_table_end(vtab, &err) : rc;
}

static int knn_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    CkTable *table = (CkTable *)vtab;
    *out = table->idle;
    table->idle = NULL;
    if (*out) return SQLITE_OK;
    Cursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (!cursor) return SQLITE_NOMEM;
    memset(cursor, 0, sizeof *cursor);
    *out = &cursor->base;
    return SQLITE_OK;
}

static void cursor_free(Cursor *cursor) {
    if (!cursor) return;
    ck_knn_input_release(&cursor->input);
    ck_hits_release(&cursor->hits);
    sqlite3_free(cursor->model_name);
    sqlite3_free(cursor->model_version);
    sqlite3_free(cursor);
}

static int knn_close(sqlite3_vtab_cursor *base) {
    CkTable *table = (CkTable *)base->pVtab;
    Cursor *cursor = (Cursor *)base;
    ck_knn_input_clear(&cursor->input);
    if (table->idle) {
        cursor_free(cursor);
    } else {
        table->idle = base;
    }
    return SQLITE_OK;
}

static int knn_disconnect(sqlite3_vtab *vtab) {
    cursor_free((Cursor *)((CkTable *)vtab)->idle);
    return ck_table_disconnect(vtab);
}

static int matches(const char *wanted, const char *name) {
    return !wanted || strcmp(wanted, name) == 0;
}

static int fits(const CkKnnInput *input, const CkListedModel *listed) {
    return listed->model.dims == input->query.dims && matches(input->model, listed->name) &&
           matches(input->version, listed->version);
}

/* "'name' version 'v' (384 dims), …" for a message: the models that fit, or all. NULL: no memory */
static char *list_models(const CkKnnInput *input, const CkModelList *list, int all) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (size_t i = 0; i < list->n; i++) {
        const CkListedModel *listed = &list->models[i];
        if (!all && !fits(input, listed)) continue;
        sqlite3_str_appendf(text, "%s'%s' version '%s' (%u dims)",
                            sqlite3_str_length(text) ? ", " : "", listed->name, listed->version,
                            listed->model.dims);
    }
    return sqlite3_str_finish(text);
}

/* No model fits, or several do: says what there is. */
static int refuse_models(const Cursor *cursor, int n, const char *list, CkError *err) {
    const CkKnnInput *input = &cursor->input;
    if (n == 0 && !*list) return SQLITE_OK; /* no model at all: no rows */
    if (n == 0 && (input->model || input->version)) {
        return ck_error_set(err, SQLITE_ERROR,
                            "knn: no model %s%s%s version %s%s%s with %u dims is registered; the "
                            "store has %s",
                            input->model ? "'" : "", input->model ? input->model : "(any)",
                            input->model ? "'" : "", input->version ? "'" : "",
                            input->version ? input->version : "(any)", input->version ? "'" : "",
                            input->query.dims, list);
    }
    if (n == 0) {
        return ck_error_set(err, SQLITE_ERROR,
                            "knn: query has %u dims, no model has; the store has %s",
                            input->query.dims, list);
    }
    return ck_error_set(err, SQLITE_ERROR,
                        "knn: %d models have %u dims; name one with model = … and version = …: %s",
                        n, input->query.dims, list);
}

/* Makes *copy, of an earlier query or NULL, a copy of the text. */
static int copy_name(char **copy, const char *text, CkError *err) {
    if (*copy && strcmp(*copy, text) == 0) return SQLITE_OK;
    sqlite3_free(*copy);
    *copy = sqlite3_mprintf("%s", text);
    return *copy ? SQLITE_OK : ck_error_nomem(err);
}

/* Copies what is said of a model, for the cursor's columns. */
static int choose(Cursor *cursor, const CkListedModel *listed, CkError *err) {
    cursor->model = listed->model;
    if (copy_name(&cursor->model_name, listed->name, err) != SQLITE_OK ||
        copy_name(&cursor->model_version, listed->version, err) != SQLITE_OK) {
        return err->rc;
    }
    if (!listed->damage) return SQLITE_OK;
    return ck_error_set(err, SQLITE_CORRUPT_VTAB, "%s", listed->damage);
}

/* Finds the one model that is meant. *found is 0 when the store has no model at all. */
static int choose_model(Cursor *cursor, int64_t stamp, int *found, CkError *err) {
    const CkKnnInput *input = &cursor->input;
    const CkListedModel *chosen = NULL;
    const CkModelList *list;
    int n = 0;
    *found = 0;
    if (ck_model_list_read(store_of(&cursor->base), stamp, &list, err) != SQLITE_OK) return err->rc;
    for (size_t i = 0; i < list->n; i++) {
        if (fits(input, &list->models[i]) && n++ == 0) chosen = &list->models[i];
    }
    *found = n == 1;
    if (n == 1) return choose(cursor, chosen, err);
    char *text = list->n > 0 ? list_models(input, list, n == 0) : NULL;
    if (list->n > 0 && !text) return ck_error_nomem(err);
    refuse_models(cursor, n, text ? text : "", err);
    sqlite3_free(text);
    return err->rc;
}

static int search(Cursor *cursor, CkError *err) {
    CkStore *store = store_of(&cursor->base);
    CkKnnInput *input = &cursor->input;
    CkQuery query = {
        .model = &cursor->model,
        .x = (const float *)(const void *)input->query.data,
        .k = input->k,
        .ef = input->ef,
        .recall = input->recall,
        .passing = &input->passing,
        .threshold = input->threshold,
    };
    sqlite3_stmt *pin;
    int found = 0;
    if (ck_store_pin(store, &pin, &query.stamp, err) != SQLITE_OK || !pin) return err->rc;
    if (choose_model(cursor, query.stamp, &found, err) == SQLITE_OK && found &&
        ck_knn_input_resolve(input, store, err) == SQLITE_OK) {
        ck_search(store, &query, &cursor->hits, err);
    }
    ck_stmt_give(store, CK_SQL_META_GET, pin);
    return err->rc;
}

static int knn_filter(sqlite3_vtab_cursor *base, int num, const char *letters, int argc,
                      sqlite3_value **argv) {
    Cursor *cursor = (Cursor *)base;
    CkError err = CK_ERROR_NONE;
    (void)num;
    (void)argc;
    ck_knn_input_clear(&cursor->input);
    cursor->hits.n = 0;
    cursor->at = 0;
    if (ck_knn_input_read(&cursor->input, letters, argv, &err) == SQLITE_OK) search(cursor, &err);
    return ck_table_end(base->pVtab, &err);
}

static int knn_next(sqlite3_vtab_cursor *base) {
    ((Cursor *)base)->at++;
    return SQLITE_OK;
}

static int knn_eof(sqlite3_vtab_cursor *base) {
    const Cursor *cursor = (const Cursor *)base;
    return cursor->at >= cursor->hits.n;
}

static int knn_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    Cursor *cursor = (Cursor *)base;
    CkHit hit = cursor->hits.hits[cursor->at];
    CkError err = CK_ERROR_NONE;
    char plan[CK_HITS_PLAN_BYTES];
    switch (column) {
    case CK_KNN_HASH:
        ck_embedding_result_hash(store_of(base), hit.id, context, &err);
        break;
    case CK_KNN_DISTANCE:
        sqlite3_result_double(context, (double)hit.distance);
        break;
    case CK_KNN_SIMILARITY:
        sqlite3_result_double(context, ck_similarity(cursor->model.metric, hit.distance));
        break;
    case CK_KNN_MODEL:
        sqlite3_result_text(context, cursor->model_name, -1, SQLITE_TRANSIENT);
        break;
    case CK_KNN_VERSION:
        sqlite3_result_text(context, cursor->model_version, -1, SQLITE_TRANSIENT);
        break;
    case CK_KNN_PLAN:
        ck_hits_plan(&cursor->hits, plan);
        sqlite3_result_text(context, plan, -1, SQLITE_TRANSIENT);
        break;
    default:
        ck_knn_input_result(&cursor->input, column, context, &err);
    }
    return ck_table_end(base->pVtab, &err);
}

static int knn_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    const Cursor *cursor = (const Cursor *)base;
    *rowid = cursor->hits.hits[cursor->at].id;
    return SQLITE_OK;
}

const sqlite3_module ck_module_knn = {
    .iVersion = 0,
    .xCreate = knn_connect,
    .xConnect = knn_connect,
    .xBestIndex = knn_best_index,
    .xDisconnect = knn_disconnect,
    .xDestroy = knn_disconnect,
    .xOpen = knn_open,
    .xClose = knn_close,
    .xFilter = knn_filter,
    .xNext = knn_next,
    .xEof = knn_eof,
    .xColumn = knn_column,
    .xRowid = knn_rowid,
};
