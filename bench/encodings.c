/*
** Which encoding? Size, recall and speed of all six on real vectors, and what ck_reencode says of
** them. The vectors are those of vecs.h.
**
** Recall is measured over whole sets against the exact neighbours of the ground truth: the share of
** the ten found that are at most as far, in float32, as the true tenth.
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "gen.h"
#include "vecs.h"

#define K 10
#define N_ENCODINGS 6
#define TIE 1e-6f /* cosines nearer to each other are the same: sums are rounded */

static const char *const encodings[N_ENCODINGS] = {"f32",      "f16",      "i8",
                                                   "f32+zstd", "f16+zstd", "i8+zstd"};

typedef struct Set {
    const char *name;
    Vecs base, query, truth;
    uint8_t *hashes; /* of base, HASH_BYTES each: the number of the row, then zeros */
} Set;

static int set_read(Set *set, const char *name, const Bench *bench) {
    set->name = name;
    if (!vecs_read(&set->base, name, "base.fvecs")) return 0;
    if (!vecs_read(&set->query, name, "query.fvecs") ||
        !vecs_read(&set->truth, name, "groundtruth_cosine.ivecs")) {
        bench_fail("%s: query.fvecs or groundtruth_cosine.ivecs is missing", name);
    }
    if (bench->quick && set->base.n > 500) set->base.n = 500; /* recall then means nothing */
    set->hashes = bench_alloc((size_t)set->base.n * HASH_BYTES);
    memset(set->hashes, 0, (size_t)set->base.n * HASH_BYTES);
    for (int i = 0; i < set->base.n; i++) memcpy(set->hashes + (size_t)i * HASH_BYTES, &i, 4);
    return 1;
}

static void set_free(Set *set) {
    free(set->base.data);
    free(set->query.data);
    free(set->truth.data);
    free(set->hashes);
}

