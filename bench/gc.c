/*
** Garbage collection: 1,000,000 embeddings of which a random half is garbage; ck_gc(0), and the
** DELETE that started the project, beside the same DELETE on a plain table with an index on the
** hash and a table of refs with an index on the embedding.
**
** "work" is the time not slept: ck_gc leaves the file free between its batches, and a VFS around
** the default one adds up how long it was asked to sleep. While one more run of ck_gc is under way,
** another process writes (writer.h).
*/
#include <stdlib.h>

#include "db.h"
#include "gen.h"
#include "writer.h"

#define DIMS 16

/* ---- How long SQLite was asked to sleep ---- */

static sqlite3_vfs *real_vfs;
static sqlite3_vfs timed_vfs;
static double slept;

static int timed_sleep(sqlite3_vfs *vfs, int us) {
    (void)vfs;
    double begin = bench_now();
    int done = real_vfs->xSleep(real_vfs, us);
    slept += bench_now() - begin;
    return done;
}

static void time_sleeps(void) {
    if (real_vfs) return;
    real_vfs = sqlite3_vfs_find(NULL);
    timed_vfs = *real_vfs;
    timed_vfs.zName = "timed";
    timed_vfs.xSleep = timed_sleep;
    if (sqlite3_vfs_register(&timed_vfs, 1) != SQLITE_OK) bench_fail("cannot register a VFS");
}

/* ---- The sides ---- */

typedef struct Side {
    const Bench *bench;
    const char *name; /* of the filled database; every run takes a copy */
    const char *sql;
    double work; /* of the last run */
    int with_writer;
    double p99, longest;
} Side;

static double run_side(void *state) {
    Side *side = state;
    Writer writer = {0};
    char *path = db_copy(side->bench, side->name, "run");
    if (side->with_writer) writer_start(&writer, path);
    sqlite3 *db = db_open(side->bench, "run");
    slept = 0;
    double begin = bench_now();
    db_exec(db, side->sql);
    double seconds = bench_now() - begin;
    side->work = seconds - slept;
    if (side->with_writer) writer_stop(&writer, &side->p99, &side->longest);
    db_remove(side->bench, db, "run");
    sqlite3_free(path);
    return seconds;
}

/* Rows that a workspace refers to. */
static int is_live(Gen *gen) {
    return (int)(gen_u64(gen) >> 63);
}

static void add_refs(sqlite3 *db, const Rows *rows, const char *sql) {
    Gen gen = {9};
    sqlite3_stmt *stmt = db_prepare(db, sql);
    db_exec(db, "BEGIN");
    for (int i = 0; i < rows->n; i++) {
        char path[32];
        if (!is_live(&gen)) continue;
        int n = snprintf(path, sizeof path, "src/file_%06d.c", i / 20);
        sqlite3_bind_text(stmt, 1, path, n, SQLITE_STATIC);
        sqlite3_bind_int(stmt, 2, i % 20);
        sqlite3_bind_blob(stmt, 3, rows_hash(rows, i), HASH_BYTES, SQLITE_STATIC);
        db_run(stmt);
    }
    db_exec(db, "COMMIT");
    sqlite3_finalize(stmt);
}

static void fill_ck(const Bench *bench, const Rows *rows) {
    sqlite3 *db = db_create(bench, "ck", 0);
    db_exec(db, "CREATE TABLE other(x)");
    db_fill_ck(db, rows);
    db_exec(db, "UPDATE embeddings SET created_at = unixepoch() - 7200");
    db_exec(db, "INSERT INTO workspaces(name) VALUES ('main')");
    add_refs(db, rows, "INSERT INTO refs(workspace, path, chunk, hash) "
                       "VALUES ('main', ?1, ?2, ?3)");
    db_checkpoint(db);
    sqlite3_close(db);
}

