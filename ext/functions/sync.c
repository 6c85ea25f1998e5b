/*
** Sync as functions: the steps of a session with a remote (store/remote.h), for clients that carry
** the messages themselves. Each is one transaction on the store of main, or part of the caller's.
*/
#include <string.h>

#include "functions/functions.h"
#include "store/ack.h"
#include "store/apply.h"
#include "store/hash_list.h"
#include "store/transaction.h"
#include "store/value.h"

static CkStore *store_of(sqlite3_context *context, sqlite3_value *schema, CkError *err) {
    return ck_store_from_value(sqlite3_user_data(context), schema, "ck_hello", err);
}

/* A text argument, or NULL for an SQL NULL. */
static const char *optional_text(sqlite3_value *value, const char *who, const char *what,
                                 CkError *err) {
    const char *text = NULL;
    if (ck_value_given(value)) ck_text_from_value(value, who, what, CK_NAME_MAX, &text, err);
    return text;
}

/* ck_hello([schema [, peer]]): what the store says of itself, with the mark that the peer left. */
static void hello(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    const char *peer = NULL;
    char *json = NULL;
    CkStore *store = store_of(context, argc > 0 ? argv[0] : NULL, &err);
    if (argc == 2) peer = optional_text(argv[1], "ck_hello", "peer", &err);
    if (err.rc == SQLITE_OK) ck_hello_make(store, peer, &json, &err);
    if (err.rc == SQLITE_OK && json) sqlite3_result_text(context, json, -1, SQLITE_TRANSIENT);
    sqlite3_free(json);
    ck_error_result(&err, context);
}

static void result_handshake(sqlite3_context *context, const CkHandshake *found) {
    const char *quote = found->reason ? "\"" : "";
    char *json = sqlite3_mprintf("{\"relist\":%d,\"reason\":%s%s%s,\"refused\":%lld}",
                                 found->relist, quote, found->reason ? found->reason : "null",
                                 quote, (long long)found->n_refused);
    if (!json) {
        sqlite3_result_error_nomem(context);
    } else {
        sqlite3_result_text(context, json, -1, sqlite3_free);
    }
}

/* ck_handshake(remote, hello): records what the remote says of itself; what follows from it. */
static void handshake(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    const char *remote, *json;
    CkHandshake found;
    CkWrite write;
    CkStore *store = store_of(context, NULL, &err);
    (void)argc;
    if (store) ck_text_from_value(argv[0], "ck_handshake", "remote", CK_NAME_MAX, &remote, &err);
    if (err.rc == SQLITE_OK) {
        ck_text_from_value(argv[1], "ck_handshake", "hello", CK_JSON_MAX_BYTES, &json, &err);
    }
    if (err.rc == SQLITE_OK && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        ck_remote_handshake(store, remote, json, &found, &err);
        if (ck_write_end(&write, &err) == SQLITE_OK) result_handshake(context, &found);
    }
    ck_error_result(&err, context);
}

/* ck_fail(remote, message [, retry_after]): the remote failed; when it is to be tried again. */
static void fail(sqlite3_context *context, int argc, sqlite3_value **argv) {
    static const CkRange any_delay = {0, CK_RETRY_AFTER_MAX_S};
    CkError err = CK_ERROR_NONE;
    const char *name, *message;
    int64_t retry_after_s = 0;
    CkRemote remote;
    CkWrite write;
    CkStore *store = store_of(context, NULL, &err);
    if (store) ck_text_from_value(argv[0], "ck_fail", "remote", CK_NAME_MAX, &name, &err);
    if (err.rc == SQLITE_OK) {
        ck_text_from_value(argv[1], "ck_fail", "message", CK_JSON_MAX_BYTES, &message, &err);
    }
    if (err.rc == SQLITE_OK && argc == 3) {
        ck_integer_from_value(argv[2], "ck_fail", "retry_after (seconds)", &any_delay,
                              &retry_after_s, &err);
    }
    if (err.rc == SQLITE_OK && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        ck_remote_fail(store, name, message, retry_after_s, &err);
        ck_write_end(&write, &err);
    }
    if (err.rc == SQLITE_OK && ck_remote_open(store, name, &remote, &err) == SQLITE_OK) {
        sqlite3_result_int64(context, remote.next_at);
        ck_remote_release(&remote);
    }
    ck_error_result(&err, context);
}

