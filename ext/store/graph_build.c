/* Building the graph of a new generation: see graph_build.h. */
#include "store/graph_build.h"

#include <stdlib.h>
#include <string.h>

#include "store/coder.h"
#include "store/graph.h"
#include "store/graph_calibrate.h"

/* Blocks written in one transaction: 2 MB, about ten milliseconds. */
#define BLOCKS_PER_WRITE 40

/* The draws of a build: fixed, so that the same vectors give the same graph. */
#define SEED 1

int64_t ck_graph_min(const CkStore *store) {
    return strcmp(store->conn->plan, "graph") == 0 ? 1 : CK_GRAPH_MIN;
}

int ck_graph_build_init(CkGraphBuild *build, CkStore *store, const CkModel *model, int64_t n_max,
                        CkError *err) {
    memset(build, 0, sizeof *build);
    ck_buf_init(&build->ids);
    ck_buf_init(&build->twins);
    build->store = store;
    build->model = model;
    build->capacity = (uint32_t)(n_max < CK_HNSW_NODES_MAX ? n_max : CK_HNSW_NODES_MAX);
    if (ck_arena_init(&build->codes, build->capacity * ck_int_stride(model->dims)) != SQLITE_OK) {
        return ck_error_nomem(err);
    }
    ck_arena_advise_huge(&build->codes);
    return SQLITE_OK;
}

void ck_graph_build_release(CkGraphBuild *build) {
    ck_arena_release(&build->codes);
    ck_buf_release(&build->ids);
    ck_buf_release(&build->twins);
    ck_hnsw_built_release(&build->built);
}

int ck_graph_build_add(CkGraphBuild *build, int64_t id, const float *x, CkError *err) {
    uint32_t dims = build->model->dims;
    if (build->n == build->capacity) return SQLITE_OK;
    ck_int_code(ck_graph_metric(build->model), x, ck_coder_scale(build->model, x), dims,
                build->codes.base + ck_int_stride(dims) * build->n);
    ck_buf_append(&build->ids, &id, sizeof id);
    build->n++;
    return build->ids.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

/* Brings the ids into the order of slots, and lists the twins'. */
static int order_ids(CkGraphBuild *build, CkError *err) {
    uint32_t n_nodes = build->built.graph.shape.n[0];
    const int64_t *ids = (const int64_t *)(const void *)build->ids.data;
    CkBuf ordered;
    ck_buf_init(&ordered);
    for (uint32_t i = 0; i < n_nodes; i++) {
        ck_buf_append(&ordered, &ids[build->built.order[i]], sizeof *ids);
    }
    for (uint32_t i = n_nodes; i < build->n; i++) {
        CkTwin twin = {ids[build->built.order[i]], build->built.twin_of[i - n_nodes]};
        ck_buf_append(&build->twins, &twin, sizeof twin);
    }
    if (ordered.rc != SQLITE_OK || build->twins.rc != SQLITE_OK) ck_error_nomem(err);
    ck_buf_release(&build->ids);
    build->ids = ordered;
    return err->rc;
}

/* What stopped a build: the step has set the error, unless it only was to stop. */
static int stopped(int rc, CkError *err) {
    if (err->rc == SQLITE_OK && rc == SQLITE_NOMEM) ck_error_nomem(err);
    return rc;
}

/* A model may ask for fewer or more links than a graph can have. */
static uint32_t links_of(const CkModel *model) {
    if (model->m < CK_HNSW_M_MIN) return CK_HNSW_M_MIN;
    return model->m > CK_HNSW_M_MAX ? CK_HNSW_M_MAX : (uint32_t)model->m;
}

int ck_graph_build_run(CkGraphBuild *build, const CkGraphStep *step, CkError *err) {
    const CkModel *model = build->model;
    CkHnswOptions options = {
        .dims = model->dims,
        .m = links_of(model),
        .ef_construction = (uint32_t)model->ef_construction,
        .seed = SEED,
        .step = step->step,
        .context = step->context,
    };
    int rc = ck_hnsw_build(build->codes.base, build->n, &options, &build->built);
    if (rc != SQLITE_OK) return stopped(rc, err);
    if (order_ids(build, err) != SQLITE_OK) return err->rc;
    CkGraphRow *row = &build->row;
    row->shape = build->built.graph.shape;
    row->n_built = row->shape.n[0];
    row->n_twins = build->n - row->shape.n[0];
    CkHnswRecords codes = {build->codes.base, ck_int_stride(model->dims), 0, NULL};
    CkHnswSource source;
    ck_hnsw_source(&build->built.graph, &codes, model->dims, NULL, NULL, &source);
    rc = ck_graph_calibrate(&source, ck_graph_metric(model), step, row);
    return stopped(rc, err);
}

static void add_write(CkGraphBuild *build, const CkRecordFormat *format, uint32_t n,
                      const void *records) {
    build->writes[build->n_writes++] = (CkRecordWrite){
        .key = {*format, build->model->id, build->row.generation, n},
        .records = records,
    };
}

static void list_writes(CkGraphBuild *build, int64_t generation) {
    const CkHnswGraph *graph = &build->built.graph;
    CkRecordFormat format;
    build->row.generation = generation;
    ck_record_format_codes(build->model->dims, &format);
    add_write(build, &format, graph->shape.n[0], build->codes.base);
    ck_record_format_ids(&format);
    add_write(build, &format, graph->shape.n[0], build->ids.data);
    for (uint32_t level = 0; level < graph->shape.n_levels; level++) {
        ck_record_format_links(&graph->shape, level, build->row.side, &format);
        add_write(build, &format, graph->shape.n[level], graph->links[level]);
    }
    ck_record_format_twins(build->row.side, &format);
    add_write(build, &format, build->row.n_twins, build->twins.data);
}

int ck_graph_build_write(CkGraphBuild *build, int64_t generation, int *done, CkError *err) {
    uint32_t room = BLOCKS_PER_WRITE, n_written;
    if (build->n_writes == 0) list_writes(build, generation);
    while (room > 0 && build->at < build->n_writes && err->rc == SQLITE_OK) {
        ck_records_write(&build->writes[build->at], build->store, room, &n_written, err);
        if (n_written < room) build->at++;
        room -= n_written;
    }
    *done = build->at == build->n_writes;
    return err->rc;
}

int ck_graph_build_flip(CkGraphBuild *build, int64_t n_scan_blocks, CkError *err) {
    build->row.n_scan_blocks = n_scan_blocks;
    return ck_graph_row_write(build->store, build->model->id, &build->row, err);
}
