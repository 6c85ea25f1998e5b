/* Leases: see lease.h. */
#include "store/lease.h"

#include <string.h>

/* A lease as it stands. */
typedef struct Lease {
    int stored, own;
    int64_t fence, expires_at;
} Lease;

static int find(CkStore *store, const char *owner, const uint8_t *hash, Lease *lease,
                CkError *err) {
    int64_t row[4] = {0, 0, 0, 0};
    int found;
    ck_stmt_ints(store, CK_SQL_LEASE_FIND, err, row, 4, &found, "bt", hash, CK_HASH_BYTES, owner);
    *lease = (Lease){row[0] != 0, row[1] != 0, row[2], row[3]};
    return err->rc;
}

static int claim(CkStore *store, const CkLeaseOwner *by, const uint8_t *hash, int64_t *fence,
                 CkClaimed *out, CkError *err) {
    Lease lease;
    int64_t now = ck_conn_now(store->conn);
    memset(out, 0, sizeof *out);
    if (find(store, by->owner, hash, &lease, err) != SQLITE_OK) return err->rc;
    int live = lease.expires_at > now && lease.expires_at <= now + CK_LEASE_TTL_MAX_S;
    out->state = lease.stored ? CK_CLAIM_HAVE : CK_CLAIM_GRANTED;
    if (lease.stored) return SQLITE_OK;
    if (live && !lease.own) {
        out->state = CK_CLAIM_BUSY;
        out->retry_after_s = lease.expires_at - now;
        return SQLITE_OK;
    }
    out->fence = live ? lease.fence : ++*fence;
    return ck_stmt_run(store, CK_SQL_LEASE_SET, err, "btiii", hash, CK_HASH_BYTES, by->owner,
                       out->fence, now, now + by->ttl_s);
}

int ck_lease_claim(CkStore *store, const CkLeaseOwner *by, const uint8_t *hashes, size_t n,
                   CkClaimed *out, CkError *err) {
    int64_t fence = 0, last;
    int found;
    ck_stmt_ints(store, CK_SQL_LEASE_FENCE, err, &fence, 1, &found, "");
    last = fence;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        claim(store, by, hashes + i * CK_HASH_BYTES, &fence, &out[i], err);
    }
    if (err->rc != SQLITE_OK || fence == last) return err->rc;
    return ck_stmt_run(store, CK_SQL_LEASE_SET_FENCE, err, "i", fence);
}

/* Runs a statement with a row for each lease it changes, and counts them. */
static int count_changes(CkStore *store, CkSqlId sql, sqlite3_stmt *stmt, int64_t *n_changed,
                         CkError *err) {
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) ++*n_changed;
    ck_stmt_give(store, sql, stmt);
    return err->rc;
}

int ck_lease_renew(CkStore *store, const CkLeaseOwner *by, const uint8_t *hashes, size_t n,
                   int64_t *n_changed, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int64_t expires_at = ck_conn_now(store->conn) + by->ttl_s;
    *n_changed = 0;
    if (!hashes) {
        if (ck_stmt_take(store, CK_SQL_LEASE_RENEW_ALL, &stmt, err) != SQLITE_OK) return err->rc;
        ck_stmt_bind(stmt, "ti", by->owner, expires_at);
        return count_changes(store, CK_SQL_LEASE_RENEW_ALL, stmt, n_changed, err);
    }
    for (size_t i = 0; i < n; i++) {
        if (ck_stmt_take(store, CK_SQL_LEASE_RENEW, &stmt, err) != SQLITE_OK) return err->rc;
        ck_stmt_bind(stmt, "bti", hashes + i * CK_HASH_BYTES, CK_HASH_BYTES, by->owner,
                     expires_at);
        if (count_changes(store, CK_SQL_LEASE_RENEW, stmt, n_changed, err) != SQLITE_OK) break;
    }
    return err->rc;
}

int ck_lease_release(CkStore *store, const char *owner, const uint8_t *hashes, size_t n,
                     int64_t *n_changed, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    *n_changed = 0;
    if (!hashes) {
        if (ck_stmt_take(store, CK_SQL_LEASE_RELEASE_ALL, &stmt, err) != SQLITE_OK) return err->rc;
        ck_stmt_bind(stmt, "t", owner);
        return count_changes(store, CK_SQL_LEASE_RELEASE_ALL, stmt, n_changed, err);
    }
    for (size_t i = 0; i < n; i++) {
        if (ck_stmt_take(store, CK_SQL_LEASE_RELEASE, &stmt, err) != SQLITE_OK) return err->rc;
        ck_stmt_bind(stmt, "bt", hashes + i * CK_HASH_BYTES, CK_HASH_BYTES, owner);
        if (count_changes(store, CK_SQL_LEASE_RELEASE, stmt, n_changed, err) != SQLITE_OK) break;
    }
    return err->rc;
}

int ck_lease_expire(CkStore *store, CkError *err) {
    int64_t now = ck_conn_now(store->conn);
    return ck_stmt_run(store, CK_SQL_LEASE_EXPIRE, err, "ii", now, now + CK_LEASE_TTL_MAX_S);
}
