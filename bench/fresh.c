/*
** A fresh process: from opening the file to the first row of a search, the extension loaded and the
** statement prepared in between; what the process reads is in the operating system's cache. ck as
** the puts left its index and after ck_optimize(), beside sqlite-vec; pages of 4 and of 8 KB.
*/
#include "fresh.h"

#include <stdlib.h>

#include "search.h"

int fresh_child(int argc, char **argv) {
    static float query[SEARCH_DIMS];
    sqlite3 *db;
    if (argc != 5) bench_fail("--first-row DATABASE EXTENSION SQL QUERIES NUMBER");
    FILE *in = fopen(argv[3], "rb");
    if (!in || fseek(in, atol(argv[4]) * (long)sizeof query, SEEK_SET) != 0 ||
        fread(query, sizeof query, 1, in) != 1) {
        bench_fail("cannot read %s", argv[3]);
    }
    fclose(in);
    double begin = bench_now();
    if (sqlite3_open(argv[0], &db) != SQLITE_OK) bench_fail("%s", sqlite3_errmsg(db));
    db_load(db, argv[1]);
    sqlite3_stmt *stmt = db_prepare(db, argv[2]);
    sqlite3_bind_blob(stmt, 1, query, sizeof query, SQLITE_STATIC);
    if (!db_step(stmt)) bench_fail("%s: no rows", argv[2]);
    printf("%.9f\n", bench_now() - begin);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return 0;
}

typedef struct Fresh {
    const Bench *bench;
    const char *name, *extension, *sql;
    int n_queries, next;
} Fresh;

static double run_process(void *state) {
    Fresh *fresh = state;
    const char *directory = fresh->bench->directory;
    double seconds;
    char *command = sqlite3_mprintf("'%s' --first-row '%s/%s.db' '%s' '%s' '%s/queries' %d",
                                    fresh->bench->program, directory, fresh->name,
                                    fresh->extension, fresh->sql, directory,
                                    fresh->next++ % fresh->n_queries);
    FILE *out = popen(command, "r");
    if (!out || fscanf(out, "%lf", &seconds) != 1 || pclose(out) != 0) {
        bench_fail("a fresh process failed: %s", command);
    }
    sqlite3_free(command);
    return seconds;
}

static void write_queries(const Bench *bench, const Rows *queries) {
    char *path = sqlite3_mprintf("%s/queries", bench->directory);
    size_t n = (size_t)queries->n * (size_t)queries->dims;
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(queries->vectors, sizeof(float), n, out) != n || fclose(out) != 0) {
        bench_fail("cannot write %s", path);
    }
    sqlite3_free(path);
}

static void measure(Bench *bench, int n_queries, const char *stage, int page_size) {
    BenchTimes times;
    char name[80];
    Fresh ck = {bench, "ck", bench->ck, "SELECT rowid, distance FROM knn(?1, 10)", n_queries, 0};
    Fresh vec = {bench, "vec", bench->vec, VEC_SEARCH, n_queries, 0};
    const BenchSide sides[] = {{"ck", run_process, &ck}, {"vec", run_process, &vec}};
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
    write_queries(bench, &data.near);
    if (!bench->vec) bench_note("fresh: sqlite-vec is not there, and skipped");
    fresh_of_page_size(bench, &data, 4096);
    fresh_of_page_size(bench, &data, 8192);
    search_data_free(&data);
}
