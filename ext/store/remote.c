/*
** Remotes: see remote.h.
**
** What a remote may be found to be at a handshake, and what follows:
**
**   another epoch          another file, a copy or a restored one
**   another mark           restored in place since we changed something in it
**   other writers          restored in place since the last handshake, and changed after that
**   seq below our cursor   restored in place since we read it
**       All of ours is offered again, by hashes, and all of its is listed again. Of our tombstones
**       none is sent twice: what was put there after them would be lost.
**   min_seq above our cursor   it has forgotten tombstones that we have not seen: listed again
**   a model is refused no more   ours is offered again, and all of its is listed again
*/
#include "store/remote.h"

#include <string.h>

#include "store/ack.h"
#include "store/feed.h"
#include "store/identity.h"
#include "store/key.h"

enum {
    ROW_NAME, ROW_URL, ROW_EPOCH, ROW_MARK, ROW_NEW_MARK, ROW_PUSH, ROW_MIRROR, ROW_ITEMS,
    ROW_BYTES, ROW_PUSH_SEQ, ROW_TOMBSTONE_SEQ, ROW_PULL_SEQ, ROW_PULL_HIGH, ROW_MIN_SEQ,
    ROW_LISTING, ROW_LISTED, ROW_ATTEMPTS, ROW_NEXT_AT
};

/* A copy of a text column; NULL stays NULL. */
static char *copy_text(sqlite3_stmt *stmt, int column, CkError *err) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return NULL;
    char *copy = text ? sqlite3_mprintf("%s", text) : NULL;
    if (!copy) ck_error_nomem(err);
    return copy;
}

static void remote_from_row(sqlite3_stmt *stmt, CkRemote *remote, CkError *err) {
    remote->name = copy_text(stmt, ROW_NAME, err);
    remote->url = copy_text(stmt, ROW_URL, err);
    remote->epoch = copy_text(stmt, ROW_EPOCH, err);
    remote->mark = copy_text(stmt, ROW_MARK, err);
    remote->new_mark = copy_text(stmt, ROW_NEW_MARK, err);
    remote->push = sqlite3_column_int(stmt, ROW_PUSH);
    remote->mirror = sqlite3_column_int(stmt, ROW_MIRROR);
    remote->batch_items = sqlite3_column_int64(stmt, ROW_ITEMS);
    remote->batch_bytes = sqlite3_column_int64(stmt, ROW_BYTES);
    remote->push_seq = sqlite3_column_int64(stmt, ROW_PUSH_SEQ);
    remote->tombstone_seq = sqlite3_column_int64(stmt, ROW_TOMBSTONE_SEQ);
    remote->pull_seq = sqlite3_column_int64(stmt, ROW_PULL_SEQ);
    remote->pull_high = sqlite3_column_int64(stmt, ROW_PULL_HIGH);
    remote->min_seq = sqlite3_column_int64(stmt, ROW_MIN_SEQ);
    remote->listing = sqlite3_column_int64(stmt, ROW_LISTING);
    remote->listed = sqlite3_column_int64(stmt, ROW_LISTED);
    remote->attempts = sqlite3_column_int64(stmt, ROW_ATTEMPTS);
    remote->next_at = sqlite3_column_int64(stmt, ROW_NEXT_AT);
}

static int unknown(CkStore *store, const char *name, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_REMOTE_NAMES, &stmt, err) != SQLITE_OK) return err->rc;
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        ck_error_set(err, SQLITE_ERROR, "sync: there is no remote '%s' in ck_remotes (%s)", name,
                     (const char *)sqlite3_column_text(stmt, 0));
    }
    ck_stmt_give(store, CK_SQL_REMOTE_NAMES, stmt);
    return err->rc;
}

int ck_remote_open(CkStore *store, const char *name, CkRemote *remote, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int exists = 0, found = 0;
    memset(remote, 0, sizeof *remote);
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK) return err->rc;
    if (!exists) {
        return ck_error_set(err, SQLITE_ERROR,
                            "sync: there is no remote '%s': there is no store yet (ck_init())",
                            name);
    }
    if (ck_stmt_take(store, CK_SQL_REMOTE_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "t", name);
    found = ck_stmt_step(store, stmt, err) == SQLITE_ROW;
    if (found) remote_from_row(stmt, remote, err);
    ck_stmt_give(store, CK_SQL_REMOTE_GET, stmt);
    if (err->rc == SQLITE_OK && !found) unknown(store, name, err);
    if (err->rc != SQLITE_OK) ck_remote_release(remote);
    return err->rc;
}

