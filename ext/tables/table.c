/* What virtual tables share: see table.h. */
#include "tables/table.h"

#include <string.h>

#include "store/store.h"

int ck_table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                     const char *declaration, sqlite3_vtab **vtab, char **message) {
    CkConn *conn = aux;
    CkError err = CK_ERROR_NONE;
    char *schema = NULL;
    CkTable *table = NULL;
    *vtab = NULL;
    int eponymous = strcmp(argv[0], argv[2]) == 0 && strcmp(argv[1], "temp") != 0 && argc == 3;
    if (argc > 4) {
        ck_error_set(&err, SQLITE_ERROR, "%s: takes one argument, the schema of a store", argv[0]);
    } else if (!eponymous && strcmp(argv[1], "temp") != 0) {
        ck_error_set(&err, SQLITE_ERROR,
                     "%s: may be created in temp only (a connection without ck could not open the "
                     "file any more); SELECT ck_attach('schema') does it",
                     argv[0]);
    }
    if (err.rc == SQLITE_OK) {
        schema = ck_schema_argument(argc == 4 ? argv[3] : "main");
        table = sqlite3_malloc64(sizeof *table);
        if (!schema || !table) ck_error_nomem(&err);
    }
    if (err.rc == SQLITE_OK) {
        memset(table, 0, sizeof *table);
        table->conn = conn;
        table->store = ck_conn_store(conn, schema);
        if (!table->store) ck_error_nomem(&err);
    }
    if (err.rc == SQLITE_OK) {
        int rc = sqlite3_declare_vtab(db, declaration);
        if (rc != SQLITE_OK) ck_error_db(&err, db, rc);
    }
    sqlite3_free(schema);
    if (err.rc != SQLITE_OK) {
        sqlite3_free(table);
        return ck_error_move(&err, message);
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
    ck_conn_retain(conn);
    *vtab = &table->base;
    return SQLITE_OK;
}

/* A module argument as a name: quotes around it are removed. From sqlite3_malloc, or NULL. */
char *ck_schema_argument(const char *argument) {
    char *name = sqlite3_mprintf("%s", argument);
    char quote = name ? name[0] : 0;
    if (quote != '"' && quote != '\'' && quote != '`') return name;
    size_t to = 0;
    for (size_t from = 1; name[from]; from++) {
        if (name[from] == quote && name[++from] != quote) break;
        name[to++] = name[from];
    }
    name[to] = 0;
    return name;
}

int ck_table_disconnect(sqlite3_vtab *vtab) {
    CkTable *table = (CkTable *)vtab;
    CkConn *conn = table->conn;
    sqlite3_free(table);
    ck_conn_release(conn);
    return SQLITE_OK;
}

int ck_table_end(sqlite3_vtab *vtab, CkError *err) {
    return ck_error_move(err, &vtab->zErrMsg);
}
