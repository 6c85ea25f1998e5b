/*
** The table-valued function `ck_cache`: what this connection keeps of the search indexes in memory.
** For each model that was searched or put to there is a row of its scan plane, and one of its graph
** if it has one; nothing is read to say it.
*/
#include "store/index.h"
#include "tables/table.h"

enum {
    COLUMN_MODEL,
    COLUMN_VERSION,
    COLUMN_PART,
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
    int of_graph;         /* the row is of its graph */
} Cursor;

static CkStore *store_of(CkTvfCursor *cursor) {
    return ((CkTable *)cursor->base.pVtab)->store;
}

static int cache_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    int exists = 0;
    ck_store_open_read(store_of(base), &exists, err);
    cursor->index = exists ? store_of(base)->index_cache.first : NULL;
    cursor->of_graph = 0;
    base->eof = !cursor->index;
    return err->rc;
}

static int cache_next(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    (void)err;
    cursor->of_graph = !cursor->of_graph && cursor->index->graph.exists;
    if (!cursor->of_graph) cursor->index = cursor->index->next;
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
    int64_t n_blocks = (int64_t)index->n_blocks, n_resident, n_bytes;
    if (column == COLUMN_MODEL || column == COLUMN_VERSION) {
        return result_name(cursor, context, column, err);
    }
    if (column == COLUMN_PART) {
        sqlite3_result_text(context, cursor->of_graph ? "graph" : "scan", -1, SQLITE_STATIC);
        return SQLITE_OK;
    }
    /* A walk asks for a block's presence many thousands of times, and counts no hits. */
    if (column == COLUMN_HITS && cursor->of_graph) return SQLITE_OK;
    const CkGraph *graph = &index->graph;
    if (cursor->of_graph) {
        ck_graph_blocks(graph, &n_blocks, &n_resident);
        n_bytes = ck_graph_block_bytes(graph) + ck_graph_other_bytes(graph);
    } else {
        ck_index_kept(index, &n_resident, &n_bytes);
    }
    const int64_t figures[] = {
        [COLUMN_BLOCKS] = n_blocks,
        [COLUMN_RESIDENT] = n_resident,
        [COLUMN_BYTES] = n_bytes,
        [COLUMN_BUDGET_BYTES] = index->store->index_cache.budget_bytes,
        [COLUMN_HITS] = index->counts.n_hits,
        [COLUMN_READS] = cursor->of_graph ? graph->n_reads : index->counts.n_reads,
        [COLUMN_EVICTED] = cursor->of_graph ? graph->n_evicted : index->counts.n_evicted,
    };
    sqlite3_result_int64(context, figures[column]);
    return SQLITE_OK;
}

const CkTvf ck_tvf_cache = {
    .name = "ck_cache",
    .declaration = "CREATE TABLE x(model TEXT, version TEXT, part TEXT, blocks INTEGER, "
                   "resident INTEGER, bytes INTEGER, budget_bytes INTEGER, hits INTEGER, "
                   "reads INTEGER, evicted INTEGER)",
    .n_columns = 10,
    .n_inputs = 0,
    .n_required = 0,
    .cursor_bytes = sizeof(Cursor),
    .filter = cache_filter,
    .next = cache_next,
    .column = cache_column,
};