/*
** ck_settle(remote, changed): what was sent is answered; changed says that the new mark was left.
** Also the end of a session.
*/
static void settle(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    const char *name;
    CkWrite write;
    CkStore *store = store_of(context, NULL, &err);
    (void)argc;
    if (store) ck_text_from_value(argv[0], "ck_settle", "remote", CK_NAME_MAX, &name, &err);
    if (err.rc == SQLITE_OK && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        ck_remote_settle(store, name, &err);
        if (err.rc == SQLITE_OK && sqlite3_value_int(argv[1])) {
            ck_remote_marked(store, name, NULL, &err);
        }
        ck_write_end(&write, &err);
    }
    if (err.rc == SQLITE_OK) sqlite3_result_value(context, argv[1]);
    ck_error_result(&err, context);
}

/* A copy of a text column, or NULL for one that is NULL. */
static const char *copy_column(sqlite3_stmt *stmt, int column, CkError *err) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    char *copy = text ? sqlite3_mprintf("%s", text) : NULL;
    if (text && !copy) ck_error_nomem(err);
    return copy;
}

/* Is the answer, if it says so, of a batch that was taken from the remote as it is known now? */
static int check_listing(const CkRemote *remote, sqlite3_stmt *stmt, CkError *err) {
    const char *said = (const char *)sqlite3_column_text(stmt, 6);
    char *known = ck_remote_listing(remote);
    if (!known) {
        ck_error_nomem(err);
    } else if (said && strcmp(said, known) != 0) {
        ck_error_set(err, SQLITE_ERROR,
                     "ck_ack: this batch was taken for listing '%.120s' of remote '%s', which is "
                     "at '%.120s' now; shake hands again",
                     said, remote->name, known);
    }
    sqlite3_free(known);
    return err->rc;
}

/* Reads the row (hash in hex, seq, result, code, message, retry_after) of answer i. */
static int read_ack(sqlite3_stmt *stmt, size_t i, CkBuf *acks, CkError *err) {
    const char *result = (const char *)sqlite3_column_text(stmt, 2);
    int kind = result ? ck_ack_result_from_name(result) : -1;
    CkAck ack = {.seq = sqlite3_column_int64(stmt, 1), .result = (CkAckResult)kind};
    int ok = ck_hash_from_hex((const char *)sqlite3_column_text(stmt, 0),
                              sqlite3_column_bytes(stmt, 0), ack.hash);
    if (!ok || kind < 0 || sqlite3_column_type(stmt, 1) != SQLITE_INTEGER) {
        return ck_error_set(err, SQLITE_ERROR,
                            "ck_ack: answer %lld must have hash (64 hex digits), seq and result "
                            "('created', 'exists', 'rejected' or 'retry')",
                            (long long)i);
    }
    ack.retry_after_s = sqlite3_column_int64(stmt, 5);
    CkAck *out = (CkAck *)(void *)ck_buf_extend(acks, sizeof ack);
    if (!out) return ck_error_nomem(err);
    *out = ack;
    out->code = copy_column(stmt, 3, err);
    out->message = copy_column(stmt, 4, err);
    return err->rc;
}

/* Appends the answers in a JSON array, a CkAck each. */
static int read_acks(CkStore *store, const CkRemote *remote, sqlite3_value *json, CkBuf *acks,
                     CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_ACK_ELEMENTS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "v", json);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        if (check_listing(remote, stmt, err) != SQLITE_OK) break;
        read_ack(stmt, acks->n_bytes / sizeof(CkAck), acks, err);
    }
    ck_stmt_give(store, CK_SQL_ACK_ELEMENTS, stmt);
    if (err->message && strcmp(err->message, "malformed JSON") == 0) {
        ck_error_release(err);
        ck_error_set(err, SQLITE_ERROR, "ck_ack: answers must be a JSON array of objects");
    }
    return err->rc;
}

