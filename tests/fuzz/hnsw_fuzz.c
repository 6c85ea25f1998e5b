/*
** A graph whose shape and lists are any bytes: what ck_hnsw_shape_ok() and ck_hnsw_links_ok() let
** pass can be searched, validated, connected, consolidated and compacted, and never leads outside.
**
** Input: m, levels, ef, a mask of dead nodes; then nodes of each level; then lists. A list that is
** refused is emptied, as a reader would refuse its block.
*/
#include "base/aligned.h"
#include "fuzz.h"
#include "hnsw/insert.h"
#include "hnsw/validate.h"

#define NODES_MAX 400
#define DIMS 5
#define HEAD_BYTES 6

typedef struct Bytes {
    const uint8_t *data;
    size_t n, at;
} Bytes;

static uint32_t next(Bytes *bytes) {
    return bytes->at < bytes->n ? bytes->data[bytes->at++] : 0;
}

static int make_shape(Bytes *bytes, CkHnswShape *shape) {
    memset(shape, 0, sizeof *shape);
    shape->m = next(bytes) % 12;
    shape->n_levels = next(bytes) % (CK_HNSW_LEVELS_MAX + 2);
    for (uint32_t i = 0; i < shape->n_levels && i < CK_HNSW_LEVELS_MAX; i++) {
        shape->n[i] = next(bytes) << 8;
        shape->n[i] |= next(bytes);
    }
    return ck_hnsw_shape_ok(shape) && shape->n[0] <= NODES_MAX;
}

static void make_lists(Bytes *bytes, CkHnswGraph *graph) {
    for (uint32_t level = 0; level < graph->shape.n_levels; level++) {
        const uint32_t width = ck_hnsw_width(&graph->shape, level), n = graph->shape.n[level];
        for (uint32_t node = 0; node < n && bytes->at < bytes->n; node++) {
            uint32_t *record = ck_hnsw_links_of(graph, level, node);
            record[0] = next(bytes) % (width + 2);
            for (uint32_t i = 1; i <= record[0] && i <= width; i++) {
                record[i] = next(bytes) * 3 + next(bytes) % 3;
            }
            if (!ck_hnsw_links_ok(record, width, n, node)) {
                memset(record, 0, ck_hnsw_links_stride(&graph->shape, level));
            }
        }
    }
}

static void search_all(const CkHnswInsert *insert, size_t ef) {
    CkHnswSource source;
    CkHnswReport report;
    CkHnswFound found;
    ck_hnsw_source(insert->graph, insert->codes, DIMS, NULL, NULL, &source);
    FUZZ_CHECK(ck_hnsw_validate(&source, &report) == SQLITE_OK);
    CkHnswSearch search = {.ef = ef, .walk_ef = ef};
    search.query.codes = ck_aligned_new(ck_int_query_bytes(DIMS));
    float x[DIMS] = {1, 2, 3, 4, 5};
    ck_int_query(insert->space, x, 1, &search.query);
    FUZZ_CHECK(ck_hnsw_search(&source, &search, insert->scratch, &found) == SQLITE_OK);
    FUZZ_CHECK(found.n <= ef);
    for (size_t i = 0; i < found.n; i++) {
        FUZZ_CHECK(found.hits[i].node < source.shape.n[0]);
        FUZZ_CHECK(i == 0 || found.hits[i - 1].distance <= found.hits[i].distance);
    }
    ck_aligned_free(search.query.codes);
}

/* Everything that changes a graph, one after the other. */
static void change_all(const CkHnswInsert *insert, const uint8_t *mask, size_t ef) {
    static uint8_t dead[NODES_MAX + 1];
    static uint32_t new_of[NODES_MAX + 1];
    uint32_t twin;
    for (uint32_t i = 0; i < insert->graph->shape.n[0]; i++) dead[i] = mask[i / 8 % 2] >> i % 8 & 1;
    FUZZ_CHECK(ck_hnsw_connect(insert) == SQLITE_OK);
    FUZZ_CHECK(ck_hnsw_insert(insert, &twin) == SQLITE_OK);
    FUZZ_CHECK(twin < insert->graph->shape.n[0]);
    dead[insert->graph->shape.n[0] - 1] = 0;
    search_all(insert, ef);
    FUZZ_CHECK(ck_hnsw_consolidate(insert, dead, NULL, NULL) == SQLITE_OK);
    search_all(insert, ef);
    ck_hnsw_compact(insert->graph, dead, new_of);
    FUZZ_CHECK(ck_hnsw_shape_ok(&insert->graph->shape));
    search_all(insert, ef);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static uint8_t *rows;
    const CkIntSpace space = {CK_INT_L2, DIMS, NULL};
    const size_t stride = ck_int_stride(DIMS);
    Bytes bytes = {data, n, 3};
    CkHnswShape shape;
    CkHnswGraph graph;
    if (n < HEAD_BYTES || !make_shape(&bytes, &shape)) return 0;
    if (!rows) {
        rows = ck_aligned_new((NODES_MAX + 1) * stride);
        for (uint32_t i = 0; i <= NODES_MAX; i++) {
            float x[DIMS] = {(float)(i % 7), (float)(i % 11), (float)(i % 13), (float)i, 1};
            ck_int_code(&space, x, 1, rows + i * stride);
        }
    }
    const CkHnswRecords codes = {.base = rows, .stride = stride};
    FUZZ_CHECK(ck_hnsw_graph_init(&graph, &shape, shape.n[0] + 1) == SQLITE_OK);
    make_lists(&bytes, &graph);
    CkHnswInsert insert = {.graph = &graph, .codes = &codes, .space = &space,
                           .ef_construction = 50, .scratch = ck_hnsw_scratch_new()};
    search_all(&insert, data[0]);
    change_all(&insert, data + 1, data[0]);
    ck_hnsw_scratch_free(insert.scratch);
    ck_hnsw_graph_release(&graph);
    return 0;
}
