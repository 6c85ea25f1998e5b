/* What virtual tables share: see table.h. */
#include "tables/table.h"

#include <string.h>

#include "store/store.h"

/*
** Whether this is the eponymous table of its module. A CREATE VIRTUAL TABLE of the module's name
** in main looks the same, but then the schema has such a table.
*/
static int is_eponymous(sqlite3 *db, int argc, const char *const *argv) {
    return argc == 3 && strcmp(argv[0], argv[2]) == 0 && strcmp(argv[1], "main") == 0 &&
           sqlite3_table_column_metadata(db, argv[1], argv[2], NULL, NULL, NULL, NULL, NULL,
                                         NULL) != SQLITE_OK;
}

/* A module argument as a name: quotes around it are removed. From sqlite3_malloc, or NULL. */
static char *schema_argument(const char *argument) {
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

static void table_free(CkTable *table) {
    if (table) sqlite3_free(table->name);
    sqlite3_free(table);
}

static int table_new(CkConn *conn, const char *schema, const char *const *argv, CkTable **out,
                     CkError *err) {
    CkTable *table = sqlite3_malloc64(sizeof *table);
    *out = table;
    if (!table) return ck_error_nomem(err);
    memset(table, 0, sizeof *table);
    table->conn = conn;
    table->store = ck_conn_store(conn, schema);
    table->module = strncmp(argv[0], "ck_", 3) == 0 ? argv[0] + 3 : argv[0];
    table->name = sqlite3_mprintf("\"%w\".\"%w\"", argv[1], argv[2]);
    return table->store && table->name ? SQLITE_OK : ck_error_nomem(err);
}

int ck_table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                     const char *declaration, sqlite3_vtab **vtab, char **message) {
    CkError err = CK_ERROR_NONE;
    char *schema = NULL;
    CkTable *table = NULL;
    *vtab = NULL;
    if (argc > 4) {
        ck_error_set(&err, SQLITE_ERROR, "%s: takes one argument, the schema of a store", argv[0]);
    } else if (strcmp(argv[1], "temp") != 0 && !is_eponymous(db, argc, argv)) {
        ck_error_set(&err, SQLITE_ERROR,
                     "%s: may be created in temp only (a connection without ck could not open the "
                     "file any more); SELECT ck_attach('schema') does it",
                     argv[0]);
    }
    if (err.rc == SQLITE_OK) {
        schema = schema_argument(argc == 4 ? argv[3] : "main");
        if (!schema) ck_error_nomem(&err);
    }
    if (err.rc == SQLITE_OK) table_new(aux, schema, argv, &table, &err);
    if (err.rc == SQLITE_OK) {
        int rc = sqlite3_declare_vtab(db, declaration);
        if (rc != SQLITE_OK) ck_error_db(&err, db, rc);
    }
    sqlite3_free(schema);
    if (err.rc != SQLITE_OK) {
        table_free(table);
        return ck_error_move(&err, message);
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
    ck_conn_retain(aux);
    *vtab = &table->base;
    return SQLITE_OK;
}

int ck_table_disconnect(sqlite3_vtab *vtab) {
    CkTable *table = (CkTable *)vtab;
    CkConn *conn = table->conn;
    table_free(table);
    ck_conn_release(conn);
    return SQLITE_OK;
}

int ck_table_end(sqlite3_vtab *vtab, CkError *err) {
    return ck_error_move(err, &vtab->zErrMsg);
}

sqlite3_value *ck_table_given(sqlite3_value *value) {
    return sqlite3_value_type(value) == SQLITE_NULL ? NULL : value;
}

sqlite3_value *ck_table_changed(sqlite3_value *value) {
    return sqlite3_value_nochange(value) ? NULL : value;
}

int ck_table_check_insert(CkTable *table, sqlite3_value **argv, CkError *err) {
    if (sqlite3_value_type(argv[1]) == SQLITE_NULL) return SQLITE_OK;
    return ck_error_set(err, SQLITE_ERROR, "%s: the rowid is assigned and cannot be inserted",
                        table->module);
}

static int same(sqlite3_value *a, sqlite3_value *b) {
    int type = sqlite3_value_type(a);
    if (type != sqlite3_value_type(b)) return 0;
    switch (type) {
    case SQLITE_NULL:
        return 1;
    case SQLITE_INTEGER:
        return sqlite3_value_int64(a) == sqlite3_value_int64(b);
    case SQLITE_FLOAT:
        return sqlite3_value_double(a) == sqlite3_value_double(b);
    default: {
        const void *x = sqlite3_value_blob(a), *y = sqlite3_value_blob(b);
        int n = sqlite3_value_bytes(a);
        return n == sqlite3_value_bytes(b) && (n == 0 || (x && y && memcmp(x, y, (size_t)n) == 0));
    }
    }
}

static int is_in(int column, const int *list) {
    while (*list >= 0 && *list != column) list++;
    return *list == column;
}

/* Compares what an UPDATE sets with what the table itself says the row has. */
static int check_against_row(CkTable *table, sqlite3_value **argv, int n_columns,
                             const int *updatable, CkError *err) {
    sqlite3 *db = table->conn->db;
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM %s WHERE rowid = ?1", table->name);
    if (!sql) return ck_error_nomem(err);
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_OK) {
        sqlite3_bind_value(stmt, 1, argv[0]);
        rc = sqlite3_step(stmt);
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) ck_error_db(err, db, rc);
    for (int c = 0; rc == SQLITE_ROW && c < n_columns && err->rc == SQLITE_OK; c++) {
        if (is_in(c, updatable) || sqlite3_value_nochange(argv[2 + c])) continue;
        /* A hidden column is not in the row; NULL is what it always reads as. */
        int unchanged = c < sqlite3_column_count(stmt)
                            ? same(argv[2 + c], sqlite3_column_value(stmt, c))
                            : sqlite3_value_type(argv[2 + c]) == SQLITE_NULL;
        if (unchanged) continue;
        ck_error_set(err, SQLITE_ERROR, "%s: column %s cannot be updated", table->module,
                     c < sqlite3_column_count(stmt) ? sqlite3_column_name(stmt, c) : "content");
    }
    sqlite3_finalize(stmt);
    return err->rc;
}

int ck_table_check_update(CkTable *table, sqlite3_value **argv, int n_columns,
                          const int *updatable, CkError *err) {
    if (sqlite3_value_type(argv[1]) != SQLITE_INTEGER ||
        sqlite3_value_int64(argv[1]) != sqlite3_value_int64(argv[0])) {
        return ck_error_set(err, SQLITE_ERROR, "%s: the rowid cannot be updated", table->module);
    }
    for (int c = 0; c < n_columns; c++) {
        if (!is_in(c, updatable) && !sqlite3_value_nochange(argv[2 + c])) {
            return check_against_row(table, argv, n_columns, updatable, err);
        }
    }
    return SQLITE_OK;
}
