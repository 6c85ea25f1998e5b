/* The cache as functions: ck_put, ck_get, ck_gc. They work on the store of main. */
#include "functions/functions.h"
#include "store/embedding.h"
#include "store/gc.h"
#include "store/log.h"
#include "store/stored_vector.h"
#include "store/transaction.h"

static CkStore *main_store(sqlite3_context *context, CkError *err) {
    CkStore *store = ck_conn_store(sqlite3_user_data(context), "main");
    if (!store) ck_error_nomem(err);
    return store;
}

/* ck_put(model, version, content, vector): inserts if absent, returns the hash. */
static void put(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = main_store(context, &err);
    CkWrite write;
    (void)argc;
    if (store && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        CkPut put = {
            .who = "ck_put",
            .model = argv[0],
            .version = argv[1],
            .content = argv[2],
            .vector = argv[3],
            .conflict = CK_CONFLICT_KEEP,
        };
        CkPutResult result;
        ck_embedding_put(store, &put, &result, &err);
        if (ck_write_end(&write, &err) == SQLITE_OK) {
            sqlite3_result_blob(context, result.hash, CK_HASH_BYTES, SQLITE_TRANSIENT);
        }
    }
    ck_error_result(&err, context);
}

static void get_by_hash(sqlite3_context *context, const uint8_t *hash, CkError *err) {
    CkStore *store = main_store(context, err);
    if (store) ck_stored_vector_result_by_hash(store, hash, context, err);
}

/* ck_get(hash): the vector as f32, or NULL. */
static void get(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    uint8_t hash[CK_HASH_BYTES];
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return;
    if (ck_hash_from_value(argv[0], "ck_get", hash, &err) == SQLITE_OK) {
        get_by_hash(context, hash, &err);
    }
    ck_error_result(&err, context);
}

/* ck_get(model, version, content): the vector as f32, or NULL. */
static void get_by_content(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkConn *conn = sqlite3_user_data(context);
    CkError err = CK_ERROR_NONE;
    uint8_t key[CK_HASH_BYTES];
    (void)argc;
    if (ck_key_from_values(&conn->hasher, argv, "ck_get", key, &err) == SQLITE_OK) {
        get_by_hash(context, key, &err);
    }
    ck_error_result(&err, context);
}

/* ck_gc([grace]): deletes the garbage, returns how many embeddings that were. */
static void gc(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = main_store(context, &err);
    int64_t grace_s = CK_GC_GRACE_S, n_deleted = 0;
    if (store && argc == 1) ck_gc_grace_from_value(argv[0], "ck_gc", &grace_s, &err);
    if (store && err.rc == SQLITE_OK) {
        ck_gc_run(store, grace_s, &n_deleted, &err);
        ck_errors_settle(store, "gc", &err);
    }
    if (err.rc == SQLITE_OK) sqlite3_result_int64(context, n_deleted);
    ck_error_result(&err, context);
}

const CkFunction ck_functions_cache[] = {
    {"ck_put", 4, CK_FUNCTION_WRITES, put},
    {"ck_get", 1, CK_FUNCTION_READS | SQLITE_RESULT_SUBTYPE, get},
    {"ck_get", 3, CK_FUNCTION_READS | SQLITE_RESULT_SUBTYPE, get_by_content},
    {"ck_gc", 0, CK_FUNCTION_WRITES, gc},
    {"ck_gc", 1, CK_FUNCTION_WRITES, gc},
    {NULL, 0, 0, NULL},
};