void ck_remote_release(CkRemote *remote) {
    sqlite3_free(remote->name);
    sqlite3_free(remote->url);
    sqlite3_free(remote->epoch);
    sqlite3_free(remote->mark);
    sqlite3_free(remote->new_mark);
    memset(remote, 0, sizeof *remote);
}

char *ck_remote_listing(const CkRemote *remote) {
    return sqlite3_mprintf("%s/%lld", remote->epoch ? remote->epoch : "",
                           (long long)remote->listing);
}

int ck_hello_make(CkStore *store, const char *peer, char **json, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    char copied[24] = "";
    int64_t known = 0;
    int exists = 0, found;
    *json = NULL;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    int64_t inode = ck_identity_inode(store);
    ck_stmt_ints(store, CK_SQL_IDENTITY_GET, err, &known, 1, &found, "");
    if (inode != 0 && known != 0 && inode != known) {
        sqlite3_snprintf(sizeof copied, copied, "/%lld", (long long)inode);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    if (ck_stmt_take(store, CK_SQL_HELLO, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iittti", (int64_t)CK_PROTOCOL_MIN, (int64_t)CK_PROTOCOL_MAX,
                 CK_KEY_CONTEXT, copied, peer, (int64_t)CK_FEED_WRITERS);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) *json = copy_text(stmt, 0, err);
    ck_stmt_give(store, CK_SQL_HELLO, stmt);
    return err->rc;
}

/* What a remote says of itself. */
typedef struct Hello {
    CkRemote remote; /* as we know it */
    char *epoch, *mark;
    int64_t seq, min_seq, limit_items, limit_bytes;
    int64_t writers_differ;
} Hello;

static int is_integer(sqlite3_stmt *stmt, int column) {
    return sqlite3_column_type(stmt, column) == SQLITE_INTEGER;
}

static int not_a_hello(const char *name, CkError *err) {
    return ck_error_set(err, SQLITE_ERROR,
                        "sync: what remote '%s' says of itself is not a hello of ck", name);
}

static int read_hello(Hello *hello, sqlite3_stmt *stmt, CkError *err) {
    const char *name = hello->remote.name;
    const char *key = (const char *)sqlite3_column_text(stmt, 2);
    const char *epoch = (const char *)sqlite3_column_text(stmt, 3);
    const char *models = (const char *)sqlite3_column_text(stmt, 9);
    int complete = key && epoch && *epoch && models && strcmp(models, "array") == 0;
    static const int integers[] = {0, 1, 4, 5, 7, 8};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        complete = complete && is_integer(stmt, integers[i]) &&
                   sqlite3_column_int64(stmt, integers[i]) >= 0;
    }
    if (!complete) {
        return not_a_hello(name, err);
    }
    int64_t min = sqlite3_column_int64(stmt, 0), max = sqlite3_column_int64(stmt, 1);
    if (min > CK_PROTOCOL_MAX || max < CK_PROTOCOL_MIN) {
        return ck_error_set(err, SQLITE_ERROR,
                            "sync: remote '%s' speaks protocol %lld..%lld, this ck %d..%d", name,
                            (long long)min, (long long)max, CK_PROTOCOL_MIN, CK_PROTOCOL_MAX);
    }
    if (strcmp(key, CK_KEY_CONTEXT) != 0) {
        return ck_error_set(err, SQLITE_ERROR,
                            "sync: remote '%s' makes its hashes by '%.80s', this ck by '%s'", name,
                            key, CK_KEY_CONTEXT);
    }
    hello->epoch = copy_text(stmt, 3, err);
    hello->seq = sqlite3_column_int64(stmt, 4);
    hello->min_seq = sqlite3_column_int64(stmt, 5);
    hello->mark = copy_text(stmt, 6, err);
    hello->limit_items = sqlite3_column_int64(stmt, 7);
    hello->limit_bytes = sqlite3_column_int64(stmt, 8);
    return err->rc;
}

