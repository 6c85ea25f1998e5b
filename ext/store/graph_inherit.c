/* A graph made of the last one: see graph_inherit.h. */
#include "store/graph_inherit.h"

#include <stdlib.h>
#include <string.h>

#include "hnsw/insert.h"
#include "store/graph_load.h"
#include "store/idset.h"
#include "store/index.h"

/* One node in so many must be alive, and one vector in so many may be new: an insert takes about
** twice a vector's part of a build. */
#define ALIVE_SHARE 3
#define NEW_SHARE 3

#define NONE UINT32_MAX

typedef struct Inherit {
    CkGraphBuild *build;
    const CkStaleBits *stale;
    const CkGraphStep *step;
    CkGraphRow row;   /* of the old graph */
    CkBuf ids, twins; /* its embeddings: int64_t, CkTwin */
    CkHnswGraph graph;
    uint32_t *node_of; /* of each input: its old node, then its new one; NONE: it is new */
    uint32_t *input_of; /* of each old node: the input whose code it has; NONE: it is dead */
    uint8_t *dead;
    uint32_t n_alive, n_new;
    CkArena codes; /* by old node, then by new one */
} Inherit;

static const int64_t *input_ids(const Inherit *inherit) {
    return (const int64_t *)(const void *)inherit->build->ids.data;
}

/* The input of an embedding, whose ids ascend; NONE when it is gone, or has another vector. */
static uint32_t find_input(const Inherit *inherit, int64_t id) {
    const int64_t *ids = input_ids(inherit);
    uint32_t n = inherit->build->n;
    if (ck_stale_bits_test(inherit->stale, id)) return NONE;
    uint32_t at = (uint32_t)ck_ids_find(ids, 0, n, id);
    return at < n && ids[at] == id ? at : NONE;
}

/* Whether an input has the code of the one that a node goes on with. Another connection may have
** replaced one of two twins after it was listed, and before it was coded. */
static int fits(const Inherit *inherit, uint32_t input, uint32_t node) {
    const CkGraphBuild *build = inherit->build;
    size_t stride = ck_int_stride(build->model->dims);
    const uint8_t *first = build->codes.base + stride * inherit->input_of[node];
    return memcmp(first, build->codes.base + stride * input,
                  ck_int_identity_bytes(build->model->dims)) == 0;
}

static void match(Inherit *inherit, int64_t id, uint32_t node) {
    uint32_t input = find_input(inherit, id);
    if (input == NONE || inherit->node_of[input] != NONE) return;
    if (inherit->input_of[node] == NONE) {
        inherit->input_of[node] = input;
    } else if (!fits(inherit, input, node)) {
        return;
    }
    inherit->node_of[input] = node;
}

/* Which nodes live on, and which inputs are new. */
static int match_all(Inherit *inherit, CkError *err) {
    uint32_t n = inherit->build->n, n_old = inherit->row.shape.n[0];
    const int64_t *ids = (const int64_t *)(const void *)inherit->ids.data;
    const CkTwin *twins = (const CkTwin *)(const void *)inherit->twins.data;
    inherit->node_of = sqlite3_malloc64((n + 1) * sizeof *inherit->node_of);
    inherit->input_of = sqlite3_malloc64((n_old + 1) * sizeof *inherit->input_of);
    inherit->dead = sqlite3_malloc64(n_old + 1);
    if (!inherit->node_of || !inherit->input_of || !inherit->dead) return ck_error_nomem(err);
    memset(inherit->node_of, 0xff, n * sizeof *inherit->node_of);
    memset(inherit->input_of, 0xff, n_old * sizeof *inherit->input_of);
    for (uint32_t node = 0; node < n_old; node++) match(inherit, ids[node], node);
    for (size_t i = 0; i < inherit->twins.n_bytes / sizeof *twins; i++) {
        if (twins[i].node < n_old) match(inherit, twins[i].id, twins[i].node);
    }
    for (uint32_t node = 0; node < n_old; node++) {
        inherit->dead[node] = inherit->input_of[node] == NONE;
        inherit->n_alive += !inherit->dead[node];
    }
    for (uint32_t i = 0; i < n; i++) inherit->n_new += inherit->node_of[i] == NONE;
    return SQLITE_OK;
}

