/* ck_push, ck_pull, ck_sync: whole sessions with a remote of ck_remotes (store/sync.h). */
#include <string.h>

#include "functions/functions.h"
#include "store/hash_list.h"
#include "store/log.h"
#include "store/sync.h"
#include "store/value.h"

static int result_summary(sqlite3_context *context, CkStore *store, const CkSyncSummary *s,
                          CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_SYNC_SUMMARY, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iiiiiiiiiiiiii", s->pushed, s->push_exists, s->push_rejected, s->pulled,
                 s->pull_exists, s->pull_rejected, s->conflicts, s->missing, s->damaged,
                 s->batches, s->bytes, (int64_t)s->relisted, s->unreachable, s->reported);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        sqlite3_result_value(context, sqlite3_column_value(stmt, 0));
    }
    ck_stmt_give(store, CK_SQL_SYNC_SUMMARY, stmt);
    return err->rc;
}

typedef int (*Session)(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err);

static void run(sqlite3_context *context, const char *who, sqlite3_value *name, Session session) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = ck_conn_store(sqlite3_user_data(context), "main");
    CkSyncSummary summary;
    const char *remote;
    memset(&summary, 0, sizeof summary);
    if (!store) ck_error_nomem(&err);
    if (err.rc == SQLITE_OK &&
        ck_text_from_value(name, who, "remote", CK_PATH_MAX_BYTES, &remote, &err) == SQLITE_OK &&
        session(store, remote, &summary, &err) == SQLITE_OK) {
        result_summary(context, store, &summary, &err);
    }
    ck_error_result(&err, context);
}

/* ck_push(remote): what waits in ck_outbox goes there. */
static void push(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    run(context, "ck_push", argv[0], ck_sync_push);
}

/* ck_sync(remote): pulls, then pushes. */
static void sync_both(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    run(context, "ck_sync", argv[0], ck_sync_both);
}

/* ck_pull(remote): all that it has. */
static void pull(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    run(context, "ck_pull", argv[0], ck_sync_pull_all);
}

/* What is to be got: 'workspaces', or a list of hashes. */
static int read_wanted(CkStore *store, sqlite3_value *what, CkBuf *hashes, CkError *err) {
    if (sqlite3_value_type(what) == SQLITE_TEXT && sqlite3_value_bytes(what) == 10 &&
        memcmp(sqlite3_value_text(what), "workspaces", 10) == 0) {
        return ck_sync_lacking(store, hashes, err);
    }
    return ck_hash_list_from_value(store, what, "ck_pull", hashes, err);
}

/*
** ck_pull(remote, what): what of it this store lacks: of a list of hashes, or with 'workspaces'
** what its workspaces refer to. remote NULL: all remotes are asked, one after the other.
*/
static void pull_some(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    CkStore *store = ck_conn_store(sqlite3_user_data(context), "main");
    CkSyncSummary summary;
    const char *remote = NULL;
    CkBuf hashes;
    (void)argc;
    memset(&summary, 0, sizeof summary);
    ck_buf_init(&hashes);
    if (!store) ck_error_nomem(&err);
    if (err.rc == SQLITE_OK && sqlite3_value_type(argv[0]) != SQLITE_NULL) {
        ck_text_from_value(argv[0], "ck_pull", "remote", CK_PATH_MAX_BYTES, &remote, &err);
    }
    if (err.rc == SQLITE_OK) read_wanted(store, argv[1], &hashes, &err);
    const CkHashes wanted = {hashes.data, ck_hash_list_count(&hashes)};
    if (err.rc == SQLITE_OK && remote) ck_sync_pull_hashes(store, remote, wanted, &summary, &err);
    if (err.rc == SQLITE_OK && !remote) ck_sync_pull_anywhere(store, wanted, &summary, &err);
    if (err.rc == SQLITE_OK) result_summary(context, store, &summary, &err);
    ck_buf_release(&hashes);
    ck_error_result(&err, context);
}

const CkFunction ck_functions_remotes[] = {
    {"ck_push", 1, CK_FUNCTION_WRITES, push},
    {"ck_pull", 1, CK_FUNCTION_WRITES, pull},
    {"ck_pull", 2, CK_FUNCTION_WRITES, pull_some},
    {"ck_sync", 1, CK_FUNCTION_WRITES, sync_both},
    {NULL, 0, 0, NULL},
};
