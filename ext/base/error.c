/* Errors: see error.h for the rules. */
#include "base/error.h"

#include <stdarg.h>

int ck_error_set(CkError *err, int rc, const char *format, ...) {
    if (err->rc != SQLITE_OK) return err->rc;
    err->rc = rc;
    va_list args;
    va_start(args, format);
    err->message = sqlite3_vmprintf(format, args);
    va_end(args);
    if (!err->message) err->rc = SQLITE_NOMEM;
    return err->rc;
}

int ck_error_db(CkError *err, sqlite3 *db, int rc) {
    if ((rc & 0xff) == SQLITE_NOMEM) return ck_error_nomem(err);
    return ck_error_set(err, rc, "%s", sqlite3_errmsg(db));
}

int ck_error_nomem(CkError *err) {
    if (err->rc == SQLITE_OK) err->rc = SQLITE_NOMEM;
    return err->rc;
}

void ck_error_result(CkError *err, sqlite3_context *context) {
    if (err->rc == SQLITE_OK) return;
    if (err->rc == SQLITE_NOMEM) {
        sqlite3_result_error_nomem(context);
    } else {
        if (err->message) sqlite3_result_error(context, err->message, -1);
        sqlite3_result_error_code(context, err->rc);
    }
    ck_error_release(err);
}

int ck_error_move(CkError *err, char **message) {
    int rc = err->rc;
    if (err->message) {
        sqlite3_free(*message);
        *message = err->message;
        err->message = NULL;
    }
    ck_error_release(err);
    return rc;
}

void ck_error_release(CkError *err) {
    sqlite3_free(err->message);
    err->message = NULL;
    err->rc = SQLITE_OK;
}
