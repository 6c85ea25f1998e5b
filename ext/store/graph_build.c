/* Building the graph of a new generation: see graph_build.h. */
#include "store/graph_build.h"

#include <stdlib.h>
#include <string.h>

#include "hnsw/insert.h"
#include "store/coder.h"
#include "store/graph.h"
#include "store/graph_calibrate.h"

/* The draws of a build: fixed, so that the same vectors give the same graph. */
#define SEED 1

int64_t ck_graph_min(const CkStore *store) {
    if (strcmp(store->conn->plan, "graph") == 0) return 1;
    return strcmp(store->conn->plan, "index") == 0 ? INT64_MAX : CK_GRAPH_MIN;
}

/* A model may ask for fewer or more links than a graph can have. */
static uint32_t links_of(const CkModel *model) {
    if (model->m < CK_HNSW_M_MIN) return CK_HNSW_M_MIN;
    return model->m > CK_HNSW_M_MAX ? CK_HNSW_M_MAX : (uint32_t)model->m;
}

int ck_graph_fits(const CkModel *model, int64_t n) {
    return n <= ck_graph_nodes_max(model->dims, links_of(model));
}

int ck_graph_build_init(CkGraphBuild *build, CkStore *store, const CkModel *model,
                        const float *mean, int64_t n_max, CkError *err) {
    memset(build, 0, sizeof *build);
    ck_buf_init(&build->ids);
    ck_buf_init(&build->twins);
    build->store = store;
    build->model = model;
    build->space = (CkIntSpace){ck_graph_metric(model), model->dims, mean};
    build->capacity = (uint32_t)n_max;
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
    ck_int_code(&build->space, x, ck_coder_scale(build->model, x),
                build->codes.base + ck_int_stride(dims) * build->n);
    ck_buf_append(&build->ids, &id, sizeof id);
    build->n++;
    return build->ids.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static uint8_t *code_at(CkGraphBuild *build, uint32_t i) {
    return build->codes.base + ck_int_stride(build->model->dims) * i;
}

static int64_t *id_at(CkGraphBuild *build, uint32_t i) {
    return (int64_t *)(void *)build->ids.data + i;
}

/* Moves evenly spread vectors behind the others, in exchange for those that are there. */
static int hold_out(CkGraphBuild *build, uint32_t n_sample, CkError *err) {
    size_t stride = ck_int_stride(build->model->dims);
    uint32_t n_built = build->n - n_sample;
    uint8_t *row = sqlite3_malloc64(stride);
    if (!row) return ck_error_nomem(err);
    for (uint32_t i = 0; i < n_sample; i++) {
        uint32_t one = (uint32_t)((uint64_t)n_built * i / n_sample), other = n_built + i;
        int64_t id = *id_at(build, one);
        memcpy(row, code_at(build, one), stride);
        memcpy(code_at(build, one), code_at(build, other), stride);
        memcpy(code_at(build, other), row, stride);
        *id_at(build, one) = *id_at(build, other);
        *id_at(build, other) = id;
    }
    sqlite3_free(row);
    return SQLITE_OK;
}

static int add_twin(CkGraphBuild *build, int64_t id, uint32_t node, CkError *err) {
    CkTwin twin = {id, node};
    ck_buf_append(&build->twins, &twin, sizeof twin);
    return build->twins.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

/* Brings the ids into the order of slots, and lists the twins'. Those held out stay behind. */
static int order_ids(CkGraphBuild *build, uint32_t n_built, CkError *err) {
    uint32_t n_nodes = build->built.graph.shape.n[0];
    CkBuf ordered;
    ck_buf_init(&ordered);
    for (uint32_t i = 0; i < n_nodes; i++) {
        ck_buf_append(&ordered, id_at(build, build->built.order[i]), sizeof(int64_t));
    }
    for (uint32_t i = n_nodes; i < n_built && err->rc == SQLITE_OK; i++) {
        add_twin(build, *id_at(build, build->built.order[i]), build->built.twin_of[i - n_nodes],
                 err);
    }
    ck_buf_append(&ordered, id_at(build, n_built), (build->n - n_built) * sizeof(int64_t));
    if (ordered.rc != SQLITE_OK) ck_error_nomem(err);
    ck_buf_release(&build->ids);
    build->ids = ordered;
    return err->rc;
}

/* What stopped a build: the step has set the error, unless it only was to stop. */
static int stopped(int rc, CkError *err) {
    if (err->rc == SQLITE_OK && rc == SQLITE_NOMEM) ck_error_nomem(err);
    return rc;
}

static CkHnswRecords codes_of(const CkGraphBuild *build) {
    return (CkHnswRecords){build->codes.base, ck_int_stride(build->model->dims), 0, NULL};
}

/* Inserts what was held out: the codes are behind all that was built, the ids behind the nodes. */
static int insert_sample(CkGraphBuild *build, uint32_t n_built, CkError *err) {
    CkHnswGraph *graph = &build->built.graph;
    CkHnswRecords codes = codes_of(build);
    uint32_t n_nodes = graph->shape.n[0];
    CkHnswInsert insert = {
        .graph = graph,
        .codes = &codes,
        .space = &build->space,
        .ef_construction = (uint32_t)build->model->ef_construction,
        .scratch = ck_hnsw_scratch_new(),
    };
    int rc = insert.scratch ? ck_hnsw_graph_reserve(graph, n_nodes + build->n - n_built)
                            : SQLITE_NOMEM;
    for (uint32_t i = 0; i < build->n - n_built && rc == SQLITE_OK; i++) {
        uint32_t node = graph->shape.n[0], twin_of = node;
        int64_t id = *id_at(build, n_nodes + i);
        memmove(code_at(build, node), code_at(build, n_built + i), codes.stride);
        rc = ck_hnsw_insert(&insert, &twin_of);
        if (rc == SQLITE_OK && twin_of != node) add_twin(build, id, twin_of, err);
        if (rc == SQLITE_OK && twin_of == node) *id_at(build, node) = id;
    }
    if (rc == SQLITE_OK) rc = ck_hnsw_connect(&insert);
    ck_hnsw_scratch_free(insert.scratch);
    return stopped(rc, err);
}

static int calibrate(CkGraphBuild *build, uint32_t n_built, const CkGraphStep *step,
                     CkError *err) {
    CkHnswRecords codes = codes_of(build);
    CkGraphSample sample = {&build->space, code_at(build, n_built), build->n - n_built};
    CkHnswSource source;
    ck_hnsw_source(&build->built.graph, &codes, build->model->dims, NULL, NULL, &source);
    return stopped(ck_graph_calibrate(&source, &sample, step, &build->row), err);
}

int ck_graph_build_run(CkGraphBuild *build, const CkGraphStep *step, CkError *err) {
    const CkModel *model = build->model;
    uint32_t n_built = build->n - ck_graph_sample_size(build->n);
    CkHnswOptions options = {
        .dims = model->dims,
        .m = links_of(model),
        .ef_construction = (uint32_t)model->ef_construction,
        .seed = SEED,
        .step = step->step,
        .context = step->context,
    };
    if (hold_out(build, build->n - n_built, err) != SQLITE_OK) return err->rc;
    int rc = stopped(ck_hnsw_build(build->codes.base, n_built, &options, &build->built), err);
    if (rc == SQLITE_OK) rc = order_ids(build, n_built, err);
    if (rc == SQLITE_OK) rc = calibrate(build, n_built, step, err);
    if (rc == SQLITE_OK) rc = insert_sample(build, n_built, err);
    CkTwin *twins = (CkTwin *)(void *)build->twins.data;
    if (twins) qsort(twins, build->twins.n_bytes / sizeof *twins, sizeof *twins, ck_twin_order);
    build->row.shape = build->built.graph.shape;
    build->row.n_built = build->row.shape.n[0];
    build->row.n_twins = (uint32_t)(build->twins.n_bytes / sizeof *twins);
    return rc;
}

int ck_graph_build_write(CkGraphBuild *build, int64_t generation, int *done, CkError *err) {
    if (build->writer.n == 0) {
        build->row.generation = generation;
        CkGraphParts parts = {
            .model = build->model->id,
            .dims = build->model->dims,
            .row = &build->row,
            .graph = &build->built.graph,
            .codes = build->codes.base,
            .ids = build->ids.data,
            .twins = &build->twins,
        };
        ck_graph_writer_init(&build->writer, &parts);
    }
    return ck_graph_writer_step(&build->writer, build->store, done, err);
}

int ck_graph_build_flip(CkGraphBuild *build, int64_t n_scan_blocks, CkError *err) {
    build->row.n_scan_blocks = n_scan_blocks;
    return ck_graph_row_write(build->store, build->model->id, &build->row, err);
}
