/* Audit, errors and progress: see log.h. */
#include "store/log.h"

#include <stdarg.h>

#include "store/identity.h"
#include "store/transaction.h"

int ck_audit_add(CkStore *store, const char *action, CkError *err, const char *format, ...) {
    va_list args;
    if (err->rc != SQLITE_OK) return err->rc;
    va_start(args, format);
    char *detail = sqlite3_vmprintf(format, args);
    va_end(args);
    if (!detail) return ck_error_nomem(err);
    ck_stmt_run(store, CK_SQL_AUDIT_ADD, err, "ittt", ck_conn_now(store->conn), action, detail,
                ck_identity_user());
    sqlite3_free(detail);
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_AUDIT_TRIM, err, "i", (int64_t)CK_AUDIT_ROWS);
}

int ck_audit_sync(CkStore *store, const char *action, const CkAuditSync *sync, CkError *err) {
    ck_stmt_run(store, CK_SQL_AUDIT_SYNC, err, "itttiiiti", ck_conn_now(store->conn), action,
                sync->remote, sync->peer, sync->created, sync->conflicts, sync->rejected,
                ck_identity_user(), sync->retired);
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_AUDIT_TRIM, err, "i", (int64_t)CK_AUDIT_ROWS);
}

int ck_errors_add(CkStore *store, const char *source, const char *code, CkError *err,
                  const char *format, ...) {
    va_list args;
    if (err->rc != SQLITE_OK) return err->rc;
    va_start(args, format);
    char *message = sqlite3_vmprintf(format, args);
    va_end(args);
    if (!message) return ck_error_nomem(err);
    ck_stmt_run(store, CK_SQL_ERROR_ADD, err, "ttti", source, code, message,
                ck_conn_now(store->conn));
    sqlite3_free(message);
    return err->rc;
}

int ck_errors_remove(CkStore *store, const char *source, const char *code, CkError *err) {
    return ck_stmt_run(store, CK_SQL_ERROR_REMOVE, err, "tt", source, code);
}

static int is_worth_a_row(int rc) {
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
        return 0;
    default:
        return 1;
    }
}

void ck_errors_settle(CkStore *store, const char *source, const CkError *outcome) {
    static const char code[] = "failed";
    CkError err = CK_ERROR_NONE;
    CkWrite write;
    int64_t one;
    int found = 0, failed = outcome->rc != SQLITE_OK, exists = 0;
    if (!sqlite3_get_autocommit(store->conn->db) || !is_worth_a_row(outcome->rc)) return;
    if (ck_store_open_read(store, &exists, &err) == SQLITE_OK && exists && !failed) {
        ck_stmt_ints(store, CK_SQL_ERROR_EXISTS, &err, &one, 1, &found, "tt", source, code);
    }
    if (err.rc == SQLITE_OK && (found || (exists && failed)) &&
        ck_write_begin(&write, store, &err) == SQLITE_OK) {
        if (failed) {
            ck_errors_add(store, source, code, &err, "%s",
                          outcome->message ? outcome->message : sqlite3_errstr(outcome->rc));
        } else {
            ck_errors_remove(store, source, code, &err);
        }
        ck_write_end(&write, &err);
    }
    ck_error_release(&err);
}

int ck_progress_set(CkStore *store, const CkProgress *progress, CkError *err) {
    return ck_stmt_run(store, CK_SQL_PROGRESS_SET, err, "tiiii", progress->task,
                       progress->started_at, ck_conn_now(store->conn), progress->done,
                       progress->total);
}

int ck_progress_clear(CkStore *store, const char *task, CkError *err) {
    return ck_stmt_run(store, CK_SQL_PROGRESS_CLEAR, err, "t", task);
}
