/*
** The table-valued function `ck_migrate(old_model, new_model [, old_version, new_version])`: the
** refs that still point to embeddings of the old model.
**
** Content is not stored, so only the client can make the new keys; sql/migrate.sql shows how. A ref
** leaves the list when it is switched. new_model is there to be checked: both must be registered,
** and differ, before a list of work makes sense.
*/
#include "store/migrate.h"
#include "tables/table.h"

enum { INPUT_OLD_MODEL, INPUT_NEW_MODEL, INPUT_OLD_VERSION, INPUT_NEW_VERSION };

typedef struct Cursor {
    CkTvfCursor tvf;
    sqlite3_stmt *stmt; /* its columns are those of the table */
} Cursor;

static CkStore *store_of(Cursor *cursor) {
    return ((CkTable *)cursor->tvf.base.pVtab)->store;
}

static int migrate_next(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    base->eof = ck_stmt_step(store_of(cursor), cursor->stmt, err) != SQLITE_ROW;
    return err->rc;
}

/* *old_id is the model to leave. */
static int resolve(Cursor *cursor, int64_t *old_id, CkError *err) {
    sqlite3_value **in = cursor->tvf.inputs;
    CkModelMeant old = {.version = NULL}, new = {.version = NULL};
    ck_model_resolve(store_of(cursor), "ck_migrate", "old_model", in[INPUT_OLD_MODEL],
                     in[INPUT_OLD_VERSION], &old, err);
    if (err->rc == SQLITE_OK) {
        ck_model_resolve(store_of(cursor), "ck_migrate", "new_model", in[INPUT_NEW_MODEL],
                         in[INPUT_NEW_VERSION], &new, err);
    }
    if (err->rc == SQLITE_OK && old.model.id == new.model.id) {
        ck_error_set(err, SQLITE_ERROR,
                     "ck_migrate: old_model and new_model are the same, version '%s'",
                     old.version);
    }
    *old_id = old.model.id;
    ck_model_meant_release(&old);
    ck_model_meant_release(&new);
    return err->rc;
}

static int migrate_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    int64_t old_id = 0;
    base->eof = 1;
    if (resolve(cursor, &old_id, err) != SQLITE_OK) return err->rc;
    if (ck_stmt_take(store_of(cursor), CK_SQL_MIGRATE_SCAN, &cursor->stmt, err)) return err->rc;
    ck_stmt_bind(cursor->stmt, "i", old_id);
    return migrate_next(base, err);
}

static int migrate_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    (void)err;
    sqlite3_result_value(context, sqlite3_column_value(((Cursor *)base)->stmt, column));
    return SQLITE_OK;
}

static void migrate_reset(CkTvfCursor *base) {
    Cursor *cursor = (Cursor *)base;
    ck_stmt_give(store_of(cursor), CK_SQL_MIGRATE_SCAN, cursor->stmt);
    cursor->stmt = NULL;
}

const CkTvf ck_tvf_migrate = {
    .name = "ck_migrate",
    .declaration = "CREATE TABLE x(workspace TEXT, path TEXT, chunk INTEGER, start_line INTEGER, "
                   "end_line INTEGER, old_hash BLOB, old_model HIDDEN, new_model HIDDEN, "
                   "old_version HIDDEN, new_version HIDDEN)",
    .n_columns = 6,
    .n_inputs = 4,
    .n_required = 2,
    .cursor_bytes = sizeof(Cursor),
    .filter = migrate_filter,
    .next = migrate_next,
    .column = migrate_column,
    .reset = migrate_reset,
};