static void fill_plain(const Bench *bench, const Rows *rows) {
    sqlite3 *db = db_create(bench, "plain", 0);
    db_create_plain(db);
    db_fill_plain(db, rows);
    db_exec(db, "UPDATE plain SET created_at = unixepoch() - 7200");
    db_exec(db, "CREATE TABLE plain_refs(workspace TEXT NOT NULL, path TEXT NOT NULL, "
                "chunk INTEGER NOT NULL, embedding INTEGER NOT NULL, "
                "PRIMARY KEY (workspace, path, chunk));"
                "CREATE INDEX plain_refs_embedding ON plain_refs(embedding)");
    add_refs(db, rows, "INSERT INTO plain_refs VALUES ('main', ?1, ?2, "
                       "(SELECT id FROM plain WHERE hash = ?3))");
    db_checkpoint(db);
    sqlite3_close(db);
}

enum { PLAIN, GC, VERBATIM, BUSY, SIDES };

static void report_waits(Bench *bench, const double *p99, const double *longest, int n) {
    double worst_p99 = 0, worst = 0;
    for (int i = 0; i < n; i++) {
        if (p99[i] > worst_p99) worst_p99 = p99[i];
        if (longest[i] > worst) worst = longest[i];
    }
    bench_report_row(bench, &(BenchRow){.name = "gc another writer waits p99", .unit = "ms",
                                        .figure = 1e3 * worst_p99, .aim = {.figure = 50}});
    bench_report_row(bench, &(BenchRow){.name = "gc another writer waits longest", .unit = "ms",
                                        .figure = 1e3 * worst, .aim = {.figure = 200}});
}

void bench_gc(Bench *bench) {
    Rows rows;
    int n = bench_size(bench, 1000000, 20000), n_rounds = bench_size(bench, 3, 1);
    double p99[BENCH_ROUNDS_MAX], longest[BENCH_ROUNDS_MAX];
    BenchTimes elapsed = {.n_sides = SIDES, .n_rounds = n_rounds}, work = elapsed;
    Side sides[SIDES] = {
        [PLAIN] = {bench, "plain",
                   "DELETE FROM plain WHERE created_at < unixepoch() - 3600 "
                   "AND id NOT IN (SELECT embedding FROM plain_refs)",
                   0, 0, 0, 0},
        [GC] = {bench, "ck", "SELECT ck_gc(0)", 0, 0, 0, 0},
        [VERBATIM] = {bench, "ck",
                      "DELETE FROM embeddings WHERE hash NOT IN (SELECT hash FROM refs) "
                      "AND created_at < unixepoch() - 3600",
                      0, 0, 0, 0},
        [BUSY] = {bench, "ck", "SELECT ck_gc(0)", 0, 1, 0, 0},
    };
    time_sleeps();
    rows_make(&rows, n, DIMS, 8);
    fill_ck(bench, &rows);
    fill_plain(bench, &rows);
    rows_free(&rows);
    for (int i = 0; i < n_rounds; i++) {
        for (int side = 0; side < SIDES; side++) {
            elapsed.seconds[side][i] = run_side(&sides[side]);
            work.seconds[side][i] = sides[side].work;
        }
        p99[i] = sides[BUSY].p99;
        longest[i] = sides[BUSY].longest;
    }
    db_unlink(bench, "ck");
    db_unlink(bench, "plain");
    bench_report(bench, &work,
                 &(BenchPair){"gc half of 1M work", GC, PLAIN, "plain table", 1,
                              &bench_s, {.ratio = 1 / 1.5}});
    bench_report(bench, &elapsed,
                 &(BenchPair){"gc half of 1M elapsed", GC, PLAIN, "plain table", 1, &bench_s,
                              {0, 0}});
    bench_report(bench, &elapsed,
                 &(BenchPair){"gc half of 1M elapsed while another writes", BUSY, PLAIN,
                              "plain table", 1, &bench_s, {0, 0}});
    report_waits(bench, p99, longest, n_rounds);
    bench_report(bench, &elapsed,
                 &(BenchPair){"gc half of 1M by DELETE", VERBATIM, PLAIN, "plain table", 1,
                              &bench_s, {0, 0}});
}
