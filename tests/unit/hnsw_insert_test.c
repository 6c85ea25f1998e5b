/* hnsw/insert: inserts, twins, dead nodes taken out, and what much of both does to recall. */
#include "hnsw/insert.h"

#include "hnsw_fixture.h"

static CkHnswInsert insert_of(Fixture *f) {
    return (CkHnswInsert){.graph = &f->built.graph,
                          .codes = &f->codes,
                          .space = &f->space,
                          .ef_construction = 200,
                          .scratch = f->scratch};
}

/* Gives the graph room for more nodes than a build does. */
static void make_room(Fixture *f, uint32_t room) {
    CkHnswGraph grown;
    CkHnswShape shape = f->built.graph.shape;
    CHECK_INT(ck_hnsw_graph_init(&grown, &shape, room), SQLITE_OK);
    for (uint32_t level = 0; level < shape.n_levels; level++) {
        memcpy(grown.links[level], f->built.graph.links[level],
               shape.n[level] * ck_hnsw_links_stride(&shape, level));
    }
    ck_hnsw_graph_release(&f->built.graph);
    f->built.graph = grown;
}

/* Inserts input i as the next node; its slot or twin. */
static uint32_t insert_input(Fixture *f, uint32_t i) {
    CkHnswInsert insert = insert_of(f);
    uint32_t twin = UINT32_MAX, next = f->built.graph.shape.n[0];
    fixture_code(f, i, f->rows + next * f->codes.stride);
    CHECK_INT(ck_hnsw_insert(&insert, &twin), SQLITE_OK);
    CHECK_INT(f->built.graph.shape.n[0], next + (twin == next));
    return twin;
}

static void connect(Fixture *f) {
    CkHnswInsert insert = insert_of(f);
    CHECK_INT(ck_hnsw_connect(&insert), SQLITE_OK);
    fixture_source(f);
}

/* From nothing, one after the other. */
static void into_an_empty_graph(CkIntMetric metric, uint32_t n, uint32_t dims) {
    Fixture f;
    fixture_init(&f, metric, 0, n, dims);
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    make_room(&f, n);
    for (uint32_t i = 0; i < n; i++) {
        CHECK_INT(insert_input(&f, i), i);
        if (i % 16 == 0) CHECK_INT(insert_input(&f, i / 2), i / 2); /* a twin */
    }
    f.n = n;
    connect(&f);
    fixture_validate(&f.source, 0);
    double recall = fixture_recall(&f, 100, 100, NULL);
    CHECK_MSG(recall >= 0.97, "metric %d, %u inserted: recall %g", (int)metric, n, recall);
    uint32_t twin;
    CkHnswInsert insert = insert_of(&f);
    CHECK_INT(ck_hnsw_insert(&insert, &twin), SQLITE_FULL);
    fixture_release(&f);
}

/* After a build of half. */
static void into_a_built_graph(void) {
    enum { N = 2400 };
    Fixture f;
    fixture_init(&f, CK_INT_COSINE, N / 2, N, 60);
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    make_room(&f, N);
    for (uint32_t i = N / 2; i < N; i++) CHECK_INT(insert_input(&f, i), i);
    connect(&f);
    fixture_validate(&f.source, 0);
    double recall = fixture_recall(&f, 100, 100, NULL);
    CHECK_MSG(recall >= 0.97, "recall %g", recall);
    fixture_release(&f);
}

static uint32_t kill_some(uint8_t *dead, uint32_t n, int clustered, uint32_t percent) {
    uint32_t n_dead = 0;
    unsigned long long state = 3;
    for (uint32_t i = 0; i < n; i++) {
        /* Slots are in order of locality, so a run of them is a cluster. */
        dead[i] = clustered ? i / 50 * 7919 % 100 < percent : unit_random(&state) % 100 < percent;
        n_dead += dead[i];
    }
    return n_dead;
}

typedef struct Live {
    const uint8_t *dead;
} Live;

static int passes_live(void *context, uint32_t node) {
    return !((Live *)context)->dead[node];
}

static void compact(Fixture *f, const uint8_t *dead) {
    const uint32_t n = f->built.graph.shape.n[0];
    uint32_t *new_of = malloc(n * sizeof *new_of), n_live = 0;
    ck_hnsw_compact(&f->built.graph, dead, new_of);
    for (uint32_t i = 0; i < n; i++) {
        CHECK_INT(new_of[i], dead[i] ? UINT32_MAX : n_live);
        if (dead[i]) continue;
        memmove(f->rows + n_live * f->codes.stride, f->rows + i * f->codes.stride,
                f->codes.stride);
        n_live++;
    }
    CHECK_INT(f->built.graph.shape.n[0], n_live);
    free(new_of);
    connect(f);
}

