/*
** Applying: see apply.h.
**
** A row that a pulled item makes is a change of ours, too, and so would be sent back to where it
** came from. When nothing else of ours waits for the remote, moving push_seq over it says that it
** is settled; else an ack does, until push_seq gets there.
*/
#include "store/apply.h"

#include <string.h>

#include "store/embedding.h"
#include "store/feed.h"
#include "store/hash_list.h"
#include "store/identity.h"
#include "store/log.h"
#include "store/tombstone.h"

int ck_apply_begin(CkApply *apply, CkStore *store, const char *remote, const char *peer,
                   CkError *err) {
    int64_t waiting = 0;
    memset(apply, 0, sizeof *apply);
    apply->store = store;
    apply->peer = peer;
    if (!remote) {
        if (ck_store_open_write(store, err) != SQLITE_OK) return err->rc;
        return ck_identity_check(store, err);
    }
    if (ck_remote_open(store, remote, &apply->remote, err) != SQLITE_OK) return err->rc;
    if (ck_identity_check(store, err) != SQLITE_OK) return err->rc;
    apply->push_seq = apply->remote.push_seq;
    ck_feed_next_unsettled(store, &apply->remote, apply->push_seq, &waiting, err);
    apply->caught_up = waiting == 0;
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_tombstone_waits(store, &apply->remote, apply->push_seq, NULL, &apply->has_retired,
                              err);
}

/* Is of the remote, or goes there: not what it has just sent. */
static int settle(CkApply *apply, const CkItem *item, int64_t seq, CkError *err) {
    if (!apply->remote.name || !apply->remote.push) return SQLITE_OK;
    if (apply->caught_up) {
        apply->push_seq = seq;
        return SQLITE_OK;
    }
    return ck_stmt_run(apply->store, CK_SQL_ACK_SET, err, "tbitttiii", apply->remote.name,
                       item->hash, CK_HASH_BYTES, seq, "exists", NULL, NULL, (int64_t)1,
                       (int64_t)0, ck_conn_now(apply->store->conn));
}

static int audit_conflict(const CkApply *apply, const CkItem *item, CkError *err) {
    return ck_stmt_run(apply->store, CK_SQL_AUDIT_CONFLICT, err, "ibtttt",
                       ck_conn_now(apply->store->conn), item->hash, CK_HASH_BYTES,
                       apply->remote.name, item->origin, apply->peer, ck_identity_user());
}

/* Only listed: does it have to be got? */
static int apply_listed(CkStore *store, const CkItem *item, CkItemOutcome *outcome, CkError *err) {
    int64_t used_at;
    int found = 0;
    memset(outcome, 0, sizeof *outcome);
    ck_embedding_find(store, item->hash, &outcome->id, &used_at, &found, err);
    if (err->rc != SQLITE_OK) return err->rc;
    outcome->result = found ? CK_ITEM_EXISTS : CK_ITEM_REJECTED;
    if (!found) outcome->code = "missing";
    return SQLITE_OK;
}

/* Was it retired here since the remote put it into its feed? The remote hears of that first. */
static int is_retired(const CkApply *apply, const CkItem *item, CkItemOutcome *outcome,
                      CkError *err) {
    int waits = 0;
    if (!apply->has_retired || apply->by_hash) return 0;
    ck_tombstone_waits(apply->store, &apply->remote, apply->push_seq, item->hash, &waits, err);
    if (!waits) return 0;
    memset(outcome, 0, sizeof *outcome);
    outcome->result = CK_ITEM_REJECTED;
    outcome->code = "retired";
    return 1;
}

static int apply_put(CkApply *apply, const CkItem *item, CkItemOutcome *outcome, CkError *err) {
    if (is_retired(apply, item, outcome, err)) return SQLITE_OK;
    if (err->rc != SQLITE_OK) return err->rc;
    if (item->data) {
        ck_item_put(apply->store, item, outcome, err);
    } else {
        apply_listed(apply->store, item, outcome, err);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    if (outcome->result == CK_ITEM_CONFLICT) audit_conflict(apply, item, err);
    if (err->rc != SQLITE_OK || outcome->result == CK_ITEM_REJECTED) return err->rc;
    if (!apply->remote.name || !apply->remote.mirror) return SQLITE_OK;
    return ck_mirror_add(apply->store, &apply->mirror, &apply->remote, outcome->id, err);
}

/* The remote has something that cannot be here: said until all of it is listed again. What it says
** of models is known from the handshake. */
static int note_rejected(const CkApply *apply, const CkItem *item, const CkItemOutcome *outcome,
                         CkError *err) {
    static const char *const usual[] = {"missing", "retired", "model"};
    char hex[CK_HASH_HEX], source[1024];
    if (!apply->remote.name || outcome->result != CK_ITEM_REJECTED) return SQLITE_OK;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (strcmp(outcome->code, usual[i]) == 0) return SQLITE_OK;
    }
    ck_hash_to_hex(item->hash, hex);
    sqlite3_snprintf(sizeof source, source, "sync:%s", apply->remote.name);
    return ck_errors_add(apply->store, source, "rejected", err,
                         "the embedding %s that it has was not taken (%s): %s", hex, outcome->code,
                         outcome->message);
}

