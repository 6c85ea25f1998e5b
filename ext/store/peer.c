/* Peers: see peer.h. */
#include "store/peer.h"

#include <string.h>

/* Rows of an expired report that one run of ck_gc deletes. */
#define SWEEP_ROWS 10000

int ck_peer_heartbeat(CkStore *store, const char *peer, const char *user, const char *mark,
                      CkError *err) {
    return ck_stmt_run(store, CK_SQL_PEER_HEARTBEAT, err, "ttit", peer, user,
                       ck_conn_now(store->conn), mark);
}

/* What a part of a report changes. */
typedef struct Merge {
    CkStore *store;
    int64_t peer;
    CkBuf gone; /* hashes to remove; the statement that reads them must end first */
    CkBuf come;
} Merge;

static int append(CkBuf *hashes, const void *hash, CkError *err) {
    ck_buf_append(hashes, hash, CK_HASH_BYTES);
    return hashes->rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

/* Finds what comes and what goes. */
static int compare(Merge *merge, const CkReportPart *part, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    size_t i = 0;
    if (ck_stmt_take(merge->store, CK_SQL_REPORT_RANGE, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ibb", merge->peer, part->after, CK_HASH_BYTES, part->through,
                 CK_HASH_BYTES);
    while (err->rc == SQLITE_OK && ck_stmt_step(merge->store, stmt, err) == SQLITE_ROW) {
        const uint8_t *old = sqlite3_column_blob(stmt, 0);
        if (!old) {
            ck_error_nomem(err);
            break;
        }
        int order = 1; /* of the reported hash beside this one */
        while (i < part->n && err->rc == SQLITE_OK) {
            order = memcmp(part->hashes + i * CK_HASH_BYTES, old, CK_HASH_BYTES);
            if (order >= 0) break;
            append(&merge->come, part->hashes + i++ * CK_HASH_BYTES, err);
        }
        if (err->rc == SQLITE_OK && i < part->n && order == 0) {
            i++;
        } else if (err->rc == SQLITE_OK) {
            append(&merge->gone, old, err);
        }
    }
    ck_stmt_give(merge->store, CK_SQL_REPORT_RANGE, stmt);
    for (; i < part->n && err->rc == SQLITE_OK; i++) {
        append(&merge->come, part->hashes + i * CK_HASH_BYTES, err);
    }
    return err->rc;
}

static int write(Merge *merge, CkSqlId sql, const CkBuf *hashes, CkError *err) {
    for (size_t at = 0; at < hashes->n_bytes && err->rc == SQLITE_OK; at += CK_HASH_BYTES) {
        ck_stmt_run(merge->store, sql, err, "bi", hashes->data + at, CK_HASH_BYTES, merge->peer);
    }
    return err->rc;
}

/* Ascending, and within the range. */
static int check_order(const CkReportPart *part, CkError *err) {
    const uint8_t *last = part->after;
    for (size_t i = 0; i < part->n; i++) {
        const uint8_t *hash = part->hashes + i * CK_HASH_BYTES;
        if (last && memcmp(hash, last, CK_HASH_BYTES) <= 0) {
            return ck_error_set(err, SQLITE_ERROR,
                                "ck_report: hash %lld is not above the one before it",
                                (long long)i);
        }
        last = hash;
    }
    if (part->through && part->n > 0 && memcmp(last, part->through, CK_HASH_BYTES) > 0) {
        return ck_error_set(err, SQLITE_ERROR, "ck_report: the last hash is beyond `through`");
    }
    return SQLITE_OK;
}

int ck_peer_report(CkStore *store, const CkReportPart *part, int64_t *n_changed, CkError *err) {
    Merge merge = {.store = store};
    int found;
    *n_changed = 0;
    if (check_order(part, err) != SQLITE_OK) return err->rc;
    ck_buf_init(&merge.gone);
    ck_buf_init(&merge.come);
    ck_peer_heartbeat(store, part->peer, NULL, NULL, err);
    if (err->rc == SQLITE_OK) {
        ck_stmt_ints(store, CK_SQL_PEER_FIND, err, &merge.peer, 1, &found, "t", part->peer);
    }
    if (err->rc == SQLITE_OK && compare(&merge, part, err) == SQLITE_OK) {
        write(&merge, CK_SQL_REPORT_REMOVE, &merge.gone, err);
        write(&merge, CK_SQL_REPORT_ADD, &merge.come, err);
    }
    if (err->rc == SQLITE_OK && !part->through) {
        ck_stmt_run(store, CK_SQL_PEER_REPORTED, err, "ii", merge.peer, ck_conn_now(store->conn));
    }
    *n_changed = (int64_t)((merge.gone.n_bytes + merge.come.n_bytes) / CK_HASH_BYTES);
    ck_buf_release(&merge.gone);
    ck_buf_release(&merge.come);
    return err->rc;
}

int ck_peer_expire(CkStore *store, CkError *err) {
    int64_t cutoff = ck_conn_now(store->conn) - CK_REPORT_TTL_S, peer = 0;
    int found = 0;
    ck_stmt_ints(store, CK_SQL_REPORT_EXPIRED, err, &peer, 1, &found, "i", cutoff);
    if (err->rc != SQLITE_OK || !found) return err->rc;
    /* First, so that a peer that comes back meanwhile reports anew. */
    ck_stmt_run(store, CK_SQL_REPORT_GONE, err, "i", peer);
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_REPORT_SWEEP, err, "ii", peer, (int64_t)SWEEP_ROWS);
}
