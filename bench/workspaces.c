/*
** A million refs: ten workspaces of 100,000 each over 200,000 embeddings, half of them shared;
** ck_usage and the figures of `workspaces`. Then a workspace of a million refs of its own: its
** release, which a reader sees at once, and the sweep by ck_gc in batches. The longest time a
** batch holds the lock is measured from its BEGIN to the end of its COMMIT.
**
** The usage is measured with SQLite's cache of 2 MB, and with 64 MB.
*/
#include "db.h"

#include <string.h>

#define N_WORKSPACES 10

static void add_refs(sqlite3 *db, const char *workspace, int first, int n, int n_embeddings) {
    char *sql = sqlite3_mprintf(
        "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d) "
        "INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash) "
        "SELECT %Q, 'src/component_' || (i / 20), i %% 20, i %% 20 * 40 + 1, i %% 20 * 40 + 40, "
        "h.hash "
        "FROM n JOIN hashes AS h ON h.id = (%d + i) %% %d + 1",
        n, workspace, first, n_embeddings);
    db_exec(db, sql);
    sqlite3_free(sql);
}

static double seconds_of(sqlite3 *db, const char *sql) {
    double begin = bench_now();
    sqlite3_stmt *stmt = db_prepare(db, sql);
    while (db_step(stmt)) continue;
    sqlite3_finalize(stmt);
    return bench_now() - begin;
}

/* Reports the median of three runs, which stand alone. */
static void report_query(Bench *bench, sqlite3 *db, const char *name, const char *sql) {
    BenchTimes times = {.n_sides = 1, .n_rounds = bench_size(bench, 3, 1)};
    for (int i = 0; i < times.n_rounds; i++) times.seconds[0][i] = seconds_of(db, sql);
    bench_report(bench, &times,
                 &(BenchPair){name, 0, 0, NULL, 1, &bench_s, {.figure = 1}});
}

static void report_figure(Bench *bench, const char *name, const char *unit, double figure,
                          double aim) {
    bench_report_row(bench, &(BenchRow){.name = name, .unit = unit, .figure = figure,
                                        .aim = {.figure = aim}});
}

typedef struct Lock {
    double since, longest;
} Lock;

static int trace(unsigned event, void *context, void *stmt, void *detail) {
    Lock *lock = context;
    const char *sql = sqlite3_sql(stmt);
    (void)detail;
    if (!sql) return 0;
    if (event == SQLITE_TRACE_STMT && strcmp(sql, "BEGIN IMMEDIATE") == 0) {
        lock->since = bench_now();
    } else if (event == SQLITE_TRACE_PROFILE && strcmp(sql, "COMMIT") == 0) {
        double seconds = bench_now() - lock->since;
        if (seconds > lock->longest) lock->longest = seconds;
    }
    return 0;
}

static void release(Bench *bench, sqlite3 *db, int n) {
    Lock lock = {0, 0};
    double begin = bench_now();
    db_exec(db, "DELETE FROM workspaces WHERE name = 'large'");
    report_figure(bench, "release of 1M refs", "ms", 1000 * (bench_now() - begin), 0);
    if (db_int(db, "SELECT count(*) FROM refs WHERE workspace = 'large'") != 0) {
        bench_fail("the released workspace is still seen");
    }
    begin = bench_now();
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, trace, &lock);
    db_exec(db, "SELECT ck_gc()");
    sqlite3_trace_v2(db, 0, NULL, NULL);
    report_figure(bench, "sweep of 1M released refs by ck_gc", "us/ref",
                  1e6 * (bench_now() - begin) / n, 0);
    report_figure(bench, "longest batch of that sweep", "ms", 1000 * lock.longest, 50);
}

void bench_workspaces(Bench *bench) {
    int n = bench_size(bench, 100000, 2000);
    Rows rows;
    rows_make(&rows, 2 * n, 16, 6);
    sqlite3 *db = db_create(bench, "workspaces", 0);
    db_exec(db, "PRAGMA cache_size = -65536");
    db_fill_ck(db, &rows);
    db_exec(db, "CREATE TEMP TABLE hashes AS SELECT row_number() OVER () AS id, hash "
                "FROM embeddings; CREATE UNIQUE INDEX hashes_id ON hashes(id)");
    for (int w = 0; w < N_WORKSPACES; w++) {
        char name[32];
        snprintf(name, sizeof name, "worktree-%d", w);
        char *sql = sqlite3_mprintf("INSERT INTO workspaces(name) VALUES (%Q)", name);
        db_exec(db, sql);
        sqlite3_free(sql);
        add_refs(db, name, w * n / N_WORKSPACES, n, 2 * n);
    }
    static const char *const caches[] = {"2 MB", "64 MB"}, *const sizes[] = {"-2000", "-65536"};
    for (int c = 0; c < 2; c++) {
        char name[64];
        char *sql = sqlite3_mprintf("PRAGMA cache_size = %s", sizes[c]);
        db_exec(db, sql);
        sqlite3_free(sql);
        snprintf(name, sizeof name, "ck_usage of 1M refs cache %s", caches[c]);
        report_query(bench, db, name, "SELECT * FROM ck_usage");
        snprintf(name, sizeof name, "workspaces of 1M refs cache %s", caches[c]);
        report_query(bench, db, name, "SELECT * FROM workspaces");
    }
    db_exec(db, "INSERT INTO workspaces(name) VALUES ('large')");
    add_refs(db, "large", 0, N_WORKSPACES * n, 2 * n);
    db_exec(db, "PRAGMA cache_size = -2000");
    release(bench, db, N_WORKSPACES * n);
    db_remove(bench, db, "workspaces");
    rows_free(&rows);
}
