/*
** How long the command takes to start and to answer, beside the sqlite3 shell doing nothing: the
** whole life of a process, from its making to its end.
*/
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db.h"

extern char **environ;

/* Runs a program to its end, with nothing to read and nowhere to write to. */
static double run_program(void *state) {
    char **arguments = state;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    double begin = bench_now();
    int rc = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    if (rc != 0) bench_fail("tool: %s: %s", arguments[0], strerror(rc));
    if (waitpid(pid, &status, 0) != pid || status != 0) bench_fail("tool: %s failed", arguments[0]);
    double seconds = bench_now() - begin;
    posix_spawn_file_actions_destroy(&actions);
    return seconds;
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
        {"ck version", run_program, version},
        {"ck cache stats", run_program, stats},
        {"ck cache stats", run_program, stats_large},
        {"sqlite3", run_program, shell},
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
