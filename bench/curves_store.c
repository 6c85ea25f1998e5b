/*
** What the index costs: see curves.h. Building it into a file that has the vectors already beside
** building hnswlib's in memory, merging new rows, its size, the memory of a process that searches
** for long, and a fresh process.
*/
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "curves.h"
#include "curves_hnsw.h"
#include "fresh.h"

#define M 16
#define EF_CONSTRUCTION 200

double curve_cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ---- Building ---- */

enum { CK, PEER };

/* Seconds of both sides. */
typedef struct Build {
    BenchTimes elapsed, cpu;
} Build;

/* Round `round`: ck_optimize() of a database of that name. */
static void build_ck(const Bench *bench, Build *build, int round, const char *name) {
    sqlite3 *db = db_open(bench, name);
    double begin = bench_now(), cpu = curve_cpu();
    db_exec(db, "SELECT ck_optimize()");
    build->elapsed.seconds[CK][round] = bench_now() - begin;
    build->cpu.seconds[CK][round] = curve_cpu() - cpu;
    db_checkpoint(db);
    sqlite3_close(db);
}

/* The graph of a million vectors does not fit into the 256 MB that a connection takes by itself. */
#define LARGE_CACHE "SELECT ck_config('cache_bytes', 1 << 30)"

static struct HnswPeer *build_hnswlib(Build *build, const Rows *rows) {
    HnswPeer *peer = hnsw_peer_new(rows->dims, rows->n, M, EF_CONSTRUCTION);
    if (!peer) return NULL;
    double begin = bench_now(), cpu = curve_cpu();
    for (int i = 0; i < rows->n; i++) hnsw_peer_add(peer, rows_vector(rows, i), i);
    build->elapsed.seconds[PEER][0] = bench_now() - begin;
    build->cpu.seconds[PEER][0] = curve_cpu() - cpu;
    return peer;
}

static void report_build(Bench *bench, const CurveSet *set, const Build *build, const char *what,
                         double aim) {
    char name[80];
    int has_peer = build->elapsed.seconds[PEER][0] > 0;
    BenchPair pair = {name, CK, PEER, has_peer ? "hnswlib" : NULL, 1, &bench_s, {0, 0}};
    snprintf(name, sizeof name, "curves %s %s CPU", set->name, what);
    bench_report(bench, &build->cpu, &pair);
    snprintf(name, sizeof name, "curves %s %s", set->name, what);
    pair.aim.ratio = has_peer ? aim : 0;
    bench_report(bench, &build->elapsed, &pair);
}

struct HnswPeer *curve_build(Curves *curves, const CurveSet *set) {
    Bench *bench = &curves->bench;
    Build build = {.elapsed = {.n_sides = 2, .n_rounds = 1}, .cpu = {.n_sides = 2, .n_rounds = 1}};
    sqlite3 *db = db_create(bench, "ck", 0);
    db_fill_ck(db, &set->data.rows);
    if (set->is_large) db_exec(db, LARGE_CACHE);
    db_checkpoint(db);
    sqlite3_close(db);
    if (!set->is_large) sqlite3_free(db_copy(bench, "ck", CURVE_FORCED_FILE));
    struct HnswPeer *peer = curves->alone ? NULL : build_hnswlib(&build, &set->data.rows);
    build_ck(bench, &build, 0, "ck");
    report_build(bench, set, &build, "build", set->is_real ? 0 : 4);
    if (!set->is_large) {
        curve_use_graph(1);
        build_ck(bench, &build, 0, CURVE_FORCED_FILE);
        curve_use_graph(0);
        report_build(bench, set, &build, "build graph", 4);
    }
    return peer;
}

/* ---- Size and memory ---- */

/* Factors and links weigh more beside fewer dims, so the aim is for 768. */
static double size_aim(const CurveSet *set) {
    return set->is_real || set->data.rows.dims < 768 ? 0 : .4;
}

/* The pages of all tables of ck but those that hold the embeddings themselves. */
static void report_size(Curves *curves, const CurveSet *set, double raw) {
    char name[80];
    sqlite3 *db = db_open(&curves->bench, "ck");
    if (db_int(db, "SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'")) {
        int64_t bytes = db_int(db, "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 "
                                   "AND name GLOB '_ck_*' AND name NOT IN "
                                   "('_ck_embedding', '_ck_vector', '_ck_hash')");
        snprintf(name, sizeof name, "curves %s index on disk", set->name);
        bench_report_row(&curves->bench, &(BenchRow){.name = name, .unit = "x f32",
                                                     .figure = (double)bytes / raw,
                                                     .aim = {.figure = size_aim(set)}});
    } else {
        bench_note("curves: without SQLite's dbstat the size of the index is not known");
    }
    sqlite3_close(db);
}

/* Memory of this process that no file backs. */
static double resident(void) {
    char line[128];
    long kilobytes = 0;
    FILE *in = fopen("/proc/self/status", "r");
    while (in && fgets(line, sizeof line, in)) {
        if (sscanf(line, "RssAnon: %ld", &kilobytes) == 1) break;
    }
    if (in) fclose(in);
    return 1024.0 * (double)kilobytes;
}

