/*
** What the search index adds to writing.
**
** puts: single INSERTs of 768 dims within transactions of 20,000. One store has one model, and so
** an index; another begins a new model every 800 rows, so that none gets one; the third side is the
** plain table (db.h). Each began with 20,000 rows, and grows.
**
** merge: SELECT ck_optimize() on 100,000 embeddings while another process writes (writer.h), beside
** the same process alone.
*/
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "writer.h"

#define DIMS 768
#define ROWS_PER_MODEL 800 /* an index begins at 1,024 */

enum { INDEXED, BARE, PLAIN, SIDES };

/* ---- puts ---- */

typedef struct Puts {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    const Rows *rows;
    int n_models, next;
    double *latencies; /* of the last run */
    double mean, commit;
} Puts;

static void put_one(const Puts *puts, int i) {
    char model[32];
    sqlite3_stmt *stmt = puts->stmt;
    sqlite3_bind_blob(stmt, 1, rows_hash(puts->rows, i), HASH_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 2, rows_vector(puts->rows, i), DIMS * 4, SQLITE_STATIC);
    if (puts->n_models) {
        snprintf(model, sizeof model, "model %d", puts->n_models == 1 ? 0 : i / ROWS_PER_MODEL);
        sqlite3_bind_text(stmt, 3, model, -1, SQLITE_STATIC);
    } else {
        sqlite3_bind_int(stmt, 3, DIMS * 4);
        sqlite3_bind_int64(stmt, 4, 1760000000);
        sqlite3_bind_int(stmt, 5, i);
    }
    db_run(stmt);
}

/* The next n rows, in one transaction. */
static void put(Puts *puts, int n) {
    double sum = 0;
    db_exec(puts->db, "BEGIN");
    for (int i = 0; i < n; i++) {
        double begin = bench_now();
        put_one(puts, puts->next + i);
        puts->latencies[i] = bench_now() - begin;
        sum += puts->latencies[i];
    }
    double begin = bench_now();
    db_exec(puts->db, "COMMIT");
    puts->commit = bench_now() - begin;
    puts->mean = (sum + puts->commit) / n;
    puts->next += n;
}

static void puts_open(Puts *puts, const Bench *bench, int side, const Rows *rows) {
    static const char *const names[SIDES] = {"indexed", "bare", "plain"};
    static const char ck_sql[] = "INSERT INTO embeddings(hash, model, version, vector) "
                                 "VALUES (?1, ?3, '1', ?2)";
    int n_models = (rows->n + ROWS_PER_MODEL - 1) / ROWS_PER_MODEL;
    *puts = (Puts){.db = db_create(bench, names[side], 0), .rows = rows};
    puts->n_models = side == INDEXED ? 1 : side == BARE ? n_models : 0;
    if (side == PLAIN) db_create_plain(puts->db);
    else db_exec(puts->db, "SELECT ck_init()");
    puts->stmt = db_prepare(puts->db, side == PLAIN ? PLAIN_INSERT : ck_sql);
    puts->latencies = bench_alloc((size_t)rows->n * sizeof *puts->latencies);
}

static void puts_close(Puts *puts, const Bench *bench, int side) {
    static const char *const names[SIDES] = {"indexed", "bare", "plain"};
    sqlite3_finalize(puts->stmt);
    db_remove(bench, puts->db, names[side]);
    free(puts->latencies);
}

enum { MEAN, P99, LONGEST, COMMIT, METRICS };

static void note_run(BenchTimes *times, int side, int round, Puts *puts, int n) {
    times[MEAN].seconds[side][round] = puts->mean;
    times[P99].seconds[side][round] = bench_percentile(puts->latencies, n, 99);
    times[LONGEST].seconds[side][round] = bench_percentile(puts->latencies, n, 100);
    times[COMMIT].seconds[side][round] = puts->commit;
}

static void report_puts(Bench *bench, const BenchTimes *times) {
    static const struct {
        const char *name;
        const BenchUnit *unit;
        BenchAim aim;
    } metrics[METRICS] = {{"mean", &bench_us, {.ratio = 0.5}},
                          {"p99", &bench_us, {.ratio = 1.0 / 3}},
                          {"longest", &bench_ms, {.figure = 20}},
                          {"commit", &bench_ms, {0, 0}}};
    for (int i = 0; i < METRICS; i++) {
        char name[80];
        snprintf(name, sizeof name, "put %s", metrics[i].name);
        bench_report(bench, &times[i], &(BenchPair){name, INDEXED, BARE, "no index", 1,
                                                    metrics[i].unit, metrics[i].aim});
        snprintf(name, sizeof name, "put %s beside a plain table", metrics[i].name);
        bench_report(bench, &times[i], &(BenchPair){name, INDEXED, PLAIN, "plain table", 1,
                                                    metrics[i].unit, {0, 0}});
    }
}

