/*
** The table-valued function `ck_cache`: what this connection keeps of the search indexes in memory,
** one row for each model that was searched or put to; nothing is read to say it.
*/
#include "store/index.h"
#include "tables/table.h"

enum {
    COLUMN_MODEL,
    COLUMN_VERSION,
    COLUMN_BLOCKS,
    COLUMN_RESIDENT,
    COLUMN_BYTES,
    COLUMN_BUDGET_BYTES,
    COLUMN_HITS,
    COLUMN_READS,
    COLUMN_EVICTED
};

typedef struct Cursor {
    CkTvfCursor tvf;
    const CkIndex *index; /* the row; indexes in memory live as long as the connection */
} Cursor;

static CkStore *store_of(CkTvfCursor *cursor) {
    return ((CkTable *)cursor->base.pVtab)->store;
}

static int cache_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    int exists = 0;
    ck_store_open_read(store_of(base), &exists, err);
    cursor->index = exists ? store_of(base)->index_cache.first : NULL;
    base->eof = !cursor->index;
    return err->rc;
}

static int cache_next(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    (void)err;
    cursor->index = cursor->index->next;
    base->eof = !cursor->index;
    return SQLITE_OK;
}

/* The name or the version of the row's model; NULL when a ROLLBACK took it back. */
static int result_name(Cursor *cursor, sqlite3_context *context, int column, CkError *err) {
    CkStore *store = store_of(&cursor->tvf);
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_MODEL_NAME, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", cursor->index->model);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        sqlite3_result_value(context, sqlite3_column_value(stmt, column));
    }
    ck_stmt_give(store, CK_SQL_MODEL_NAME, stmt);
    return err->rc;
}

static int cache_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    const CkIndex *index = cursor->index;
    int64_t n_resident, n_bytes;
    if (column == COLUMN_MODEL || column == COLUMN_VERSION) {
        return result_name(cursor, context, column, err);
    }
    ck_index_kept(index, &n_resident, &n_bytes);
    const int64_t figures[] = {
        [COLUMN_BLOCKS] = (int64_t)index->n_blocks,
        [COLUMN_RESIDENT] = n_resident,
        [COLUMN_BYTES] = n_bytes,
        [COLUMN_BUDGET_BYTES] = index->store->index_cache.budget_bytes,
        [COLUMN_HITS] = index->counts.n_hits,
        [COLUMN_READS] = index->counts.n_reads,
        [COLUMN_EVICTED] = index->counts.n_evicted,
    };
    sqlite3_result_int64(context, figures[column]);
    return SQLITE_OK;
}

const CkTvf ck_tvf_cache = {
    .name = "ck_cache",
    .declaration = "CREATE TABLE x(model TEXT, version TEXT, blocks INTEGER, resident INTEGER, "
                   "bytes INTEGER, budget_bytes INTEGER, hits INTEGER, reads INTEGER, "
                   "evicted INTEGER)",
    .n_columns = 9,
    .n_inputs = 0,
    .n_required = 0,
    .cursor_bytes = sizeof(Cursor),
    .filter = cache_filter,
    .next = cache_next,
    .column = cache_column,
};
