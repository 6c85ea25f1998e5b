/*
** What stores and workers tell each other: leases, heartbeats, reports, what is retired, and items.
**
** All work on the store of main, or of the attached schema that is the last argument.
*/
#include <stdlib.h>
#include <string.h>

#include "functions/functions.h"
#include "store/apply.h"
#include "store/hash_list.h"
#include "store/identity.h"
#include "store/lease.h"
#include "store/log.h"
#include "store/peer.h"
#include "store/tombstone.h"
#include "store/transaction.h"
#include "store/value.h"
#include "vector/vector.h"

/* One call: the store, its transaction, and the result's text. */
typedef struct Call {
    const char *who;
    sqlite3_context *context;
    CkError err;
    CkStore *store;
    CkWrite write;
    CkBuf hashes;
    sqlite3_str *json;
} Call;

/* Begins; the schema is argument `at`, if there are so many. Ended with end() in any case. */
static void begin(Call *call, const char *who, sqlite3_context *context, sqlite3_value *schema) {
    memset(call, 0, sizeof *call);
    call->who = who;
    call->context = context;
    ck_buf_init(&call->hashes);
    CkError *err = &call->err;
    call->store = ck_store_from_value(sqlite3_user_data(context), schema, who, err);
    if (err->rc == SQLITE_OK && ck_write_begin(&call->write, call->store, err) != SQLITE_OK) {
        call->store = NULL;
    }
    if (err->rc != SQLITE_OK) {
        call->store = NULL;
        return;
    }
    if (ck_store_open_write(call->store, err) == SQLITE_OK) ck_identity_check(call->store, err);
}

/* Commits, or rolls back what failed; the result is the text of `json`, if there is one. */
static void end(Call *call) {
    CkError *err = &call->err;
    if (call->store) ck_write_end(&call->write, err);
    char *text = call->json ? sqlite3_str_finish(call->json) : NULL;
    if (err->rc == SQLITE_OK && call->json) {
        if (text) {
            sqlite3_result_text(call->context, text, -1, SQLITE_TRANSIENT);
        } else {
            ck_error_nomem(err);
        }
    }
    sqlite3_free(text);
    ck_buf_release(&call->hashes);
    ck_error_result(err, call->context);
}

static const char *text_argument(Call *call, sqlite3_value *value, const char *what) {
    const char *text = NULL;
    if (call->err.rc == SQLITE_OK) {
        ck_text_from_value(value, call->who, what, CK_NAME_MAX, &text, &call->err);
    }
    return text;
}

static const char *optional_text(Call *call, sqlite3_value *value, const char *what) {
    return ck_value_given(value) ? text_argument(call, value, what) : NULL;
}

static int64_t ttl_argument(Call *call, sqlite3_value *value) {
    static const CkRange range = {1, CK_LEASE_TTL_MAX_S};
    int64_t ttl_s = 0;
    if (call->err.rc == SQLITE_OK) {
        ck_integer_from_value(value, call->who, "ttl (seconds)", &range, &ttl_s, &call->err);
    }
    return ttl_s;
}

static void hashes_argument(Call *call, sqlite3_value *value) {
    if (call->err.rc != SQLITE_OK) return;
    ck_hash_list_from_value(call->store, value, call->who, &call->hashes, &call->err);
}

/* Begins the object of hash i in the JSON array. */
static void json_object(Call *call, size_t i, const char *state) {
    char hex[CK_HASH_HEX];
    ck_hash_to_hex(ck_hash_list_at(&call->hashes, i), hex);
    sqlite3_str_appendf(call->json, "%s{\"ord\":%lld,\"hash\":\"%s\",\"state\":\"%s\"",
                        i > 0 ? "," : "", (long long)i, hex, state);
}

static void json_claims(Call *call, const CkClaimed *claimed) {
    static const char *const states[] = {"have", "granted", "busy"};
    call->json = sqlite3_str_new(call->store->conn->db);
    sqlite3_str_appendchar(call->json, 1, '[');
    for (size_t i = 0; i < ck_hash_list_count(&call->hashes); i++) {
        json_object(call, i, states[claimed[i].state]);
        if (claimed[i].state == CK_CLAIM_GRANTED) {
            sqlite3_str_appendf(call->json, ",\"fence\":%lld", (long long)claimed[i].fence);
        } else if (claimed[i].state == CK_CLAIM_BUSY) {
            sqlite3_str_appendf(call->json, ",\"retry_after\":%lld",
                                (long long)claimed[i].retry_after_s);
        }
        sqlite3_str_appendchar(call->json, 1, '}');
    }
    sqlite3_str_appendchar(call->json, 1, ']');
}

