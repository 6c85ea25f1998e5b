/*
** Recall after deletions and after churn, beside the index of a store that was given the rows that
** are left and nothing else: see curves.h. 768 dims; queries like the rows; ef 64 on the graph.
**
** Deletions: 60 of 100 rows, chosen at random, or whole clusters of near ones; as the deletes left
** the index, and after ck_optimize(). Churn: 40 times a quarter of the rows, at random, is deleted,
** as many new ones are put, and ck_optimize() is called: ten times the size of the store.
*/
#include <stdlib.h>
#include <string.h>

#include "curves.h"
#include "gen.h"

#define DIMS 768
#define RANK 25
#define EF 64
#define N_CLUSTERS 50
#define DELETED_PERCENT 60
#define CHURN_STEPS 40
#define CHURN_SHARE 4 /* a step replaces a fourth */

typedef struct Life {
    Curves *curves;
    Rows rows;     /* of all times */
    Rows queries;
    uint8_t *live; /* of each row: is it in the store? */
    TruthHit *truth; /* among the live ones */
} Life;

static void put_rows(sqlite3 *db, Life *life, int first, int n) {
    Rows some = {n, DIMS, life->rows.hashes + (size_t)first * HASH_BYTES,
                 life->rows.vectors + (size_t)first * DIMS};
    db_fill_ck(db, &some);
    memset(life->live + first, 1, (size_t)n);
}

static void delete_row(sqlite3_stmt *stmt, Life *life, int row) {
    sqlite3_bind_blob(stmt, 1, rows_hash(&life->rows, row), HASH_BYTES, SQLITE_STATIC);
    db_run(stmt);
    life->live[row] = 0;
}

static sqlite3_stmt *begin_deletes(sqlite3 *db) {
    db_exec(db, "BEGIN");
    return db_prepare(db, "DELETE FROM embeddings WHERE hash = ?1");
}

static void end_deletes(sqlite3 *db, sqlite3_stmt *stmt) {
    sqlite3_finalize(stmt);
    db_exec(db, "COMMIT");
}

/* The recall of the store `file`, whose ids are the rows of `rows_of_ids`, or rows from 0 on. */
static double recall(Life *life, const char *file, const int *rows_of_ids) {
    CurveSystem system;
    int n = life->queries.n;
    int64_t(*found)[CURVE_K] = bench_alloc((size_t)n * sizeof *found);
    curve_system_ck(&system, life->curves, file, CK_FORCED, DIMS);
    char *plan = curve_system_plan(&system, rows_vector(&life->queries, 0), EF);
    bench_note("  %s: %s", file, plan ? plan : "no rows");
    sqlite3_free(plan);
    for (int i = 0; i < n; i++) {
        system.search(&system, rows_vector(&life->queries, i), EF, found[i]);
        for (int j = 0; rows_of_ids && j < CURVE_K; j++) {
            if (found[i][j] >= 0) found[i][j] = rows_of_ids[found[i][j]];
        }
    }
    curve_system_free(&system, life->curves);
    double share = curve_recall(&life->rows, &life->queries, life->truth, n,
                                (const int64_t(*)[CURVE_K])found);
    free(found);
    return share;
}

/* The recall of a new store of the live rows. */
static double fresh_recall(Life *life) {
    Rows left = {0, DIMS, bench_alloc((size_t)life->rows.n * HASH_BYTES), NULL};
    int *rows_of_ids = bench_alloc((size_t)life->rows.n * sizeof *rows_of_ids);
    left.vectors = bench_alloc((size_t)life->rows.n * DIMS * sizeof(float));
    for (int i = 0; i < life->rows.n; i++) {
        if (!life->live[i]) continue;
        memcpy(left.hashes + (size_t)left.n * HASH_BYTES, rows_hash(&life->rows, i), HASH_BYTES);
        memcpy(left.vectors + (size_t)left.n * DIMS, rows_vector(&life->rows, i), DIMS * 4);
        rows_of_ids[left.n++] = i;
    }
    sqlite3 *db = db_create(&life->curves->bench, "fresh", 0);
    db_fill_ck(db, &left);
    db_exec(db, "SELECT ck_optimize()");
    sqlite3_close(db);
    double share = recall(life, "fresh", rows_of_ids);
    db_unlink(&life->curves->bench, "fresh");
    rows_free(&left);
    free(rows_of_ids);
    return share;
}

static void report(Life *life, const char *what, double share, double fresh) {
    char name[120];
    double ratio = share / fresh;
    snprintf(name, sizeof name, "curves %s recall@10", what);
    bench_report_row(&life->curves->bench,
                     &(BenchRow){name, "", share, 1, "fresh build", fresh, {ratio, ratio, ratio},
                                 {.figure = fresh - .01}});
}

/* ---- Deletions ---- */

