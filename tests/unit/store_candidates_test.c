/* store/candidates: the scan finds what sorting all keys finds, with every filter and many ties; so
** does one of cells when it looks into all, and else it finds as many. */
#include "store/candidates.h"

#include <math.h>

#include "unit.h"

#define DIMS 24
#define CODE_BYTES 3
#define N_MAX 3000
#define CELLS 9

typedef struct Fixture {
    CkIndex index;
    CkIndexBlock tail;
    CkScanBuilder builder;
    CkScanBlock all;
    CkIndexBlock cells[CELLS];
    CkScanBuilder in_cells[CELLS];
    float mean[DIMS], q[DIMS];
    CkIdSet passing;
    CkCandidate expected[N_MAX];
    size_t n_expected;
    unsigned long long state;
} Fixture;

static float uniform(Fixture *fixture) {
    return (float)(unit_random(&fixture->state) % 2001) / 1000 - 1;
}

/* An index that is a tail of n slots; with `n_codes` there are only so many different ones. */
static void fill(Fixture *fixture, size_t n, size_t n_codes) {
    CkSignSpace space = {fixture->mean, DIMS, 1};
    CkError err = CK_ERROR_NONE;
    float x[64][DIMS], scratch[DIMS];
    for (size_t j = 0; j < DIMS; j++) {
        fixture->mean[j] = uniform(fixture) / 4;
        fixture->q[j] = uniform(fixture);
    }
    for (size_t i = 0; i < 64; i++) {
        for (size_t j = 0; j < DIMS; j++) x[i][j] = uniform(fixture);
    }
    ck_scan_builder_init(&fixture->builder, CODE_BYTES);
    for (size_t i = 0; i < n; i++) {
        CkSignFactors factors;
        uint8_t code[CODE_BYTES];
        float *y = x[unit_random(&fixture->state) % n_codes];
        if (n_codes == 64) y[i % DIMS] = uniform(fixture);
        ck_sign_encode(&space, y, 1, scratch, code, &factors);
        ck_scan_builder_add(&fixture->builder, (int64_t)(3 * i + 1), &factors, code, &err);
    }
    CkIndex *index = &fixture->index;
    index->dims = DIMS;
    index->metric = CK_METRIC_L2;
    ck_buf_append(&index->mean, fixture->mean, sizeof fixture->mean);
    index->tail = fixture->builder;
    index->blocks = &fixture->tail;
    ck_scan_builder_view(&fixture->builder, &fixture->tail.scan);
    fixture->tail.entry.n = (int64_t)n;
    fixture->all = fixture->tail.scan;
}

