/*
** Acks: see ack.h.
**
** push_seq may stand at S when every change of ours up to S is settled: it was answered for good,
** or has a row of its own, or is of a model that the remote refuses. `next` is the first that is
** not.
*/
#include "store/ack.h"

#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "store/embedding.h"
#include "store/feed.h"
#include "store/hash_list.h"
#include "store/log.h"
#include "store/mirror.h"

typedef struct Recording {
    CkStore *store;
    const CkRemote *remote;
    int64_t now;
    int64_t push_seq;
    int64_t next; /* the first unsettled change, 0: none */
    int64_t n_created, n_conflicts;
} Recording;

static const char *const results[] = {"created", "exists", "rejected", "retry"};

int ck_ack_result_from_name(const char *name) {
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, results[i]) == 0) return i;
    }
    return -1;
}

static int is_settled(const CkAck *ack) {
    return ack->result == CK_ACK_CREATED || ack->result == CK_ACK_EXISTS;
}

static void count(Recording *r, const CkAck *ack) {
    r->n_created += ack->result == CK_ACK_CREATED;
    r->n_conflicts += ack->code && strcmp(ack->code, "conflict") == 0;
}

static int find_next(Recording *r, CkError *err) {
    return ck_feed_next_unsettled(r->store, r->remote, r->push_seq, &r->next, err);
}

static int set_row(Recording *r, const CkAck *ack, CkAckResult result, int64_t attempts,
                   const char *code, CkError *err) {
    int64_t next_at = 0;
    if (result == CK_ACK_RETRY) {
        int64_t delay = ck_retry_delay_s(attempts, ck_load_u64(ack->hash));
        if (delay < ack->retry_after_s) delay = ack->retry_after_s;
        next_at = r->now + (delay < CK_RETRY_AFTER_MAX_S ? delay : CK_RETRY_AFTER_MAX_S);
    }
    return ck_stmt_run(r->store, CK_SQL_ACK_SET, err, "tbitttiii", r->remote->name, ack->hash,
                       CK_HASH_BYTES, ack->seq, results[result], code, ack->message, attempts,
                       next_at, r->now);
}

/* An item that was tried too often. */
static int give_up(Recording *r, const CkAck *ack, int64_t attempts, CkError *err) {
    char hex[CK_HASH_HEX], source[1024];
    ck_hash_to_hex(ack->hash, hex);
    sqlite3_snprintf(sizeof source, source, "sync:%s", r->remote->name);
    if (set_row(r, ack, CK_ACK_REJECTED, attempts, "poison", err) != SQLITE_OK) return err->rc;
    return ck_errors_add(r->store, source, "poison", err,
                         "the embedding %s failed %lld times and is not sent any more: %s", hex,
                         (long long)attempts, ack->message ? ack->message : "no reason given");
}

static int record(Recording *r, const CkAck *ack, CkError *err) {
    int64_t row[2] = {0, 0}; /* is it the latest change of the hash; failures so far */
    int found;
    ck_stmt_ints(r->store, CK_SQL_ACK_FIND, err, row, 2, &found, "bit", ack->hash, CK_HASH_BYTES,
                 ack->seq, r->remote->name);
    if (err->rc != SQLITE_OK || !row[0]) return err->rc;
    int64_t attempts = row[1] + 1;
    int settled = is_settled(ack);
    count(r, ack);
    if (ack->result == CK_ACK_RETRY && attempts >= CK_ACK_ATTEMPTS_MAX) {
        give_up(r, ack, attempts, err);
    } else if (settled && (ack->seq == r->next || ack->seq <= r->push_seq)) {
        if (row[1] > 0) {
            ck_stmt_run(r->store, CK_SQL_ACK_UNSET, err, "tbi", r->remote->name, ack->hash,
                        CK_HASH_BYTES, ack->seq);
        }
    } else {
        set_row(r, ack, ack->result, attempts, ack->code, err);
    }
    if (err->rc != SQLITE_OK || ack->seq != r->next) return err->rc;
    r->push_seq = ack->seq;
    return find_next(r, err);
}