/* ck_claim(hashes, owner, ttl [, schema]): who computes each of them; a JSON array. */
static void claim(sqlite3_context *context, int argc, sqlite3_value **argv) {
    Call call;
    begin(&call, "ck_claim", context, argc == 4 ? argv[3] : NULL);
    CkLeaseOwner by = {text_argument(&call, argv[1], "owner"), ttl_argument(&call, argv[2])};
    hashes_argument(&call, argv[0]);
    if (call.err.rc == SQLITE_OK) {
        size_t n = ck_hash_list_count(&call.hashes);
        CkClaimed *claimed = sqlite3_malloc64((n + 1) * sizeof *claimed);
        if (!claimed) ck_error_nomem(&call.err);
        if (claimed && ck_lease_claim(call.store, &by, call.hashes.data, n, claimed, &call.err) ==
                           SQLITE_OK) {
            json_claims(&call, claimed);
        }
        sqlite3_free(claimed);
    }
    end(&call);
}

/* The hashes of an argument that may be NULL: all. */
static const uint8_t *some_or_all(Call *call, sqlite3_value *value) {
    if (!ck_value_given(value)) return NULL;
    hashes_argument(call, value);
    return call->hashes.data ? call->hashes.data : (const uint8_t *)"";
}

/* ck_renew(hashes, owner, ttl [, schema]): how many are still the owner's; hashes NULL: all. */
static void renew(sqlite3_context *context, int argc, sqlite3_value **argv) {
    Call call;
    int64_t n = 0;
    begin(&call, "ck_renew", context, argc == 4 ? argv[3] : NULL);
    CkLeaseOwner by = {text_argument(&call, argv[1], "owner"), ttl_argument(&call, argv[2])};
    const uint8_t *hashes = call.store ? some_or_all(&call, argv[0]) : NULL;
    if (call.err.rc == SQLITE_OK) {
        ck_lease_renew(call.store, &by, hashes, ck_hash_list_count(&call.hashes), &n, &call.err);
    }
    if (call.err.rc == SQLITE_OK) sqlite3_result_int64(context, n);
    end(&call);
}

/* ck_release(hashes, owner [, schema]): how many leases ended; hashes NULL: all of the owner. */
static void release(sqlite3_context *context, int argc, sqlite3_value **argv) {
    Call call;
    int64_t n = 0;
    begin(&call, "ck_release", context, argc == 3 ? argv[2] : NULL);
    const char *owner = text_argument(&call, argv[1], "owner");
    const uint8_t *hashes = call.store ? some_or_all(&call, argv[0]) : NULL;
    if (call.err.rc == SQLITE_OK) {
        ck_lease_release(call.store, owner, hashes, ck_hash_list_count(&call.hashes), &n,
                         &call.err);
    }
    if (call.err.rc == SQLITE_OK) sqlite3_result_int64(context, n);
    end(&call);
}

/* ck_heartbeat(store, user, mark [, schema]): the store of that uuid was seen. */
static void heartbeat(sqlite3_context *context, int argc, sqlite3_value **argv) {
    Call call;
    begin(&call, "ck_heartbeat", context, argc == 4 ? argv[3] : NULL);
    const char *peer = text_argument(&call, argv[0], "store");
    const char *user = optional_text(&call, argv[1], "user");
    const char *mark = optional_text(&call, argv[2], "mark");
    if (call.err.rc == SQLITE_OK) ck_peer_heartbeat(call.store, peer, user, mark, &call.err);
    if (call.err.rc == SQLITE_OK) sqlite3_result_value(context, argv[0]);
    end(&call);
}

/* Reads a hash that may be NULL into `hash`. */
static const uint8_t *optional_hash(Call *call, sqlite3_value *value, uint8_t *hash) {
    if (call->err.rc != SQLITE_OK || !ck_value_given(value)) return NULL;
    ck_hash_from_value(value, call->who, hash, &call->err);
    return hash;
}

