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
    const char *model, *version;
    CkBytes content;
    uint8_t key[CK_HASH_BYTES];
    if (any_null(argc, argv)) return;
    if (ck_text_from_value(argv[0], "ck_hash", "model", CK_NAME_MAX, &model, &err) == SQLITE_OK &&
        ck_text_from_value(argv[1], "ck_hash", "version", CK_NAME_MAX, &version, &err) ==
            SQLITE_OK &&
        ck_content_from_value(argv[2], "ck_hash", &content, &err) == SQLITE_OK) {
        CkBytes model_bytes = {model, (size_t)sqlite3_value_bytes(argv[0])};
        CkBytes version_bytes = {version, (size_t)sqlite3_value_bytes(argv[1])};
        ck_key_compute(&conn->hasher, model_bytes, version_bytes, content, key);
        sqlite3_result_blob(context, key, sizeof key, SQLITE_TRANSIENT);
    }
    ck_error_result(&err, context);
}

const CkFunction ck_functions_hash[] = {
    {"ck_hash", 1, CK_FUNCTION_PURE, hash_content},
    {"ck_hash", 3, CK_FUNCTION_PURE, hash_key},
    {NULL, 0, 0, NULL},
};