/* A url may lead back here. */
static int check_other(CkStore *store, const Hello *hello, CkError *err) {
    int64_t one;
    int found = 0;
    ck_stmt_ints(store, CK_SQL_HANDSHAKE_IS_OWN, err, &one, 1, &found, "t", hello->epoch);
    if (err->rc != SQLITE_OK || !found) return err->rc;
    return ck_error_set(err, SQLITE_ERROR, "sync: remote '%s' is this store itself",
                        hello->remote.name);
}

/* Why all is to be listed again, or NULL. */
static const char *reason_to_relist(const Hello *hello) {
    const CkRemote *known = &hello->remote;
    const char *mark = hello->mark ? hello->mark : "";
    if (!known->epoch) return known->push_seq > 0 || known->pull_seq > 0 ? "epoch" : NULL;
    if (strcmp(known->epoch, hello->epoch) != 0) return "epoch";
    if (known->mark && strcmp(known->mark, mark) != 0 &&
        !(known->new_mark && strcmp(known->new_mark, mark) == 0)) {
        return "mark";
    }
    if (hello->writers_differ) return "writers";
    if (hello->seq < known->pull_seq || hello->seq < known->pull_high) return "seq";
    if (hello->min_seq > known->min_seq && known->pull_seq > 0 &&
        known->pull_seq < hello->min_seq) {
        return "min_seq";
    }
    return NULL;
}

/* All that the remote has is listed from the first. */
static int list_again(CkStore *store, const char *name, CkError *err) {
    ck_stmt_run(store, CK_SQL_REMOTE_DROP_REJECTED, err, "t", name);
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_REMOTE_LIST_AGAIN, err, "t", name);
}

static int start_again(CkStore *store, const char *name, const char *reason, CkError *err) {
    if (strcmp(reason, "min_seq") != 0) {
        ck_stmt_run(store, CK_SQL_REMOTE_PUSH_AGAIN, err, "t", name);
        if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_REMOTE_DROP_ACKS, err, "t", name);
    }
    return err->rc == SQLITE_OK ? list_again(store, name, err) : err->rc;
}

/* The table's constraints say what a model can be. */
static int add_models(CkStore *store, const char *name, const char *hello, CkError *err) {
    CkError own = CK_ERROR_NONE;
    ck_stmt_run(store, CK_SQL_HANDSHAKE_ADD_MODELS, &own, "tt", name, hello);
    if ((own.rc & 0xff) == SQLITE_CONSTRAINT) {
        ck_error_set(err, SQLITE_ERROR, "sync: remote '%s' has a model that cannot be: %s", name,
                     own.message);
    } else if (own.rc == SQLITE_NOMEM) {
        ck_error_nomem(err);
    } else if (own.rc != SQLITE_OK) {
        ck_error_set(err, own.rc, "%s", own.message);
    }
    ck_error_release(&own);
    return err->rc;
}

/* Models of other dims are refused, each for itself. *again: all is listed, since one is not any
** more. */
static int record_models(CkStore *store, const char *name, const char *hello, int *again,
                         CkError *err) {
    int64_t differ = 0, lifted = 0;
    int found;
    ck_stmt_ints(store, CK_SQL_HANDSHAKE_MODELS_DIFFER, err, &differ, 1, &found, "tt", name, hello);
    if (err->rc != SQLITE_OK || !differ) return err->rc;
    ck_stmt_ints(store, CK_SQL_HANDSHAKE_LIFTED, err, &lifted, 1, &found, "tt", name, hello);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_HANDSHAKE_DROP_MODELS, err, "t", name);
    if (err->rc == SQLITE_OK) add_models(store, name, hello, err);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_HANDSHAKE_DROP_ERRORS, err, "t", name);
    if (err->rc == SQLITE_OK) {
        ck_stmt_run(store, CK_SQL_HANDSHAKE_ADD_ERRORS, err, "ti", name,
                    ck_conn_now(store->conn));
    }
    if (err->rc != SQLITE_OK || !lifted) return err->rc;
    ck_stmt_run(store, CK_SQL_REMOTE_DROP_MODEL_ACKS, err, "t", name);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_REMOTE_PUSH_AGAIN, err, "t", name);
    if (err->rc == SQLITE_OK) list_again(store, name, err);
    *again = 1;
    return err->rc;
}