/* The levels lose nodes as the graph does: what it would have been built of. */
static uint32_t built_of(const Inherit *inherit) {
    return (uint32_t)((uint64_t)inherit->row.n_built * inherit->n_alive / inherit->row.shape.n[0]);
}

static int is_worth_it(const Inherit *inherit) {
    uint64_t n_old = inherit->row.shape.n[0];
    if (inherit->n_alive + inherit->n_new > CK_GRAPH_GROWTH * (uint64_t)built_of(inherit)) return 0;
    return (uint64_t)inherit->n_alive * ALIVE_SHARE >= n_old &&
           (uint64_t)inherit->n_new * NEW_SHARE <= inherit->n_alive &&
           inherit->n_alive > CK_HNSW_TOP_MAX;
}

/* Reads what the old graph is, under one read of the index. *found is 0 when there is none. */
static int load(Inherit *inherit, int *found, CkError *err) {
    CkGraphBuild *build = inherit->build;
    CkIndex *index = NULL;
    *found = 0;
    if (ck_index_open(build->store, build->model, &index, err) != SQLITE_OK || !index) {
        return err->rc;
    }
    if (index->graph.exists) {
        *found = 1;
        inherit->row = index->graph.row;
        ck_buf_append(&inherit->twins, index->graph.twins.data, index->graph.twins.n_bytes);
        if (inherit->twins.rc != SQLITE_OK) ck_error_nomem(err);
        ck_graph_load_ids(build->store, build->model->id, &inherit->row, &inherit->ids, err);
    }
    ck_index_close(index);
    return err->rc;
}

/* Links and codes of the old graph, with room for what is new. */
static int load_graph(Inherit *inherit, CkError *err) {
    const CkGraphBuild *build = inherit->build;
    size_t stride = ck_int_stride(build->model->dims);
    uint32_t n_old = inherit->row.shape.n[0], capacity = n_old + inherit->n_new;
    if (ck_graph_load_links(build->store, build->model->id, &inherit->row, capacity,
                            &inherit->graph, err) != SQLITE_OK) {
        return err->rc;
    }
    if (ck_arena_init(&inherit->codes, capacity * stride) != SQLITE_OK) return ck_error_nomem(err);
    ck_arena_advise_huge(&inherit->codes);
    for (uint32_t node = 0; node < n_old; node++) {
        if (inherit->dead[node]) continue;
        memcpy(inherit->codes.base + stride * node,
               build->codes.base + stride * inherit->input_of[node], stride);
    }
    return SQLITE_OK;
}

/* Takes the dead nodes away: the live ones move together, in the order they have. */
static int compact(Inherit *inherit, CkError *err) {
    size_t stride = ck_int_stride(inherit->build->model->dims);
    uint32_t n_old = inherit->row.shape.n[0], n = inherit->build->n;
    uint32_t *new_of = sqlite3_malloc64((n_old + 1) * sizeof *new_of);
    if (!new_of) return ck_error_nomem(err);
    ck_hnsw_compact(&inherit->graph, inherit->dead, new_of);
    for (uint32_t node = 0; node < n_old; node++) {
        if (new_of[node] == NONE || new_of[node] == node) continue;
        memcpy(inherit->codes.base + stride * new_of[node], inherit->codes.base + stride * node,
               stride);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (inherit->node_of[i] != NONE) inherit->node_of[i] = new_of[inherit->node_of[i]];
    }
    sqlite3_free(new_of);
    return SQLITE_OK;
}

/* Inserts the inputs that are new. */
static int insert_new(Inherit *inherit, CkHnswInsert *insert) {
    const CkGraphBuild *build = inherit->build;
    size_t stride = insert->codes->stride;
    int rc = SQLITE_OK;
    for (uint32_t i = 0; i < build->n && rc == SQLITE_OK; i++) {
        if (inherit->node_of[i] != NONE) continue;
        uint32_t node = inherit->graph.shape.n[0];
        memcpy(inherit->codes.base + stride * node, build->codes.base + stride * i, stride);
        rc = ck_hnsw_insert(insert, &inherit->node_of[i]);
        if (rc == SQLITE_OK) rc = inherit->step->step(inherit->step->context, 1);
    }
    return rc == SQLITE_OK ? ck_hnsw_connect(insert) : rc;
}

