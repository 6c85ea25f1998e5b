/* hnsw/cells: every node is in the cell whose centre is nearest to it, near nodes are together, all
** of it is the same in every tier, and a step stops it. */
#include "hnsw/cells.h"

#include "hnsw_fixture.h"
#include "tier.h"

#define N_MAX 3000

typedef struct Cells {
    Fixture f;
    CkHnswCodes codes;
    CkHnswCells cells;
} Cells;

static int no_step(void *context, double done) {
    (void)done;
    return context && --*(int *)context < 0 ? SQLITE_INTERRUPT : SQLITE_OK;
}

static void cells_init(Cells *c, CkIntMetric metric, uint32_t n, uint32_t dims, uint32_t n_cells) {
    fixture_init(&c->f, metric, n, n, dims);
    c->codes = (CkHnswCodes){c->f.rows, dims, c->f.codes.stride, ck_int_code_bytes(dims)};
    c->cells = (CkHnswCells){.space = &c->f.space, .n = n_cells};
    c->cells.centres = ck_aligned_new(n_cells * c->codes.stride);
    c->cells.cell_of = malloc(n * sizeof *c->cells.cell_of);
}

static int cells_run(Cells *c, int *n_steps) {
    const CkHnswProgress progress = {no_step, n_steps, 0, 1};
    return ck_hnsw_cells(&c->codes, c->f.n, &progress, &c->cells);
}

static void cells_release(Cells *c) {
    ck_aligned_free(c->cells.centres);
    free(c->cells.cell_of);
    fixture_release(&c->f);
}

/* Half the squared distance of a node and a centre. */
static float distance(const Cells *c, CkIntQuery *query, uint32_t cell) {
    const uint8_t *row = c->cells.centres + c->codes.stride * cell;
    int32_t dot = ck_kernels()->dot_u8i8(query->codes, (const int8_t *)row, c->f.dims);
    return ck_int_half_l2sq(query, ck_int_factors(row, c->f.dims), dot);
}

static void check_nearest(CkIntMetric metric, uint32_t n, uint32_t dims, uint32_t n_cells) {
    Cells c;
    int n_wrong = 0;
    double own = 0, other = 0;
    cells_init(&c, metric, n, dims, n_cells);
    CHECK_INT(cells_run(&c, NULL), SQLITE_OK);
    CkIntQuery query = {.codes = c.f.query};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t cell = c.cells.cell_of[i];
        CHECK(cell < n_cells);
        ck_int_query_of_row(c.f.rows + c.codes.stride * i, dims, &query);
        float d = distance(&c, &query, cell);
        for (uint32_t k = 0; k < n_cells; k++) {
            float e = distance(&c, &query, k);
            n_wrong += e < d || (e == d && k < cell);
        }
        own += (double)d;
        other += (double)distance(&c, &query, (cell + 1) % n_cells);
    }
    CHECK_MSG(n_wrong == 0, "metric %d, %u of %u dims, %u cells: %d are nearer to another",
              (int)metric, n, dims, n_cells, n_wrong);
    CHECK_MSG(n < 100 || n_cells < 8 || own < 0.8 * other, "%u dims, %u cells: %g and %g", dims,
              n_cells, own, other);
    cells_release(&c);
}

static uint64_t digest(CkIntMetric metric) {
    Cells c;
    uint64_t sum = 0;
    cells_init(&c, metric, 2000, 300, 20);
    CHECK_INT(cells_run(&c, NULL), SQLITE_OK);
    for (uint32_t i = 0; i < c.cells.n; i++) {
        sum = ck_kernels()->checksum(c.cells.centres + c.codes.stride * i,
                                     ck_int_identity_bytes(300), sum);
    }
    sum = ck_kernels()->checksum(c.cells.cell_of, 2000 * sizeof *c.cells.cell_of, sum);
    cells_release(&c);
    return sum;
}

static void test_tiers(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    char *kept = keep_tier();
    for (int metric = 0; metric < 3; metric++) {
        uint64_t expected = 0;
        for (int i = 0; i < n; i++) {
            use_tier(usable[i]->tier);
            uint64_t sum = digest((CkIntMetric)metric);
            if (i == 0) expected = sum;
            CHECK_MSG(sum == expected, "%s makes other cells", usable[i]->tier);
        }
    }
    restore_tier(kept);
}

static void test_stop(void) {
    Cells c;
    cells_init(&c, CK_INT_L2, 1500, 8, 9);
    for (int after = 0; after < 5; after++) {
        int n_steps = after;
        CHECK_INT(cells_run(&c, &n_steps), SQLITE_INTERRUPT);
    }
    cells_release(&c);
}

/* Vectors so long that their sum is infinite, and equal ones. */
static void test_extremes(void) {
    Cells c;
    cells_init(&c, CK_INT_L2, 600, 4, 10);
    for (uint32_t i = 0; i < 600; i++) {
        for (uint32_t d = 0; d < 4; d++) c.f.vectors[4 * i + d] = i < 300 ? 3e38f : 1;
        fixture_code(&c.f, i, c.f.rows + c.codes.stride * i);
    }
    CHECK_INT(cells_run(&c, NULL), SQLITE_OK);
    for (uint32_t i = 0; i < 600; i++) CHECK(c.cells.cell_of[i] < 10);
    cells_release(&c);
}

void ck_test_hnsw_cells(void) {
    static const uint32_t dims[] = {3, 100, 300};
    static const uint32_t sizes[][2] = {{1, 1}, {2, 2}, {17, 5}, {500, 1}, {N_MAX, 30}};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            check_nearest((CkIntMetric)((i + j) % 3), sizes[j][0], dims[i], sizes[j][1]);
        }
    }
    test_tiers();
    test_stop();
    test_extremes();
}
