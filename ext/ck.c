/*
** The entry point: makes a database connection a ck connection.
**
** sqlite3_ck_init is what .load, sqlite3_load_extension() and sqlite3_auto_extension() call, once
** per connection. It creates the connection's state (store/conn.h) and registers functions and
** virtual tables with it. It must never touch the database: a store is created by the first
** write, and a connection that never uses ck pays nothing.
*/
#include "ck.h"

#define CK_ENTRY
#include "base/sqlite.h"

SQLITE_EXTENSION_INIT1

#include "functions/functions.h"
#include "store/conn.h"
#include "tables/table.h"
#include "vector/kernels.h"

static int load(sqlite3 *db, CkError *err) {
    CkConn *conn = NULL;
    if (sqlite3_libversion_number() < CK_SQLITE_MIN) {
        return ck_error_set(err, SQLITE_ERROR, "ck needs SQLite 3.38 or newer, this is %s",
                            sqlite3_libversion());
    }
    int loaded = 0;
    int rc = ck_function_exists(db, "ck_version", &loaded);
    if (rc != SQLITE_OK) return ck_error_db(err, db, rc);
    if (loaded) return SQLITE_OK; /* a second load leaves everything as it is */
    ck_kernels_init();
    if (ck_conn_new(db, &conn, err) != SQLITE_OK) return err->rc;
    rc = ck_tables_register(conn);
    if (rc == SQLITE_OK) rc = ck_functions_register(conn);
    /* Looking for absent functions leaves an error code on the connection, which sqlite3_open()
    ** would take for a failure of an automatic extension; a look that succeeds clears it. */
    if (rc == SQLITE_OK) rc = ck_function_exists(db, "ck_version", &loaded);
    if (rc != SQLITE_OK) ck_error_db(err, db, rc);
    ck_conn_release(conn); /* the registrations keep it from here on */
    return err->rc;
}

__attribute__((visibility("default"))) int
sqlite3_ck_init(sqlite3 *db, char **message, const struct sqlite3_api_routines *api) {
    CkError err = CK_ERROR_NONE;
    SQLITE_EXTENSION_INIT2(api);
    (void)api;
    load(db, &err);
    return ck_error_move(&err, message);
}
