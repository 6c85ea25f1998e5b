/*
** Runs benchmarks: all, or those named on the command line. bench/run builds and calls it.
**
**     bench --ck PATH [--vec PATH] [--vector PATH] [--directory DIR] [--rows FILE] [--quick]
**           [--cpu] [--list] [NAME…]
**     bench --first-row DATABASE EXTENSION SQL DIMS QUERIES NUMBER      (fresh.h)
*/
#include "bench.h"

#include <string.h>

#include "fresh.h"

static const struct {
    const char *name;
    void (*run)(Bench *bench);
    const char *what;
} benchmarks[] = {
    {"inserts", bench_inserts, "rows stored in one transaction"},
    {"gets", bench_gets, "vectors read by hash, one at a time"},
    {"missing", bench_missing, "which of 10,000 hashes are not stored"},
    {"refs", bench_refs, "refs added in one transaction, and their size"},
    {"replace", bench_replace, "refs replaced and swept in one transaction"},
    {"workspaces", bench_workspaces, "usage and release of a million refs"},
    {"worktree", bench_worktree, "a second worktree, by the indexing protocol"},
    {"gc", bench_gc, "half of 1,000,000 embeddings deleted, and how long others wait"},
    {"hash", bench_hash, "BLAKE3 from SQL"},
    {"knn", bench_knn, "exact nearest neighbours"},
    {"search", bench_search, "the index: latency, recall, size"},
    {"fresh", bench_fresh, "the first row of a search in a fresh process"},
    {"filters", bench_filters, "the index with filters"},
    {"puts", bench_puts, "single INSERTs into a store with an index"},
    {"merge", bench_merge, "ck_optimize, and how long others wait"},
    {"sync", bench_sync, "embeddings pushed and pulled through file remotes"},
    {"tool", bench_tool, "the command: how long it takes to start and to answer"},
    {"index", bench_index, "`ck index`: sources per second, and trees that did not change"},
    {"encodings", bench_encodings, "size, recall and speed of each encoding on real vectors"},
};
#define N_BENCHMARKS (int)(sizeof benchmarks / sizeof *benchmarks)

static int find(const char *name) {
    for (int i = 0; i < N_BENCHMARKS; i++) {
        if (strcmp(name, benchmarks[i].name) == 0) return i;
    }
    bench_fail("there is no benchmark '%s' (see --list)", name);
}

static void list(void) {
    for (int i = 0; i < N_BENCHMARKS; i++) {
        printf("%-10s %s\n", benchmarks[i].name, benchmarks[i].what);
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--first-row") == 0) return fresh_child(argc - 2, argv + 2);
    Bench bench = {.directory = ".", .program = argv[0]};
    const char *rows = NULL;
    int chosen[N_BENCHMARKS] = {0}, n_chosen = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        const char **to = strcmp(argv[i], "--ck") == 0          ? &bench.ck
                          : strcmp(argv[i], "--vec") == 0       ? &bench.vec
                          : strcmp(argv[i], "--vector") == 0    ? &bench.vector
                          : strcmp(argv[i], "--directory") == 0 ? &bench.directory
                          : strcmp(argv[i], "--rows") == 0      ? &rows
                                                                : NULL;
        if (to && value) {
            *to = value;
            i++;
        } else if (strcmp(argv[i], "--quick") == 0) {
            bench.quick = 1;
        } else if (strcmp(argv[i], "--cpu") == 0) {
            bench_use_cpu_time();
        } else if (strcmp(argv[i], "--list") == 0) {
            list();
            return 0;
        } else {
            chosen[find(argv[i])] = 1;
            n_chosen++;
        }
    }
    if (!bench.ck) bench_fail("--ck PATH is needed");
    if (rows && !(bench.rows = fopen(rows, "w"))) bench_fail("cannot write %s", rows);
    printf("%-47s %10s %-6s  %-11s %10s  %-20s %s\n", "", "ck", "", "beside", "", "times as fast",
           "aim");
    for (int i = 0; i < N_BENCHMARKS; i++) {
        if (n_chosen == 0 || chosen[i]) benchmarks[i].run(&bench);
    }
    if (bench.rows) fclose(bench.rows);
    if (!bench.quick) printf("%d aims missed\n", bench.n_missed);
    return 0;
}
