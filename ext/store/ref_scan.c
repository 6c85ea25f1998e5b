/* Scans over refs that writes cannot make endless: see ref.h. */
#include "base/coding.h"
#include "store/ref.h"

/* Steps the scan's own statement, or after detaching looks the next noted id up. */
int ck_ref_scan_next(CkRefScan *scan, CkError *err) {
    if (!scan->detached) {
        int rc = ck_stmt_step(scan->store, scan->stmt, err);
        scan->eof = rc != SQLITE_ROW;
        return err->rc;
    }
    while (scan->ids_at < scan->ids.n_bytes) {
        int64_t id = (int64_t)ck_load_u64(scan->ids.data + scan->ids_at);
        scan->ids_at += sizeof id;
        sqlite3_reset(scan->stmt);
        ck_stmt_bind(scan->stmt, "i", id);
        int rc = ck_stmt_step(scan->store, scan->stmt, err);
        if (rc == SQLITE_ROW) return SQLITE_OK;
        if (rc != SQLITE_DONE) break;
    }
    scan->eof = 1;
    return err->rc;
}

int ck_ref_scan_begin(CkRefScan *scan, CkStore *store, CkSqlId sql, const int64_t bounds[2],
                      const CkRefScanExtra *extra, CkError *err) {
    scan->store = store;
    scan->sql = sql;
    scan->detached = 0;
    scan->eof = 1;
    scan->ids_at = 0;
    ck_buf_clear(&scan->ids);
    if (ck_stmt_take(store, sql, &scan->stmt, err) != SQLITE_OK) return err->rc;
    if (extra->values[0]) {
        ck_stmt_bind(scan->stmt, "iivv", bounds[0], bounds[1], extra->values[0],
                     extra->values[1]);
    } else {
        ck_stmt_bind(scan->stmt, "iii", bounds[0], bounds[1], extra->id);
    }
    scan->next = store->conn->ref_scans;
    store->conn->ref_scans = scan;
    return ck_ref_scan_next(scan, err);
}

void ck_ref_scan_end(CkRefScan *scan) {
    if (!scan->stmt) return;
    CkRefScan **at = &scan->store->conn->ref_scans;
    while (*at && *at != scan) at = &(*at)->next;
    if (*at) *at = scan->next;
    ck_stmt_give(scan->store, scan->detached ? CK_SQL_REF_GET : scan->sql, scan->stmt);
    scan->stmt = NULL;
    scan->eof = 1;
    ck_buf_release(&scan->ids);
}

/* Notes the current row and all that follow, then goes on by id from the current row. */
static int detach(CkRefScan *scan, CkError *err) {
    sqlite3_stmt *by_id = NULL;
    int rc = SQLITE_ROW;
    while (rc == SQLITE_ROW) {
        uint8_t *to = ck_buf_extend(&scan->ids, 8);
        if (!to) return ck_error_nomem(err);
        ck_store_u64(to, (uint64_t)sqlite3_column_int64(scan->stmt, 0));
        rc = ck_stmt_step(scan->store, scan->stmt, err);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    if (ck_stmt_take(scan->store, CK_SQL_REF_GET, &by_id, err) != SQLITE_OK) return err->rc;
    ck_stmt_give(scan->store, scan->sql, scan->stmt);
    scan->stmt = by_id;
    scan->detached = 1;
    return ck_ref_scan_next(scan, err);
}

int ck_ref_scans_detach(CkStore *store, CkError *err) {
    for (CkRefScan *scan = store->conn->ref_scans; scan; scan = scan->next) {
        if (scan->store == store && !scan->detached && !scan->eof) {
            if (detach(scan, err) != SQLITE_OK) return err->rc;
        }
    }
    return SQLITE_OK;
}
