/*
** The virtual table `models`: what makes vectors comparable, and how they are stored.
**
** INSERT registers, UPDATE changes ef_search only, DELETE removes a model without embeddings.
** count and bytes are computed only when a query asks for them.
*/
#include <string.h>

#include "store/index_maintain.h"
#include "store/model.h"
#include "store/value.h"
#include "tables/rows.h"
#include "vector/encoding.h"

enum {
    COLUMN_MODEL,
    COLUMN_VERSION,
    COLUMN_DIMS,
    COLUMN_METRIC,
    COLUMN_ENCODING,
    COLUMN_NORMALIZED,
    COLUMN_M,
    COLUMN_EF_CONSTRUCTION,
    COLUMN_EF_SEARCH,
    COLUMN_COUNT,
    COLUMN_BYTES
};
static const char declaration[] =
    "CREATE TABLE x(model TEXT, version TEXT, dims INTEGER, metric TEXT, encoding TEXT, "
    "normalized INTEGER, m INTEGER, ef_construction INTEGER, ef_search INTEGER, count INTEGER, "
    "bytes INTEGER)";

static const CkRange dims_range = {1, CK_DIMS_MAX};
static const CkRange boolean_range = {0, 1};
static const CkRange m_range = {CK_M_MIN, CK_M_MAX};
static const CkRange ef_range = {1, CK_EF_MAX};

static int models_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                          sqlite3_vtab **vtab, char **message) {
    return ck_table_connect(db, aux, argc, argv, declaration, vtab, message);
}

/* There are few models: SQLite filters them. */
static int models_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    (void)vtab;
    info->estimatedCost = 10;
    info->estimatedRows = 10;
    return SQLITE_OK;
}

typedef struct Cursor {
    CkRowsCursor rows;
    int64_t counted;   /* the model that counts are of, or 0: they take a scan of all embeddings */
    int64_t counts[2]; /* of CK_SQL_MODEL_COUNT */
} Cursor;

static int models_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    (void)vtab;
    Cursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (!cursor) return SQLITE_NOMEM;
    memset(cursor, 0, sizeof *cursor);
    cursor->rows.eof = 1;
    *out = &cursor->rows.base;
    return SQLITE_OK;
}

static int models_filter(sqlite3_vtab_cursor *base, int plan, const char *idx, int argc,
                         sqlite3_value **argv) {
    CkRowsCursor *cursor = (CkRowsCursor *)base;
    CkError err = CK_ERROR_NONE;
    int exists = 0, found;
    int64_t last = 0;
    (void)plan;
    (void)idx;
    (void)argc;
    (void)argv;
    ck_rows_end(cursor);
    ((Cursor *)base)->counted = 0;
    ck_store_open_read(ck_rows_store(base), &exists, &err);
    if (err.rc == SQLITE_OK && exists) {
        ck_stmt_ints(ck_rows_store(base), CK_SQL_MODEL_MAX_ID, &err, &last, 1, &found, "");
    }
    if (err.rc == SQLITE_OK && exists &&
        ck_rows_begin(cursor, CK_SQL_MODEL_SCAN, &err) == SQLITE_OK) {
        ck_stmt_bind(cursor->stmt, "i", last);
        ck_rows_step(cursor, &err);
    }
    return ck_table_end(base->pVtab, &err);
}

static int models_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    /* Columns of model_scan by columns of the table. */
    static const int from_row[] = {8, 9, 1, 2, 3, 4, 5, 6, 7};
    CkRowsCursor *cursor = (CkRowsCursor *)base;
    CkError err = CK_ERROR_NONE;
    if (sqlite3_vtab_nochange(context)) return SQLITE_OK;
    if (column < COLUMN_COUNT) {
        sqlite3_result_value(context, sqlite3_column_value(cursor->stmt, from_row[column]));
        return SQLITE_OK;
    }
    Cursor *self = (Cursor *)base;
    int64_t model = sqlite3_column_int64(cursor->stmt, 0);
    int found;
    if (self->counted != model) {
        self->counted = 0;
        ck_stmt_ints(ck_rows_store(base), CK_SQL_MODEL_COUNT, &err, self->counts, 2, &found, "i",
                     model);
        if (err.rc == SQLITE_OK) self->counted = model;
    }
    if (err.rc == SQLITE_OK) sqlite3_result_int64(context, self->counts[column - COLUMN_COUNT]);
    return ck_table_end(base->pVtab, &err);
}

static int optional_integer(sqlite3_value *value, const char *what, const CkRange *range, int *to,
                            CkError *err) {
    int64_t v;
    if (err->rc != SQLITE_OK || !ck_value_given(value)) return err->rc;
    if (ck_integer_from_value(value, "models", what, range, &v, err) == SQLITE_OK) *to = (int)v;
    return err->rc;
}

