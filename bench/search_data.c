/* Searches to measure: see search.h. */
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "search.h"

/* Each query becomes itself and a point of another subspace, by halves, at length 1. */
static void make_far(Rows *far, const Rows *near, int rank, uint64_t seed) {
    Gen gen = {seed};
    int dims = near->dims;
    float *basis = bench_alloc((size_t)rank * (size_t)dims * sizeof *basis);
    float *x = bench_alloc((size_t)dims * sizeof *x);
    *far = *near;
    far->vectors = bench_alloc((size_t)near->n * (size_t)dims * sizeof *x);
    gen_basis(&gen, basis, rank, dims);
    for (int i = 0; i < near->n; i++) {
        const float *from = rows_vector(near, i);
        float *to = far->vectors + (size_t)i * (size_t)dims, norm_sq = 0;
        gen_vector(&gen, basis, rank, dims, x);
        for (int d = 0; d < dims; d++) {
            to[d] = from[d] + x[d];
            norm_sq += to[d] * to[d];
        }
        for (int d = 0; d < dims; d++) to[d] /= sqrtf(norm_sq);
    }
    free(basis);
    free(x);
}

void search_data_make_rows(SearchData *data, Rows *rows, int n, int rank, uint64_t seed) {
    data->rows = *rows;
    data->rows.n = n;
    data->near = (Rows){rows->n - n, rows->dims, NULL,
                        rows->vectors + (size_t)n * (size_t)rows->dims};
    make_far(&data->far, &data->near, rank, seed);
}

void search_data_make(SearchData *data, const Bench *bench, int n_queries, uint64_t seed) {
    int n = bench_size(bench, 100000, 3000);
    Rows rows;
    rows_make(&rows, n + n_queries, SEARCH_DIMS, seed);
    search_data_make_rows(data, &rows, n, GEN_RANK, seed + 1);
}

void search_data_free(SearchData *data) {
    free(data->far.vectors);
    rows_free(&data->rows);
}

static void bind_query(sqlite3_stmt *stmt, const Rows *queries, int i) {
    sqlite3_bind_blob(stmt, 1, rows_vector(queries, i), queries->dims * 4, SQLITE_STATIC);
}

void search_find(SearchFound *found, sqlite3_stmt *stmt, const Rows *queries, int n) {
    found->n = n;
    found->n_ids = bench_alloc((size_t)n * sizeof *found->n_ids);
    found->ids = bench_alloc((size_t)n * sizeof *found->ids);
    for (int i = 0; i < n; i++) {
        int n_ids = 0;
        bind_query(stmt, queries, i);
        while (db_step(stmt)) {
            if (n_ids == SEARCH_K) bench_fail("a search returned more than %d rows", SEARCH_K);
            found->ids[i][n_ids++] = sqlite3_column_int64(stmt, 0);
        }
        sqlite3_reset(stmt);
        found->n_ids[i] = n_ids;
    }
}

void search_found_free(SearchFound *found) {
    free(found->n_ids);
    free(found->ids);
}

static int is_among(int64_t id, const int64_t *ids, int n) {
    for (int i = 0; i < n; i++) {
        if (ids[i] == id) return 1;
    }
    return 0;
}

double search_recall(const SearchFound *found, const SearchFound *truth) {
    int n_right = 0, n_true = 0;
    for (int q = 0; q < found->n && q < truth->n; q++) {
        n_true += truth->n_ids[q];
        for (int i = 0; i < truth->n_ids[q]; i++) {
            n_right += is_among(truth->ids[q][i], found->ids[q], found->n_ids[q]);
        }
    }
    return n_true ? (double)n_right / n_true : 1;
}

double search_run(void *state) {
    Search *search = state;
    double total = 0;
    for (int i = 0; i < search->per_run; i++) {
        int n = 0, query = search->next++ % search->queries->n;
        double begin = bench_now();
        bind_query(search->stmt, search->queries, query);
        while (db_step(search->stmt)) n++;
        sqlite3_reset(search->stmt);
        double seconds = bench_now() - begin;
        if (n == 0) bench_fail("%s: no rows", sqlite3_sql(search->stmt));
        if (search->n_latencies == SEARCH_LATENCIES_MAX) bench_fail("too many searches");
        search->latencies[search->n_latencies++] = seconds;
        total += seconds;
    }
    return total / search->per_run;
}

double search_p99(Search *search) {
    return bench_percentile(search->latencies, search->n_latencies, 99);
}
