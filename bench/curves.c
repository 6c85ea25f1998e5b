/*
** Curves of recall and queries per second beside the peers: see curves.h. bench/run builds and
** calls it.
**
**     curves --ck PATH [--vec PATH] [--vector PATH] [--vectorlite PATH] [--libsql DIR]
**            [--directory DIR] [--rows FILE] [--points FILE] [--quick] [--cpu]
**            [--hnswlib | --alone] [--list] [NAME…]
**     curves --first-row DATABASE EXTENSION SQL DIMS QUERIES NUMBER      (fresh.h)
**     curves --steady DATABASE EXTENSION DIMS QUERIES                    (curves.h)
**
** NAME is a data set or "life"; without one, all but 1Mx384 are measured. --hnswlib leaves out all
** other peers, whose indexes take longer to build than everything else, and --alone hnswlib, too.
*/
#include "curves.h"

#include <string.h>

#include "curves_hnsw.h"
#include "fresh.h"

/* Says how ck answers, and whether it took the graph when it was told to. */
static int check_graph(CurveSystem *system, const CurveSet *set) {
    const float *query = rows_vector(&set->queries[0].rows, 0);
    char *plan = curve_system_plan(system, query, 64);
    int is_graph = plan && strncmp(plan, "graph", 5) == 0;
    bench_note("  %s at ef 64: %s", system->name, plan ? plan : "no plan");
    sqlite3_free(plan);
    return is_graph;
}

static int open_ck(Curves *curves, const CurveSet *set, CurveSystem *systems) {
    int n = 0, dims = set->data.rows.dims;
    curve_system_ck(&systems[n], curves, "ck", CK_PLANNED, dims);
    check_graph(&systems[n++], set);
    curve_system_ck(&systems[n], curves, set->is_large ? "ck" : CURVE_FORCED_FILE, CK_FORCED, dims);
    if (check_graph(&systems[n], set)) {
        n++;
    } else {
        bench_note("curves: ck has no graph to be told to take");
        curve_system_free(&systems[n], curves);
    }
    curve_system_ck(&systems[n++], curves, "ck", CK_RECALL, dims);
    return n;
}

static void note_missing(const Curves *curves, const struct HnswPeer *hnsw) {
    if (curves->alone) return;
    if (!hnsw) bench_note("curves: hnswlib is not there, and skipped");
    if (curves->only_hnswlib) return;
    if (!curves->vectorlite) bench_note("curves: vectorlite is not there, and skipped");
    if (!curves->bench.vector) bench_note("curves: sqlite-vector is not there, and skipped");
    if (!curves->bench.vec) bench_note("curves: sqlite-vec is not there, and skipped");
    if (!curves->libsql) bench_note("curves: libsql is not there, and skipped");
}

static void run_set(Curves *curves, const char *name) {
    CurveSet set;
    CurveSystem systems[CURVE_SYSTEMS_MAX];
    if (!curve_set_make(&set, curves, name)) return;
    struct HnswPeer *hnsw = curve_build(curves, &set);
    int n = open_ck(curves, &set, systems);
    note_missing(curves, hnsw);
    if (hnsw) curve_system_hnswlib(&systems[n++], hnsw, set.data.rows.dims);
    if (!curves->only_hnswlib && !set.is_large) { /* they would take an hour and much memory */
        n += curve_system_vectorlite(&systems[n], curves, &set.data.rows);
        n += curve_system_vector(&systems[n], curves, &set.data.rows);
        n += curve_system_vec(&systems[n], curves, &set.data.rows);
    }
    curve_measure(curves, &set, systems, n);
    curve_use_graph(0);
    for (int i = 0; i < n; i++) curve_system_free(&systems[i], curves);
    if (hnsw) hnsw_peer_free(hnsw);
    db_unlink(&curves->bench, CURVE_FORCED_FILE);
    if (!curves->only_hnswlib && !set.is_large) curve_libsql(curves, &set);
    curve_store(curves, &set);
    db_unlink(&curves->bench, "ck");
    curve_set_free(&set);
}

static void list(void) {
    for (int i = 0; curve_set_names[i]; i++) printf("%s\n", curve_set_names[i]);
    printf("life\n1Mx384 (when named)\n");
}

static FILE *create(const char *path) {
    FILE *file = path ? fopen(path, "w") : NULL;
    if (path && !file) bench_fail("cannot write %s", path);
    return file;
}

/* Reads the options; the number of names that are left at the start of argv. */
static int read_options(Curves *curves, int argc, char **argv) {
    const char *rows = NULL, *points = NULL;
    const struct {
        const char *name, **to;
    } options[] = {{"--ck", &curves->bench.ck},         {"--vec", &curves->bench.vec},
                   {"--vector", &curves->bench.vector}, {"--directory", &curves->bench.directory},
                   {"--vectorlite", &curves->vectorlite}, {"--libsql", &curves->libsql},
                   {"--rows", &rows},                   {"--points", &points}};
    int n_names = 0;
    for (int i = 1; i < argc; i++) {
        const char **to = NULL;
        for (size_t j = 0; j < sizeof options / sizeof *options; j++) {
            if (strcmp(argv[i], options[j].name) == 0) to = options[j].to;
        }
        if (to && i + 1 < argc) *to = argv[++i];
        else if (strcmp(argv[i], "--quick") == 0) curves->bench.quick = 1;
        else if (strcmp(argv[i], "--cpu") == 0) bench_use_cpu_time();
        else if (strcmp(argv[i], "--hnswlib") == 0) curves->only_hnswlib = 1;
        else if (strcmp(argv[i], "--alone") == 0) curves->only_hnswlib = curves->alone = 1;
        else argv[n_names++] = argv[i];
    }
    if (!curves->bench.ck) bench_fail("--ck PATH is needed");
    curves->bench.rows = create(rows);
    curves->points = create(points);
    return n_names;
}

static void run(Curves *curves, const char *name) {
    if (strcmp(name, "life") == 0) curve_life(curves);
    else if (curve_set_exists(name)) run_set(curves, name);
    else bench_fail("there are no curves of '%s' (see --list)", name);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--first-row") == 0) return fresh_child(argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--steady") == 0) {
        return curve_steady_child(argc - 2, argv + 2);
    }
    Curves curves = {.bench = {.directory = ".", .program = argv[0]}};
    int n_names = read_options(&curves, argc, argv);
    if (n_names == 1 && strcmp(argv[0], "--list") == 0) {
        list();
        return 0;
    }
    printf("%-47s %10s %-6s  %-11s %10s  %-20s %s\n", "", "ck", "", "beside", "", "times as fast",
           "aim");
    for (int i = 0; i < n_names; i++) run(&curves, argv[i]);
    for (int i = 0; n_names == 0 && curve_set_names[i]; i++) run(&curves, curve_set_names[i]);
    if (n_names == 0) curve_life(&curves);
    if (curves.bench.rows) fclose(curves.bench.rows);
    if (curves.points) fclose(curves.points);
    if (!curves.bench.quick) printf("%d aims missed\n", curves.bench.n_missed);
    return 0;
}