static int record_acks(CkStore *store, const char *name, sqlite3_value *json, int64_t *n,
                       CkError *err) {
    CkRemote remote;
    CkBuf buf;
    ck_buf_init(&buf);
    if (ck_remote_open(store, name, &remote, err) != SQLITE_OK) return err->rc;
    read_acks(store, &remote, json, &buf, err);
    CkAck *acks = (CkAck *)(void *)buf.data;
    *n = (int64_t)(buf.n_bytes / sizeof *acks);
    if (err->rc == SQLITE_OK) ck_ack_record(store, &remote, acks, (size_t)*n, err);
    for (int64_t i = 0; i < *n; i++) {
        sqlite3_free((char *)acks[i].code);
        sqlite3_free((char *)acks[i].message);
    }
    ck_buf_release(&buf);
    ck_remote_release(&remote);
    return err->rc;
}

/* ck_ack(remote, answers): records them and moves the cursor; how many there were. */
static void ack(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    const char *name;
    int64_t n = 0;
    CkWrite write;
    CkStore *store = store_of(context, NULL, &err);
    (void)argc;
    if (store) ck_text_from_value(argv[0], "ck_ack", "remote", CK_NAME_MAX, &name, &err);
    if (err.rc == SQLITE_OK && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        record_acks(store, name, argv[1], &n, &err);
        ck_write_end(&write, &err);
    }
    if (err.rc == SQLITE_OK) sqlite3_result_int64(context, n);
    ck_error_result(&err, context);
}

/* ck_pulled(remote, epoch, after, next, high): the feed was read from `after` to `next`. */
static void pulled(sqlite3_context *context, int argc, sqlite3_value **argv) {
    static const CkRange any_seq = {0, INT64_MAX};
    CkError err = CK_ERROR_NONE;
    const char *name = NULL;
    CkPullCursor cursor = {NULL, 0, 0, 0};
    CkApply apply;
    CkWrite write;
    CkStore *store = store_of(context, NULL, &err);
    (void)argc;
    if (store) ck_text_from_value(argv[0], "ck_pulled", "remote", CK_NAME_MAX, &name, &err);
    cursor.epoch = store ? optional_text(argv[1], "ck_pulled", "epoch", &err) : NULL;
    int64_t *const seqs[] = {&cursor.after_seq, &cursor.next_seq, &cursor.high_seq};
    static const char *const names[] = {"after", "next", "high"};
    for (int i = 0; i < 3 && err.rc == SQLITE_OK; i++) {
        ck_integer_from_value(argv[2 + i], "ck_pulled", names[i], &any_seq, seqs[i], &err);
    }
    if (err.rc == SQLITE_OK && ck_write_begin(&write, store, &err) == SQLITE_OK) {
        ck_apply_begin(&apply, store, name, NULL, &err);
        ck_apply_end(&apply, &cursor, &err);
        ck_write_end(&write, &err);
    }
    if (err.rc == SQLITE_OK) sqlite3_result_int64(context, cursor.next_seq);
    ck_error_result(&err, context);
}

const CkFunction ck_functions_sync[] = {
    {"ck_hello", 0, CK_FUNCTION_READS, hello},
    {"ck_hello", 1, CK_FUNCTION_READS, hello},
    {"ck_hello", 2, CK_FUNCTION_READS, hello},
    {"ck_handshake", 2, CK_FUNCTION_WRITES, handshake},
    {"ck_fail", 2, CK_FUNCTION_WRITES, fail},
    {"ck_fail", 3, CK_FUNCTION_WRITES, fail},
    {"ck_settle", 2, CK_FUNCTION_WRITES, settle},
    {"ck_ack", 2, CK_FUNCTION_WRITES, ack},
    {"ck_pulled", 5, CK_FUNCTION_WRITES, pulled},
    {NULL, 0, 0, NULL},
};
