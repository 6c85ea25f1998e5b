/* Looking after indexes: see index_maintain.h. */
#include "store/index_maintain.h"

#include <string.h>

#include "store/graph_append.h"
#include "store/graph_build.h"
#include "store/index_write.h"
#include "store/merge.h"
#include "store/merge_sweep.h"
#include "store/stale.h"

/* Blocks are bad when one slot in so many is stale: a search then wastes that share of its
** candidates. And a mean is old when the model has grown to so many times what it was taken of. */
#define STALE_SHARE 5
#define GROWTH 8

/* Rows of a tail, which every search scans and reads anew after every change. What is put goes to
** blocks long before; what is replaced stays until blocks are built without its old vector. */
#define TAIL_MAX 8192

#define COUNT_MAX ((int64_t)1 << 48)

/* A model and its index, as index_sizes has them. */
typedef struct Size {
    CkModel model;
    int64_t generation, n_merged, n_slots, n_tail, n_embeddings, n_blocks;
    int has_graph;
    CkGraphRow graph;
} Size;

/* A count of the file, which may be any number: one to reckon with. */
static int64_t count_of(sqlite3_stmt *stmt, int column) {
    int64_t n = sqlite3_column_int64(stmt, column);
    return n < 0 ? 0 : n > COUNT_MAX ? COUNT_MAX : n;
}

static int list_sizes(CkStore *store, const char *name, CkBuf *sizes, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_INDEX_SIZES, &stmt, err) != SQLITE_OK) return err->rc;
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        const char *model_name = (const char *)sqlite3_column_text(stmt, 8);
        Size size;
        if (name && model_name && strcmp(name, model_name) != 0) continue;
        if (ck_model_from_row(stmt, 0, &size.model, err) != SQLITE_OK) break;
        size.generation = sqlite3_column_int64(stmt, 9);
        size.n_merged = count_of(stmt, 10);
        size.n_slots = count_of(stmt, 11);
        size.n_tail = sqlite3_column_int64(stmt, 12);
        size.n_embeddings = sqlite3_column_int64(stmt, 13);
        size.n_blocks = sqlite3_column_int64(stmt, 14);
        ck_graph_row_read(store, size.model.id, &size.graph, &size.has_graph, err);
        if (size.has_graph && size.graph.generation != size.generation) size.has_graph = 0;
        ck_buf_append(sizes, &size, sizeof size);
        if (sizes->rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(store, CK_SQL_INDEX_SIZES, stmt);
    return err->rc;
}

/* What is in blocks and tail, but no longer in the store, is stale. */
static int is_bad(const Size *size) {
    int64_t n_stale = size->n_slots + size->n_tail - size->n_embeddings;
    return n_stale * STALE_SHARE > size->n_slots || size->n_tail > TAIL_MAX ||
           size->n_embeddings > size->n_merged * GROWTH ||
           (size->has_graph &&
            (size->n_embeddings > (int64_t)size->graph.n_built * CK_GRAPH_GROWTH ||
             !ck_graph_fits(&size->model, size->n_embeddings)));
}

static int has_changed(const CkStore *store, const Size *size) {
    int64_t n_stale = size->n_slots + size->n_tail - size->n_embeddings;
    if (size->has_graph) return size->n_tail > 0 || size->n_blocks > size->graph.n_scan_blocks;
    return size->n_embeddings >= ck_graph_min(store) || n_stale != 0 || size->n_tail > 0 ||
           size->n_embeddings != size->n_merged;
}

static int is_due(const CkStore *store, const Size *size, CkMergeWhen when) {
    if (size->generation == 0) return when != CK_MERGE_IF_BAD;
    if (when == CK_MERGE_ALWAYS || is_bad(size)) return 1;
    return when == CK_MERGE_IF_CHANGED && has_changed(store, size);
}

/* A graph that is good is added to; else all is built anew. ck_gc builds no first graph: that
** takes as long as many collections. */
static int merge_one(CkStore *store, const Size *size, CkMergeWhen when, CkMergeResult *result,
                     CkError *err) {
    if (size->has_graph && when == CK_MERGE_IF_CHANGED && !is_bad(size)) {
        return ck_graph_append(store, &size->model, result, err);
    }
    return ck_merge_run(store, &size->model, size->has_graph || when != CK_MERGE_IF_BAD, result,
                        err);
}

int ck_index_merge(CkStore *store, const char *name, CkMergeWhen when, int64_t *n_vectors,
                   CkError *err) {
    CkBuf sizes;
    CkMergeResult result;
    int exists = 0;
    *n_vectors = 0;
    ck_buf_init(&sizes);
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    list_sizes(store, name, &sizes, err);
    const Size *size = (const Size *)(const void *)sizes.data;
    size_t n = sizes.n_bytes / sizeof *size;
    if (err->rc == SQLITE_OK && name && n == 0) {
        ck_error_set(err, SQLITE_ERROR, "ck_optimize: no model '%s' is registered", name);
    }
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        /* An index that there is goes on, however small the model became. */
        int has_one = size[i].n_embeddings >= CK_INDEX_MIN || size[i].generation != 0;
        if (has_one && is_due(store, &size[i], when)) {
            merge_one(store, &size[i], when, &result, err);
            *n_vectors += result.n_vectors;
        }
        if (err->rc == SQLITE_OK && when != CK_MERGE_IF_BAD) {
            ck_merge_sweep(store, size[i].model.id, err);
        }
    }
    ck_buf_release(&sizes);
    return err->rc;
}

int ck_index_drop(CkStore *store, int64_t model, CkError *err) {
    ck_stmt_run(store, CK_SQL_INDEX_DROP, err, "i", model);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_GRAPH_DROP, err, "i", model);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_INDEX_DROP_BLOCKS, err, "i", model);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_INDEX_DROP_BLOCK_DATA, err, "i", model);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_TAIL_DELETE_OF_MODEL, err, "i", model);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_META_TOUCH, err, "");
    return err->rc;
}