static float cosine(const float *a, const float *b, int dims) {
    double dot = 0, aa = 0, bb = 0;
    for (int i = 0; i < dims; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return (float)(dot / sqrt(aa * bb));
}

/* ---- The store of one encoding ---- */

typedef struct Side {
    const Bench *bench;
    const Set *set;
    const char *encoding;
    char name[32];
    sqlite3 *db;
    sqlite3_stmt *get, *knn;
    const int *order; /* rows to get */
    int n_gets, n_queries;
} Side;

/* Makes the store anew; the time is that of the inserts, COMMIT included. */
static double run_insert(void *state) {
    Side *side = state;
    const Vecs *base = &side->set->base;
    char sql[200];
    if (side->db) db_remove(side->bench, side->db, side->name);
    side->db = db_create(side->bench, side->name, 8192);
    snprintf(sql, sizeof sql,
             "INSERT INTO models(model, version, dims, encoding) VALUES ('bench', '1', %d, '%s')",
             base->dims, side->encoding);
    db_exec(side->db, sql);
    sqlite3_stmt *stmt = db_prepare(side->db, CK_INSERT);
    double begin = bench_now();
    db_exec(side->db, "BEGIN");
    for (int i = 0; i < base->n; i++) {
        sqlite3_bind_blob(stmt, 1, side->set->hashes + (size_t)i * HASH_BYTES, HASH_BYTES,
                          SQLITE_STATIC);
        sqlite3_bind_blob(stmt, 2, vecs_at(base, i), base->dims * 4, SQLITE_STATIC);
        db_run(stmt);
    }
    db_exec(side->db, "COMMIT");
    double seconds = bench_now() - begin;
    sqlite3_finalize(stmt);
    db_checkpoint(side->db);
    return seconds;
}

static double run_get(void *state) {
    Side *side = state;
    double begin = bench_now();
    db_exec(side->db, "BEGIN");
    for (int i = 0; i < side->n_gets; i++) {
        sqlite3_bind_blob(side->get, 1, side->set->hashes + (size_t)side->order[i] * HASH_BYTES,
                          HASH_BYTES, SQLITE_STATIC);
        if (!db_step(side->get) ||
            sqlite3_column_bytes(side->get, 0) != side->set->base.dims * 4) {
            bench_fail("encodings: a stored vector was not found");
        }
        sqlite3_reset(side->get);
    }
    db_exec(side->db, "COMMIT");
    return bench_now() - begin;
}

static double run_knn(void *state) {
    Side *side = state;
    const Vecs *query = &side->set->query;
    double begin = bench_now();
    for (int i = 0; i < side->n_queries; i++) {
        int n = 0;
        sqlite3_bind_blob(side->knn, 1, vecs_at(query, i), query->dims * 4, SQLITE_STATIC);
        while (db_step(side->knn)) n++;
        sqlite3_reset(side->knn);
        if (n != K) bench_fail("encodings: knn gave %d rows, expected %d", n, K);
    }
    return bench_now() - begin;
}

static double recall(Side *side, int n_queries) {
    const Set *set = side->set;
    int n_right = 0;
    for (int i = 0; i < n_queries; i++) {
        const float *q = vecs_at(&set->query, i);
        const int32_t *truth = vecs_at(&set->truth, i);
        int tenth = truth[K - 1] < set->base.n ? truth[K - 1] : 0; /* beyond: --quick */
        float least = cosine(q, vecs_at(&set->base, tenth), set->base.dims) - TIE;
        sqlite3_bind_blob(side->knn, 1, q, set->query.dims * 4, SQLITE_STATIC);
        while (db_step(side->knn)) {
            int32_t row;
            memcpy(&row, sqlite3_column_blob(side->knn, 0), 4);
            n_right += cosine(q, vecs_at(&set->base, row), set->base.dims) >= least;
        }
        sqlite3_reset(side->knn);
    }
    return (double)n_right / (n_queries * K);
}

/* ---- The report ---- */

static const char *named(char name[80], const Set *set, const char *what, const char *encoding) {
    snprintf(name, 80, "encodings %s %s %s", set->name, what, encoding);
    return name;
}

static void report_size(Bench *bench, const Side *sides, int i) {
    char name[80];
    int n = sides[i].set->base.n;
    double bytes = (double)db_int(sides[i].db, "SELECT sum(bytes) FROM embeddings") / n;
    double f32 = 4.0 * sides[i].set->base.dims;
    bench_report_row(bench, &(BenchRow){
                                .name = named(name, sides[i].set, "size", sides[i].encoding),
                                .unit = "bytes",
                                .figure = bytes,
                                .peer = "f32",
                                .peer_figure = f32,
                                .ratio = {f32 / bytes, f32 / bytes, f32 / bytes},
                            });
}

static void report_recall(Bench *bench, Side *side, int n_queries) {
    char name[80];
    bench_report_row(bench, &(BenchRow){
                                .name = named(name, side->set, "recall@10", side->encoding),
                                .unit = "",
                                .figure = recall(side, n_queries),
                                .more_is_better = 1,
                            });
}

static void report_times(Bench *bench, const Side *sides, const BenchTimes *times,
                         const char *what, double work, const BenchUnit *unit) {
    char name[80];
    for (int i = 0; i < N_ENCODINGS; i++) {
        named(name, sides[0].set, what, encodings[i]);
        bench_report(bench, times, &(BenchPair){name, i, 0, "f32", work, unit, {0, 0}});
    }
}

/* ck_reencode of the f32 store, undone each time: its speed, and the recall it measures. */
static void report_reencode(Bench *bench, const Side *f32) {
    for (int i = 1; i < N_ENCODINGS; i++) {
        char name[80], sql[120];
        snprintf(sql, sizeof sql, "SELECT ck_reencode('bench', '%s') ->> 'recall_at_10'",
                 encodings[i]);
        db_exec(f32->db, "BEGIN IMMEDIATE");
        sqlite3_stmt *stmt = db_prepare(f32->db, sql);
        double begin = bench_now();
        db_step(stmt);
        double seconds = bench_now() - begin, measured = sqlite3_column_double(stmt, 0);
        sqlite3_finalize(stmt);
        db_exec(f32->db, "ROLLBACK");
        bench_report_row(bench, &(BenchRow){.name = named(name, f32->set, "reencode to",
                                                          encodings[i]),
                                            .unit = "us/row",
                                            .figure = 1e6 * seconds / f32->set->base.n});
        bench_report_row(bench, &(BenchRow){.name = named(name, f32->set, "reencode says",
                                                          encodings[i]),
                                            .unit = "",
                                            .figure = measured});
    }
}

static void measure_set(Bench *bench, const Set *set) {
    Side sides[N_ENCODINGS];
    BenchSide runs[N_ENCODINGS];
    BenchTimes times;
    Gen gen = {6};
    int n_rounds = bench_size(bench, 3, 1);
    int *order = bench_alloc((size_t)set->base.n * sizeof *order);
    gen_shuffle(&gen, order, set->base.n);
    for (int i = 0; i < N_ENCODINGS; i++) {
        sides[i] = (Side){.bench = bench, .set = set, .encoding = encodings[i], .order = order};
        snprintf(sides[i].name, sizeof sides[i].name, "encoding%d", i);
        sides[i].n_gets = set->base.n < 4000 ? set->base.n : 4000;
        sides[i].n_queries = bench_size(bench, 4, 1);
        runs[i] = (BenchSide){encodings[i], run_insert, &sides[i]};
    }
    bench_rounds(&times, runs, N_ENCODINGS, 0, n_rounds);
    for (int i = 0; i < N_ENCODINGS; i++) {
        report_size(bench, sides, i);
        sides[i].get = db_prepare(sides[i].db, "SELECT ck_get(?1)");
        sides[i].knn = db_prepare(sides[i].db, "SELECT hash FROM knn(?1, 10) WHERE recall = 1");
    }
    report_times(bench, sides, &times, "insert", set->base.n, &bench_us);
    for (int i = 0; i < N_ENCODINGS; i++) runs[i].run = run_get;
    bench_rounds(&times, runs, N_ENCODINGS, 1, n_rounds);
    report_times(bench, sides, &times, "get", sides[0].n_gets, &bench_us);
    for (int i = 0; i < N_ENCODINGS; i++) runs[i].run = run_knn;
    bench_rounds(&times, runs, N_ENCODINGS, 1, n_rounds);
    report_times(bench, sides, &times, "exact knn", sides[0].n_queries, &bench_ms);
    /* zstd loses nothing, so the recall of the plain encodings is everybody's. */
    for (int i = 0; i < 3; i++) report_recall(bench, &sides[i], bench_size(bench, 200, 2));
    for (int i = 0; i < N_ENCODINGS; i++) {
        sqlite3_finalize(sides[i].get);
        sqlite3_finalize(sides[i].knn);
    }
    report_reencode(bench, &sides[0]);
    for (int i = 0; i < N_ENCODINGS; i++) db_remove(bench, sides[i].db, sides[i].name);
    free(order);
}

void bench_encodings(Bench *bench) {
    static const char *const names[] = {"beir-bge-base-768", "ck-bge-small-384",
                                        "ngt-sift5k-128"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Set set;
        if (set_read(&set, names[i], bench)) {
            measure_set(bench, &set);
            set_free(&set);
        } else {
            bench_note("encodings: skipped, there is no " VECS_DATA "%s", names[i]);
        }
    }
}
