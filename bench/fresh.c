/*
** A fresh process: from opening the file to the first row of a search, the extension loaded and the
** statement prepared in between; what the process reads is in the operating system's cache. ck as
** the puts left its index and after ck_optimize(), beside sqlite-vec; pages of 4 and of 8 KB.
*/
#include "fresh.h"

#include <stdlib.h>

#include "search.h"

int fresh_child(int argc, char **argv) {
    sqlite3 *db;
    if (argc != 6) bench_fail("--first-row DATABASE EXTENSION SQL DIMS QUERIES NUMBER");
    size_t n_bytes = (size_t)atol(argv[3]) * sizeof(float);
    float *query = bench_alloc(n_bytes);
    FILE *in = fopen(argv[4], "rb");
    if (!in || fseek(in, atol(argv[5]) * (long)n_bytes, SEEK_SET) != 0 ||
        fread(query, n_bytes, 1, in) != 1) {
        bench_fail("cannot read %s", argv[4]);
    }
    fclose(in);
    double begin = bench_now();
    if (sqlite3_open(argv[0], &db) != SQLITE_OK) bench_fail("%s", sqlite3_errmsg(db));
    db_load(db, argv[1]);
    sqlite3_stmt *stmt = db_prepare(db, argv[2]);
    sqlite3_bind_blob(stmt, 1, query, (int)n_bytes, SQLITE_STATIC);
    if (!db_step(stmt)) bench_fail("%s: no rows", argv[2]);
    printf("%.9f\n", bench_now() - begin);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    free(query);
    return 0;
}

double fresh_run(void *state) {
    Fresh *fresh = state;
    const char *directory = fresh->bench->directory;
    double seconds;
    char *command = sqlite3_mprintf("'%s' --first-row '%s/%s.db' '%s' '%s' %d '%s/queries' %d",
                                    fresh->bench->program, directory, fresh->name,
                                    fresh->extension, fresh->sql, fresh->dims, directory,
                                    fresh->next++ % fresh->n_queries);
    FILE *out = popen(command, "r");
    if (!out || fscanf(out, "%lf", &seconds) != 1 || pclose(out) != 0) {
        bench_fail("a fresh process failed: %s", command);
    }
    sqlite3_free(command);
    return seconds;
}

static void measure(Bench *bench, int n_queries, const char *stage, int page_size) {
    BenchTimes times;
    char name[80];
    Fresh ck = {bench, "ck", bench->ck, FRESH_SEARCH, SEARCH_DIMS, n_queries, 0};
    Fresh vec = {bench, "vec", bench->vec, VEC_SEARCH, SEARCH_DIMS, n_queries, 0};
    const BenchSide sides[] = {{"ck", fresh_run, &ck}, {"vec", fresh_run, &vec}};
    bench_rounds(&times, sides, bench->vec ? 2 : 1, 1, bench_size(bench, 7, 1));
    snprintf(name, sizeof name, "fresh process %s %d-byte pages", stage, page_size);
    bench_report(bench, &times, &(BenchPair){name, 0, 1, bench->vec ? "sqlite-vec" : NULL, 1,
                                             &bench_ms, {.figure = 5}});
}

static void fresh_of_page_size(Bench *bench, const SearchData *data, int page_size) {
    sqlite3 *db = db_create(bench, "ck", page_size);
    db_fill_ck(db, &data->rows);
    db_checkpoint(db);
    sqlite3_close(db);
    if (bench->vec) {
        db = db_create(bench, "vec", page_size);
        db_fill_vec(bench, db, &data->rows);
        db_checkpoint(db);
        sqlite3_close(db);
    }
    measure(bench, data->near.n, "after puts", page_size);
    db = db_open(bench, "ck");
    db_exec(db, "SELECT ck_optimize()");
    db_checkpoint(db);
    sqlite3_close(db);
    measure(bench, data->near.n, "optimized", page_size);
    db_unlink(bench, "ck");
    db_unlink(bench, "vec");
}

void bench_fresh(Bench *bench) {
    SearchData data;
    search_data_make(&data, bench, 20, 12);
    rows_write(bench, "queries", &data.near);
    if (!bench->vec) bench_note("fresh: sqlite-vec is not there, and skipped");
    fresh_of_page_size(bench, &data, 4096);
    fresh_of_page_size(bench, &data, 8192);
    search_data_free(&data);
}