/* 1 for each row of the clusters to delete: those of the nearest of some rows. */
static void choose_clusters(Life *life, int n, uint8_t *is_deleted) {
    Rows centres = {N_CLUSTERS, DIMS, NULL, life->rows.vectors}, rows = life->rows;
    TruthHit *nearest = bench_alloc((size_t)n * sizeof *nearest);
    int n_deleted = 0;
    rows.n = n;
    truth_find(&centres, NULL, &rows, 1, nearest);
    for (int cluster = 0; cluster < N_CLUSTERS; cluster++) {
        if (100 * (int64_t)n_deleted >= DELETED_PERCENT * (int64_t)n) break;
        for (int i = 0; i < n; i++) {
            if (nearest[i].row != cluster) continue;
            is_deleted[i] = 1;
            n_deleted++;
        }
    }
    free(nearest);
}

static void choose_random(int n, uint8_t *is_deleted) {
    Gen gen = {32};
    int *order = bench_alloc((size_t)n * sizeof *order);
    gen_shuffle(&gen, order, n);
    for (int i = 0; i < (int)((int64_t)n * DELETED_PERCENT / 100); i++) is_deleted[order[i]] = 1;
    free(order);
}

static void measure_deletes(Life *life, int n, int clustered) {
    const Bench *bench = &life->curves->bench;
    uint8_t *is_deleted = bench_alloc((size_t)n);
    const char *which = clustered ? "clustered" : "random";
    char name[80];
    memset(life->live, 0, (size_t)life->rows.n);
    memset(is_deleted, 0, (size_t)n);
    sqlite3 *db = db_create(bench, "ck", 0);
    put_rows(db, life, 0, n);
    db_exec(db, "SELECT ck_optimize()");
    if (clustered) choose_clusters(life, n, is_deleted);
    else choose_random(n, is_deleted);
    sqlite3_stmt *stmt = begin_deletes(db);
    for (int i = 0; i < n; i++) {
        if (is_deleted[i]) delete_row(stmt, life, i);
    }
    end_deletes(db, stmt);
    truth_find(&life->rows, life->live, &life->queries, CURVE_K, life->truth);
    double fresh = fresh_recall(life);
    snprintf(name, sizeof name, "60 %% deleted %s", which);
    report(life, name, recall(life, "ck", NULL), fresh);
    db_exec(db, "SELECT ck_optimize()");
    snprintf(name, sizeof name, "60 %% deleted %s optimized", which);
    report(life, name, recall(life, "ck", NULL), fresh);
    db_remove(bench, db, "ck");
    free(is_deleted);
}

/* ---- Churn ---- */

static void measure_churn(Life *life, int n) {
    const Bench *bench = &life->curves->bench;
    Gen gen = {33};
    int n_step = n / CHURN_SHARE, next = n;
    int *rows_left = bench_alloc((size_t)n * sizeof *rows_left);
    memset(life->live, 0, (size_t)life->rows.n);
    sqlite3 *db = db_create(bench, "ck", 0);
    put_rows(db, life, 0, n);
    db_exec(db, "SELECT ck_optimize()");
    for (int i = 0; i < n; i++) rows_left[i] = i;
    for (int step = 0; step < CHURN_STEPS; step++, next += n_step) {
        sqlite3_stmt *stmt = begin_deletes(db);
        for (int i = 0; i < n_step; i++) { /* what goes is replaced in the list by what comes */
            int at = i + gen_below(&gen, n - i), row = rows_left[at];
            delete_row(stmt, life, row);
            rows_left[at] = rows_left[i];
            rows_left[i] = next + i;
        }
        end_deletes(db, stmt);
        put_rows(db, life, next, n_step);
        db_exec(db, "SELECT ck_optimize()");
    }
    truth_find(&life->rows, life->live, &life->queries, CURVE_K, life->truth);
    report(life, "10 x churn", recall(life, "ck", NULL), fresh_recall(life));
    db_remove(bench, db, "ck");
    free(rows_left);
}

void curve_life(Curves *curves) {
    const Bench *bench = &curves->bench;
    int n = bench_size(bench, 20000, 1500), n_queries = bench_size(bench, 1000, 100);
    int n_all = n + CHURN_STEPS * (n / CHURN_SHARE);
    Life life = {.curves = curves};
    rows_make_rank(&life.rows, n_all + n_queries, DIMS, RANK, 31);
    life.rows.n = n_all;
    life.queries = (Rows){n_queries, DIMS, NULL, life.rows.vectors + (size_t)n_all * DIMS};
    life.live = bench_alloc((size_t)n_all);
    life.truth = bench_alloc((size_t)n_queries * CURVE_K * sizeof *life.truth);
    curve_use_graph(1); /* or a store of what is left might get none */
    measure_deletes(&life, n, 0);
    measure_deletes(&life, n, 1);
    measure_churn(&life, n);
    curve_use_graph(0);
    free(life.live);
    free(life.truth);
    rows_free(&life.rows);
}
