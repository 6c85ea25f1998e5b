/*
** How long the command takes to start and to answer, beside the sqlite3 shell doing nothing: the
** whole life of a process, from its making to its end.
*/
#include <string.h>

#include "db.h"

static double run(void *arguments) {
    return bench_run_program(arguments);
}

/* A store of n embeddings; returns its path, for sqlite3_free(). */
static char *make_store(Bench *bench, const char *name, int n) {
    sqlite3 *db = db_create(bench, name, 0);
    Rows rows;
    rows_make(&rows, n, 64, 11);
    db_fill_ck(db, &rows);
    rows_free(&rows);
    sqlite3_close(db);
    return sqlite3_mprintf("%s/%s.db", bench->directory, name);
}

void bench_tool(Bench *bench) {
    char *ck = sqlite3_mprintf("%.*s", (int)strlen(bench->ck) - 3, bench->ck); /* without ".so" */
    char *small = make_store(bench, "small", 1000);
    char *large = make_store(bench, "large", bench_size(bench, 100000, 2000));
    char *version[] = {ck, "version", NULL};
    char *stats[] = {ck, "cache", "stats", "--store", small, NULL};
    char *stats_large[] = {ck, "cache", "stats", "--store", large, NULL};
    char *shell[] = {"sqlite3", ":memory:", "SELECT 1", NULL};
    const BenchSide sides[] = {
        {"ck version", run, version},
        {"ck cache stats", run, stats},
        {"ck cache stats", run, stats_large},
        {"sqlite3", run, shell},
    };
    static const struct {
        const char *name;
        BenchAim aim;
    } figures[] = {
        {"tool ck version", {.figure = 10}},
        {"tool ck cache stats of 1K embeddings", {.figure = 10}},
        {"tool ck cache stats of 100K embeddings", {.figure = 0}},
    };
    BenchTimes times;
    bench_rounds(&times, sides, 4, 2, bench_size(bench, BENCH_ROUNDS_MAX, 3));
    for (int i = 0; i < 3; i++) {
        bench_report(bench, &times,
                     &(BenchPair){figures[i].name, i, 3, "sqlite3 :memory:", 1, &bench_ms,
                                  figures[i].aim});
    }
    db_unlink(bench, "small");
    db_unlink(bench, "large");
    sqlite3_free(small);
    sqlite3_free(large);
    sqlite3_free(ck);
}