/* ck_report(store, hashes, after, through [, schema]): one part of what that store refers to. */
static void report(sqlite3_context *context, int argc, sqlite3_value **argv) {
    Call call;
    uint8_t after[CK_HASH_BYTES], through[CK_HASH_BYTES];
    int64_t n = 0;
    begin(&call, "ck_report", context, argc == 5 ? argv[4] : NULL);
    CkReportPart part = {.peer = text_argument(&call, argv[0], "store")};
    hashes_argument(&call, argv[1]);
    part.after = optional_hash(&call, argv[2], after);
    part.through = optional_hash(&call, argv[3], through);
    part.hashes = call.hashes.data;
    part.n = ck_hash_list_count(&call.hashes);
    if (call.err.rc == SQLITE_OK) ck_peer_report(call.store, &part, &n, &call.err);
    if (call.err.rc == SQLITE_OK) sqlite3_result_int64(context, n);
    end(&call);
}

/* ck_retire(hashes): which of them nobody needs and so are gone; a JSON array. */
static void retire(sqlite3_context *context, int argc, sqlite3_value **argv) {
    static const char *const states[] = {"retired", "referenced", "leased", "absent"};
    Call call;
    int64_t n_retired = 0;
    (void)argc;
    begin(&call, "ck_retire", context, NULL);
    hashes_argument(&call, argv[0]);
    if (call.err.rc == SQLITE_OK) {
        call.json = sqlite3_str_new(call.store->conn->db);
        sqlite3_str_appendchar(call.json, 1, '[');
    }
    for (size_t i = 0; call.err.rc == SQLITE_OK && i < ck_hash_list_count(&call.hashes); i++) {
        CkRetired state;
        if (ck_retire(call.store, ck_hash_list_at(&call.hashes, i), &state, &call.err) ==
            SQLITE_OK) {
            n_retired += state == CK_RETIRE_DONE;
            json_object(&call, i, states[state]);
            sqlite3_str_appendchar(call.json, 1, '}');
        }
    }
    if (call.json) sqlite3_str_appendchar(call.json, 1, ']');
    if (n_retired > 0) {
        ck_audit_add(call.store, "retired", &call.err, "{\"embeddings\":%lld}",
                     (long long)n_retired);
    }
    end(&call);
}

/* The model as this store or the remote knows it, but of the vector's dims. dims 0: without a
** vector the dims are those that are known, or 1. */
static int describe_model(Call *call, const char *remote, CkItemModel *model, uint32_t dims) {
    CkModel known;
    int64_t row[3] = {0, 0, 0};
    int found = 0;
    ck_model_defaults(&known);
    known.dims = 1;
    ck_model_find(call->store, model->name, model->version, &known, &found, &call->err);
    if (call->err.rc == SQLITE_OK && !found && remote) {
        ck_stmt_ints(call->store, CK_SQL_REMOTE_MODEL, &call->err, row, 3, &found, "ttt", remote,
                     model->name, model->version);
        if (found) {
            known.metric = (CkMetric)row[0];
            known.normalized = row[1] != 0;
            known.dims = (uint32_t)row[2];
        }
    }
    model->dims = dims > 0 ? dims : known.dims;
    model->metric = known.metric;
    model->encoding = known.encoding;
    model->normalized = known.normalized;
    model->seal = ck_item_model_seal(model);
    return call->err.rc;
}

static void apply_item(Call *call, const char *remote, const CkItem *item) {
    static const char *const states[] = {"created", "exists", "conflict", "rejected"};
    CkApply apply;
    CkItemOutcome outcome;
    if (ck_apply_begin(&apply, call->store, remote, NULL, &call->err) == SQLITE_OK) {
        ck_apply_item(&apply, item, &outcome, &call->err);
    }
    ck_apply_end(&apply, NULL, &call->err);
    if (call->err.rc != SQLITE_OK) return;
    if (outcome.result == CK_ITEM_REJECTED) {
        call->json = sqlite3_str_new(call->store->conn->db);
        sqlite3_str_appendf(call->json, "rejected: %s", outcome.code);
    } else {
        sqlite3_result_text(call->context, states[outcome.result], -1, SQLITE_STATIC);
    }
}

