/* hnsw/validate and hnsw/graph: each kind of damage is found, and nothing else. */
#include "hnsw_fixture.h"

typedef enum Damage {
    TOO_LONG,
    OUT_OF_RANGE,
    TO_ITSELF,
    TWICE,
    N_LIST_DAMAGES,
} Damage;

static void damage(uint32_t *record, uint32_t node, uint32_t n, uint32_t width, Damage what) {
    switch (what) {
    case TOO_LONG: record[0] = width + 1; break;
    case OUT_OF_RANGE: record[1] = n; break;
    case TO_ITSELF: record[1] = node; break;
    case TWICE: record[1] = record[2]; break;
    default: break;
    }
}

static void lists(Fixture *f) {
    const CkHnswShape *shape = &f->source.shape;
    for (uint32_t level = 0; level + 1 < shape->n_levels; level++) {
        for (int what = 0; what < N_LIST_DAMAGES; what++) {
            CkHnswReport report;
            uint32_t width = ck_hnsw_width(shape, level), node = shape->n[level] / 2, kept[129];
            uint32_t *record = ck_hnsw_links_of(&f->built.graph, level, node);
            memcpy(kept, record, (1 + width) * sizeof *kept);
            CHECK(ck_hnsw_links_ok(record, width, shape->n[level], node));
            damage(record, node, shape->n[level], width, (Damage)what);
            CHECK_INT(ck_hnsw_links_ok(record, width, shape->n[level], node), what == TWICE);
            CHECK_INT(ck_hnsw_validate(&f->source, &report), SQLITE_OK);
            CHECK_INT(report.n_bad_lists, 1);
            CHECK_INT(report.first_bad, node);
            memcpy(record, kept, (1 + width) * sizeof *kept);
        }
    }
    fixture_validate(&f->source, 0);
}

/* Without the links to it, a node is unreachable, and without its own, too, isolated. */
static void reach(Fixture *f) {
    const uint32_t n = f->source.shape.n[0], lost = n - 1;
    CkHnswReport report;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *record = ck_hnsw_links_of(&f->built.graph, 0, i);
        for (uint32_t j = 1; j <= record[0];) {
            if (record[j] == lost) {
                record[j] = record[record[0]--];
            } else {
                j++;
            }
        }
    }
    CHECK_INT(ck_hnsw_validate(&f->source, &report), SQLITE_OK);
    CHECK_INT(report.n_unreachable, 1);
    CHECK_INT(report.first_unreachable, lost);
    CHECK_INT(report.n_isolated, 0);
    ck_hnsw_links_of(&f->built.graph, 0, lost)[0] = 0;
    CHECK_INT(ck_hnsw_validate(&f->source, &report), SQLITE_OK);
    CHECK_INT(report.n_unreachable, 0);
    CHECK_INT(report.n_isolated, 1);
}

static void shapes(void) {
    static const CkHnswShape good[] = {
        {.m = 16},
        {.m = 16, .n_levels = 1, .n = {1}},
        {.m = 64, .n_levels = 1, .n = {100000}},
        {.m = 4, .n_levels = 2, .n = {300, 256}},
        {.m = 16, .n_levels = 3, .n = {CK_HNSW_NODES_MAX, 700, 1}},
    };
    static const CkHnswShape bad[] = {
        {.m = 3, .n_levels = 1, .n = {1}},
        {.m = 65, .n_levels = 1, .n = {1}},
        {.m = 16, .n_levels = 0, .n = {1}},
        {.m = 16, .n_levels = 1, .n = {0}},
        {.m = 16, .n_levels = 1, .n = {CK_HNSW_NODES_MAX + 1}},
        {.m = 16, .n_levels = 2, .n = {300, 0}},
        {.m = 16, .n_levels = 2, .n = {300, 257}},
        {.m = 16, .n_levels = 3, .n = {300, 20, 21}},
        {.m = 16, .n_levels = CK_HNSW_LEVELS_MAX + 1, .n = {9, 8, 7, 6, 5, 4, 3, 2}},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) CHECK(ck_hnsw_shape_ok(&good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_MSG(!ck_hnsw_shape_ok(&bad[i]), "shape %d", (int)i);
    }
}

void ck_test_hnsw_validate(void) {
    Fixture f;
    fixture_init(&f, CK_INT_COSINE, 4000, 4000, 32);
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    CHECK(f.source.shape.n_levels >= 2);
    shapes();
    lists(&f);
    reach(&f);
    fixture_release(&f);
}
