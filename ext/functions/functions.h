/*
** Scalar SQL functions: one file per family, each exporting a table of CkFunction.
**
** sqlite3_user_data() of every function is the connection's CkConn (store/conn.h).
*/
#ifndef CK_FUNCTIONS_FUNCTIONS_H
#define CK_FUNCTIONS_FUNCTIONS_H

#include "base/sqlite.h"

struct CkConn;

typedef struct CkFunction {
    const char *name;
    int n_args; /* -1: the function checks the number itself */
    int flags;  /* beside SQLITE_UTF8: CK_FUNCTION_PURE or CK_FUNCTION_WRITES … */
    void (*call)(sqlite3_context *, int, sqlite3_value **);
} CkFunction;

/* Same arguments, same result, no side effect: usable in indexes, views and triggers. */
#define CK_FUNCTION_PURE (SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)
/* Reads the store. */
#define CK_FUNCTION_READS 0
/* Writes the store: never from a view or trigger of somebody's schema. */
#define CK_FUNCTION_WRITES SQLITE_DIRECTONLY

/* Tables end with a NULL name. */
extern const CkFunction ck_functions_hash[];
extern const CkFunction ck_functions_text[];
extern const CkFunction ck_functions_cache[];
extern const CkFunction ck_functions_migrate[];
extern const CkFunction ck_functions_index[];
extern const CkFunction ck_functions_admin[];
extern const CkFunction ck_functions_pack[];
extern const CkFunction ck_functions_remotes[];
extern const CkFunction ck_functions_sync[];
extern const CkFunction ck_functions_peers[];
extern const CkFunction ck_functions_vec[];

/* Sets *exists to whether the connection has a function of this name, with any number of
** arguments. Returns an error code when that cannot be told. */
int ck_function_exists(sqlite3 *db, const char *name, int *exists);

/*
** Registers all families on the connection. vec_* names already taken are left alone. ck_version
** comes last: it is by this name that a connection is known to be complete.
*/
int ck_functions_register(struct CkConn *conn);

#endif
