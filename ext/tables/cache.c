/*
** The table-valued function `ck_cache`: what this connection keeps of the search indexes in memory.
** For each model that was searched or put to there is a row of its scan plane, and one of its graph
** if it has one; nothing is read to say it.
*/
#include "store/cells.h"
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
    enum { OF_SCAN, OF_GRAPH, OF_CELLS } part;
} Cursor;

static CkStore *store_of(CkTvfCursor *cursor) {
    return ((CkTable *)cursor->base.pVtab)->store;
}

static int cache_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    int exists = 0;
    ck_store_open_read(store_of(base), &exists, err);
    cursor->index = exists ? store_of(base)->index_cache.first : NULL;
    cursor->part = OF_SCAN;
    base->eof = !cursor->index;
    return err->rc;
}

static int cache_next(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    (void)err;
    if (cursor->part == OF_SCAN && cursor->index->graph.exists) {
        cursor->part = OF_GRAPH;
    } else if (cursor->part == OF_GRAPH && cursor->index->n_cells > 0) {
        cursor->part = OF_CELLS;
    } else {
        cursor->part = OF_SCAN;
        cursor->index = cursor->index->next;
    }
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

/* Blocks there are, blocks in memory and their bytes; reads and evictions. */
static void describe(const Cursor *cursor, int64_t *figures) {
    const CkIndex *index = cursor->index;
    const CkGraph *graph = &index->graph;
    int64_t *n_resident = &figures[COLUMN_RESIDENT], *n_bytes = &figures[COLUMN_BYTES];
    figures[COLUMN_BUDGET_BYTES] = index->store->index_cache.budget_bytes;
    figures[COLUMN_HITS] = index->counts.n_hits;
    figures[COLUMN_READS] = index->counts.n_reads;
    figures[COLUMN_EVICTED] = index->counts.n_evicted;
    switch (cursor->part) {
    case OF_SCAN:
        figures[COLUMN_BLOCKS] = (int64_t)index->n_blocks;
        ck_index_kept(index, n_resident, n_bytes);
        break;
    case OF_GRAPH:
        ck_graph_blocks(graph, &figures[COLUMN_BLOCKS], n_resident);
        *n_bytes = ck_graph_block_bytes(graph) + ck_graph_other_bytes(graph);
        figures[COLUMN_READS] = graph->n_reads;
        figures[COLUMN_EVICTED] = graph->n_evicted;
        break;
    case OF_CELLS:
        figures[COLUMN_BLOCKS] = index->n_cells;
        ck_cells_kept(index, n_resident, n_bytes);
        figures[COLUMN_HITS] = index->cell_counts.n_hits;
        figures[COLUMN_READS] = index->cell_counts.n_reads;
        figures[COLUMN_EVICTED] = index->cell_counts.n_evicted;
        break;
    }
}

static int cache_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    static const char *const parts[] = {"scan", "graph", "cells"};
    Cursor *cursor = (Cursor *)base;
    int64_t figures[COLUMN_EVICTED + 1] = {0};
    if (column == COLUMN_MODEL || column == COLUMN_VERSION) {
        return result_name(cursor, context, column, err);
    }
    if (column == COLUMN_PART) {
        sqlite3_result_text(context, parts[cursor->part], -1, SQLITE_STATIC);
        return SQLITE_OK;
    }
    /* A walk asks for a block's presence many thousands of times, and counts no hits. */
    if (column == COLUMN_HITS && cursor->part == OF_GRAPH) return SQLITE_OK;
    describe(cursor, figures);
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
