/* hnsw/search: filters, order, records that become resident on demand, and errors of load(). */
#include "hnsw/insert.h"
#include "hnsw_fixture.h"

static int passes_modulo(void *context, uint32_t node) {
    return node % *(uint32_t *)context == 0;
}

static void filters_pass(Fixture *f) {
    static const uint32_t every[] = {1, 2, 10, 50, 7000};
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        uint32_t modulo = every[i];
        const CkHnswFilter filter = {passes_modulo, &modulo};
        double recall = fixture_recall(f, 20, 40 + 20 * (size_t)modulo, &filter);
        CHECK_MSG(recall >= 0.95, "one of %u: recall %g", modulo, recall);
    }
}

static int passes_none(void *context, uint32_t node) {
    (void)node;
    ++*(int *)context;
    return 0;
}

static void hits_are_in_order(Fixture *f) {
    static const size_t efs[] = {0, 1, 10, 300, 5000, 100000};
    for (size_t i = 0; i < sizeof efs / sizeof *efs; i++) {
        CkHnswSearch search = fixture_search(f, f->vectors, efs[i]);
        CkHnswFound found;
        CHECK_INT(ck_hnsw_search(&f->source, &search, f->scratch, &found), SQLITE_OK);
        CHECK_INT(found.n, efs[i] < f->n ? efs[i] : f->n);
        for (size_t j = 1; j < found.n; j++) {
            CHECK(found.hits[j - 1].distance < found.hits[j].distance ||
                  (found.hits[j - 1].distance == found.hits[j].distance &&
                   found.hits[j - 1].node < found.hits[j].node));
        }
        if (found.n > 0) CHECK_INT(f->built.order[found.hits[0].node], 0);
        int n_asked = 0;
        const CkHnswFilter none = {passes_none, &n_asked};
        search.filter = &none;
        CHECK_INT(ck_hnsw_search(&f->source, &search, f->scratch, &found), SQLITE_OK);
        CHECK_INT(found.n, 0);
        CHECK(efs[i] == 0 || n_asked > 0);
    }
}

/* A graph whose records lie elsewhere and are copied block by block. Block 0 of the codes is at
** resident[0], and so on. */
typedef struct Lazy {
    const CkHnswSource *whole;
    CkHnswSource source;
    uint8_t *resident[1 + CK_HNSW_LEVELS_MAX];
    int n_loads, fail_at;
} Lazy;

static int load(void *context, int level, uint32_t block) {
    Lazy *lazy = context;
    const CkHnswRecords *from = level < 0 ? &lazy->whole->codes : &lazy->whole->links[level];
    CkHnswRecords *to = level < 0 ? &lazy->source.codes : &lazy->source.links[level];
    size_t n = lazy->whole->shape.n[level < 0 ? 0 : level];
    size_t first = (size_t)block << to->shift, last = first + ((size_t)1 << to->shift);
    CHECK(!lazy->resident[level + 1][block]);
    if (++lazy->n_loads == lazy->fail_at) return SQLITE_IOERR;
    if (last > n) last = n;
    memcpy(to->base + first * to->stride, from->base + first * to->stride,
           (last - first) * to->stride);
    lazy->resident[level + 1][block] = 1;
    return SQLITE_OK;
}

static void lazy_init(Lazy *lazy, const CkHnswSource *whole) {
    memset(lazy, 0, sizeof *lazy);
    lazy->whole = whole;
    lazy->source = *whole;
    lazy->source.load = load;
    lazy->source.context = lazy;
    for (int level = -1; level < (int)whole->shape.n_levels; level++) {
        CkHnswRecords *to = level < 0 ? &lazy->source.codes : &lazy->source.links[level];
        uint32_t n = whole->shape.n[level < 0 ? 0 : level];
        to->shift = level < 0 ? 3 : 5;
        to->base = ck_aligned_new(n * to->stride);
        memset(to->base, 0xff, n * to->stride); /* garbage until it is loaded */
        to->resident = lazy->resident[level + 1] = calloc((n >> to->shift) + 1, 1);
    }
}

static void lazy_release(Lazy *lazy) {
    for (int level = -1; level < (int)lazy->whole->shape.n_levels; level++) {
        ck_aligned_free(level < 0 ? lazy->source.codes.base : lazy->source.links[level].base);
        free(lazy->resident[level + 1]);
    }
}

