/* Registers the scalar functions: see functions.h. */
#include "functions/functions.h"

#include <string.h>

#include "store/conn.h"

/*
** Preparing a call tells: pragma_function_list is not in every build. Any error but this one,
** such as a wrong number of arguments, means that there is such a function.
*/
int ck_function_exists(sqlite3 *db, const char *name, int *exists) {
    sqlite3_stmt *stmt = NULL;
    char *call = sqlite3_mprintf("SELECT %s()", name);
    if (!call) return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v2(db, call, -1, &stmt, NULL);
    sqlite3_free(call);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_ERROR) return rc;
    *exists = rc == SQLITE_OK || strncmp(sqlite3_errmsg(db), "no such function", 16) != 0;
    return SQLITE_OK;
}

static int register_family(CkConn *conn, const CkFunction *f, int only_if_free) {
    int rc = SQLITE_OK;
    for (; f->name && rc == SQLITE_OK; f++) {
        int taken = 0;
        if (only_if_free) rc = ck_function_exists(conn->db, f->name, &taken);
        if (rc != SQLITE_OK || taken) continue;
        /* SQLite calls ck_conn_release() even when this fails. */
        rc = sqlite3_create_function_v2(conn->db, f->name, f->n_args, SQLITE_UTF8 | f->flags,
                                        ck_conn_retain(conn), f->call, NULL, NULL,
                                        ck_conn_release);
    }
    return rc;
}

int ck_functions_register(CkConn *conn) {
    static const CkFunction *const families[] = {
        ck_functions_hash,    ck_functions_text,  ck_functions_cache,
        ck_functions_migrate, ck_functions_index, ck_functions_pack,
        ck_functions_sync,    ck_functions_peers, ck_functions_remotes,
        ck_functions_admin,
    };
    int rc = register_family(conn, ck_functions_vec, 1);
    for (size_t i = 0; i < sizeof families / sizeof *families && rc == SQLITE_OK; i++) {
        rc = register_family(conn, families[i], 0);
    }
    return rc;
}
