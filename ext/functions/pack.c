/* ck_pack: embeddings as a pack, the wire format (store/frame.h). */
#include "functions/functions.h"
#include "store/hash_list.h"
#include "store/pack.h"
#include "store/value.h"

static const char who[] = "ck_pack";

/* An empty pack is NULL, so that a loop over the feed has something to end on. */
static void result_pack(sqlite3_context *context, CkBuf *pack) {
    if (pack->n_bytes == 0) return;
    sqlite3_result_blob64(context, pack->data, pack->n_bytes, sqlite3_free);
    ck_buf_init(pack); /* SQLite has the memory now */
}

static int limit_from(sqlite3_value *value, const char *what, int64_t max, int64_t *limit,
                      CkError *err) {
    const CkRange range = {1, max};
    if (sqlite3_value_type(value) == SQLITE_NULL) return SQLITE_OK;
    return ck_integer_from_value(value, who, what, &range, limit, err);
}

/*
** ck_pack(since [, items [, bytes [, schema]]]): the feed after seq `since`, up to so many items
** and bytes. ck_pack(hashes [, items [, bytes [, schema]]]): these, those that are not stored left
** out.
*/
static void pack(sqlite3_context *context, int argc, sqlite3_value **argv) {
    static const CkRange any_seq = {0, INT64_MAX};
    CkError err = CK_ERROR_NONE;
    CkStore *store = ck_store_from_value(sqlite3_user_data(context), argc > 3 ? argv[3] : NULL, who,
                                         &err);
    CkPackLimits limits = {INT64_MAX, CK_PACK_BYTES, 0};
    CkBuf hashes, out;
    int64_t since = 0;
    int exists = 0, type = sqlite3_value_type(argv[0]);
    int is_feed = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
    ck_buf_init(&hashes);
    ck_buf_init(&out);
    if (argc > 1) limit_from(argv[1], "items", INT64_MAX, &limits.items, &err);
    if (argc > 2) limit_from(argv[2], "bytes", CK_PACK_BYTES_MAX, &limits.bytes, &err);
    if (err.rc == SQLITE_OK) {
        if (is_feed) ck_integer_from_value(argv[0], who, "since", &any_seq, &since, &err);
        else ck_hash_list_from_value(store, argv[0], who, &hashes, &err);
    }
    if (err.rc == SQLITE_OK) ck_store_open_read(store, &exists, &err);
    if (err.rc == SQLITE_OK && exists && is_feed) ck_pack_after(store, since, &limits, &out, &err);
    if (err.rc == SQLITE_OK && exists && !is_feed) {
        CkPackHashes what = {hashes.data, ck_hash_list_count(&hashes), 0};
        ck_pack_hashes(store, &what, &limits, &out, &err);
    }
    if (err.rc == SQLITE_OK) result_pack(context, &out);
    ck_buf_release(&hashes);
    ck_buf_release(&out);
    ck_error_result(&err, context);
}

const CkFunction ck_functions_pack[] = {
    {"ck_pack", 1, CK_FUNCTION_READS, pack},
    {"ck_pack", 2, CK_FUNCTION_READS, pack},
    {"ck_pack", 3, CK_FUNCTION_READS, pack},
    {"ck_pack", 4, CK_FUNCTION_READS, pack},
    {NULL, 0, 0, NULL},
};
