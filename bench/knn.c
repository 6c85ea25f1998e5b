/*
** Exact nearest neighbours: the 10 of 100,000 vectors of 768 dims by cosine distance, beside
** sqlite-vec's vec0 table on the same data. Each query's distances are compared, so that both
** are known to do the work.
*/
#include <math.h>
#include <stdlib.h>

#include "db.h"

#define DIMS 768
#define K 10
#define N_QUERIES 5

typedef struct Knn {
    sqlite3_stmt *stmt;
    const Rows *queries;
    double distances[N_QUERIES][K];
} Knn;

static double run_queries(void *state) {
    Knn *knn = state;
    double begin = bench_now();
    for (int q = 0; q < N_QUERIES; q++) {
        int n = 0;
        sqlite3_bind_blob(knn->stmt, 1, rows_vector(knn->queries, q), DIMS * 4, SQLITE_STATIC);
        while (db_step(knn->stmt)) {
            if (n < K) knn->distances[q][n] = sqlite3_column_double(knn->stmt, 1);
            n++;
        }
        sqlite3_reset(knn->stmt);
        if (n != K) bench_fail("knn: %d rows, expected %d", n, K);
    }
    return bench_now() - begin;
}

static void check_same(const Knn *a, const Knn *b) {
    for (int i = 0; i < N_QUERIES * K; i++) {
        double x = a->distances[i / K][i % K], y = b->distances[i / K][i % K];
        if (fabs(x - y) > 1e-4) bench_fail("knn: distances differ: %.6f and %.6f", x, y);
    }
}

static void knn_of_page_size(Bench *bench, const Rows *rows, const Rows *queries, int page_size) {
    char name[80];
    BenchTimes times;
    Knn ck = {.queries = queries}, vec = {.queries = queries};
    sqlite3 *ck_db = db_create(bench, "ck", page_size), *vec_db = NULL;
    int has_vec = bench->vec != NULL;
    db_fill_ck(ck_db, rows);
    db_checkpoint(ck_db);
    ck.stmt = db_prepare(ck_db, "SELECT hash, distance FROM knn(?1, 10) WHERE recall = 1");
    if (has_vec) {
        vec_db = db_create(bench, "vec", page_size);
        db_fill_vec(bench, vec_db, rows);
        db_checkpoint(vec_db);
        vec.stmt = db_prepare(vec_db, VEC_SEARCH);
    }
    const BenchSide sides[] = {{"ck", run_queries, &ck}, {"vec", run_queries, &vec}};
    bench_rounds(&times, sides, has_vec ? 2 : 1, 1, bench_size(bench, 5, 1));
    if (has_vec) check_same(&ck, &vec);
    snprintf(name, sizeof name, "exact knn %d-byte pages", page_size);
    bench_report(bench, &times, &(BenchPair){name, 0, 1, has_vec ? "sqlite-vec" : NULL, N_QUERIES,
                                             &bench_ms, {.ratio = has_vec ? 2 : 0}});
    sqlite3_finalize(ck.stmt);
    sqlite3_finalize(vec.stmt);
    db_remove(bench, ck_db, "ck");
    if (vec_db) db_remove(bench, vec_db, "vec");
}

void bench_knn(Bench *bench) {
    Rows rows, queries;
    rows_make(&rows, bench_size(bench, 100000, 2000), DIMS, 8);
    /* Queries lie in the same subspace: sums of two stored vectors. */
    queries = rows;
    queries.n = N_QUERIES;
    queries.vectors = bench_alloc(N_QUERIES * DIMS * sizeof(float));
    for (int i = 0; i < N_QUERIES * DIMS; i++) {
        queries.vectors[i] = rows.vectors[i] + 0.5f * rows.vectors[i + N_QUERIES * DIMS];
    }
    if (!bench->vec) bench_note("exact knn: sqlite-vec is not there, so ck runs alone");
    knn_of_page_size(bench, &rows, &queries, 4096);
    knn_of_page_size(bench, &rows, &queries, 8192);
    if (!bench->quick) knn_of_page_size(bench, &rows, &queries, 16384);
    free(queries.vectors);
    rows_free(&rows);
}
