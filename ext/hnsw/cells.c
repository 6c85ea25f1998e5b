/* Cells: see cells.h. */
#include "hnsw/cells.h"

#include <math.h>
#include <string.h>

#include "hnsw/keys.h"
#include "vector/kernels.h"

#define SAMPLED_PER_CELL 32
#define ROUNDS 6

/* Nodes that are dealt between two steps. */
#define SLICE 1024

typedef struct Deal {
    const CkHnswCodes *codes;
    const CkHnswProgress *progress;
    CkHnswCells *cells;
    CkHnswColumns columns; /* the centres */
    uint32_t n_sample;
    uint32_t *sample;  /* nodes, evenly spread */
    uint32_t *nearest; /* cells of them */
    float *sums;       /* cells->n rows of dims */
    float *x;
    uint64_t n_done, n_expected;
} Deal;

static uint8_t *centre(const Deal *deal, uint32_t cell) {
    return deal->cells->centres + deal->codes->stride * cell;
}

/* Makes the centres the columns; what is compared with them are nodes. */
static void show_centres(Deal *deal) {
    CkHnswCodes centres = *deal->codes;
    centres.rows = deal->cells->centres;
    deal->columns.codes = &centres;
    for (uint32_t i = 0; i < deal->cells->n; i++) deal->nearest[i] = i;
    ck_hnsw_columns_set(&deal->columns, deal->nearest, deal->cells->n);
    deal->columns.codes = deal->codes;
}

/* to[i] = the cell of node nodes[i]; of equally near ones the first. */
static int find_nearest(Deal *deal, const uint32_t *nodes, uint32_t n, uint32_t *to) {
    CkHnswColumns *columns = &deal->columns;
    uint64_t least[CK_HNSW_LEAST_CHUNK + 2];
    for (uint32_t i = 0; i < n; i += CK_HNSW_BLOCK) {
        uint32_t block = n - i < CK_HNSW_BLOCK ? n - i : CK_HNSW_BLOCK;
        ck_hnsw_columns_compare(columns, nodes + i, block);
        for (uint32_t j = 0; j < block; j++) {
            ck_hnsw_columns_near(columns, nodes[i + j], j);
            size_t found = ck_hnsw_keys_least(least, columns->near, columns->n, 1, INFINITY);
            to[i + j] = found > 0 ? ck_hnsw_key_node(least[0]) : 0;
        }
    }
    deal->n_done += n;
    return ck_hnsw_step(deal->progress, deal->n_done, deal->n_expected);
}

static int deal_sample(Deal *deal) {
    int rc = SQLITE_OK;
    show_centres(deal);
    for (uint32_t i = 0; rc == SQLITE_OK && i < deal->n_sample; i += SLICE) {
        uint32_t n = deal->n_sample - i < SLICE ? deal->n_sample - i : SLICE;
        rc = find_nearest(deal, deal->sample + i, n, deal->nearest + i);
    }
    return rc;
}

/* Each centre becomes the mean of its part of the sample; one without any stays. What is added is
** divided before, since a sum may be infinite. */
static void move_centres(Deal *deal) {
    const uint32_t dims = deal->codes->dims, n_cells = deal->cells->n;
    uint32_t *counts = deal->cells->cell_of; /* not in use yet, and not shorter */
    memset(deal->sums, 0, (size_t)n_cells * dims * sizeof *deal->sums);
    memset(counts, 0, n_cells * sizeof *counts);
    for (uint32_t i = 0; i < deal->n_sample; i++) counts[deal->nearest[i]]++;
    for (uint32_t i = 0; i < deal->n_sample; i++) {
        const uint8_t *row = deal->codes->rows + deal->codes->stride * deal->sample[i];
        float *sum = deal->sums + (size_t)dims * deal->nearest[i];
        float step = ck_int_step(deal->cells->space->metric, ck_int_factors(row, dims));
        float scale = (float)counts[deal->nearest[i]] / step;
        ck_kernels()->f32_from_i8(deal->x, (const int8_t *)row, scale, dims);
        for (uint32_t j = 0; j < dims; j++) sum[j] += deal->x[j];
    }
    for (uint32_t cell = 0; cell < n_cells; cell++) {
        const float *mean = deal->sums + (size_t)dims * cell;
        if (counts[cell] > 0) ck_int_code(deal->cells->space, mean, 1, centre(deal, cell));
    }
}

static int deal_all(Deal *deal, uint32_t n) {
    uint32_t nodes[SLICE];
    int rc = SQLITE_OK;
    show_centres(deal);
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i += SLICE) {
        uint32_t m = n - i < SLICE ? n - i : SLICE;
        for (uint32_t j = 0; j < m; j++) nodes[j] = i + j;
        rc = find_nearest(deal, nodes, m, deal->cells->cell_of + i);
    }
    return rc;
}

static int allocate(Deal *deal, uint32_t n) {
    const uint32_t dims = deal->codes->dims, n_cells = deal->cells->n;
    uint64_t n_sample = (uint64_t)n_cells * SAMPLED_PER_CELL;
    deal->n_sample = n_sample < n ? (uint32_t)n_sample : n;
    deal->n_expected = (uint64_t)deal->n_sample * ROUNDS + n;
    deal->sample = sqlite3_malloc64((deal->n_sample + 1) * sizeof *deal->sample);
    deal->nearest = sqlite3_malloc64((deal->n_sample + 1) * sizeof *deal->nearest);
    deal->sums = sqlite3_malloc64((uint64_t)n_cells * dims * sizeof *deal->sums);
    deal->x = sqlite3_malloc64(dims * sizeof *deal->x);
    if (!deal->sample || !deal->nearest || !deal->sums || !deal->x) return SQLITE_NOMEM;
    return ck_hnsw_columns_init(&deal->columns, deal->codes, n_cells);
}

int ck_hnsw_cells(const CkHnswCodes *codes, uint32_t n, const CkHnswProgress *progress,
                  CkHnswCells *cells) {
    Deal deal = {.codes = codes, .progress = progress, .cells = cells};
    int rc = allocate(&deal, n);
    for (uint32_t i = 0; rc == SQLITE_OK && i < deal.n_sample; i++) {
        deal.sample[i] = (uint32_t)((uint64_t)n * i / deal.n_sample);
    }
    for (uint32_t i = 0; rc == SQLITE_OK && i < cells->n; i++) {
        uint32_t node = (uint32_t)((uint64_t)n * i / cells->n);
        memcpy(centre(&deal, i), codes->rows + codes->stride * node, codes->stride);
    }
    for (int round = 0; rc == SQLITE_OK && round < ROUNDS; round++) {
        rc = deal_sample(&deal);
        if (rc == SQLITE_OK) move_centres(&deal);
    }
    if (rc == SQLITE_OK) rc = deal_all(&deal, n);
    ck_hnsw_columns_release(&deal.columns);
    sqlite3_free(deal.sample);
    sqlite3_free(deal.nearest);
    sqlite3_free(deal.sums);
    sqlite3_free(deal.x);
    return rc;
}