static void dead_ones_are_taken_out(int clustered, uint32_t percent) {
    Fixture f;
    fixture_init(&f, CK_INT_COSINE, 1600, 1600, 60);
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    const CkHnswShape *shape = &f.source.shape;
    const uint32_t n = shape->n[0], n_entries = shape->n[shape->n_levels - 1];
    uint8_t *dead = calloc(n, 1);
    uint32_t n_dead = kill_some(dead, n, clustered, percent), n_dead_entries = 0;
    for (uint32_t i = 0; i < n_entries; i++) n_dead_entries += dead[i];
    CkHnswInsert insert = insert_of(&f);
    CHECK_INT(ck_hnsw_consolidate(&insert, dead, NULL, NULL), SQLITE_OK);
    fixture_source(&f);
    fixture_validate(&f.source, n_dead - n_dead_entries);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t *record = ck_hnsw_links_of(&f.built.graph, 0, i);
        CHECK(!dead[i] || i < n_entries || record[0] == 0);
        for (uint32_t j = 1; j <= record[0]; j++) CHECK(!dead[record[j]]);
    }
    Live live = {dead};
    const CkHnswFilter filter = {passes_live, &live};
    double recall = fixture_recall(&f, 100, 100, &filter);
    CHECK_MSG(recall >= 0.97, "%u%% dead, %d: recall %g", percent, clustered, recall);
    compact(&f, dead);
    fixture_validate(&f.source, 0);
    recall = fixture_recall(&f, 100, 100, NULL);
    CHECK_MSG(recall >= 0.97, "%u%% dead, %d, compact: recall %g", percent, clustered, recall);
    free(dead);
    fixture_release(&f);
}

/* Tight clusters, of which many lose all but one of their vectors: what is left over, whose
** neighbours are all dead, is found like what was there. */
static void survivors_are_found(void) {
    enum { N = 4000, CLUSTERS = 40, KILLED = 18, DIMS = 64 };
    Fixture f;
    float centres[CLUSTERS * DIMS];
    unsigned long long state = 11;
    uint32_t n_lost = 0;
    fixture_init(&f, CK_INT_COSINE, N, N, DIMS);
    for (uint32_t i = 0; i < CLUSTERS * DIMS; i++) centres[i] = fixture_normal(&state);
    for (uint32_t i = 0; i < N; i++) {
        float *x = f.vectors + (size_t)i * DIMS;
        for (uint32_t d = 0; d < DIMS; d++) {
            x[d] = centres[i % CLUSTERS * DIMS + d] + 0.05f * fixture_normal(&state);
        }
        fixture_code(&f, i, f.rows + i * f.codes.stride);
    }
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    uint8_t *dead = calloc(N, 1);
    uint32_t slot_of[KILLED], n_live = 0;
    for (uint32_t slot = 0; slot < N; slot++) {
        uint32_t input = f.built.order[slot];
        dead[slot] = input % CLUSTERS < KILLED && input >= CLUSTERS;
        if (input < KILLED) slot_of[input] = n_live;
        n_live += !dead[slot];
    }
    CkHnswInsert insert = insert_of(&f);
    CHECK_INT(ck_hnsw_consolidate(&insert, dead, NULL, NULL), SQLITE_OK);
    compact(&f, dead);
    fixture_validate(&f.source, 0);
    for (uint32_t i = 0; i < KILLED; i++) {
        CkHnswSearch search = fixture_search(&f, f.vectors + (size_t)i * DIMS, 64);
        CkHnswFound found;
        CHECK_INT(ck_hnsw_search(&f.source, &search, f.scratch, &found), SQLITE_OK);
        n_lost += found.hits[0].node != slot_of[i];
    }
    CHECK_MSG(n_lost <= 3, "%u of %d lost", n_lost, KILLED);
    free(dead);
    fixture_release(&f);
}

