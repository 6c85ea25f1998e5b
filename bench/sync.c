/*
** Syncing with remotes that are files: embeddings pushed to another store and pulled from it, and
** the same with a directory of packs, beside copying the same rows to another file with one plain
** INSERT … SELECT. And a sync that finds nothing to do, of a store with a million rows.
*/
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"

#define COPY \
    "INSERT INTO copy.plain SELECT e.id, e.hash, e.model, e.bytes, e.created_at, e.used_at, " \
    "e.seq, e.origin, v.data FROM _ck_embedding AS e JOIN _ck_vector AS v ON v.id = e.id"

enum { SIDE_COPY, SIDE_PUSH, SIDE_PULL, SIDE_PUSH_DIR, SIDE_PULL_DIR, SIDES };

static double timed(sqlite3 *db, const char *sql) {
    double begin = bench_now();
    db_exec(db, sql);
    return bench_now() - begin;
}

/* What a remote is called, by its name in the benchmark's directory. */
static void add_remote(const Bench *bench, sqlite3 *db, const char *name, const char *file) {
    char *path = realpath(bench->directory, NULL);
    char *sql = sqlite3_mprintf("INSERT OR REPLACE INTO ck_remotes(name, url) "
                                "VALUES (%Q, 'file:%q/%q')",
                                name, path, file);
    db_exec(db, sql);
    sqlite3_free(sql);
    free(path);
}

static void empty_folder(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char *path = sqlite3_mprintf("%s/%s", folder, entry->d_name);
        unlink(path);
        sqlite3_free(path);
    }
    if (dir) closedir(dir);
}

static double copy_plain(const Bench *bench, sqlite3 *source) {
    sqlite3 *copy = db_create(bench, "copy", 0);
    db_create_plain(copy);
    char *attach = sqlite3_mprintf("ATTACH %Q AS copy", sqlite3_db_filename(copy, "main"));
    db_exec(source, attach);
    db_exec(source, "PRAGMA copy.synchronous = NORMAL");
    sqlite3_free(attach);
    double seconds = timed(source, COPY);
    db_exec(source, "DETACH copy");
    db_remove(bench, copy, "copy");
    return seconds;
}

static sqlite3 *new_store(const Bench *bench, const char *name) {
    sqlite3 *db = db_create(bench, name, 0);
    db_exec(db, "SELECT ck_init()");
    return db;
}

/* Pulls all of a remote into a new store. */
static double pull(const Bench *bench, const char *file) {
    sqlite3 *db = new_store(bench, "pulled");
    add_remote(bench, db, "remote", file);
    double seconds = timed(db, "SELECT ck_pull('remote')");
    db_remove(bench, db, "pulled");
    return seconds;
}

static void run_round(const Bench *bench, const Rows *rows, double *seconds[SIDES]) {
    char *folder = sqlite3_mprintf("%s/packs", bench->directory);
    sqlite3 *source = new_store(bench, "source"), *hub = new_store(bench, "hub");
    db_fill_ck(source, rows);
    db_checkpoint(source);
    mkdir(folder, 0777);
    add_remote(bench, source, "hub", "hub.db");
    *seconds[SIDE_COPY] = copy_plain(bench, source);
    *seconds[SIDE_PUSH] = timed(source, "SELECT ck_push('hub')");
    *seconds[SIDE_PULL] = pull(bench, "hub.db");
    add_remote(bench, source, "packs", "packs/");
    *seconds[SIDE_PUSH_DIR] = timed(source, "SELECT ck_push('packs')");
    *seconds[SIDE_PULL_DIR] = pull(bench, "packs/");
    db_remove(bench, source, "source");
    db_remove(bench, hub, "hub");
    empty_folder(folder);
    sqlite3_free(folder);
}

static void bench_throughput(Bench *bench) {
    static const struct {
        const char *name;
        int side;
    } figures[] = {{"sync push to a store", SIDE_PUSH},
                   {"sync pull from a store", SIDE_PULL},
                   {"sync push to a directory", SIDE_PUSH_DIR},
                   {"sync pull from a directory", SIDE_PULL_DIR}};
    Rows rows;
    BenchTimes times = {.n_sides = SIDES, .n_rounds = bench_size(bench, 5, 1)};
    rows_make(&rows, bench_size(bench, 50000, 1000), 768, 4);
    for (int i = 0; i < times.n_rounds; i++) {
        double *seconds[SIDES];
        for (int s = 0; s < SIDES; s++) seconds[s] = &times.seconds[s][i];
        run_round(bench, &rows, seconds);
    }
    double n_bytes = (double)rows.n * rows.dims * 4;
    /* Half as fast as the copy or 100 MB/s, whichever is lower. */
    double copied_mb = n_bytes / 1e6 / bench_median(&times, SIDE_COPY);
    double ratio = copied_mb > 200 ? 100 / copied_mb : 0.5;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        bench_report(bench, &times, &(BenchPair){figures[i].name, figures[i].side, SIDE_COPY,
                                                 "INSERT…SELECT", n_bytes, &bench_mb_per_s,
                                                 {.ratio = ratio}});
    }
    rows_free(&rows);
}

static void bench_nothing_to_do(Bench *bench) {
    Rows rows;
    BenchTimes times = {.n_sides = 1, .n_rounds = bench_size(bench, 15, 1)};
    sqlite3 *db = new_store(bench, "source"), *hub = new_store(bench, "hub");
    rows_make(&rows, bench_size(bench, 1000000, 1000), 16, 4);
    db_fill_ck(db, &rows);
    add_remote(bench, db, "hub", "hub.db");
    db_exec(db, "SELECT ck_sync('hub')");
    db_exec(db, "SELECT ck_sync('hub')");
    for (int i = 0; i < times.n_rounds; i++) {
        times.seconds[0][i] = timed(db, "SELECT ck_sync('hub')");
    }
    bench_report_row(bench, &(BenchRow){.name = "sync with nothing to do, 1M rows",
                                        .unit = "ms",
                                        .figure = bench_median(&times, 0) * 1e3,
                                        .aim = {.figure = 20}});
    rows_free(&rows);
    db_remove(bench, db, "source");
    db_remove(bench, hub, "hub");
}

void bench_sync(Bench *bench) {
    bench_throughput(bench);
    bench_nothing_to_do(bench);
}
