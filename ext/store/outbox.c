/* The outbox: see outbox.h. */
#include "store/outbox.h"

#include <string.h>

static int append(sqlite3_stmt *stmt, CkBuf *items, CkError *err) {
    CkOutboxItem item = {.seq = sqlite3_column_int64(stmt, 0),
                         .id = sqlite3_column_int64(stmt, 1),
                         .bytes = sqlite3_column_int64(stmt, 2)};
    const void *hash = sqlite3_column_blob(stmt, 3);
    if (!hash || sqlite3_column_bytes(stmt, 3) != CK_HASH_BYTES) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "sync: the change of seq %lld has no valid hash", (long long)item.seq);
    }
    memcpy(item.hash, hash, CK_HASH_BYTES);
    ck_buf_append(items, &item, sizeof item);
    return items->rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

/* Appends rows while they fit; those with a fifth column, attempts, alone where that is asked. */
static int take(CkStore *store, CkSqlId sql, sqlite3_stmt *stmt, int64_t batch_bytes, CkBuf *items,
                CkError *err) {
    int64_t n_bytes = 0;
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int alone = sql == CK_SQL_OUTBOX_RETRY && sqlite3_column_int64(stmt, 4) >= CK_OUTBOX_ALONE;
        int first = items->n_bytes == 0;
        n_bytes += sqlite3_column_int64(stmt, 2);
        if (!first && (alone || n_bytes > batch_bytes)) break;
        if (append(stmt, items, err) != SQLITE_OK || alone) break;
    }
    ck_stmt_give(store, sql, stmt);
    return err->rc;
}

int ck_outbox_take(CkStore *store, const CkRemote *remote, CkBuf *items, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int64_t tombstones_after =
        remote->push_seq > remote->tombstone_seq ? remote->push_seq : remote->tombstone_seq;
    if (!remote->push) return SQLITE_OK;
    if (ck_stmt_take(store, CK_SQL_OUTBOX_FRESH, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "tiii", remote->name, remote->push_seq, tombstones_after,
                 remote->batch_items);
    take(store, CK_SQL_OUTBOX_FRESH, stmt, remote->batch_bytes, items, err);
    if (err->rc != SQLITE_OK || items->n_bytes > 0) return err->rc;
    if (ck_stmt_take(store, CK_SQL_OUTBOX_RETRY, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "tiii", remote->name, ck_conn_now(store->conn), (int64_t)CK_OUTBOX_ALONE,
                 remote->batch_items);
    return take(store, CK_SQL_OUTBOX_RETRY, stmt, remote->batch_bytes, items, err);
}
