/* The graph as a connection sees it: see graph.h. */
#include "store/graph.h"

#include <string.h>

#include "base/aligned.h"
#include "store/config.h"

/* Exact vectors that may be kept: all of a model that takes no more bytes than this, of a larger
** one a share; and no more than a share of the budget. */
#define VECTORS_ALL_BYTES ((int64_t)64 << 20)
#define VECTORS_SHARE 24
#define VECTORS_BUDGET_SHARE 4

CkIntMetric ck_graph_metric(const CkModel *model) {
    switch (model->metric) {
    case CK_METRIC_COSINE:
        return CK_INT_COSINE;
    case CK_METRIC_L2:
        return CK_INT_L2;
    default:
        return CK_INT_DOT;
    }
}

/* A search needs a block: CkHnswSource.load. */
static int load(void *context, int level, uint32_t block) {
    CkGraph *graph = context;
    CkRecordPlane *plane = level < 0 ? &graph->codes : &graph->links[level];
    int was_read;
    ck_record_plane_load(plane, graph->store, block, &was_read, graph->err);
    graph->n_reads += was_read;
    return graph->err->rc;
}

static int set_plane(CkGraph *graph, CkRecordPlane *plane, const CkRecordFormat *format,
                     uint32_t n, CkError *err) {
    CkRecordPlaneKey key = {*format, graph->model, graph->row.generation, n};
    return ck_record_plane_set(plane, &key, err);
}

const CkHnswSource *ck_graph_source(CkGraph *graph) {
    CkHnswSource *source = &graph->source;
    source->codes = ck_record_plane_records(&graph->codes);
    for (uint32_t level = 0; level < source->shape.n_levels; level++) {
        source->links[level] = ck_record_plane_records(&graph->links[level]);
    }
    return source;
}

static int set_planes(CkGraph *graph, CkError *err) {
    const CkHnswShape *shape = &graph->row.shape;
    CkHnswSource *source = &graph->source;
    CkRecordFormat format;
    ck_record_format_codes(&graph->space, &format);
    if (set_plane(graph, &graph->codes, &format, shape->n[0], err) != SQLITE_OK) return err->rc;
    ck_record_format_ids(&format);
    if (set_plane(graph, &graph->ids, &format, shape->n[0], err) != SQLITE_OK) return err->rc;
    for (uint32_t level = 0; level < CK_HNSW_LEVELS_MAX; level++) {
        CkRecordPlane *plane = &graph->links[level];
        if (level >= shape->n_levels) {
            ck_record_plane_release(plane);
            continue;
        }
        ck_record_format_links(shape, level, graph->row.side, &format);
        if (set_plane(graph, plane, &format, shape->n[level], err) != SQLITE_OK) return err->rc;
    }
    source->dims = graph->space.dims;
    source->shape = *shape;
    source->load = load;
    source->context = graph;
    ck_graph_source(graph);
    return SQLITE_OK;
}

/* Twins are found by halving: they must be in order, each once, and of nodes there are. */
static int check_twins(const CkGraph *graph, const CkRecordFormat *format, CkError *err) {
    const CkTwin *twins = (const CkTwin *)(const void *)graph->twins.data;
    for (uint32_t i = 0; i < graph->row.n_twins; i++) {
        int in_order = i == 0 || ck_twin_order(&twins[i - 1], &twins[i]) < 0;
        if (in_order && twins[i].node < graph->row.shape.n[0]) continue;
        int64_t number = ck_record_block_number(format, i >> format->shift);
        CkBlockEntry entry = {.address = ck_block_address(graph->model, graph->row.generation,
                                                          format->plane, number)};
        return ck_block_refuse(&entry, "has a record that is none", err);
    }
    return SQLITE_OK;
}

/* Twins are few, and read as a whole. */
static int read_twins(CkGraph *graph, CkError *err) {
    CkRecordPlane plane;
    CkRecordFormat format;
    uint32_t n = graph->row.n_twins;
    memset(&plane, 0, sizeof plane);
    ck_buf_clear(&graph->twins);
    if (n == 0) return SQLITE_OK;
    ck_record_format_twins(graph->row.side, &format);
    if (set_plane(graph, &plane, &format, n, err) == SQLITE_OK &&
        ck_record_plane_load_all(&plane, graph->store, err) == SQLITE_OK) {
        ck_buf_append(&graph->twins, plane.arena.base, n * sizeof(CkTwin));
        if (graph->twins.rc != SQLITE_OK) ck_error_nomem(err);
    }
    if (err->rc == SQLITE_OK) check_twins(graph, &format, err);
    ck_record_plane_release(&plane);
    return err->rc;
}

/* Room for exact vectors, as much as there should be now. */
static int fit_vectors(CkGraph *graph, CkError *err) {
    int64_t budget = graph->store->index_cache.budget_bytes / VECTORS_BUDGET_SHARE;
    int64_t n_bytes = graph->row.shape.n[0] * (int64_t)(graph->space.dims * sizeof(float));
    if (n_bytes > VECTORS_ALL_BYTES) n_bytes /= VECTORS_SHARE;
    if (n_bytes > budget) n_bytes = budget;
    if (n_bytes == graph->vectors_room) return SQLITE_OK;
    ck_vector_cache_release(&graph->vectors);
    graph->vectors_room = 0;
    if (ck_vector_cache_init(&graph->vectors, graph->space.dims, (size_t)n_bytes) != SQLITE_OK) {
        return ck_error_nomem(err);
    }
    graph->vectors_room = n_bytes;
    return SQLITE_OK;
}

