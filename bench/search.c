/*
** The search index: the 10 nearest of 100,000 vectors of 768 dims, by a prepared statement, beside
** sqlite-vector (quantized, kept in memory) and sqlite-vec (which compares with all vectors). No
** query is asked twice. A connection of ck is warm after some thousands: each leaves in memory what
** it read of its candidates. Queries come from the subspace of the rows, or half from elsewhere.
** Everything is measured twice: as the puts left the index, and after ck_optimize(). Recall is
** against knn(…) WHERE recall = 1, which sqlite-vec must agree with.
*/
#include <stdlib.h>
#include <string.h>

#include "search.h"

#define SIDES 5
#define WARM_RUNS 12 /* of 200 queries, near and far each */

enum { CK_NEAR, CK_FAR, VECTOR_NEAR, VECTOR_FAR, VEC };

typedef struct Sides {
    SearchData data;
    sqlite3 *ck, *vec, *vector; /* the peers may be NULL */
    Search *searches[SIDES];
    SearchFound truth[2]; /* near, far */
    BenchTimes times;
    int n_checked; /* queries of which recall is taken */
} Sides;

static sqlite3 *make_vector(const Bench *bench, const Rows *rows) {
    static const char *const set_up[] = {
        "SELECT vector_init('items', 'embedding', 'type=FLOAT32,dimension=768,distance=COSINE')",
        "SELECT vector_quantize('items', 'embedding')",
        "SELECT vector_quantize_preload('items', 'embedding')"};
    sqlite3 *db = db_create(bench, "vector", 0);
    db_load(db, bench->vector);
    db_exec(db, "CREATE TABLE items(id INTEGER PRIMARY KEY, embedding BLOB)");
    db_fill_ids(db, rows, "INSERT INTO items(id, embedding) VALUES (?1, ?2)");
    for (size_t i = 0; i < sizeof set_up / sizeof *set_up; i++) db_exec(db, set_up[i]);
    db_checkpoint(db);
    return db;
}

static void make_search(Sides *sides, int side, sqlite3 *db, const char *sql, int per_run) {
    int is_far = side == CK_FAR || side == VECTOR_FAR;
    sides->searches[side] = bench_alloc(sizeof(Search));
    Search *search = sides->searches[side];
    memset(search, 0, sizeof *search);
    search->stmt = db_prepare(db, sql);
    search->queries = is_far ? &sides->data.far : &sides->data.near;
    search->per_run = per_run;
}

static void sides_make(Sides *sides, const Bench *bench) {
    static const char ck_sql[] = "SELECT rowid, distance FROM knn(?1, 10)";
    static const char vector_sql[] =
        "SELECT rowid, distance FROM vector_quantize_scan('items', 'embedding', ?1, 10)";
    memset(sides, 0, sizeof *sides);
    sides->n_checked = bench_size(bench, 80, 5);
    search_data_make(&sides->data, bench, bench_size(bench, 8000, 100), 11);
    sides->ck = db_create(bench, "ck", 0);
    db_fill_ck(sides->ck, &sides->data.rows);
    db_checkpoint(sides->ck);
    for (int far = 0; far < 2; far++) {
        make_search(sides, CK_NEAR + far, sides->ck, ck_sql, bench_size(bench, 200, 5));
    }
    if (bench->vector) {
        sides->vector = make_vector(bench, &sides->data.rows);
        for (int far = 0; far < 2; far++) {
            make_search(sides, VECTOR_NEAR + far, sides->vector, vector_sql,
                        bench_size(bench, 20, 5));
        }
    }
    if (bench->vec) {
        sides->vec = db_create(bench, "vec", 0);
        db_fill_vec(bench, sides->vec, &sides->data.rows);
        db_checkpoint(sides->vec);
        make_search(sides, VEC, sides->vec, VEC_SEARCH, 1);
    }
}

static double recall(const Sides *sides, int side, int n) {
    SearchFound found;
    const Search *search = sides->searches[side];
    search_find(&found, search->stmt, search->queries, n);
    double share = search_recall(&found, &sides->truth[side == CK_FAR || side == VECTOR_FAR]);
    search_found_free(&found);
    return share;
}

static void find_truth(Sides *sides) {
    sqlite3_stmt *stmt = db_prepare(sides->ck, "SELECT rowid FROM knn(?1, 10) WHERE recall = 1");
    search_find(&sides->truth[0], stmt, &sides->data.near, sides->n_checked);
    search_find(&sides->truth[1], stmt, &sides->data.far, sides->n_checked);
    sqlite3_finalize(stmt);
    if (sides->vec && recall(sides, VEC, 3) < 0.99) bench_fail("search: sqlite-vec disagrees");
}

/* Asks ck's sides until memory has what they need; the mean seconds of the first run. */
static double warm_up(Sides *sides, int n_runs) {
    double first = search_run(sides->searches[CK_NEAR]);
    for (int i = 1; i < n_runs; i++) {
        search_run(sides->searches[CK_NEAR]);
        search_run(sides->searches[CK_FAR]);
    }
    return first;
}

