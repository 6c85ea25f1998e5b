/* Registers the scalar functions: see functions.h. */
#include "functions/functions.h"

#include <string.h>

#include "store/conn.h"

/* Preparing a call tells: pragma_function_list is not in every build. */
int ck_function_exists(sqlite3 *db, const char *name) {
    sqlite3_stmt *stmt = NULL;
    char *call = sqlite3_mprintf("SELECT %s()", name);
    if (!call) return 0;
    int rc = sqlite3_prepare_v2(db, call, -1, &stmt, NULL);
    int taken = rc == SQLITE_OK || strncmp(sqlite3_errmsg(db), "no such function", 16) != 0;
    sqlite3_finalize(stmt);
    sqlite3_free(call);
    return taken;
}

static int register_family(CkConn *conn, const CkFunction *f, int only_if_free) {
    for (; f->name; f++) {
        if (only_if_free && ck_function_exists(conn->db, f->name)) continue;
        /* SQLite calls ck_conn_release() even when this fails. */
        int rc = sqlite3_create_function_v2(conn->db, f->name, f->n_args, SQLITE_UTF8 | f->flags,
                                            ck_conn_retain(conn), f->call, NULL, NULL,
                                            ck_conn_release);
        if (rc != SQLITE_OK) return rc;
    }
    return SQLITE_OK;
}

int ck_functions_register(CkConn *conn) {
    static const CkFunction *const families[] = {ck_functions_hash, ck_functions_text,
                                                 ck_functions_cache, ck_functions_admin};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        int rc = register_family(conn, families[i], 0);
        if (rc != SQLITE_OK) return rc;
    }
    return register_family(conn, ck_functions_vec, 1);
}