int ck_graph_refresh(CkGraph *graph, CkStore *store, const CkModel *model,
                     const CkGraphOf *of, CkError *err) {
    CkGraphRow row;
    int found;
    if (ck_graph_row_read(store, model->id, &row, &found, err) != SQLITE_OK) return err->rc;
    if (!found || row.generation != of->generation || row.n_scan_blocks > of->n_scan_blocks) {
        graph->exists = 0;
        return SQLITE_OK;
    }
    graph->space = (CkIntSpace){ck_graph_metric(model), model->dims, of->mean};
    if (graph->exists && graph->row.stamp == row.stamp) return fit_vectors(graph, err);
    graph->exists = 0;
    graph->store = store;
    graph->model = model->id;
    graph->row = row;
    ck_vector_cache_clear(&graph->vectors);
    if (set_planes(graph, err) != SQLITE_OK || read_twins(graph, err) != SQLITE_OK ||
        fit_vectors(graph, err) != SQLITE_OK) {
        return err->rc;
    }
    if (!graph->scratch) graph->scratch = ck_hnsw_scratch_new();
    if (!graph->query_codes) graph->query_codes = ck_aligned_new(ck_int_query_bytes(model->dims));
    if (!graph->scratch || !graph->query_codes) return ck_error_nomem(err);
    graph->exists = 1;
    return SQLITE_OK;
}

void ck_graph_release(CkGraph *graph) {
    ck_record_plane_release(&graph->codes);
    ck_record_plane_release(&graph->ids);
    for (int level = 0; level < CK_HNSW_LEVELS_MAX; level++) {
        ck_record_plane_release(&graph->links[level]);
    }
    ck_buf_release(&graph->twins);
    ck_vector_cache_release(&graph->vectors);
    ck_hnsw_scratch_free(graph->scratch);
    ck_aligned_free(graph->query_codes);
    memset(graph, 0, sizeof *graph);
}

int ck_graph_id(CkGraph *graph, uint32_t node, int64_t *id) {
    CkRecordPlane *plane = &graph->ids;
    uint32_t block = node >> plane->format.shift;
    *id = 0;
    if (!plane->resident[block]) {
        int was_read;
        if (ck_record_plane_load(plane, graph->store, block, &was_read, graph->err) != SQLITE_OK) {
            return graph->err->rc;
        }
        graph->n_reads += was_read;
    }
    memcpy(id, plane->arena.base + sizeof *id * node, sizeof *id);
    return SQLITE_OK;
}

const CkTwin *ck_graph_twins(const CkGraph *graph, uint32_t node, size_t *n) {
    const CkTwin *twins = (const CkTwin *)(const void *)graph->twins.data;
    size_t low = 0, high = graph->twins.n_bytes / sizeof *twins, n_all = high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (twins[middle].node < node) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *n = 0;
    while (low + *n < n_all && twins[low + *n].node == node) *n += 1;
    return twins + low;
}

/* The planes with blocks of their own to evict. */
static CkRecordPlane *plane_of(CkGraph *graph, int i) {
    return i == 0 ? &graph->codes : i == 1 ? &graph->ids : &graph->links[i - 2];
}

#define PLANES (2 + CK_HNSW_LEVELS_MAX)

int64_t ck_graph_block_bytes(const CkGraph *graph) {
    int64_t n = graph->codes.n_bytes + graph->ids.n_bytes;
    for (int level = 0; level < CK_HNSW_LEVELS_MAX; level++) n += graph->links[level].n_bytes;
    return n;
}

int64_t ck_graph_whole_bytes(const CkGraph *graph) {
    int64_t n = 0;
    for (int i = 0; i < PLANES; i++) {
        const CkRecordPlane *plane = plane_of((CkGraph *)graph, i);
        if (!plane->arena.base || !graph->exists) continue;
        n += ck_record_plane_block_bytes(plane) * ck_record_plane_blocks(plane);
    }
    return n;
}

int64_t ck_graph_other_bytes(const CkGraph *graph) {
    size_t scratch = graph->scratch ? ck_hnsw_scratch_bytes(graph->scratch) : 0;
    return (int64_t)(ck_vector_cache_bytes(&graph->vectors) + graph->twins.n_bytes + scratch);
}

void ck_graph_blocks(const CkGraph *graph, int64_t *n_blocks, int64_t *n_kept) {
    *n_blocks = *n_kept = 0;
    for (int i = 0; i < PLANES; i++) {
        const CkRecordPlane *plane = plane_of((CkGraph *)graph, i);
        if (!plane->arena.base) continue;
        *n_blocks += graph->exists ? ck_record_plane_blocks(plane) : 0;
        *n_kept += plane->n_kept;
    }
}

/*
** Which block goes is left to chance: what searches use is spread over all of them, and a note of
** each use would cost every search more than a wrong choice now and then.
*/
void ck_graph_shrink(CkGraph *graph, int64_t n_bytes) {
    for (int i = 0; i < PLANES && ck_graph_block_bytes(graph) > n_bytes; i++) {
        CkRecordPlane *plane = plane_of(graph, i);
        uint32_t n = plane->arena.base ? plane->capacity >> plane->format.shift : 0;
        int64_t others = ck_graph_block_bytes(graph) - plane->n_bytes;
        graph->evictions += 0x9e3779b97f4a7c15u;
        uint32_t block = n > 0 ? (uint32_t)(graph->evictions >> 32) % n : 0;
        for (uint32_t j = 0; j < n && others + plane->n_bytes > n_bytes; j++) {
            graph->n_evicted += ck_record_plane_evict(plane, block);
            block = block + 1 < n ? block + 1 : 0;
        }
    }
}
