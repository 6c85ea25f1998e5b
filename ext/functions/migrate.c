/* Changing what a model is stored as: ck_reencode(model [, version], encoding). */
#include <string.h>

#include "functions/functions.h"
#include "store/log.h"
#include "store/migrate.h"
#include "store/reencode.h"
#include "store/value.h"

#define ENCODING_NAME_MAX 32 /* bytes */

static int read_encoding(sqlite3_value *value, int *encoding, CkError *err) {
    const char *name;
    if (ck_text_from_value(value, "ck_reencode", "encoding", ENCODING_NAME_MAX, &name, err)) {
        return err->rc;
    }
    *encoding = ck_encoding_from_name(name, (int)strlen(name));
    if (*encoding >= 0) return SQLITE_OK;
    return ck_error_set(err, SQLITE_ERROR,
                        "ck_reencode: encoding must be 'f32', 'f16' or 'i8', optionally with "
                        "'+zstd', got '%s'",
                        name);
}

/* Makes the JSON in SQL, which escapes the names. */
static int report(CkStore *store, sqlite3_context *context, sqlite3_value *name,
                  const CkModelMeant *meant, int encoding, const CkReencode *done, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_REENCODE_REPORT, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "vttiiiiii", name, meant->version, ck_encoding_name(encoding), done->n_rows,
                 done->bytes_before, done->bytes_after, done->n_kept, done->n_damaged,
                 (int64_t)done->recall.n_vectors);
    if (done->recall.n_vectors > 1) sqlite3_bind_double(stmt, 10, done->recall.recall);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        sqlite3_result_value(context, sqlite3_column_value(stmt, 0));
    }
    ck_stmt_give(store, CK_SQL_REENCODE_REPORT, stmt);
    return err->rc;
}

/* ck_reencode(model [, version], encoding): what was done, as JSON. */
static void reencode(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = ck_conn_store(sqlite3_user_data(context), "main");
    CkModelMeant meant = {.version = NULL};
    CkReencode done;
    int encoding = 0;
    if (!store) ck_error_nomem(&err);
    if (err.rc == SQLITE_OK) read_encoding(argv[argc - 1], &encoding, &err);
    if (err.rc == SQLITE_OK) {
        ck_model_resolve(store, "ck_reencode", "model", argv[0], argc == 3 ? argv[1] : NULL,
                         &meant, &err);
    }
    if (err.rc == SQLITE_OK) {
        ck_reencode_run(store, &meant.model, encoding, &done, &err);
        ck_errors_settle(store, "reencode", &err);
    }
    if (err.rc == SQLITE_OK) report(store, context, argv[0], &meant, encoding, &done, &err);
    ck_model_meant_release(&meant);
    ck_error_result(&err, context);
}

const CkFunction ck_functions_migrate[] = {
    {"ck_reencode", 2, CK_FUNCTION_WRITES, reencode},
    {"ck_reencode", 3, CK_FUNCTION_WRITES, reencode},
    {NULL, 0, 0, NULL},
};