int curve_steady_child(int argc, char **argv) {
    sqlite3 *db;
    if (argc != 4) bench_fail("--steady DATABASE EXTENSION DIMS QUERIES");
    size_t n_bytes = (size_t)atol(argv[2]) * sizeof(float);
    float *query = bench_alloc(n_bytes);
    FILE *in = fopen(argv[3], "rb");
    if (!in) bench_fail("cannot read %s", argv[3]);
    double before = resident();
    if (sqlite3_open(argv[0], &db) != SQLITE_OK) bench_fail("%s", sqlite3_errmsg(db));
    db_load(db, argv[1]);
    sqlite3_stmt *stmt = db_prepare(db, "SELECT rowid, distance FROM knn(?1, 10) WHERE ef = 128");
    while (fread(query, n_bytes, 1, in) == 1) {
        sqlite3_bind_blob(stmt, 1, query, (int)n_bytes, SQLITE_STATIC);
        db_run(stmt);
    }
    double after = resident();
    sqlite3_finalize(stmt);
    printf("%.0f %lld\n", after - before,
           (long long)db_int(db, "SELECT sum(bytes) FROM ck_cache"));
    sqlite3_close(db);
    free(query);
    fclose(in);
    return 0;
}

static void report_memory(Curves *curves, const CurveSet *set, double raw) {
    const Bench *bench = &curves->bench;
    double memory;
    long long cached;
    char name[80];
    char *command = sqlite3_mprintf("'%s' --steady '%s/ck.db' '%s' %d '%s/queries'", bench->program,
                                    bench->directory, bench->ck, set->data.rows.dims,
                                    bench->directory);
    curve_use_graph(1);
    FILE *out = popen(command, "r");
    if (!out || fscanf(out, "%lf %lld", &memory, &cached) != 2 || pclose(out) != 0) {
        bench_fail("a process failed: %s", command);
    }
    curve_use_graph(0);
    sqlite3_free(command);
    snprintf(name, sizeof name, "curves %s memory when warm", set->name);
    bench_report_row(&curves->bench, &(BenchRow){.name = name, .unit = "x f32",
                                                 .figure = memory / raw,
                                                 .aim = {.figure = size_aim(set)}});
    bench_note("  of which ck_cache counts %.3f", (double)cached / raw);
}

static void report_fresh(Curves *curves, const CurveSet *set) {
    Bench *bench = &curves->bench;
    BenchTimes times;
    char name[80];
    int n_queries = set->queries[0].rows.n;
    Fresh ck = {bench, "ck", bench->ck, FRESH_SEARCH, set->data.rows.dims, n_queries, 0};
    const BenchSide side = {"ck", fresh_run, &ck};
    double aim = set->is_real ? 0 : set->is_large ? 10 : 5;
    bench_rounds(&times, &side, 1, 1, bench_size(bench, 15, 1));
    snprintf(name, sizeof name, "curves %s fresh process", set->name);
    bench_report(bench, &times, &(BenchPair){name, 0, 0, NULL, 1, &bench_ms, {.figure = aim}});
}

/* ---- Merging ---- */

static void report_merges(Curves *curves, const CurveSet *set) {
    Bench *bench = &curves->bench;
    Build build = {.elapsed = {.n_sides = 1, .n_rounds = CURVE_MERGES},
                   .cpu = {.n_sides = 1, .n_rounds = CURVE_MERGES}};
    char name[80];
    int n = set->extra.n / CURVE_MERGES;
    for (int i = 0; i < CURVE_MERGES; i++) {
        sqlite3 *db = db_open(bench, "ck");
        Rows some = {n, set->extra.dims, set->extra.hashes + (size_t)(i * n) * HASH_BYTES,
                     set->extra.vectors + (size_t)(i * n) * (size_t)set->extra.dims};
        db_fill_ck(db, &some);
        sqlite3_close(db);
        build_ck(bench, &build, i, "ck");
    }
    snprintf(name, sizeof name, "curves %s merge of %d", set->name, n);
    bench_report(bench, &build.elapsed, &(BenchPair){name, CK, CK, NULL, 1, &bench_s, {0, 0}});
    snprintf(name, sizeof name, "curves %s merge of %d CPU", set->name, n);
    bench_report(bench, &build.cpu, &(BenchPair){name, CK, CK, NULL, 1, &bench_s,
                                                 {.figure = set->is_large ? 0 : .3}});
}

void curve_store(Curves *curves, const CurveSet *set) {
    double raw = 4.0 * set->data.rows.dims * set->data.rows.n;
    rows_write(&curves->bench, "queries", &set->queries[0].rows);
    report_size(curves, set, raw);
    report_memory(curves, set, raw);
    report_fresh(curves, set);
    if (set->extra.n) report_merges(curves, set);
}
