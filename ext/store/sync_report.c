/*
** Telling a remote what this store's workspaces refer to, so that it is not retired there: see
** store/peer.h.
**
** What was told last is known by a number made of the stamps of all workspaces, one of which
** changes with every ref: when it is the same, nothing is sent but a heartbeat a day. Else the
** hashes go in parts, each of which is a range of what is stored here. The remote writes only what
** differs. A report that is cut short goes on where it was, in the next session, unless that is a
** day later. One that a session cannot finish in PARTS_MAX is of a store of more than a million
** embeddings, and goes on likewise.
**
** A directory is told nothing: there nobody retires but the stores that read it, each for itself.
*/
#include <string.h>

#include "store/log.h"
#include "store/sync_session.h"
#include "store/transaction.h"

/* So many of the stored hashes are the range of one part. */
#define PART_HASHES 10000
#define PARTS_MAX 100

/* A heartbeat a day keeps a report for CK_REPORT_TTL_S more. */
#define HEARTBEAT_S 86400

typedef struct Report {
    CkSyncSession *session;
    int64_t state;   /* of the references, when it was begun */
    int is_complete; /* and nothing has changed since */
    int64_t beat_at;
    uint8_t bounds[2][CK_HASH_BYTES];
    const uint8_t *after, *through; /* in `bounds`; NULL: from the first, to the last */
} Report;

static int read_hash(sqlite3_stmt *stmt, int column, uint8_t *hash) {
    const void *bytes = sqlite3_column_blob(stmt, column);
    if (!bytes || sqlite3_column_bytes(stmt, column) != CK_HASH_BYTES) return 0;
    memcpy(hash, bytes, CK_HASH_BYTES);
    return 1;
}

/* What the books say; a report that is to be begun begins at the first hash. */
static int read_state(Report *report, CkError *err) {
    CkStore *store = report->session->store;
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_REPORT_STATE, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ti", report->session->remote.name,
                 ck_conn_now(store->conn) - HEARTBEAT_S);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        report->is_complete = sqlite3_column_int(stmt, 0);
        report->beat_at = sqlite3_column_int64(stmt, 1);
        report->state = sqlite3_column_int64(stmt, 2);
        if (read_hash(stmt, 3, report->bounds[0])) report->after = report->bounds[0];
    }
    ck_stmt_give(store, CK_SQL_REPORT_STATE, stmt);
    return err->rc;
}

/* Where the part ends that comes after `after`. */
static int find_through(Report *report, CkError *err) {
    CkStore *store = report->session->store;
    uint8_t *bound = report->after == report->bounds[0] ? report->bounds[1] : report->bounds[0];
    sqlite3_stmt *stmt = NULL;
    report->through = NULL;
    if (ck_stmt_take(store, CK_SQL_REPORT_BOUND, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "bi", report->after, CK_HASH_BYTES, (int64_t)PART_HASHES);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW && read_hash(stmt, 0, bound)) {
        report->through = bound;
    }
    ck_stmt_give(store, CK_SQL_REPORT_BOUND, stmt);
    return err->rc;
}

/* The hashes of the part into session->hashes. */
static int read_part(Report *report, CkError *err) {
    CkStore *store = report->session->store;
    CkBuf *hashes = &report->session->hashes;
    uint8_t hash[CK_HASH_BYTES];
    sqlite3_stmt *stmt = NULL;
    ck_buf_clear(hashes);
    if (ck_stmt_take(store, CK_SQL_REPORT_HASHES, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "bb", report->after, CK_HASH_BYTES, report->through, CK_HASH_BYTES);
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        if (read_hash(stmt, 0, hash)) ck_buf_append(hashes, hash, sizeof hash);
    }
    ck_stmt_give(store, CK_SQL_REPORT_HASHES, stmt);
    return hashes->rc == SQLITE_OK ? err->rc : ck_error_nomem(err);
}

/* How far it has come: up to `through`, or complete. */
static int record(Report *report, CkError *err) {
    CkStore *store = report->session->store;
    CkWrite write;
    if (ck_sync_session_begin(report->session, &write, err) != SQLITE_OK) return err->rc;
    ck_stmt_run(store, CK_SQL_REPORT_SENT, err, "tibi", report->session->remote.name,
                report->state, report->through, CK_HASH_BYTES, ck_conn_now(store->conn));
    return ck_write_end(&write, err);
}

static int send_part(Report *report, CkError *err) {
    CkSyncSession *session = report->session;
    if (find_through(report, err) != SQLITE_OK || read_part(report, err) != SQLITE_OK) {
        return err->rc;
    }
    size_t n = session->hashes.n_bytes / CK_HASH_BYTES;
    const CkReportPart part = {NULL, report->after, report->through, session->hashes.data, n};
    if (session->transport->methods->report(session->transport, &part, err) != SQLITE_OK) {
        return err->rc;
    }
    session->summary->reported += (int64_t)n;
    return record(report, err);
}

int ck_sync_session_report(CkSyncSession *session, CkError *err) {
    Report report = {.session = session};
    CkTransport *transport = session->transport;
    if (!transport || !session->remote.push || read_state(&report, err) != SQLITE_OK) {
        return err->rc;
    }
    if (report.is_complete) {
        if (report.beat_at > ck_conn_now(session->store->conn) - HEARTBEAT_S) return SQLITE_OK;
        if (transport->methods->heartbeat(transport, err) != SQLITE_OK) return err->rc;
        return record(&report, err);
    }
    for (int i = 0; i < PARTS_MAX && err->rc == SQLITE_OK; i++) {
        if (send_part(&report, err) != SQLITE_OK || !report.through) break;
        report.after = report.through;
    }
    return err->rc;
}
