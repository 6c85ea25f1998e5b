/* Reading a graph as a whole: see graph_load.h. */
#include "store/graph_load.h"

int ck_graph_load_links(CkStore *store, int64_t model, const CkGraphRow *row, uint32_t capacity,
                        CkHnswGraph *graph, CkError *err) {
    const CkHnswShape *shape = &row->shape;
    if (ck_hnsw_graph_init(graph, shape, capacity) != SQLITE_OK) return ck_error_nomem(err);
    for (uint32_t level = 0; level < shape->n_levels && err->rc == SQLITE_OK; level++) {
        CkRecordPlaneKey key = {.model = model, .generation = row->generation,
                                .n = shape->n[level]};
        ck_record_format_links(shape, level, row->side, &key.format);
        ck_records_read(store, &key, (uint8_t *)graph->links[level], err);
    }
    if (err->rc != SQLITE_OK) ck_hnsw_graph_release(graph);
    return err->rc;
}

int ck_graph_load_ids(CkStore *store, int64_t model, const CkGraphRow *row, CkBuf *ids,
                      CkError *err) {
    CkRecordPlaneKey key = {.model = model, .generation = row->generation, .n = row->shape.n[0]};
    ck_record_format_ids(&key.format);
    uint8_t *to = ck_buf_extend(ids, key.format.stride * key.n);
    return to ? ck_records_read(store, &key, to, err) : ck_error_nomem(err);
}