static int by_key(const void *a, const void *b) {
    const CkCandidate *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_id(const void *a, const void *b) {
    const CkCandidate *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int passes(const CkIdSet *set, int64_t id) {
    if (!set->restricts) return 1;
    for (size_t i = 0; i < ck_idset_count(set); i++) {
        if (ck_idset_ids(set)[i] == id) return 1;
    }
    return 0;
}

/* The same by sorting. */
static void expect(Fixture *fixture, size_t depth) {
    CkSignSpace space = ck_index_space(&fixture->index);
    uint8_t planes[4 * CODE_BYTES];
    float scratch[DIMS];
    CkSignQuery query = {.planes = planes};
    ck_sign_query(&space, fixture->q, 1, scratch, &query);
    const CkScanBlock *block = &fixture->all;
    fixture->n_expected = 0;
    for (size_t i = 0; i < block->columns.n; i++) {
        if (!passes(&fixture->passing, block->ids[i])) continue;
        fixture->expected[fixture->n_expected++] =
            (CkCandidate){block->ids[i], ck_sign_key(&query, &block->columns, i), (uint32_t)i,
                          NULL};
    }
    qsort(fixture->expected, fixture->n_expected, sizeof *fixture->expected, by_key);
    if (fixture->n_expected > depth) fixture->n_expected = depth;
    qsort(fixture->expected, fixture->n_expected, sizeof *fixture->expected, by_id);
}

static void check(Fixture *fixture, size_t depth, unsigned seed) {
    CkScan scan = {fixture->q, 1, depth, 0, NULL, &fixture->passing};
    CkError err = CK_ERROR_NONE;
    CkBuf found;
    int64_t n_compared = 0;
    int n_wrong = 0;
    ck_buf_init(&found);
    expect(fixture, depth);
    CHECK_INT(ck_candidates_scan(&fixture->index, &scan, &found, &n_compared, &err), SQLITE_OK);
    const CkCandidate *candidate = (const CkCandidate *)(const void *)found.data;
    size_t n = found.n_bytes / sizeof *candidate;
    CHECK_MSG(n == fixture->n_expected, "seed %u, depth %zu: %zu of %zu", seed, depth, n,
              fixture->n_expected);
    for (size_t i = 0; i < n && n == fixture->n_expected; i++) {
        n_wrong += candidate[i].id != fixture->expected[i].id ||
                   candidate[i].slot != fixture->expected[i].slot;
    }
    CHECK_MSG(n_wrong == 0, "seed %u, depth %zu: %d are wrong", seed, depth, n_wrong);
    ck_buf_release(&found);
}

/* Moves the slots of the tail into cells, some of which may stay empty. */
static void deal(Fixture *fixture) {
    const CkScanBlock *all = &fixture->all;
    CkError err = CK_ERROR_NONE;
    for (size_t i = 0; i < CELLS; i++) ck_scan_builder_init(&fixture->in_cells[i], CODE_BYTES);
    for (size_t i = 0; i < all->columns.n; i++) {
        CkSignFactors factors = {all->columns.add[i], all->columns.mul[i],
                                 all->columns.head_ones[i]};
        ck_scan_builder_add(&fixture->in_cells[unit_random(&fixture->state) % CELLS], all->ids[i],
                            &factors, all->columns.heads + CODE_BYTES * i, &err);
    }
    for (size_t i = 0; i < CELLS; i++) {
        CkIndexBlock *cell = &fixture->cells[i];
        ck_scan_builder_view(&fixture->in_cells[i], &cell->scan);
        cell->entry.n = (int64_t)fixture->in_cells[i].n;
        cell->data.n_bytes = 1; /* it is in memory */
    }
    memset(&fixture->tail.scan, 0, sizeof fixture->tail.scan);
    fixture->tail.entry.n = 0;
    fixture->index.cells = fixture->cells;
    fixture->index.n_cells = CELLS;
}

static void check_cells(Fixture *fixture, size_t depth, size_t n_wanted) {
    static const uint32_t order[CELLS] = {4, 0, 8, 1, 7, 2, 6, 3, 5};
    CkProbe probe = {order, CELLS, n_wanted, 0};
    CkScan scan = {fixture->q, 1, depth, 0, &probe, &fixture->passing};
    CkError err = CK_ERROR_NONE;
    CkBuf found;
    int64_t n_compared = 0;
    int n_wrong = 0;
    ck_buf_init(&found);
    expect(fixture, depth);
    CHECK_INT(ck_candidates_scan(&fixture->index, &scan, &found, &n_compared, &err), SQLITE_OK);
    const CkCandidate *candidate = (const CkCandidate *)(const void *)found.data;
    size_t n = found.n_bytes / sizeof *candidate;
    CHECK_MSG(n == fixture->n_expected, "%zu cells, depth %zu: %zu of %zu", n_wanted, depth, n,
              fixture->n_expected);
    CHECK_MSG(probe.n_probed >= n_wanted && probe.n_probed <= CELLS, "%zu cells instead of %zu",
              probe.n_probed, n_wanted);
    for (size_t i = 0; i < n && n == fixture->n_expected; i++) {
        const CkIndexBlock *cell = candidate[i].block;
        n_wrong += cell < fixture->cells || cell >= fixture->cells + CELLS ||
                   cell->scan.ids[candidate[i].slot] != candidate[i].id ||
                   !passes(&fixture->passing, candidate[i].id) ||
                   (probe.n_probed == CELLS && candidate[i].id != fixture->expected[i].id);
    }
    CHECK_MSG(n_wrong == 0, "%zu cells, depth %zu: %d are wrong", n_wanted, depth, n_wrong);
    ck_buf_release(&found);
}

static void test(unsigned seed) {
    static Fixture fixture;
    static const size_t depths[] = {1, 2, 10, 64, 999, 5000};
    CkError err = CK_ERROR_NONE;
    memset(&fixture, 0, sizeof fixture);
    fixture.state = seed;
    ck_idset_init(&fixture.passing);
    size_t n = seed % 7 ? unit_random(&fixture.state) % N_MAX : 0;
    fill(&fixture, n, seed % 3 ? 64 : seed % 5 + 1);
    if (seed % 2) {
        size_t step = 1 + unit_random(&fixture.state) % 40;
        for (size_t id = 0; id < 3 * N_MAX; id += 1 + unit_random(&fixture.state) % step) {
            ck_idset_add(&fixture.passing, (int64_t)id, &err);
        }
        ck_idset_seal(&fixture.passing);
    }
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) check(&fixture, depths[i], seed);
    deal(&fixture);
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        for (size_t n_wanted = 0; n_wanted <= CELLS; n_wanted += 3) {
            check_cells(&fixture, depths[i], n_wanted);
        }
    }
    for (size_t i = 0; i < CELLS; i++) ck_scan_builder_release(&fixture.in_cells[i]);
    ck_idset_release(&fixture.passing);
    ck_scan_builder_release(&fixture.builder);
    ck_buf_release(&fixture.index.mean);
}

void ck_test_store_candidates(void) {
    for (unsigned seed = 1; seed <= 40; seed++) test(seed);
}
