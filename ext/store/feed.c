/* The feed: see feed.h. */
#include "store/feed.h"

#include "store/lease.h"
#include "store/log.h"
#include "store/peer.h"
#include "store/tombstone.h"

int ck_feed_take_seq(CkStore *store, int64_t *seq, CkError *err) {
    int found;
    *seq = 0;
    ck_stmt_ints(store, CK_SQL_META_SEQ, err, seq, 1, &found, "");
    if (err->rc != SQLITE_OK) return err->rc;
    ++*seq;
    return ck_store_set_seq(store, *seq, err);
}

int ck_feed_next_unsettled(CkStore *store, const CkRemote *remote, int64_t after, int64_t *seq,
                           CkError *err) {
    int found;
    int64_t tombstones_after = after > remote->tombstone_seq ? after : remote->tombstone_seq;
    *seq = 0;
    return ck_stmt_ints(store, CK_SQL_OUTBOX_NEXT, err, seq, 1, &found, "tii", remote->name, after,
                        tombstones_after);
}

int ck_feed_announce(CkStore *store, int64_t id, int64_t *seq, CkError *err) {
    if (ck_feed_take_seq(store, seq, err) != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_EMBEDDING_SET_SEQ, err, "ii", id, *seq);
}

int ck_feed_expire(CkStore *store, CkError *err) {
    int64_t now = ck_conn_now(store->conn);
    if (ck_lease_expire(store, err) != SQLITE_OK) return err->rc;
    if (ck_tombstone_expire(store, err) != SQLITE_OK) return err->rc;
    if (ck_peer_expire(store, err) != SQLITE_OK) return err->rc;
    ck_stmt_run(store, CK_SQL_WRITER_TRIM, err, "i", (int64_t)CK_FEED_WRITERS);
    if (err->rc != SQLITE_OK) return err->rc;
    ck_stmt_run(store, CK_SQL_ACK_DROP_OUTDATED, err, "");
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_AUDIT_EXPIRE, err, "i", now - CK_AUDIT_TTL_S);
}