static int read_choices(sqlite3_value **c, CkModel *model, CkError *err) {
    const char *text;
    if (ck_value_given(c[COLUMN_METRIC])) {
        if (ck_text_from_value(c[COLUMN_METRIC], "models", "metric", 20, &text, err)) {
            return err->rc;
        }
        int metric = ck_metric_from_name(text);
        if (metric < 0) {
            return ck_error_set(err, SQLITE_ERROR,
                                "models: metric must be 'cosine', 'l2' or 'dot', got '%s'", text);
        }
        model->metric = (CkMetric)metric;
    }
    if (ck_value_given(c[COLUMN_ENCODING])) {
        if (ck_text_from_value(c[COLUMN_ENCODING], "models", "encoding", 20, &text, err)) {
            return err->rc;
        }
        model->encoding = ck_encoding_from_name(text, (int)strlen(text));
        if (model->encoding < 0) {
            return ck_error_set(err, SQLITE_ERROR,
                                "models: encoding must be 'f32', 'f16' or 'i8', optionally with "
                                "'+zstd', got '%s'",
                                text);
        }
    }
    optional_integer(c[COLUMN_NORMALIZED], "normalized", &boolean_range, &model->normalized, err);
    optional_integer(c[COLUMN_M], "m", &m_range, &model->m, err);
    optional_integer(c[COLUMN_EF_CONSTRUCTION], "ef_construction", &ef_range,
                     &model->ef_construction, err);
    return optional_integer(c[COLUMN_EF_SEARCH], "ef_search", &ef_range, &model->ef_search, err);
}

static int insert(CkTable *table, sqlite3_value **c, sqlite3_int64 *rowid, CkError *err) {
    const char *name, *version;
    int64_t dims;
    int found = 0;
    CkModel model, other;
    ck_model_defaults(&model);
    if (ck_text_from_value(c[COLUMN_MODEL], "models", "model", CK_NAME_MAX, &name, err) ||
        ck_text_from_value(c[COLUMN_VERSION], "models", "version", CK_NAME_MAX, &version, err) ||
        ck_integer_from_value(c[COLUMN_DIMS], "models", "dims", &dims_range, &dims, err) ||
        read_choices(c, &model, err)) {
        return err->rc;
    }
    model.dims = (uint32_t)dims;
    if (ck_value_given(c[COLUMN_COUNT]) || ck_value_given(c[COLUMN_BYTES])) {
        return ck_error_set(err, SQLITE_ERROR,
                            "models: columns count and bytes are computed and cannot be inserted");
    }
    if (ck_store_open_write(table->store, err) ||
        ck_model_find(table->store, name, version, &other, &found, err)) {
        return err->rc;
    }
    if (found) {
        int rc = sqlite3_vtab_on_conflict(table->conn->db) == SQLITE_REPLACE
                     ? SQLITE_ERROR
                     : SQLITE_CONSTRAINT_UNIQUE;
        return ck_error_set(err, rc, "models: '%s' version '%s' is already registered", name,
                            version);
    }
    ck_model_register(table->store, name, version, &model, err);
    *rowid = model.id;
    return err->rc;
}

static int update(CkTable *table, sqlite3_value **argv, CkError *err) {
    static const int updatable[] = {COLUMN_EF_SEARCH, -1};
    sqlite3_value **c = argv + 2;
    int64_t ef;
    if (ck_table_check_update(table, argv, COLUMN_BYTES + 1, updatable, err)) return err->rc;
    if (sqlite3_value_nochange(c[COLUMN_EF_SEARCH])) return SQLITE_OK;
    if (ck_integer_from_value(c[COLUMN_EF_SEARCH], "models", "ef_search", &ef_range, &ef, err)) {
        return err->rc;
    }
    ck_stmt_run(table->store, CK_SQL_META_TOUCH, err, "");
    return ck_stmt_run(table->store, CK_SQL_MODEL_SET_EF_SEARCH, err, "ii",
                       sqlite3_value_int64(argv[0]), ef);
}

static int remove_unused(CkTable *table, int64_t id, CkError *err) {
    int64_t one;
    int used = 0;
    if (ck_stmt_ints(table->store, CK_SQL_MODEL_USED, err, &one, 1, &used, "i", id)) return err->rc;
    if (used) {
        return ck_error_set(err, SQLITE_ERROR,
                            "models: row %lld still has embeddings and cannot be deleted",
                            (long long)id);
    }
    if (ck_index_drop(table->store, id, err) != SQLITE_OK) return err->rc;
    return ck_stmt_run(table->store, CK_SQL_MODEL_DELETE, err, "i", id);
}

static int models_update(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                         sqlite3_int64 *rowid) {
    CkTable *table = (CkTable *)vtab;
    CkError err = CK_ERROR_NONE;
    if (argc == 1) {
        remove_unused(table, sqlite3_value_int64(argv[0]), &err);
    } else if (sqlite3_value_type(argv[0]) != SQLITE_NULL) {
        update(table, argv, &err);
    } else if (ck_table_check_insert(table, argv, &err) == SQLITE_OK) {
        insert(table, argv + 2, rowid, &err);
    }
    return ck_table_end(vtab, &err);
}

const sqlite3_module ck_module_models = {
    .iVersion = 0,
    .xCreate = models_connect,
    .xConnect = models_connect,
    .xBestIndex = models_best_index,
    .xDisconnect = ck_table_disconnect,
    .xDestroy = ck_table_disconnect,
    .xOpen = models_open,
    .xClose = ck_rows_close,
    .xFilter = models_filter,
    .xNext = ck_rows_next,
    .xEof = ck_rows_eof,
    .xColumn = models_column,
    .xRowid = ck_rows_rowid,
    .xUpdate = models_update,
};
