/* Audit, errors and progress: see log.h. */
#include "store/log.h"

#include <stdarg.h>

int ck_audit_add(CkStore *store, const char *action, CkError *err, const char *format, ...) {
    va_list args;
    if (err->rc != SQLITE_OK) return err->rc;
    va_start(args, format);
    char *detail = sqlite3_vmprintf(format, args);
    va_end(args);
    if (!detail) return ck_error_nomem(err);
    ck_stmt_run(store, CK_SQL_AUDIT_ADD, err, "itt", ck_conn_now(store->conn), action, detail);
    sqlite3_free(detail);
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

int ck_progress_set(CkStore *store, const CkProgress *progress, CkError *err) {
    return ck_stmt_run(store, CK_SQL_PROGRESS_SET, err, "tiiii", progress->task,
                       progress->started_at, ck_conn_now(store->conn), progress->done,
                       progress->total);
}

int ck_progress_clear(CkStore *store, const char *task, CkError *err) {
    return ck_stmt_run(store, CK_SQL_PROGRESS_CLEAR, err, "t", task);
}
