/* Errors: the first one is kept, messages move out once, nothing leaks. */
#include "base/error.h"

#include "unit.h"

static void the_first_failure_is_kept(void) {
    CkError err = CK_ERROR_NONE;
    CHECK_INT(ck_error_set(&err, SQLITE_CONSTRAINT, "knn: k must be 1..%d, got %d", 4096, 0),
              SQLITE_CONSTRAINT);
    CHECK_INT(ck_error_set(&err, SQLITE_IOERR, "later"), SQLITE_CONSTRAINT);
    CHECK_INT(ck_error_nomem(&err), SQLITE_CONSTRAINT);
    CHECK_STR(err.message, "knn: k must be 1..4096, got 0");
    ck_error_release(&err);
    CHECK_INT(err.rc, SQLITE_OK);
    CHECK_STR(err.message, NULL);
}

static void out_of_memory_has_no_message(void) {
    CkError err = CK_ERROR_NONE;
    CHECK_INT(ck_error_nomem(&err), SQLITE_NOMEM);
    CHECK_STR(err.message, NULL);
    CHECK_INT(ck_error_set(&err, SQLITE_ERROR, "later"), SQLITE_NOMEM);
    CHECK_STR(err.message, NULL);
    ck_error_release(&err);
}

static void a_connection_tells_its_error(void) {
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
    int rc = sqlite3_exec(db, "SELECT * FROM absent", NULL, NULL, NULL);
    CkError err = CK_ERROR_NONE;
    CHECK_INT(ck_error_db(&err, db, rc), SQLITE_ERROR);
    CHECK_STR(err.message, "no such table: absent");
    ck_error_release(&err);
    CHECK_INT(ck_error_db(&err, db, SQLITE_NOMEM), SQLITE_NOMEM);
    CHECK_STR(err.message, NULL);
    ck_error_release(&err);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

static void moving_replaces_the_older_message(void) {
    char *message = sqlite3_mprintf("an older message");
    CkError err = CK_ERROR_NONE;
    ck_error_set(&err, SQLITE_READONLY, "the newer one");
    CHECK_INT(ck_error_move(&err, &message), SQLITE_READONLY);
    CHECK_STR(message, "the newer one");
    CHECK_INT(err.rc, SQLITE_OK);
    CHECK_INT(ck_error_move(&err, &message), SQLITE_OK);
    CHECK_STR(message, "the newer one");
    sqlite3_free(message);
}

static void fails(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    CkError err = CK_ERROR_NONE;
    switch (sqlite3_value_int(values[0])) {
    case 0: sqlite3_result_int(context, 42); break;
    case 1: ck_error_set(&err, SQLITE_CONSTRAINT, "fails: got %d", 1); break;
    case 2: ck_error_nomem(&err); break;
    }
    ck_error_result(&err, context);
    CHECK_INT(err.rc, SQLITE_OK);
}

static void an_sql_function_reports(void) {
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_create_function(db, "fails", 1, SQLITE_UTF8, NULL, fails, NULL, NULL);
    CHECK_STR_FREE(unit_sql(db, "SELECT fails(0)"), "42");
    CHECK_STR_FREE(unit_sql(db, "SELECT fails(1)"), "error: fails: got 1");
    CHECK_INT(sqlite3_errcode(db), SQLITE_CONSTRAINT);
    CHECK_STR_FREE(unit_sql(db, "SELECT fails(2)"), "error: out of memory");
    CHECK_INT(sqlite3_errcode(db), SQLITE_NOMEM);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

void ck_test_base_error(void) {
    sqlite3_int64 before = sqlite3_memory_used();
    the_first_failure_is_kept();
    out_of_memory_has_no_message();
    a_connection_tells_its_error();
    moving_replaces_the_older_message();
    an_sql_function_reports();
    CHECK_INT(sqlite3_memory_used(), before);
}