static int change(Inherit *inherit, CkError *err) {
    const CkModel *model = inherit->build->model;
    CkHnswRecords codes = {inherit->codes.base, ck_int_stride(model->dims), 0, NULL};
    CkHnswInsert insert = {
        .graph = &inherit->graph,
        .codes = &codes,
        .space = &inherit->build->space,
        .ef_construction = (uint32_t)model->ef_construction,
        .scratch = ck_hnsw_scratch_new(),
    };
    int rc = insert.scratch ? ck_hnsw_consolidate(&insert, inherit->dead, inherit->step->step,
                                                  inherit->step->context)
                            : SQLITE_NOMEM;
    if (rc == SQLITE_OK) rc = compact(inherit, err);
    if (rc == SQLITE_OK) rc = insert_new(inherit, &insert);
    ck_hnsw_scratch_free(insert.scratch);
    if (rc == SQLITE_NOMEM && err->rc == SQLITE_OK) ck_error_nomem(err);
    return rc;
}

/* Hands it all to the build: the first input of a node is its own embedding, others are twins. */
static int hand_over(Inherit *inherit, CkError *err) {
    CkGraphBuild *build = inherit->build;
    uint32_t n_nodes = inherit->graph.shape.n[0];
    CkBuf ids;
    ck_buf_init(&ids);
    int64_t *id_of = (int64_t *)(void *)ck_buf_extend(&ids, n_nodes * sizeof *id_of);
    if (!id_of) return ck_error_nomem(err);
    memset(id_of, 0, n_nodes * sizeof *id_of);
    for (uint32_t i = 0; i < build->n; i++) {
        int64_t id = input_ids(inherit)[i];
        uint32_t node = inherit->node_of[i];
        CkTwin twin = {id, node};
        if (id_of[node] == 0) {
            id_of[node] = id;
        } else {
            ck_buf_append(&build->twins, &twin, sizeof twin);
        }
    }
    if (build->twins.rc != SQLITE_OK) ck_error_nomem(err);
    CkTwin *twins = (CkTwin *)(void *)build->twins.data;
    size_t n_twins = build->twins.n_bytes / sizeof *twins;
    if (twins) qsort(twins, n_twins, sizeof *twins, ck_twin_order);
    ck_buf_release(&build->ids);
    build->ids = ids;
    ck_arena_release(&build->codes);
    build->codes = inherit->codes;
    build->built.graph = inherit->graph;
    memset(&inherit->codes, 0, sizeof inherit->codes);
    memset(&inherit->graph, 0, sizeof inherit->graph);
    build->row = inherit->row;
    build->row.side = 0;
    build->row.n_built = built_of(inherit);
    build->row.shape = build->built.graph.shape;
    build->row.n_twins = (uint32_t)n_twins;
    return err->rc;
}

int ck_graph_inherit(CkGraphBuild *build, const CkStaleBits *stale, const CkGraphStep *step,
                     int *done, CkError *err) {
    Inherit inherit = {.build = build, .stale = stale, .step = step};
    int found, rc = SQLITE_OK;
    *done = 0;
    ck_buf_init(&inherit.ids);
    ck_buf_init(&inherit.twins);
    if (load(&inherit, &found, err) == SQLITE_OK && found &&
        match_all(&inherit, err) == SQLITE_OK && is_worth_it(&inherit)) {
        if (load_graph(&inherit, err) == SQLITE_OK) rc = change(&inherit, err);
        if (err->rc == SQLITE_OK && rc == SQLITE_OK) hand_over(&inherit, err);
        *done = 1;
    }
    ck_hnsw_graph_release(&inherit.graph);
    ck_arena_release(&inherit.codes);
    ck_buf_release(&inherit.ids);
    ck_buf_release(&inherit.twins);
    sqlite3_free(inherit.node_of);
    sqlite3_free(inherit.input_of);
    sqlite3_free(inherit.dead);
    return err->rc != SQLITE_OK ? err->rc : rc;
}
