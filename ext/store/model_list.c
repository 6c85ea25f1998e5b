/* The models of a store in memory: see model_list.h. */
#include "store/model_list.h"

#include <string.h>

static void clear(CkModelList *list) {
    for (size_t i = 0; i < list->n; i++) {
        sqlite3_free(list->models[i].name);
        sqlite3_free(list->models[i].version);
        sqlite3_free(list->models[i].damage);
    }
    sqlite3_free(list->models);
    memset(list, 0, sizeof *list);
}

/* Adds the model of a stepped model_scan. */
static int add(CkModelList *list, sqlite3_stmt *stmt, CkError *err) {
    CkListedModel *models = sqlite3_realloc64(list->models, (list->n + 1) * sizeof *models);
    if (!models) return ck_error_nomem(err);
    list->models = models;
    CkListedModel *listed = &models[list->n++];
    CkError own = CK_ERROR_NONE;
    memset(listed, 0, sizeof *listed);
    if (ck_model_from_row(stmt, 0, &listed->model, &own) != SQLITE_OK && own.message) {
        listed->damage = sqlite3_mprintf("%s", own.message);
        if (!listed->damage) ck_error_nomem(err);
    }
    listed->model.dims = (uint32_t)sqlite3_column_int64(stmt, 1);
    listed->name = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 8));
    listed->version = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 9));
    if (own.rc == SQLITE_NOMEM || !listed->name || !listed->version) ck_error_nomem(err);
    ck_error_release(&own);
    return err->rc;
}

int ck_model_list_read(CkStore *store, int64_t stamp, const CkModelList **out, CkError *err) {
    CkModelList *list = store->models;
    sqlite3_stmt *stmt = NULL;
    if (!list) {
        list = store->models = sqlite3_malloc64(sizeof *list);
        if (!list) return ck_error_nomem(err);
        memset(list, 0, sizeof *list);
    }
    *out = list;
    int64_t n_changes = sqlite3_total_changes(store->conn->db);
    if (list->is_read && list->stamp == stamp && list->n_changes == n_changes) return SQLITE_OK;
    clear(list);
    if (ck_stmt_take(store, CK_SQL_MODEL_SCAN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", INT64_MAX);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        add(list, stmt, err);
    }
    ck_stmt_give(store, CK_SQL_MODEL_SCAN, stmt);
    list->stamp = stamp;
    list->n_changes = n_changes;
    list->is_read = err->rc == SQLITE_OK;
    return err->rc;
}

void ck_model_list_free(CkStore *store) {
    if (store->models) clear(store->models);
    sqlite3_free(store->models);
    store->models = NULL;
}
