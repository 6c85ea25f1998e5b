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

void bench_tool(Bench *bench) {
    char *ck = sqlite3_mprintf("%.*s", (int)strlen(bench->ck) - 3, bench->ck); /* without ".so" */
    char *store = sqlite3_mprintf("%s/tool", bench->directory);
    sqlite3 *db = db_create(bench, "tool", 0);
    Rows rows;
    rows_make(&rows, bench_size(bench, 100000, 1000), 64, 11);
    db_fill_ck(db, &rows);
    db_checkpoint(db);
    char *version[] = {ck, "version", NULL};
    char *stats[] = {ck, "cache", "stats", "--store", store, NULL};
    char *shell[] = {"sqlite3", ":memory:", "SELECT 1", NULL};
    const BenchSide sides[] = {
        {"ck version", run_program, version},
        {"ck cache stats", run_program, stats},
        {"sqlite3", run_program, shell},
    };
    BenchTimes times;
    bench_rounds(&times, sides, 3, 2, bench_size(bench, BENCH_ROUNDS_MAX, 3));
    bench_report(bench, &times,
                 &(BenchPair){"tool ck version", 0, 2, "sqlite3 :memory:", 1, &bench_ms,
                              {.figure = 10}});
    bench_report(bench, &times,
                 &(BenchPair){"tool ck cache stats of 100K embeddings", 1, 2, "sqlite3 :memory:", 1,
                              &bench_ms, {.figure = 10}});
    rows_free(&rows);
    db_remove(bench, db, "tool");
    sqlite3_free(store);
    sqlite3_free(ck);
}