static int end(Recording *r, CkError *err) {
    CkStore *store = r->store;
    const char *name = r->remote->name;
    int64_t last = 0;
    int found;
    if (err->rc == SQLITE_OK) ck_stmt_ints(store, CK_SQL_META_SEQ, err, &last, 1, &found, "");
    if (err->rc != SQLITE_OK) return err->rc;
    r->push_seq = r->next > 0 ? r->next - 1 : last;
    if (r->push_seq != r->remote->push_seq || r->n_created + r->n_conflicts > 0) {
        ck_stmt_run(store, CK_SQL_REMOTE_SET_PUSH_SEQ, err, "tiii", name, r->push_seq,
                    r->n_created, r->n_conflicts);
    }
    if (err->rc == SQLITE_OK && r->n_created + r->n_conflicts > 0) {
        CkAuditSync sync = {name, NULL, r->n_created, r->n_conflicts, 0, 0};
        ck_audit_sync(store, "pushed", &sync, err);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_ACK_DROP_SETTLED, err, "ti", name, r->push_seq);
}

/*
** Moves push_seq over the answers that settle the first changes in the outbox, one beside the
** other: no row is written for them. They are done with then, and get seq 0.
*/
static int pass_first(Recording *r, CkAck *acks, size_t n, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    const CkRemote *remote = r->remote;
    int64_t stones_after =
        remote->push_seq > remote->tombstone_seq ? remote->push_seq : remote->tombstone_seq;
    size_t i = 0;
    if (ck_stmt_take(r->store, CK_SQL_OUTBOX_FRESH, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "tiii", remote->name, remote->push_seq, stones_after, (int64_t)n);
    while (i < n && ck_stmt_step(r->store, stmt, err) == SQLITE_ROW) {
        int64_t seq = sqlite3_column_int64(stmt, 0);
        const void *hash = sqlite3_column_blob(stmt, 3);
        while (i < n && acks[i].seq < seq) i++;
        if (i == n || acks[i].seq > seq || !is_settled(&acks[i]) || !hash ||
            memcmp(hash, acks[i].hash, CK_HASH_BYTES) != 0) {
            break;
        }
        count(r, &acks[i]);
        acks[i].seq = 0;
        r->push_seq = seq;
    }
    ck_stmt_give(r->store, CK_SQL_OUTBOX_FRESH, stmt);
    return err->rc;
}

static int compare_seqs(const void *a, const void *b) {
    int64_t x = ((const CkAck *)a)->seq, y = ((const CkAck *)b)->seq;
    return (x > y) - (x < y);
}

/* What a mirrored remote has of ours is held like the rest of it: its feed may not say it again. */
static int hold(CkStore *store, const CkRemote *remote, const CkAck *acks, size_t n, CkError *err) {
    CkMirror mirror = {0, 0, 0};
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        int64_t id, used_at;
        int found = 0;
        if (!is_settled(&acks[i])) continue;
        ck_embedding_find(store, acks[i].hash, &id, &used_at, &found, err);
        if (err->rc == SQLITE_OK && found) ck_mirror_add(store, &mirror, remote, id, err);
    }
    return err->rc;
}

int ck_ack_record(CkStore *store, const CkRemote *remote, CkAck *acks, size_t n, CkError *err) {
    Recording recording = {.store = store,
                           .remote = remote,
                           .now = ck_conn_now(store->conn),
                           .push_seq = remote->push_seq};
    if (n > 1) qsort(acks, n, sizeof *acks, compare_seqs);
    if (n > 0 && pass_first(&recording, acks, n, err) != SQLITE_OK) return err->rc;
    if (find_next(&recording, err) != SQLITE_OK) return err->rc;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        if (acks[i].seq > 0) record(&recording, &acks[i], err);
    }
    if (err->rc == SQLITE_OK && remote->mirror) hold(store, remote, acks, n, err);
    return end(&recording, err);
}