void bench_puts(Bench *bench) {
    Rows rows;
    Puts puts[SIDES];
    BenchTimes times[METRICS];
    int n = bench_size(bench, 20000, 2000), n_rounds = bench_size(bench, 5, 1);
    rows_make(&rows, n * (n_rounds + 1), DIMS, 14);
    for (int i = 0; i < METRICS; i++) {
        times[i].n_sides = SIDES;
        times[i].n_rounds = n_rounds;
    }
    for (int side = 0; side < SIDES; side++) puts_open(&puts[side], bench, side, &rows);
    for (int round = -1; round < n_rounds; round++) { /* the first one begins the index */
        for (int side = 0; side < SIDES; side++) {
            put(&puts[side], n);
            if (round >= 0) note_run(times, side, round, &puts[side], n);
        }
    }
    if (db_int(puts[BARE].db, "SELECT count(*) FROM _ck_index") != 0 ||
        db_int(puts[INDEXED].db, "SELECT count(*) FROM _ck_index") != 1) {
        bench_fail("puts: the wrong store has an index");
    }
    report_puts(bench, times);
    for (int side = 0; side < SIDES; side++) puts_close(&puts[side], bench, side);
    rows_free(&rows);
}

/* ---- merge ---- */

enum { MERGING, ALONE };

typedef struct Merge {
    BenchTimes p99, longest, elapsed;
} Merge;

/* One row more, so that there is something to build. */
static void touch(sqlite3 *db, int round) {
    char sql[200];
    snprintf(sql, sizeof sql, "INSERT INTO embeddings(hash, model, version, vector) "
                              "SELECT ck_hash('%d'), model, version, vector FROM embeddings "
                              "WHERE rowid = 1", round);
    db_exec(db, sql);
}

static void run_merge(const Bench *bench, const char *path, Merge *merge, int round) {
    Writer writer;
    writer_start(&writer, path);
    usleep(bench->quick ? 50000 : 2000000);
    writer_stop(&writer, &merge->p99.seconds[ALONE][round], &merge->longest.seconds[ALONE][round]);
    writer_start(&writer, path);
    sqlite3 *db = db_open(bench, "ck");
    touch(db, round);
    double begin = bench_now();
    if (db_int(db, "SELECT ck_optimize()") < 1000) bench_fail("merge: nothing was merged");
    merge->elapsed.seconds[MERGING][round] = bench_now() - begin;
    writer_stop(&writer, &merge->p99.seconds[MERGING][round],
                &merge->longest.seconds[MERGING][round]);
    sqlite3_close(db);
}

void bench_merge(Bench *bench) {
    Rows rows;
    int n_rounds = bench_size(bench, 3, 1);
    BenchTimes empty = {.n_sides = 2, .n_rounds = n_rounds};
    Merge merge = {empty, empty, empty};
    char *path = sqlite3_mprintf("%s/ck.db", bench->directory);
    rows_make(&rows, bench_size(bench, 100000, 3000), DIMS, 15);
    sqlite3 *db = db_create(bench, "ck", 0);
    db_exec(db, "CREATE TABLE other(x)");
    db_fill_ck(db, &rows);
    db_checkpoint(db);
    sqlite3_close(db);
    rows_free(&rows);
    for (int i = 0; i < n_rounds; i++) run_merge(bench, path, &merge, i);
    bench_report(bench, &merge.elapsed,
                 &(BenchPair){"merge of 100K elapsed", MERGING, 0, NULL, 1, &bench_s, {0, 0}});
    bench_report(bench, &merge.p99, &(BenchPair){"merge another writer waits p99", MERGING, ALONE,
                                                 "alone", 1, &bench_ms, {.figure = 50}});
    bench_report(bench, &merge.longest,
                 &(BenchPair){"merge another writer waits longest", MERGING, ALONE, "alone", 1,
                              &bench_ms, {0, 0}});
    db_unlink(bench, "ck");
    sqlite3_free(path);
}
