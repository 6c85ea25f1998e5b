/* Reading a graph as a whole: see graph_load.h. */
#include "store/graph_load.h"

#include <string.h>

/* Reads n records of a plane. */
static int read_plane(CkStore *store, const CkRecordPlaneKey *key, CkRecordPlane *plane,
                      CkError *err) {
    memset(plane, 0, sizeof *plane);
    if (ck_record_plane_set(plane, key, err) != SQLITE_OK) return err->rc;
    return ck_record_plane_load_all(plane, store, err);
}

int ck_graph_load_links(CkStore *store, int64_t model, const CkGraphRow *row, uint32_t capacity,
                        CkHnswGraph *graph, CkError *err) {
    const CkHnswShape *shape = &row->shape;
    if (ck_hnsw_graph_init(graph, shape, capacity) != SQLITE_OK) return ck_error_nomem(err);
    for (uint32_t level = 0; level < shape->n_levels && err->rc == SQLITE_OK; level++) {
        CkRecordPlaneKey key = {.model = model, .generation = row->generation,
                                .n = shape->n[level]};
        CkRecordPlane plane;
        ck_record_format_links(shape, level, row->side, &key.format);
        if (read_plane(store, &key, &plane, err) == SQLITE_OK) {
            memcpy(graph->links[level], plane.arena.base, key.format.stride * key.n);
        }
        ck_record_plane_release(&plane);
    }
    if (err->rc != SQLITE_OK) ck_hnsw_graph_release(graph);
    return err->rc;
}

int ck_graph_load_ids(CkStore *store, int64_t model, const CkGraphRow *row, CkBuf *ids,
                      CkError *err) {
    CkRecordPlaneKey key = {.model = model, .generation = row->generation, .n = row->shape.n[0]};
    CkRecordPlane plane;
    ck_record_format_ids(&key.format);
    if (read_plane(store, &key, &plane, err) == SQLITE_OK) {
        ck_buf_append(ids, plane.arena.base, key.format.stride * key.n);
        if (ids->rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_record_plane_release(&plane);
    return err->rc;
}
