/*
** What all virtual tables share, and a small framework for table-valued functions.
**
** Each module is registered twice, as NAME and as ck_NAME where NAME is a bare word, because a
** real table of the same name hides an eponymous virtual table. The module's client data is the
** connection's CkConn.
*/
#ifndef CK_TABLES_TABLE_H
#define CK_TABLES_TABLE_H

#include "base/error.h"
#include "base/sqlite.h"

struct CkConn;
struct CkStore;

/* The head of every virtual table of ck. */
typedef struct CkTable {
    sqlite3_vtab base;
    struct CkConn *conn;
    struct CkStore *store;
    const char *module; /* begins messages */
    char *name;         /* quoted, for queries on itself */
    const struct CkTvf *tvf; /* only for table-valued functions */
    sqlite3_vtab_cursor *idle; /* only for knn: a closed cursor, whose memory is used again */
} CkTable;

/*
** xConnect and xCreate. `declaration` is the CREATE TABLE text for sqlite3_declare_vtab(). An
** argument names the schema whose store the table shows ("main" without one); a table that is
** not eponymous may live in temp only, since a persistent one would break every connection
** without the extension.
*/
int ck_table_connect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                     const char *declaration, sqlite3_vtab **vtab, char **message);
int ck_table_disconnect(sqlite3_vtab *vtab);

/* Ends a method: moves err's message to the table, returns its code. */
int ck_table_end(sqlite3_vtab *vtab, CkError *err);

/* INSERT: the value, or NULL when it is an SQL NULL. */
sqlite3_value *ck_table_given(sqlite3_value *value);

/* UPDATE: the value, or NULL when the column is not touched. */
sqlite3_value *ck_table_changed(sqlite3_value *value);

/* Refuses an explicit rowid; argv is xUpdate's. */
int ck_table_check_insert(CkTable *table, sqlite3_value **argv, CkError *err);

/*
** Refuses an UPDATE of the rowid, or of any of the n_columns columns that is not in `updatable`
** (which ends with -1). A column that is set to the value it has is not an update: UPDATE … FROM
** passes every column.
*/
int ck_table_check_update(CkTable *table, sqlite3_value **argv, int n_columns,
                          const int *updatable, CkError *err);

/*
** A table-valued function. Columns [0, n_columns) are results, the n_inputs columns after them
** are hidden inputs, of which the first n_required must be given. The framework answers
** xBestIndex (inputs take = only), keeps the inputs readable as columns, and numbers the rows.
*/
#define CK_TVF_INPUTS_MAX 4

typedef struct CkTvfCursor {
    sqlite3_vtab_cursor base;
    sqlite3_int64 row; /* 0-based number of the current row */
    int eof;
    sqlite3_value *inputs[CK_TVF_INPUTS_MAX]; /* copies of what was given, or NULL */
} CkTvfCursor;

typedef struct CkTvf {
    const char *name;
    const char *declaration; /* CREATE TABLE x(result…, input HIDDEN…) */
    int n_columns;
    int n_inputs; /* at most CK_TVF_INPUTS_MAX */
    int n_required;
    int first_rowid_is_0; /* else 1 */
    int cursor_bytes; /* sizeof the cursor, which begins with CkTvfCursor */
    /* Begins a scan over inputs and positions on the first row, or sets eof. */
    int (*filter)(CkTvfCursor *cursor, CkError *err);
    /* Positions on the next row, or sets eof. */
    int (*next)(CkTvfCursor *cursor, CkError *err);
    /* Sets the result to column `column` of the current row. */
    int (*column)(CkTvfCursor *cursor, sqlite3_context *context, int column, CkError *err);
    /* Frees what filter acquired; called before every filter and at close. May be NULL. */
    void (*reset)(CkTvfCursor *cursor);
} CkTvf;

extern const CkTvf ck_tvf_chunks;
extern const CkTvf ck_tvf_missing;
extern const CkTvf ck_tvf_garbage;
extern const CkTvf ck_tvf_stats;
extern const CkTvf ck_tvf_usage;
extern const CkTvf ck_tvf_doctor;
extern const CkTvf ck_tvf_migrate;
extern const CkTvf ck_tvf_cache;
extern const CkTvf ck_tvf_unpack;
extern const CkTvf ck_tvf_batch;

int ck_tvf_register(struct CkConn *conn, const CkTvf *tvf);

/* Registers vec_each, unless another extension has. */
int ck_vec_each_register(struct CkConn *conn);

/* The modules of the five tables, and the anchor that tells of sqlite3_close() (conn.h). */
extern const sqlite3_module ck_module_embeddings;
extern const sqlite3_module ck_module_refs;
extern const sqlite3_module ck_module_workspaces;
extern const sqlite3_module ck_module_models;
extern const sqlite3_module ck_module_knn;
extern const sqlite3_module ck_module_anchor;

/* Registers every virtual table and table-valued function on the connection. */
int ck_tables_register(struct CkConn *conn);

#endif
