/* The graph in memory: see graph.h. */
#include "hnsw/graph.h"

#include <string.h>

#include "base/arena.h"
#include "base/sqlite.h"

int ck_hnsw_shape_ok(const CkHnswShape *shape) {
    if (shape->m < CK_HNSW_M_MIN || shape->m > CK_HNSW_M_MAX) return 0;
    if (shape->n_levels > CK_HNSW_LEVELS_MAX) return 0;
    if (shape->n_levels == 0) return shape->n[0] == 0;
    if (shape->n[0] > CK_HNSW_NODES_MAX) return 0;
    for (uint32_t level = 0; level < shape->n_levels; level++) {
        if (shape->n[level] == 0) return 0;
        if (level > 0 && shape->n[level] > shape->n[level - 1]) return 0;
    }
    return shape->n_levels == 1 || shape->n[shape->n_levels - 1] <= CK_HNSW_TOP_MAX;
}

int ck_hnsw_links_ok(const uint32_t *record, uint32_t width, uint32_t n, uint32_t self) {
    uint32_t n_links = record[0];
    if (n_links > width) return 0;
    for (uint32_t i = 1; i <= n_links; i++) {
        if (record[i] >= n || record[i] == self) return 0;
    }
    return 1;
}

int ck_hnsw_graph_init(CkHnswGraph *graph, const CkHnswShape *shape, uint32_t capacity) {
    *graph = (CkHnswGraph){.shape = *shape, .capacity = capacity};
    if (capacity < shape->n[0]) graph->capacity = shape->n[0];
    /* Level 0 has links before there is a node: an insert may come. */
    for (uint32_t level = 0; level == 0 || level < shape->n_levels; level++) {
        uint64_t n = level == 0 ? graph->capacity : shape->n[level];
        uint64_t n_bytes = (n > 0 ? n : 1) * ck_hnsw_links_stride(shape, level);
        graph->links[level] = sqlite3_malloc64(n_bytes);
        if (!graph->links[level]) {
            ck_hnsw_graph_release(graph);
            return SQLITE_NOMEM;
        }
        ck_memory_advise_huge(graph->links[level], (size_t)n_bytes);
        memset(graph->links[level], 0, (size_t)n_bytes);
    }
    return SQLITE_OK;
}

int ck_hnsw_graph_reserve(CkHnswGraph *graph, uint32_t capacity) {
    size_t stride = ck_hnsw_links_stride(&graph->shape, 0);
    if (capacity <= graph->capacity) return SQLITE_OK;
    uint8_t *links = sqlite3_realloc64(graph->links[0], capacity * stride);
    if (!links) return SQLITE_NOMEM;
    memset(links + graph->capacity * stride, 0, (capacity - graph->capacity) * stride);
    graph->links[0] = (uint32_t *)(void *)links;
    graph->capacity = capacity;
    return SQLITE_OK;
}

void ck_hnsw_graph_release(CkHnswGraph *graph) {
    for (uint32_t level = 0; level < CK_HNSW_LEVELS_MAX; level++) {
        sqlite3_free(graph->links[level]);
    }
    memset(graph, 0, sizeof *graph);
}

void ck_hnsw_source(const CkHnswGraph *graph, const CkHnswRecords *codes, uint32_t dims,
                    int (*load)(void *context, int level, uint32_t block), void *context,
                    CkHnswSource *source) {
    *source = (CkHnswSource){.dims = dims, .shape = graph->shape, .codes = *codes};
    for (uint32_t level = 0; level == 0 || level < graph->shape.n_levels; level++) {
        source->links[level].base = (uint8_t *)graph->links[level];
        source->links[level].stride = ck_hnsw_links_stride(&graph->shape, level);
    }
    source->load = load;
    source->context = context;
}
