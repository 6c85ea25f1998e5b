/* hnsw/build: what comes out is a graph of the inputs, whole, the same every time, that finds. */
#include "hnsw_fixture.h"
#include "tier.h"
#include "vector/kernels.h"

/* order and twin_of are a permutation and what build.h says, and the rows are where they say. */
static void check_order(const Fixture *f) {
    const CkHnswBuilt *built = &f->built;
    const uint32_t n_nodes = built->graph.shape.n[0];
    uint8_t *row = ck_aligned_new(f->codes.stride), *met = calloc(f->n + 1, 1);
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t input = built->order[i], slot = i < n_nodes ? i : built->twin_of[i - n_nodes];
        CHECK(input < f->n && !met[input]);
        met[input] = 1;
        fixture_code(f, input, row);
        CHECK_MSG(memcmp(row, f->rows + slot * f->codes.stride, f->codes.stride) == 0,
                  "slot %u is not input %u", slot, input);
        if (i <= n_nodes) continue;
        CHECK(built->twin_of[i - n_nodes - 1] < slot ||
              (built->twin_of[i - n_nodes - 1] == slot && built->order[i - 1] < input));
    }
    ck_aligned_free(row);
    free(met);
}

static void small_ones_are_whole(void) {
    static const uint32_t counts[] = {0, 1, 2, 3, 17, 255, 257, 1100};
    static const uint32_t dims[] = {1, 3, 64, 100, 130};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t j = 0; j < sizeof dims / sizeof *dims; j++) {
            for (int metric = CK_INT_COSINE; metric <= CK_INT_DOT; metric++) {
                if (counts[i] > 300 && j % 3 != (size_t)metric % 3) continue;
                Fixture f;
                fixture_init(&f, (CkIntMetric)metric, counts[i], counts[i], dims[j]);
                CkHnswOptions options = fixture_options(&f);
                CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
                fixture_validate(&f.source, 0);
                check_order(&f);
                if (counts[i] <= CK_HNSW_TOP_MAX) {
                    double recall = fixture_recall(&f, 10, 10, NULL);
                    CHECK_MSG(recall == 1, "n %u dims %u: %g", counts[i], dims[j], recall);
                }
                fixture_release(&f);
            }
        }
    }
}

static void a_large_one_finds(CkIntMetric metric, uint32_t n, uint32_t n_levels) {
    Fixture f;
    fixture_init(&f, metric, n, n, 100);
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    fixture_validate(&f.source, 0);
    CHECK(f.source.shape.n_levels >= n_levels);
    double recall = fixture_recall(&f, 100, 100, NULL);
    CHECK_MSG(recall >= 0.97, "metric %d: recall %g", (int)metric, recall);
    fixture_release(&f);
}

/* 1,000 equal vectors among others are one node. */
static void a_clique_is_one_node(void) {
    Fixture f;
    fixture_init(&f, CK_INT_COSINE, 3000, 3000, 40);
    for (uint32_t i = 0; i < 3000; i += 3) {
        memcpy(f.vectors + (size_t)i * f.dims, f.vectors, f.dims * sizeof(float));
        fixture_code(&f, i, f.rows + i * f.codes.stride);
    }
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    CHECK_INT(f.built.graph.shape.n[0], 2001);
    check_order(&f);
    for (uint32_t i = 1; i < 999; i++) CHECK_INT(f.built.twin_of[i], f.built.twin_of[0]);
    fixture_validate(&f.source, 0);
    fixture_release(&f);
}

static uint64_t digest(const CkHnswBuilt *built, uint32_t n) {
    const CkHnswShape *shape = &built->graph.shape;
    uint64_t sum = ck_kernels()->checksum(built->order, n * sizeof *built->order, 0);
    for (uint32_t level = 0; level < shape->n_levels; level++) {
        sum = ck_kernels()->checksum(built->graph.links[level],
                                     shape->n[level] * ck_hnsw_links_stride(shape, level), sum);
    }
    return sum;
}

static uint64_t build_digest(uint64_t seed) {
    Fixture f;
    fixture_init(&f, CK_INT_L2, 700, 700, 70);
    CkHnswOptions options = fixture_options(&f);
    options.seed = seed;
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    uint64_t sum = digest(&f.built, f.n);
    fixture_release(&f);
    return sum;
}

/* The same seed, the same links, whatever the tier; another seed, others. */
static void the_seed_decides(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    char *kept = keep_tier();
    uint64_t expected = build_digest(5);
    CHECK(build_digest(6) != expected);
    for (int i = 0; i < n; i++) {
        use_tier(usable[i]->tier);
        CHECK_MSG(build_digest(5) == expected, "%s builds another graph", usable[i]->tier);
    }
    restore_tier(kept);
}

typedef struct Steps {
    int n, stop_at;
    double last;
} Steps;

static int count_step(void *context, double done) {
    Steps *steps = context;
    CHECK_MSG(done >= steps->last && done <= 1.0000001, "%g after %g", done, steps->last);
    steps->last = done;
    return ++steps->n == steps->stop_at ? SQLITE_INTERRUPT : SQLITE_OK;
}

/* Stopped at any step, a build leaves nothing behind. */
static void a_step_stops_it(void) {
    Steps steps = {0};
    for (int stop_at = 0, every = 1; stop_at == 0 || stop_at <= steps.n; stop_at += every) {
        Fixture f;
        fixture_init(&f, CK_INT_COSINE, 1200, 1200, 24);
        CkHnswOptions options = fixture_options(&f);
        Steps now = {.stop_at = stop_at};
        options.step = count_step;
        options.context = &now;
        CHECK_INT(fixture_build(&f, &options), stop_at ? SQLITE_INTERRUPT : SQLITE_OK);
        if (stop_at == 0) {
            steps = now;
            CHECK(steps.n > 50 && steps.last > 0.999);
            every = 1 + steps.n / 7;
        } else {
            CHECK(now.n == stop_at && f.built.order == NULL);
        }
        fixture_release(&f);
    }
}

void ck_test_hnsw_build(void) {
    small_ones_are_whole();
    a_large_one_finds(CK_INT_COSINE, 4500, 3);
    a_large_one_finds(CK_INT_L2, 1500, 2);
    a_large_one_finds(CK_INT_DOT, 1500, 2);
    a_clique_is_one_node();
    the_seed_decides();
    a_step_stops_it();
}