static void records_become_resident(Fixture *f) {
    CkHnswSearch search = fixture_search(f, f->vectors + 5 * f->dims, 30);
    CkHnswHit expected[30];
    CkHnswFound found;
    CkHnswReport report;
    Lazy lazy;
    int n_blocks = (int)(f->source.shape.n[0] >> 3), n_loads;
    CHECK_INT(ck_hnsw_search(&f->source, &search, f->scratch, &found), SQLITE_OK);
    memcpy(expected, found.hits, sizeof expected);
    lazy_init(&lazy, &f->source);
    CHECK_INT(ck_hnsw_search(&lazy.source, &search, f->scratch, &found), SQLITE_OK);
    CHECK(found.n == 30 && memcmp(expected, found.hits, sizeof expected) == 0);
    n_loads = lazy.n_loads;
    CHECK_MSG(n_loads < n_blocks, "%d loads of %d blocks", n_loads, n_blocks);
    CHECK_INT(ck_hnsw_search(&lazy.source, &search, f->scratch, &found), SQLITE_OK);
    CHECK_INT(lazy.n_loads, n_loads);
    CHECK_INT(ck_hnsw_exact(&lazy.source, &search, f->scratch, &found), SQLITE_OK);
    CHECK_INT(found.hits[0].node, expected[0].node);
    CHECK_INT(ck_hnsw_validate(&lazy.source, &report), SQLITE_OK);
    lazy_release(&lazy);
    for (int fail_at = 1; fail_at <= n_loads; fail_at += 1 + n_loads / 40) {
        lazy_init(&lazy, &f->source);
        lazy.fail_at = fail_at;
        CHECK_INT(ck_hnsw_search(&lazy.source, &search, f->scratch, &found), SQLITE_IOERR);
        CHECK_INT(ck_hnsw_search(&lazy.source, &search, f->scratch, &found), SQLITE_OK);
        CHECK(found.n == 30 && memcmp(expected, found.hits, sizeof expected) == 0);
        lazy_release(&lazy);
    }
}

/* A warm search allocates nothing. */
static void scratch_stays(Fixture *f) {
    CkHnswSearch search = fixture_search(f, f->vectors, 64);
    CkHnswFound found;
    ck_hnsw_search(&f->source, &search, f->scratch, &found);
    size_t n_bytes = ck_hnsw_scratch_bytes(f->scratch);
    CHECK(n_bytes > f->n);
    for (int i = 0; i < 300; i++) { /* past the point where epochs begin anew */
        ck_hnsw_search(&f->source, &search, f->scratch, &found);
        CHECK_INT(f->built.order[found.hits[0].node], 0);
    }
    CHECK_INT(ck_hnsw_scratch_bytes(f->scratch), n_bytes);
}

/* Level 0 falls into two parts: a search that wants more than one has sees the other too. */
static void parts_are_all_seen(Fixture *f) {
    const CkHnswGraph *graph = &f->built.graph;
    CkHnswInsert insert = {.graph = &f->built.graph,
                           .codes = &f->codes,
                           .space = &f->space,
                           .ef_construction = 200,
                           .scratch = f->scratch};
    for (uint32_t node = 0; node < graph->shape.n[0]; node++) {
        uint32_t *record = ck_hnsw_links_of(graph, 0, node), n = 0, n_all = record[0];
        for (uint32_t i = 1; i <= n_all; i++) {
            if (record[i] % 2 == node % 2) record[++n] = record[i];
        }
        memset(record + 1 + n, 0, (n_all - n) * sizeof *record);
        record[0] = n;
    }
    CHECK_INT(ck_hnsw_connect(&insert), SQLITE_OK);
    fixture_validate(&f->source, 0);
    for (uint32_t i = 0; i < 20; i++) {
        CkHnswSearch search = fixture_search(f, f->vectors + (size_t)i * f->dims, f->n);
        CkHnswFound found;
        CHECK_INT(ck_hnsw_search(&f->source, &search, f->scratch, &found), SQLITE_OK);
        CHECK_INT(found.n, f->n);
    }
}

void ck_test_hnsw_search(void) {
    Fixture f;
    fixture_init(&f, CK_INT_COSINE, 5000, 5000, 96);
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    filters_pass(&f);
    hits_are_in_order(&f);
    records_become_resident(&f);
    scratch_stays(&f);
    parts_are_all_seen(&f);
    fixture_release(&f);
}
