/* Models: see model.h. */
#include "store/model.h"

#include <string.h>

#include "vector/encoding.h"

static const char *const metric_names[] = {"cosine", "l2", "dot"};

int ck_metric_from_name(const char *name) {
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, metric_names[i]) == 0) return i;
    }
    return -1;
}

const char *ck_metric_name(CkMetric metric) {
    return metric_names[metric];
}

int ck_model_from_row(sqlite3_stmt *stmt, int first, CkModel *model, CkError *err) {
    const char *metric = (const char *)sqlite3_column_text(stmt, first + 2);
    const char *encoding = (const char *)sqlite3_column_text(stmt, first + 3);
    sqlite3_int64 dims = sqlite3_column_int64(stmt, first + 1);
    if (!metric || !encoding) return ck_error_nomem(err);
    int metric_id = ck_metric_from_name(metric);
    model->id = sqlite3_column_int64(stmt, first);
    model->encoding = ck_encoding_from_name(encoding, (int)strlen(encoding));
    if (dims < 1 || dims > CK_DIMS_MAX || metric_id < 0 || model->encoding < 0) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "models: row %lld is damaged (dims %lld, metric '%s', encoding '%s')",
                            (long long)model->id, (long long)dims, metric, encoding);
    }
    model->dims = (uint32_t)dims;
    model->metric = (CkMetric)metric_id;
    model->normalized = sqlite3_column_int(stmt, first + 4);
    model->m = sqlite3_column_int(stmt, first + 5);
    model->ef_construction = sqlite3_column_int(stmt, first + 6);
    model->ef_search = sqlite3_column_int(stmt, first + 7);
    return SQLITE_OK;
}

int ck_model_find(CkStore *store, const char *name, const char *version, CkModel *model,
                  int *found, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    *found = 0;
    if (ck_stmt_take(store, CK_SQL_MODEL_FIND, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "tt", name, version);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        *found = 1;
        ck_model_from_row(stmt, 0, model, err);
    }
    ck_stmt_give(store, CK_SQL_MODEL_FIND, stmt);
    return err->rc;
}

void ck_model_defaults(CkModel *model) {
    model->metric = CK_METRIC_COSINE;
    model->encoding = CK_ENCODING_F32;
    model->normalized = 0;
    model->m = CK_MODEL_M;
    model->ef_construction = CK_MODEL_EF_CONSTRUCTION;
    model->ef_search = CK_MODEL_EF_SEARCH;
}

int ck_model_register(CkStore *store, const char *name, const char *version, CkModel *model,
                      CkError *err) {
    ck_stmt_run(store, CK_SQL_MODEL_INSERT, err, "ttittiiii", name, version, (int64_t)model->dims,
                ck_metric_name(model->metric), ck_encoding_name(model->encoding),
                (int64_t)model->normalized, (int64_t)model->m, (int64_t)model->ef_construction,
                (int64_t)model->ef_search);
    model->id = sqlite3_last_insert_rowid(store->conn->db);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_META_TOUCH, err, "");
    return err->rc;
}