/* The data of a put: f32, as the item's. */
static int read_vector(Call *call, sqlite3_value *value, CkVector *vector, CkItem *item) {
    if (!ck_value_given(value)) return call->err.rc;
    if (ck_vector_parse(value, call->who, vector, &call->err) != SQLITE_OK) return call->err.rc;
    if (ck_vector_widen(vector, call->who, &call->err) != SQLITE_OK) return call->err.rc;
    item->encoding = CK_ENCODING_F32;
    item->data = vector->data;
    item->n_bytes = (int)vector->n_bytes;
    return SQLITE_OK;
}

/*
** ck_apply(remote, op, hash, model, version, vector, origin, at [, schema]): puts an item that came
** from a remote (NULL: that a peer pushed here). vector NULL: it was only listed. at: when it was
** retired, for a tombstone.
*/
static void apply(sqlite3_context *context, int argc, sqlite3_value **argv) {
    static const CkRange any_time = {0, INT64_MAX};
    Call call;
    CkVector vector;
    CkItemModel model;
    CkItem item;
    memset(&vector, 0, sizeof vector);
    memset(&model, 0, sizeof model);
    memset(&item, 0, sizeof item);
    begin(&call, "ck_apply", context, argc == 9 ? argv[8] : NULL);
    const char *remote = optional_text(&call, argv[0], "remote");
    const char *op = text_argument(&call, argv[1], "op");
    model.name = text_argument(&call, argv[3], "model");
    model.version = text_argument(&call, argv[4], "version");
    if (call.err.rc == SQLITE_OK && ck_value_given(argv[6])) {
        ck_text_from_value(argv[6], "ck_apply", "origin", CK_ORIGIN_MAX, &item.origin, &call.err);
    }
    item.model = &model;
    if (call.err.rc == SQLITE_OK) ck_hash_from_value(argv[2], "ck_apply", item.hash, &call.err);
    if (call.err.rc == SQLITE_OK) read_vector(&call, argv[5], &vector, &item);
    item.created_at = call.store ? ck_conn_now(call.store->conn) : 0;
    if (call.err.rc == SQLITE_OK && ck_value_given(argv[7])) {
        ck_integer_from_value(argv[7], "ck_apply", "at", &any_time, &item.created_at, &call.err);
    }
    if (call.err.rc == SQLITE_OK) {
        item.op = strcmp(op, "tombstone") == 0 ? CK_ITEM_TOMBSTONE : CK_ITEM_PUT;
        if (item.op == CK_ITEM_PUT && strcmp(op, "put") != 0) {
            ck_error_set(&call.err, SQLITE_ERROR, "ck_apply: op must be 'put' or 'tombstone'");
        }
    }
    if (call.err.rc == SQLITE_OK) {
        describe_model(&call, remote, &model, vector.dims);
    }
    if (call.err.rc == SQLITE_OK) {
        item.checksum = ck_item_checksum(&item);
        apply_item(&call, remote, &item);
    }
    end(&call);
    ck_vector_release(&vector);
}

const CkFunction ck_functions_peers[] = {
    {"ck_claim", 3, CK_FUNCTION_WRITES, claim},
    {"ck_claim", 4, CK_FUNCTION_WRITES, claim},
    {"ck_renew", 3, CK_FUNCTION_WRITES, renew},
    {"ck_renew", 4, CK_FUNCTION_WRITES, renew},
    {"ck_release", 2, CK_FUNCTION_WRITES, release},
    {"ck_release", 3, CK_FUNCTION_WRITES, release},
    {"ck_heartbeat", 3, CK_FUNCTION_WRITES, heartbeat},
    {"ck_heartbeat", 4, CK_FUNCTION_WRITES, heartbeat},
    {"ck_report", 4, CK_FUNCTION_WRITES, report},
    {"ck_report", 5, CK_FUNCTION_WRITES, report},
    {"ck_retire", 1, CK_FUNCTION_WRITES, retire},
    {"ck_apply", 8, CK_FUNCTION_WRITES, apply},
    {"ck_apply", 9, CK_FUNCTION_WRITES, apply},
    {NULL, 0, 0, NULL},
};
