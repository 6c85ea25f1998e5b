/* ck_hash(content) and ck_hash(model, version, content). */
#include "functions/functions.h"
#include "store/conn.h"
#include "store/value.h"

static int any_null(int argc, sqlite3_value **argv) {
    for (int i = 0; i < argc; i++) {
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL) return 1;
    }
    return 0;
}

static void hash_content(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkBytes content;
    uint8_t hash[CK_HASH_BYTES];
    if (any_null(argc, argv)) return;
    if (ck_content_from_value(argv[0], "ck_hash", &content, &err) == SQLITE_OK) {
        ck_hash_compute(content, hash);
        sqlite3_result_blob(context, hash, sizeof hash, SQLITE_TRANSIENT);
    }
    ck_error_result(&err, context);
}

static void hash_key(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkConn *conn = sqlite3_user_data(context);
    CkError err = CK_ERROR_NONE;
    uint8_t key[CK_HASH_BYTES];
    if (any_null(argc, argv)) return;
    if (ck_key_from_values(&conn->hasher, argv, "ck_hash", key, &err) == SQLITE_OK) {
        sqlite3_result_blob(context, key, sizeof key, SQLITE_TRANSIENT);
    }
    ck_error_result(&err, context);
}

const CkFunction ck_functions_hash[] = {
    {"ck_hash", 1, CK_FUNCTION_PURE, hash_content},
    {"ck_hash", 3, CK_FUNCTION_PURE, hash_key},
    {NULL, 0, 0, NULL},
};
