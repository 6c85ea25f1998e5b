/* Tombstones: see tombstone.h. */
#include "store/tombstone.h"

#include <string.h>

#include "store/embedding.h"
#include "store/feed.h"
#include "store/lease.h"
#include "store/peer.h"

typedef struct Needed {
    int referenced, leased;
} Needed;

/* Does anybody but `except` (a peer, or NULL) need the embedding? id 0: it is not stored. */
static int ask_needed(CkStore *store, int64_t id, const uint8_t *hash, const char *except,
                      Needed *needed, CkError *err) {
    int64_t row[3] = {0, 0, 0};
    int found;
    int64_t now = ck_conn_now(store->conn);
    ck_stmt_ints(store, CK_SQL_TOMBSTONE_NEEDED, err, row, 3, &found, "ibiit", id, hash,
                 CK_HASH_BYTES, now - CK_REPORT_TTL_S, now + CK_LEASE_TTL_MAX_S, except);
    needed->referenced = row[0] || row[1];
    needed->leased = row[2] != 0;
    return err->rc;
}

/* What the tombstone says beside the hash. */
typedef struct Stone {
    const uint8_t *hash;
    const char *model, *version;
    int64_t dims, retired_at;
    const char *origin; /* NULL: this store */
} Stone;

static int insert(CkStore *store, const Stone *stone, int64_t *seq, CkError *err) {
    if (ck_feed_take_seq(store, seq, err) != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_TOMBSTONE_INSERT, err, "bittiit", stone->hash, CK_HASH_BYTES,
                       *seq, stone->model, stone->version, stone->dims, stone->retired_at,
                       stone->origin);
}

/* The refs that may be left are of released workspaces and of the mirror. */
static int drop(CkStore *store, int64_t id, CkError *err) {
    int has_refs = 1;
    ck_stmt_run(store, CK_SQL_MIRROR_TOUCH, err, "");
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_embedding_drop(store, &id, &has_refs, 1, err);
}

int ck_retire(CkStore *store, const uint8_t hash[CK_HASH_BYTES], CkRetired *state, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    Needed needed;
    int64_t id, used_at, seq;
    int found;
    *state = CK_RETIRE_ABSENT;
    if (ck_embedding_find(store, hash, &id, &used_at, &found, err) != SQLITE_OK || !found) {
        return err->rc;
    }
    if (ask_needed(store, id, hash, NULL, &needed, err) != SQLITE_OK) return err->rc;
    if (needed.referenced || needed.leased) {
        *state = needed.referenced ? CK_RETIRE_REFERENCED : CK_RETIRE_LEASED;
        return SQLITE_OK;
    }
    if (ck_stmt_take(store, CK_SQL_TOMBSTONE_OF_EMBEDDING, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", id);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        const char *model = (const char *)sqlite3_column_text(stmt, 0);
        const char *version = (const char *)sqlite3_column_text(stmt, 1);
        Stone stone = {hash, model ? model : "", version ? version : "",
                       sqlite3_column_int64(stmt, 2), ck_conn_now(store->conn), NULL};
        *state = CK_RETIRE_DONE;
        insert(store, &stone, &seq, err);
    }
    ck_stmt_give(store, CK_SQL_TOMBSTONE_OF_EMBEDDING, stmt);
    if (err->rc == SQLITE_OK) drop(store, id, err);
    return err->rc;
}

static void refuse(CkItemOutcome *outcome, const char *code, const char *message) {
    outcome->result = CK_ITEM_REJECTED;
    outcome->code = code;
    sqlite3_snprintf(sizeof outcome->message, outcome->message, "%s", message);
}

int ck_tombstone_put(CkStore *store, const CkItem *item, const char *peer, CkItemOutcome *outcome,
                     CkError *err) {
    Needed needed = {0, 0};
    int64_t id = 0, used_at = 0, one, now = ck_conn_now(store->conn);
    int stored = 0, found = 0;
    memset(outcome, 0, sizeof *outcome);
    ck_embedding_find(store, item->hash, &id, &used_at, &stored, err);
    if (err->rc == SQLITE_OK) {
        ask_needed(store, stored ? id : 0, item->hash, peer, &needed, err);
    }
    if (err->rc == SQLITE_OK && !stored) {
        ck_stmt_ints(store, CK_SQL_TOMBSTONE_EXISTS, err, &one, 1, &found, "b", item->hash,
                     CK_HASH_BYTES);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    if (found) {
        outcome->result = CK_ITEM_EXISTS;
        return SQLITE_OK;
    }
    if (stored && used_at > item->created_at) {
        refuse(outcome, "stale", "the embedding was used here after it was retired there");
    } else if (needed.referenced || needed.leased) {
        refuse(outcome, needed.referenced ? "referenced" : "leased",
               "somebody needs the embedding");
    }
    if (outcome->code) {
        outcome->id = id;
        if (!stored) return SQLITE_OK;
        return ck_feed_announce(store, id, &outcome->seq, err);
    }
    Stone stone = {item->hash, item->model->name, item->model->version,
                   item->model->dims, item->created_at < now ? item->created_at : now,
                   item->origin};
    outcome->result = CK_ITEM_CREATED;
    if (insert(store, &stone, &outcome->seq, err) == SQLITE_OK && stored) drop(store, id, err);
    return err->rc;
}

int ck_tombstone_waits(CkStore *store, const CkRemote *remote, int64_t push_seq,
                       const uint8_t *hash, int *waits, CkError *err) {
    int64_t one, after = push_seq > remote->tombstone_seq ? push_seq : remote->tombstone_seq;
    *waits = 0;
    if (!remote->push) return SQLITE_OK;
    if (!hash) {
        return ck_stmt_ints(store, CK_SQL_TOMBSTONE_ANY_WAITS, err, &one, 1, waits, "ti",
                            remote->name, after);
    }
    return ck_stmt_ints(store, CK_SQL_TOMBSTONE_WAITS, err, &one, 1, waits, "tib", remote->name,
                        after, hash, CK_HASH_BYTES);
}

int ck_tombstone_expire(CkStore *store, CkError *err) {
    int64_t now = ck_conn_now(store->conn), cutoff = now - CK_TOMBSTONE_TTL_S, last = 0;
    int found;
    ck_stmt_run(store, CK_SQL_TOMBSTONE_CLAMP, err, "i", now);
    if (err->rc != SQLITE_OK) return err->rc;
    ck_stmt_ints(store, CK_SQL_TOMBSTONE_EXPIRED, err, &last, 1, &found, "i", cutoff);
    if (err->rc != SQLITE_OK || last == 0) return err->rc;
    ck_stmt_run(store, CK_SQL_META_RAISE_MIN_SEQ, err, "i", last);
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_TOMBSTONE_EXPIRE, err, "i", cutoff);
}