static int parse_hello(CkStore *store, const char *json, Hello *hello, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_HANDSHAKE_READ, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "t", json);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        read_hello(hello, stmt, err);
    } else if (err->rc == SQLITE_ERROR) { /* malformed JSON */
        ck_error_release(err);
        not_a_hello(hello->remote.name, err);
    }
    ck_stmt_give(store, CK_SQL_HANDSHAKE_READ, stmt);
    return err->rc;
}

int ck_remote_handshake(CkStore *store, const char *name, const char *json, CkHandshake *out,
                        CkError *err) {
    Hello hello;
    char new_mark[CK_UUID_BYTES];
    int found, again = 0;
    memset(&hello, 0, sizeof hello);
    memset(out, 0, sizeof *out);
    if (ck_remote_open(store, name, &hello.remote, err) != SQLITE_OK) return err->rc;
    name = hello.remote.name;
    if (ck_identity_check(store, err) != SQLITE_OK) goto done;
    if (parse_hello(store, json, &hello, err) != SQLITE_OK) goto done;
    if (check_other(store, &hello, err) != SQLITE_OK) goto done;
    if (ck_stmt_ints(store, CK_SQL_HANDSHAKE_WRITERS_DIFFER, err, &hello.writers_differ, 1, &found,
                     "tt", name, json) != SQLITE_OK) {
        goto done;
    }
    out->reason = reason_to_relist(&hello);
    out->relist = out->reason != NULL;
    if (out->relist && start_again(store, name, out->reason, err) != SQLITE_OK) goto done;
    if (record_models(store, name, json, &again, err) != SQLITE_OK) goto done;
    if (again && !out->relist) {
        out->relist = 1;
        out->reason = "models";
    }
    ck_uuid_make(new_mark);
    ck_stmt_run(store, CK_SQL_HANDSHAKE_SET, err, "ttiiitti", name, hello.epoch, hello.limit_items,
                hello.limit_bytes, hello.min_seq, new_mark, json, hello.seq);
    if (err->rc == SQLITE_OK) {
        ck_stmt_ints(store, CK_SQL_HANDSHAKE_COUNT_REFUSED, err, &out->n_refused, 1, &found, "t",
                     name);
    }
done:
    ck_remote_release(&hello.remote);
    sqlite3_free(hello.epoch);
    sqlite3_free(hello.mark);
    return err->rc;
}

int64_t ck_retry_delay_s(int64_t attempts, uint64_t salt) {
    int64_t delay = CK_RETRY_FIRST_S;
    for (int64_t i = 1; i < attempts && delay < CK_RETRY_MAX_S; i++) delay *= 2;
    if (delay > CK_RETRY_MAX_S) delay = CK_RETRY_MAX_S;
    int64_t spread = delay / 4;
    return delay - spread / 2 + (int64_t)(salt % (uint64_t)(spread + 1));
}

int ck_remote_fail(CkStore *store, const char *name, const char *message, int64_t retry_after_s,
                   CkError *err) {
    CkRemote remote;
    uint64_t salt = 0;
    if (ck_remote_open(store, name, &remote, err) != SQLITE_OK) return err->rc;
    sqlite3_randomness(sizeof salt, &salt);
    int64_t delay = ck_retry_delay_s(remote.attempts + 1, salt);
    if (delay < retry_after_s) delay = retry_after_s;
    ck_stmt_run(store, CK_SQL_REMOTE_FAIL, err, "tiit", remote.name, ck_conn_now(store->conn),
                delay, message);
    ck_remote_release(&remote);
    return err->rc;
}

int ck_remote_marked(CkStore *store, const char *name, const char *mark, CkError *err) {
    char next[CK_UUID_BYTES];
    ck_uuid_make(next);
    return ck_stmt_run(store, CK_SQL_REMOTE_SET_MARK, err, "ttt", name, mark, next);
}

int ck_remote_settle(CkStore *store, const char *name, CkError *err) {
    CkRemote remote;
    if (ck_remote_open(store, name, &remote, err) != SQLITE_OK) return err->rc;
    ck_ack_record(store, &remote, NULL, 0, err); /* passes over what is not to be sent */
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_ACK_DROP_POISON, err, "t", remote.name);
    if (err->rc == SQLITE_OK) {
        ck_stmt_run(store, CK_SQL_REMOTE_SETTLE, err, "ti", remote.name,
                    ck_conn_now(store->conn));
    }
    ck_remote_release(&remote);
    return err->rc;
}
