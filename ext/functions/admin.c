/* The store and the extension as such: ck_init, ck_config, ck_repair, ck_attach, ck_version … */
#include <blake3.h>
#include <string.h>
#include <zstd.h>

#include "functions/functions.h"
#include "store/config.h"
#include "store/doctor.h"
#include "store/index_maintain.h"
#include "store/store.h"
#include "store/transaction.h"
#include "store/value.h"
#include "vector/kernels.h"

/* Has no effect inside a transaction or on a file that has pages. */
static void prefer_page_size(CkStore *store, CkError *err) {
    int64_t n_pages = 0;
    int found;
    ck_stmt_ints(store, CK_SQL_STATS_PAGE_COUNT, err, &n_pages, 1, &found, "");
    if (err->rc == SQLITE_OK && n_pages == 0) {
        ck_stmt_run(store, CK_SQL_META_PAGE_SIZE, err, "");
    }
}

/*
** ck_init(): creates the store now. 1 when it did, 0 when it was there. A file that is still empty
** gets pages of 8 KB: vectors are read with half the calls of 4 KB pages (exact search of 100K x
** 768 float32: 123 ms against 162).
*/
static void init(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = ck_conn_store(sqlite3_user_data(context), "main");
    CkWrite write;
    int exists = 0;
    (void)argc;
    (void)argv;
    if (!store) ck_error_nomem(&err);
    if (err.rc == SQLITE_OK) ck_store_open_read(store, &exists, &err);
    if (err.rc == SQLITE_OK && !exists) prefer_page_size(store, &err);
    if (err.rc == SQLITE_OK && !exists && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        ck_store_open_write(store, &err);
        ck_write_end(&write, &err);
    }
    if (err.rc == SQLITE_OK) sqlite3_result_int(context, !exists);
    ck_error_result(&err, context);
}

/* ck_config(name [, value]): the setting in force, after setting it (NULL: back to the default). */
static void config(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = ck_conn_store(sqlite3_user_data(context), "main");
    CkSetting setting;
    CkWrite write;
    int64_t value = 0;
    if (!store) ck_error_nomem(&err);
    if (err.rc == SQLITE_OK) ck_config_find(argv[0], &setting, &err);
    if (err.rc == SQLITE_OK && argc == 2 && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        ck_config_set(store, setting, argv[1], &err);
        ck_write_end(&write, &err);
    }
    if (err.rc == SQLITE_OK) ck_config_get(store, setting, &value, &err);
    if (err.rc == SQLITE_OK) sqlite3_result_int64(context, value);
    ck_error_result(&err, context);
}

/* ck_repair(check): repairs what ck_doctor finds under that name; the number of rows, or of the
** embeddings that an index was rebuilt of. */
static void repair(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = ck_conn_store(sqlite3_user_data(context), "main");
    const char *check;
    CkWrite write;
    int64_t n_fixed = 0;
    int exists = 0;
    (void)argc;
    if (!store) ck_error_nomem(&err);
    if (err.rc == SQLITE_OK) ck_text_from_value(argv[0], "ck_repair", "check", 64, &check, &err);
    if (err.rc == SQLITE_OK) ck_store_open_read(store, &exists, &err);
    if (err.rc == SQLITE_OK && exists && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        ck_doctor_repair(store, check, &n_fixed, &err);
        ck_write_end(&write, &err);
        if (err.rc == SQLITE_OK && strcmp(check, "index") == 0) {
            ck_index_merge(store, NULL, CK_MERGE_ALWAYS, &n_fixed, &err);
        }
    }
    if (err.rc == SQLITE_OK) sqlite3_result_int64(context, n_fixed);
    ck_error_result(&err, context);
}

static int schema_exists(sqlite3 *db, const char *schema) {
    for (int i = 0; sqlite3_db_name(db, i); i++) {
        if (sqlite3_stricmp(sqlite3_db_name(db, i), schema) == 0) return 1;
    }
    return 0;
}

/* ck_attach(schema): temp tables SCHEMA_embeddings … over the store of an attached file. */
static void attach(sqlite3_context *context, int argc, sqlite3_value **argv) {
    static const char *const names[] = {"embeddings", "refs", "workspaces", "models", "knn"};
    CkConn *conn = sqlite3_user_data(context);
    CkError err = CK_ERROR_NONE;
    const char *schema;
    (void)argc;
    if (ck_text_from_value(argv[0], "ck_attach", "schema", CK_NAME_MAX, &schema, &err) ==
            SQLITE_OK &&
        !schema_exists(conn->db, schema)) {
        ck_error_set(&err, SQLITE_ERROR,
                     "ck_attach: no attached database is called '%s' (ATTACH 'file' AS name)",
                     schema);
    }
    for (size_t i = 0; err.rc == SQLITE_OK && i < sizeof names / sizeof *names; i++) {
        /* ck_NAME, because a table of the user's may be called NAME. */
        char *sql = sqlite3_mprintf(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.\"%w_%s\" USING ck_%s(\"%w\")", schema,
            names[i], names[i], schema);
        if (!sql) {
            ck_error_nomem(&err);
            break;
        }
        int rc = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
        if (rc != SQLITE_OK) ck_error_db(&err, conn->db, rc);
        sqlite3_free(sql);
    }
    if (err.rc == SQLITE_OK) sqlite3_result_value(context, argv[0]);
    ck_error_result(&err, context);
}

static void version(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    (void)argv;
    sqlite3_result_text(context, CK_VERSION, -1, SQLITE_STATIC);
}

/* ck_debug(): what a bug report should say, as JSON. */
static void debug(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    (void)argv;
    char *text = sqlite3_mprintf(
        "{\"ck\":\"%s\",\"variant\":\"%s\",\"compiler\":\"%s\",\"simd\":\"%s\","
        "\"sqlite\":\"%s\",\"sqlite_headers\":\"%s\",\"zstd\":\"%s\",\"blake3\":\"%s\","
        "\"schema_version\":%d}",
        CK_VERSION, CK_VARIANT, __VERSION__, ck_kernels()->tier, sqlite3_libversion(),
        SQLITE_VERSION, ZSTD_versionString(), blake3_version(), CK_SCHEMA_VERSION);
    if (!text) {
        sqlite3_result_error_nomem(context);
    } else {
        sqlite3_result_text(context, text, -1, sqlite3_free);
    }
}

const CkFunction ck_functions_admin[] = {
    {"ck_init", 0, CK_FUNCTION_WRITES, init},
    {"ck_config", 1, CK_FUNCTION_WRITES, config},
    {"ck_config", 2, CK_FUNCTION_WRITES, config},
    {"ck_repair", 1, CK_FUNCTION_WRITES, repair},
    {"ck_attach", 1, CK_FUNCTION_WRITES, attach},
    {"ck_debug", 0, SQLITE_INNOCUOUS, debug},
    {"ck_version", 0, CK_FUNCTION_PURE, version}, /* last, see ck_functions_register() */
    {NULL, 0, 0, NULL},
};
