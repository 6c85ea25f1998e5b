/* The search index as functions: ck_optimize. It works on the store of main. */
#include "functions/functions.h"
#include "store/index_maintain.h"
#include "store/value.h"

/* ck_optimize([model]): merges what changed; how many embeddings the new indexes have. */
static void optimize(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = ck_conn_store(sqlite3_user_data(context), "main");
    const char *name = NULL;
    int64_t n_vectors = 0;
    if (!store) ck_error_nomem(&err);
    if (err.rc == SQLITE_OK && argc == 1) {
        ck_text_from_value(argv[0], "ck_optimize", "model", CK_NAME_MAX, &name, &err);
    }
    if (err.rc == SQLITE_OK) {
        ck_index_merge(store, name, CK_MERGE_IF_CHANGED, &n_vectors, &err);
    }
    if (err.rc == SQLITE_OK) sqlite3_result_int64(context, n_vectors);
    ck_error_result(&err, context);
}

const CkFunction ck_functions_index[] = {
    {"ck_optimize", 0, CK_FUNCTION_WRITES, optimize},
    {"ck_optimize", 1, CK_FUNCTION_WRITES, optimize},
    {NULL, 0, 0, NULL},
};