/* Runs the sides that are there in turn. */
static void measure(Sides *sides, int n_rounds) {
    sides->times.n_sides = SIDES;
    sides->times.n_rounds = n_rounds;
    for (int round = -1; round < n_rounds; round++) { /* the first one warms up */
        for (int side = 0; side < SIDES; side++) {
            if (!sides->searches[side]) continue;
            if (round == 0) sides->searches[side]->n_latencies = 0;
            double seconds = search_run(sides->searches[side]);
            if (round >= 0) sides->times.seconds[side][round] = seconds;
        }
    }
}

/* A pair of figures of which less is better, or for recall more. */
static void report_pair(Bench *bench, const char *name, const char *unit, double ck,
                        const double *peer, BenchAim aim) {
    double ratio = peer ? (unit[0] ? *peer / ck : ck / *peer) : 0;
    bench_report_row(bench, &(BenchRow){name, unit, ck, !unit[0], peer ? "sqlite-vector" : NULL,
                                        peer ? *peer : 0, {ratio, ratio, ratio}, aim});
}

static void report_queries(Bench *bench, Sides *sides, const char *stage, int far) {
    const char *where = far ? "out of distribution" : "in distribution";
    const char *peer = sides->vector ? "sqlite-vector" : NULL;
    int ck = CK_NEAR + far, vector = VECTOR_NEAR + far;
    double p99 = 0, share = 0;
    char name[80];
    snprintf(name, sizeof name, "search %s %s", stage, where);
    bench_report(bench, &sides->times,
                 &(BenchPair){name, ck, vector, peer, 1, &bench_ms, {.figure = 0.7}});
    if (peer) {
        p99 = 1e3 * search_p99(sides->searches[vector]);
        share = recall(sides, vector, sides->n_checked);
    }
    snprintf(name, sizeof name, "search %s %s p99", stage, where);
    report_pair(bench, name, "ms", 1e3 * search_p99(sides->searches[ck]), peer ? &p99 : NULL,
                (BenchAim){0, 0});
    snprintf(name, sizeof name, "search %s %s recall@10", stage, where);
    report_pair(bench, name, "", recall(sides, ck, sides->n_checked), peer ? &share : NULL,
                (BenchAim){.figure = 0.99});
}

/* Without SQLite's dbstat: the bytes of the blobs, which leaves out what pages add. */
static int64_t index_bytes(sqlite3 *db) {
    static const char pages[] =
        "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name IN "
        "('_ck_block', '_ck_block_data', '_ck_tail', '_ck_stale', '_ck_index')";
    static const char blobs[] = "SELECT (SELECT total(length(data)) FROM _ck_block_data) + "
                                "(SELECT total(length(code)) FROM _ck_tail)";
    return db_int(db, db_int(db, "SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'")
                          ? pages
                          : blobs);
}

static void report_stage(Bench *bench, Sides *sides, const char *stage) {
    char name[80];
    double first = 1e3 * warm_up(sides, bench_size(bench, WARM_RUNS, 2));
    snprintf(name, sizeof name, "search %s first %d queries", stage,
             sides->searches[CK_NEAR]->per_run);
    bench_report_row(bench, &(BenchRow){.name = name, .unit = "ms", .figure = first});
    measure(sides, bench_size(bench, 5, 1));
    report_queries(bench, sides, stage, 0);
    report_queries(bench, sides, stage, 1);
    if (sides->vec) {
        snprintf(name, sizeof name, "search %s beside all vectors", stage);
        bench_report(bench, &sides->times,
                     &(BenchPair){name, CK_NEAR, VEC, "sqlite-vec", 1, &bench_ms, {0, 0}});
    }
    double raw = 4.0 * SEARCH_DIMS * sides->data.rows.n;
    snprintf(name, sizeof name, "search %s index on disk", stage);
    bench_report_row(bench, &(BenchRow){.name = name, .unit = "x f32",
                                        .figure = (double)index_bytes(sides->ck) / raw,
                                        .aim = {.figure = 0.05}});
}

static void sides_free(Sides *sides, const Bench *bench) {
    for (int i = 0; i < SIDES; i++) {
        if (sides->searches[i]) sqlite3_finalize(sides->searches[i]->stmt);
        free(sides->searches[i]);
    }
    for (int i = 0; i < 2; i++) search_found_free(&sides->truth[i]);
    db_remove(bench, sides->ck, "ck");
    if (sides->vec) db_remove(bench, sides->vec, "vec");
    if (sides->vector) db_remove(bench, sides->vector, "vector");
    search_data_free(&sides->data);
}

void bench_search(Bench *bench) {
    Sides sides;
    if (!bench->vec) bench_note("search: sqlite-vec is not there, and skipped");
    if (!bench->vector) bench_note("search: sqlite-vector is not there, and skipped");
    sides_make(&sides, bench);
    find_truth(&sides);
    report_stage(bench, &sides, "after puts");
    db_exec(sides.ck, "SELECT ck_optimize()");
    db_checkpoint(sides.ck);
    report_stage(bench, &sides, "optimized");
    sides_free(&sides, bench);
}
