/*
** ck_hash from SQL, beside the BLAKE3 library called directly and beside a function that does
** nothing with its argument, length(), which shows what a call through SQL costs: at 1 KB that is
** a sixth of the hash itself. "net" is ck_hash without it.
*/
#include <blake3.h>
#include <stdlib.h>

#include "db.h"
#include "gen.h"

typedef struct Hash {
    sqlite3_stmt *stmt; /* NULL: the library */
    const uint8_t *bytes;
    int n_bytes, n_calls;
    unsigned sum; /* of what comes out, so that nothing is optimised away */
} Hash;

static double run_sql(void *state) {
    Hash *hash = state;
    double begin = bench_now();
    for (int i = 0; i < hash->n_calls; i++) {
        sqlite3_bind_blob(hash->stmt, 1, hash->bytes, hash->n_bytes, SQLITE_STATIC);
        if (!db_step(hash->stmt)) bench_fail("hash: no row");
        hash->sum += (unsigned)sqlite3_column_bytes(hash->stmt, 0);
        sqlite3_reset(hash->stmt);
    }
    return bench_now() - begin;
}

static double run_library(void *state) {
    Hash *hash = state;
    double begin = bench_now();
    for (int i = 0; i < hash->n_calls; i++) {
        uint8_t out[BLAKE3_OUT_LEN];
        blake3_hasher hasher;
        blake3_hasher_init(&hasher);
        blake3_hasher_update(&hasher, hash->bytes, (size_t)hash->n_bytes);
        blake3_hasher_finalize(&hasher, out, sizeof out);
        hash->sum += out[0];
    }
    return bench_now() - begin;
}

void bench_hash(Bench *bench) {
    static const struct {
        const char *name;
        int n_bytes;
        double ratio;
    } sizes[] = {
        {"64 B", 64, 0}, {"1 KB", 1024, 0.9}, {"16 KB", 16384, 0.9}, {"1 MB", 1 << 20, 0.9}};
    sqlite3 *db = db_create(bench, "ck", 0);
    sqlite3_stmt *ck = db_prepare(db, "SELECT ck_hash(?1)");
    sqlite3_stmt *empty = db_prepare(db, "SELECT length(?1)");
    uint8_t *bytes = bench_alloc(1 << 20);
    Gen gen = {7};
    gen_bytes(&gen, bytes, 1 << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int n_bytes = sizes[i].n_bytes, n = bench_size(bench, 100000000, 2000000) / (n_bytes + 200);
        Hash states[] = {{NULL, bytes, n_bytes, n, 0}, {ck, bytes, n_bytes, n, 0},
                         {empty, bytes, n_bytes, n, 0}};
        const BenchSide sides[] = {{"BLAKE3", run_library, &states[0]},
                                   {"ck_hash", run_sql, &states[1]},
                                   {"length", run_sql, &states[2]}};
        BenchTimes times;
        char name[80];
        bench_rounds(&times, sides, 3, 1, bench_size(bench, 11, 1));
        snprintf(name, sizeof name, "ck_hash %s", sizes[i].name);
        bench_report(bench, &times, &(BenchPair){name, 1, 0, "BLAKE3", (double)n * n_bytes,
                                                 &bench_mb_per_s, {.ratio = sizes[i].ratio}});
        BenchTimes net = times;
        for (int r = 0; r < net.n_rounds; r++) net.seconds[1][r] -= net.seconds[2][r];
        snprintf(name, sizeof name, "ck_hash %s net", sizes[i].name);
        bench_report(bench, &net, &(BenchPair){name, 1, 0, "BLAKE3", (double)n * n_bytes,
                                               &bench_mb_per_s, {0, 0}});
        if (i > 0) continue;
        bench_report(bench, &times, &(BenchPair){"ck_hash 64 B a call", 1, 0, "BLAKE3", n,
                                                 &bench_us, {0, 0}});
        bench_report(bench, &times, &(BenchPair){"length() 64 B a call", 2, 0, NULL, n,
                                                 &bench_us, {0, 0}});
    }
    free(bytes);
    sqlite3_finalize(ck);
    sqlite3_finalize(empty);
    db_remove(bench, db, "ck");
}