int ck_apply_item(CkApply *apply, const CkItem *item, CkItemOutcome *outcome, CkError *err) {
    if (item->op == CK_ITEM_TOMBSTONE) {
        ck_tombstone_put(apply->store, item, apply->peer, outcome, err);
    } else if (apply_put(apply, item, outcome, err) == SQLITE_OK) {
        note_rejected(apply, item, outcome, err);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    apply->n_retired += item->op == CK_ITEM_TOMBSTONE && outcome->result == CK_ITEM_CREATED;
    apply->n_created += outcome->result == CK_ITEM_CREATED;
    apply->n_exists += outcome->result == CK_ITEM_EXISTS;
    apply->n_conflicts += outcome->result == CK_ITEM_CONFLICT;
    apply->n_rejected += outcome->result == CK_ITEM_REJECTED;
    if (outcome->result == CK_ITEM_CREATED) return settle(apply, item, outcome->seq, err);
    /* A tombstone that is not heeded is answered by sending the embedding again. */
    if (outcome->seq > 0) {
        apply->caught_up = 0;
        apply->n_announced++;
    }
    return SQLITE_OK;
}

/* All of a listing is here: what only earlier ones had goes from the mirror. */
static int end_listing(CkApply *apply, CkError *err) {
    const CkRemote *remote = &apply->remote;
    int done = 0;
    if (ck_mirror_sweep(apply->store, remote, &done, err) != SQLITE_OK || !done) return err->rc;
    return ck_stmt_run(apply->store, CK_SQL_REMOTE_SET_LISTED, err, "ti", remote->name,
                       remote->listing);
}

static int write_cursor(CkApply *apply, const CkPullCursor *cursor, CkError *err) {
    const CkRemote *remote = &apply->remote;
    if (!remote->epoch || !cursor->epoch || strcmp(remote->epoch, cursor->epoch) != 0) {
        return ck_error_set(err, SQLITE_ERROR,
                            "sync: this batch is of epoch '%s' of remote '%s', the last handshake "
                            "was with '%s'; shake hands again",
                            cursor->epoch ? cursor->epoch : "", remote->name,
                            remote->epoch ? remote->epoch : "");
    }
    /* A batch that comes twice, late, or after the feed was begun anew, moves nothing. */
    if (cursor->after_seq > remote->pull_seq) return SQLITE_OK;
    if (cursor->next_seq > remote->pull_seq || cursor->high_seq > remote->pull_high) {
        int64_t next = cursor->next_seq > remote->pull_seq ? cursor->next_seq : remote->pull_seq;
        int64_t high = cursor->high_seq > remote->pull_high ? cursor->high_seq : remote->pull_high;
        ck_stmt_run(apply->store, CK_SQL_REMOTE_SET_CURSOR, err, "tii", remote->name, next, high);
    }
    if (err->rc == SQLITE_OK && remote->listed < remote->listing &&
        cursor->next_seq >= cursor->high_seq) {
        return end_listing(apply, err);
    }
    return err->rc;
}

int ck_apply_end(CkApply *apply, const CkPullCursor *cursor, CkError *err) {
    const CkRemote *remote = &apply->remote;
    if (err->rc == SQLITE_OK && remote->name &&
        (apply->push_seq != remote->push_seq || apply->n_created + apply->n_conflicts > 0)) {
        ck_stmt_run(apply->store, CK_SQL_REMOTE_COUNT_PULLED, err, "tiii", remote->name,
                    apply->push_seq, apply->n_created, apply->n_conflicts);
    }
    if (err->rc == SQLITE_OK && apply->n_created + apply->n_conflicts > 0) {
        ck_audit_sync(apply->store, remote->name ? "pulled" : "received",
                      &(CkAuditSync){remote->name, apply->peer,
                                     apply->n_created - apply->n_retired, apply->n_conflicts,
                                     apply->n_rejected, apply->n_retired},
                      err);
    }
    if (err->rc == SQLITE_OK && remote->name && cursor) write_cursor(apply, cursor, err);
    ck_remote_release(&apply->remote);
    return err->rc;
}
