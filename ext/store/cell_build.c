/* Making cells: see cell_build.h. */
#include "store/cell_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "hnsw/cells.h"
#include "store/cells.h"
#include "store/coder.h"
#include "vector/kernels.h"

/* The share of a block that a cell fills, on average: cells differ in size. */
#define FILL 0.7

/* Blocks written in one transaction: 2 MB. */
#define BLOCKS_PER_STEP 40

/* Shares of the neighbours that cells are counted for. */
static const float recalls[] = {0.5f,  0.7f,   0.8f,  0.85f,  0.9f,  0.93f,  0.95f, 0.97f,
                                0.98f, 0.985f, 0.99f, 0.995f, 0.998f, 0.999f};

#define RECALLS (sizeof recalls / sizeof *recalls)

_Static_assert(RECALLS < CK_GRAPH_PROBES_MAX, "and one more: all cells");

static size_t capacity_of(const CkCellInput *input) {
    return ck_scan_block_capacity(ck_sign_code_bytes(input->space->dims));
}

void ck_cell_build_release(CkCellBuild *build) {
    sqlite3_free(build->members);
    sqlite3_free(build->begin);
    ck_aligned_free(build->centres);
    memset(build, 0, sizeof *build);
}

static int by_cell(const void *a, const void *b) {
    const CkCellMember *x = a, *y = b;
    if (x->cell != y->cell) return x->cell < y->cell ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Lists nodes and twins by cell. */
static int list_members(CkCellBuild *build, const uint32_t *cell_of) {
    const CkCellInput *input = &build->input;
    const CkTwin *twins = (const CkTwin *)(const void *)input->twins->data;
    size_t n_twins = input->twins->n_bytes / sizeof *twins;
    build->members = sqlite3_malloc64((input->n + n_twins + 1) * sizeof *build->members);
    if (!build->members) return SQLITE_NOMEM;
    for (uint32_t i = 0; i < input->n; i++) {
        build->members[i] = (CkCellMember){input->ids[i], i, cell_of[i]};
    }
    for (size_t i = 0; i < n_twins; i++) {
        uint32_t node = twins[i].node;
        build->members[input->n + i] = (CkCellMember){twins[i].id, node, cell_of[node]};
    }
    build->n_members = input->n + n_twins;
    qsort(build->members, build->n_members, sizeof *build->members, by_cell);
    return SQLITE_OK;
}

/* The end of the members that are of the same cell as member i. */
static size_t end_of_cell(const CkCellBuild *build, size_t i) {
    size_t end = i;
    while (end < build->n_members && build->members[end].cell == build->members[i].cell) end++;
    return end;
}

/* Cuts the members of each cell into blocks, as few as will do, of about one size. There are none
** when their numbers could be too large. */
static int cut(CkCellBuild *build, const CkHnswCells *cells) {
    const size_t capacity = capacity_of(&build->input);
    const size_t stride = ck_int_stride(cells->space->dims);
    size_t n_max = cells->n + build->n_members / capacity + 1;
    if (n_max > CK_BLOCK_NUMBER_MAX) return SQLITE_OK;
    build->begin = sqlite3_malloc64((n_max + 1) * sizeof *build->begin);
    build->centres = ck_aligned_new(n_max * stride);
    if (!build->begin || !build->centres) return SQLITE_NOMEM;
    for (size_t i = 0; i < build->n_members;) {
        size_t end = end_of_cell(build, i), n = end - i, n_blocks = (n + capacity - 1) / capacity;
        for (size_t j = 0; j < n_blocks; j++) {
            build->begin[build->n] = (uint32_t)(i + n * j / n_blocks);
            memcpy(build->centres + stride * build->n,
                   cells->centres + stride * build->members[i].cell, stride);
            build->n++;
        }
        i = end;
    }
    build->begin[build->n] = (uint32_t)build->n_members;
    return SQLITE_OK;
}

/* Makes the cells, and blocks of them. */
static int deal(CkCellBuild *build, const CkGraphStep *step) {
    const CkCellInput *input = &build->input;
    const uint32_t dims = input->space->dims;
    const size_t stride = ck_int_stride(dims);
    const CkHnswCodes codes = {input->codes, dims, stride, ck_int_code_bytes(dims)};
    const CkHnswProgress progress = {step->step, step->context, 1, 1};
    double n = ceil((double)input->n / (FILL * (double)capacity_of(input)));
    CkHnswCells cells = {.space = input->space, .n = (uint32_t)fmin(n, CK_HNSW_CELLS_MAX)};
    if (input->n == 0) return SQLITE_OK;
    if (cells.n > input->n) cells.n = input->n;
    cells.centres = ck_aligned_new(cells.n * stride);
    cells.cell_of = sqlite3_malloc64(input->n * sizeof *cells.cell_of);
    int rc = cells.centres && cells.cell_of ? SQLITE_OK : SQLITE_NOMEM;
    if (rc == SQLITE_OK) rc = ck_hnsw_cells(&codes, input->n, &progress, &cells);
    if (rc == SQLITE_OK) rc = list_members(build, cells.cell_of);
    if (rc == SQLITE_OK) rc = cut(build, &cells);
    ck_aligned_free(cells.centres);
    sqlite3_free(cells.cell_of);
    return rc;
}

/* ---- Measuring ---- */

/* How many of the true neighbours of either kind of query are in the nearest cell, the next, … */
typedef struct Ranks {
    uint32_t *n[2];
    uint32_t n_all[2];
    uint32_t *block_of; /* of each node */
    uint32_t *rank_of;  /* of each block, for one query */
    uint64_t *keys;
    uint32_t *memory;
} Ranks;

static int ranks_init(Ranks *ranks, const CkCellBuild *build) {
    size_t n = build->n, n_nodes = build->input.n;
    memset(ranks, 0, sizeof *ranks);
    ranks->keys = sqlite3_malloc64((n + 1) * sizeof *ranks->keys);
    ranks->memory = sqlite3_malloc64((3 * n + n_nodes + 1) * sizeof *ranks->memory);
    if (!ranks->keys || !ranks->memory) return SQLITE_NOMEM;
    memset(ranks->memory, 0, (3 * n + n_nodes) * sizeof *ranks->memory);
    ranks->n[0] = ranks->memory;
    ranks->n[1] = ranks->n[0] + n;
    ranks->rank_of = ranks->n[1] + n;
    ranks->block_of = ranks->rank_of + n;
    for (uint32_t block = 0; block < n; block++) {
        for (uint32_t i = build->begin[block]; i < build->begin[block + 1]; i++) {
            ranks->block_of[build->members[i].node] = block;
        }
    }
    return SQLITE_OK;
}

static void count(Ranks *ranks, const CkCellBuild *build, const CkTrueQuery *query, int kind) {
    ck_cells_rank(&query->side, build->centres, build->input.space->dims, build->n, ranks->keys);
    for (uint32_t i = 0; i < build->n; i++) ranks->rank_of[ck_hnsw_key_node(ranks->keys[i])] = i;
    for (size_t i = 0; i < query->n; i++) {
        ranks->n[kind][ranks->rank_of[ranks->block_of[query->nodes[i]]]]++;
    }
    ranks->n_all[kind] += (uint32_t)query->n;
}

/* For each recall the cells it takes, for the kind of query that needs more of them. */
static void tabulate(const Ranks *ranks, uint32_t n_blocks, CkGraphRow *row) {
    uint32_t n_right[2] = {0, 0};
    size_t at = 0;
    for (uint32_t i = 0; i + 1 < n_blocks && at < RECALLS; i++) {
        double recall = 1;
        for (int kind = 0; kind < 2; kind++) {
            n_right[kind] += ranks->n[kind][i];
            recall = fmin(recall, (double)n_right[kind] / (double)ranks->n_all[kind]);
        }
        if (recall < (double)recalls[at]) continue;
        while (at < RECALLS && recall >= (double)recalls[at]) at++;
        row->probes[row->n_probes++] = (CkProbeEffort){i + 1, recalls[at - 1]};
    }
}

/* What was measured of other cells, as shares of them. */
static void rescale(uint32_t n_blocks, CkGraphRow *row) {
    size_t n = 0;
    for (size_t i = 0; i < row->n_probes && row->n_cells > 0; i++) {
        CkProbeEffort probe = row->probes[i];
        double share = (double)probe.n / row->n_cells;
        probe.n = (uint32_t)ceil(share * n_blocks);
        if (probe.n >= 1 && probe.n < n_blocks) row->probes[n++] = probe;
    }
    row->n_probes = n;
}

static int measure(const CkCellBuild *build, CkGraphRow *row) {
    const CkGraphTruth *truth = build->input.truth;
    Ranks ranks;
    int rc = SQLITE_OK;
    if (build->n == 0) {
        row->n_probes = 0;
    } else if (truth->n == 0) {
        rescale(build->n, row);
    } else {
        row->n_probes = 0;
        rc = ranks_init(&ranks, build);
        for (size_t i = 0; rc == SQLITE_OK && i < truth->n; i++) {
            count(&ranks, build, &truth->queries[i], i % 2 != 0);
        }
        if (rc == SQLITE_OK) tabulate(&ranks, build->n, row);
        sqlite3_free(ranks.keys);
        sqlite3_free(ranks.memory);
    }
    row->n_cells = build->n;
    if (build->n > 0) row->probes[row->n_probes++] = (CkProbeEffort){build->n, 1};
    return rc;
}

int ck_cell_build_run(CkCellBuild *build, const CkCellInput *input, const CkGraphStep *step,
                      CkGraphRow *row) {
    build->input = *input;
    int rc = deal(build, step);
    if (rc == SQLITE_OK) rc = measure(build, row);
    build->input.truth = NULL;
    return rc;
}

/* ---- Writing ---- */

/* Codes the members of a block. */
static int collect(const CkCellBuild *build, uint32_t block, CkCoder *coder,
                   CkScanBuilder *builder, float *x, CkError *err) {
    const CkIntSpace *space = build->input.space;
    for (uint32_t i = build->begin[block]; i < build->begin[block + 1]; i++) {
        const CkCellMember *member = &build->members[i];
        const uint8_t *row = build->input.codes + ck_int_stride(space->dims) * member->node;
        float step = ck_int_step(space->metric, ck_int_factors(row, space->dims));
        CkSignFactors factors;
        ck_kernels()->f32_from_i8(x, (const int8_t *)row, 1 / step, space->dims);
        ck_sign_encode(&coder->space, x, 1, coder->scratch, coder->code, &factors);
        ck_scan_builder_add(builder, member->id, &factors, coder->code, err);
        if (err->rc != SQLITE_OK) break;
    }
    return err->rc;
}

static int write_cells(CkCellBuild *build, CkStore *store, int64_t generation, uint32_t n,
                       CkError *err) {
    const CkIntSpace *space = build->input.space;
    CkScanBuilder builder;
    CkCoder coder;
    float *x = sqlite3_malloc64(space->dims * sizeof *x);
    ck_scan_builder_init(&builder, ck_sign_code_bytes(space->dims));
    if (!x) ck_error_nomem(err);
    if (err->rc == SQLITE_OK) ck_coder_init(&coder, build->input.model, space->mean, err);
    for (uint32_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        int64_t address = ck_block_address(build->input.model->id, generation, CK_PLANE_CELLS,
                                           build->n_written);
        if (collect(build, build->n_written, &coder, &builder, x, err) == SQLITE_OK) {
            ck_scan_builder_write(&builder, store, &address, err);
        }
        build->n_written++;
    }
    if (x) ck_coder_release(&coder);
    ck_scan_builder_release(&builder);
    sqlite3_free(x);
    return err->rc;
}

int ck_cell_build_write(CkCellBuild *build, CkStore *store, int64_t generation, int *done,
                        CkError *err) {
    CkRecordWrite *write = &build->centre_write;
    uint32_t n = build->n - build->n_written, n_centres = 0;
    if (n > BLOCKS_PER_STEP) n = BLOCKS_PER_STEP;
    if (n > 0) {
        write_cells(build, store, generation, n, err);
    } else {
        write->key = (CkRecordPlaneKey){
            .model = build->input.model->id, .generation = generation, .n = build->n};
        ck_record_format_centres(build->input.space, &write->key.format);
        write->records = build->centres;
        ck_records_write(write, store, BLOCKS_PER_STEP, &n_centres, err);
    }
    *done = build->n_written == build->n && n == 0 && n_centres < BLOCKS_PER_STEP;
    return err->rc;
}