/* Few links a node, and many deaths: parts fall off, and nodes lose all their links. */
static void none_falls_off(void) {
    for (uint32_t percent = 40; percent <= 60; percent += 20) {
        Fixture f;
        fixture_init(&f, CK_INT_L2, 2000, 2000, 16);
        CkHnswOptions options = fixture_options(&f);
        options.m = CK_HNSW_M_MIN;
        CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
        uint8_t *dead = calloc(f.n, 1);
        f.n -= kill_some(dead, f.n, 0, percent);
        CkHnswInsert insert = insert_of(&f);
        CHECK_INT(ck_hnsw_consolidate(&insert, dead, NULL, NULL), SQLITE_OK);
        compact(&f, dead);
        fixture_validate(&f.source, 0);
        CkHnswSearch search = fixture_search(&f, f.vectors, f.n);
        CkHnswFound found;
        CHECK_INT(ck_hnsw_search(&f.source, &search, f.scratch, &found), SQLITE_OK);
        CHECK_INT(found.n, f.n);
        free(dead);
        fixture_release(&f);
    }
}

/* The vectors of the live nodes in a graph of their own. */
static double fresh_recall(const Fixture *f) {
    Fixture fresh;
    fixture_init(&fresh, f->metric, f->built.graph.shape.n[0], f->built.graph.shape.n[0], f->dims);
    memcpy(fresh.rows, f->rows, fresh.n * f->codes.stride);
    CkHnswOptions options = fixture_options(&fresh);
    CHECK_INT(fixture_build(&fresh, &options), SQLITE_OK);
    double recall = fixture_recall(&fresh, 40, 40, NULL);
    fixture_release(&fresh);
    return recall;
}

/* Ten times a tenth goes, and as many come that were not there before. */
static void churn(void) {
    enum { N = 2000, ROUNDS = 10, GO = N / 10 };
    Fixture f;
    unsigned long long state = 11;
    fixture_init(&f, CK_INT_COSINE, N, N + GO * ROUNDS, 60);
    CkHnswOptions options = fixture_options(&f);
    CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
    make_room(&f, N + GO);
    uint8_t *dead = calloc(N, 1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        memset(dead, 0, N);
        for (int i = 0; i < GO; i++) {
            uint32_t node = (uint32_t)(unit_random(&state) % N);
            while (dead[node]) node = (node + 1) % N;
            dead[node] = 1;
        }
        CkHnswInsert insert = insert_of(&f);
        CHECK_INT(ck_hnsw_consolidate(&insert, dead, NULL, NULL), SQLITE_OK);
        compact(&f, dead);
        for (uint32_t i = 0; i < GO; i++) insert_input(&f, N + round * GO + i);
        connect(&f);
        fixture_validate(&f.source, 0);
    }
    double recall = fixture_recall(&f, 40, 40, NULL), fresh = fresh_recall(&f);
    CHECK_MSG(recall >= fresh - 0.01, "recall %g, fresh %g", recall, fresh);
    free(dead);
    fixture_release(&f);
}

/* All of them, all but one, and a whole top level. */
static void nearly_all_die(void) {
    for (int way = 0; way < 3; way++) {
        Fixture f;
        fixture_init(&f, CK_INT_L2, 2500, 2500, 20);
        CkHnswOptions options = fixture_options(&f);
        CHECK_INT(fixture_build(&f, &options), SQLITE_OK);
        uint32_t n = f.source.shape.n[0], n_top = f.source.shape.n[f.source.shape.n_levels - 1];
        uint8_t *dead = calloc(n, 1);
        memset(dead, 1, way == 2 ? n_top : n);
        if (way == 1) dead[n / 2] = 0;
        CkHnswInsert insert = insert_of(&f);
        CHECK_INT(ck_hnsw_consolidate(&insert, dead, NULL, NULL), SQLITE_OK);
        compact(&f, dead);
        CHECK_INT(f.built.graph.shape.n[0], way == 0 ? 0 : way == 1 ? 1 : n - n_top);
        fixture_validate(&f.source, 0);
        if (way == 2) CHECK(fixture_recall(&f, 100, 100, NULL) >= 0.97);
        free(dead);
        fixture_release(&f);
    }
}

void ck_test_hnsw_insert(void) {
    into_an_empty_graph(CK_INT_COSINE, 1000, 60);
    into_an_empty_graph(CK_INT_L2, 700, 3);
    into_an_empty_graph(CK_INT_DOT, 700, 100);
    into_a_built_graph();
    dead_ones_are_taken_out(0, 30);
    dead_ones_are_taken_out(0, 60);
    dead_ones_are_taken_out(1, 30);
    dead_ones_are_taken_out(1, 60);
    survivors_are_found();
    none_falls_off();
    nearly_all_die();
    churn();
}
