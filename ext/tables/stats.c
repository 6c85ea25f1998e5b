/*
** The table-valued function `ck_stats`: figures of the store, one row (name, value) each.
**
** Each figure is one statement of sql/store; a statement with two columns gives two figures, and is
** asked once for both when they are two integers. No store, no rows.
*/
#include "store/store.h"
#include "tables/table.h"

typedef struct Figure {
    const char *name;
    CkSqlId sql;
    int column;
    int is_pair; /* two integers, which take a scan of all embeddings */
} Figure;

static const Figure figures[] = {
    {"schema_version", CK_SQL_META_GET, 0, 0},
    {"store_uuid", CK_SQL_META_UUID, 0, 0},
    {"created_at", CK_SQL_META_UUID, 1, 0},
    {"seq", CK_SQL_META_GET, 1, 0},
    {"models", CK_SQL_STATS_MODELS, 0, 0},
    {"embeddings", CK_SQL_STATS_EMBEDDINGS, 0, 1},
    {"bytes", CK_SQL_STATS_EMBEDDINGS, 1, 1},
    {"live_embeddings", CK_SQL_STATS_REFERENCED, 0, 1},
    {"live_bytes", CK_SQL_STATS_REFERENCED, 1, 1},
    {"workspaces", CK_SQL_STATS_WORKSPACES, 0, 0},
    {"refs", CK_SQL_STATS_REFS, 0, 0},
    {"paths", CK_SQL_STATS_PATHS, 0, 0},
    {"page_size", CK_SQL_STATS_PAGE_SIZE, 0, 0},
    {"pages", CK_SQL_STATS_PAGE_COUNT, 0, 0},
    {"free_pages", CK_SQL_STATS_FREELIST_COUNT, 0, 0},
};
#define N_FIGURES ((sqlite3_int64)(sizeof figures / sizeof *figures))

typedef struct Cursor {
    CkTvfCursor tvf;
    CkSqlId asked; /* the statement that pair is of, or CK_SQL_COUNT */
    int64_t pair[2];
} Cursor;

static CkStore *store_of(CkTvfCursor *cursor) {
    return ((CkTable *)cursor->base.pVtab)->store;
}

static int stats_filter(CkTvfCursor *cursor, CkError *err) {
    int exists = 0;
    ck_store_open_read(store_of(cursor), &exists, err);
    cursor->eof = !exists;
    ((Cursor *)cursor)->asked = CK_SQL_COUNT;
    return err->rc;
}

static int stats_next(CkTvfCursor *cursor, CkError *err) {
    (void)err;
    cursor->eof = cursor->row >= N_FIGURES;
    return SQLITE_OK;
}

static int column_of_pair(Cursor *cursor, sqlite3_context *context, const Figure *figure,
                          CkError *err) {
    int found;
    if (cursor->asked != figure->sql) {
        cursor->asked = CK_SQL_COUNT;
        ck_stmt_ints(store_of(&cursor->tvf), figure->sql, err, cursor->pair, 2, &found, "");
        if (err->rc != SQLITE_OK) return err->rc;
        cursor->asked = figure->sql;
    }
    sqlite3_result_int64(context, cursor->pair[figure->column]);
    return SQLITE_OK;
}

static int stats_column(CkTvfCursor *cursor, sqlite3_context *context, int column, CkError *err) {
    const Figure *figure = &figures[cursor->row];
    CkStore *store = store_of(cursor);
    sqlite3_stmt *stmt = NULL;
    if (column == 0) {
        sqlite3_result_text(context, figure->name, -1, SQLITE_STATIC);
        return SQLITE_OK;
    }
    if (figure->is_pair) return column_of_pair((Cursor *)cursor, context, figure, err);
    if (ck_stmt_take(store, figure->sql, &stmt, err) != SQLITE_OK) return err->rc;
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        sqlite3_result_value(context, sqlite3_column_value(stmt, figure->column));
    }
    ck_stmt_give(store, figure->sql, stmt);
    return err->rc;
}

const CkTvf ck_tvf_stats = {
    .name = "ck_stats",
    .declaration = "CREATE TABLE x(name TEXT, value)",
    .n_columns = 2,
    .n_inputs = 0,
    .n_required = 0,
    .cursor_bytes = sizeof(Cursor),
    .filter = stats_filter,
    .next = stats_next,
    .column = stats_column,
};
