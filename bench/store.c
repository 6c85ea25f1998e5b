/*
** The cache itself: inserts, point reads and ck_missing, beside a plain table with the same
** columns and a unique index on the hash (db.h).
*/
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "gen.h"

#define DIMS 384
#define CONTENT_BYTES 1500 /* a chunk of ck_chunks() */

/* ---- Inserts ---- */

typedef struct Inserts {
    const Bench *bench;
    const Rows *rows;
    int page_size;
    const char *sql;  /* for those that take (content, vector) */
    uint8_t *content; /* CONTENT_BYTES; the number of the row goes in front */
} Inserts;

static double run_plain_inserts(void *state) {
    Inserts *inserts = state;
    sqlite3 *db = db_create(inserts->bench, "plain", inserts->page_size);
    db_create_plain(db);
    double seconds = db_fill_plain(db, inserts->rows);
    db_remove(inserts->bench, db, "plain");
    return seconds;
}

static double run_ck_inserts(void *state) {
    Inserts *inserts = state;
    sqlite3 *db = db_create(inserts->bench, "ck", inserts->page_size);
    double seconds = db_fill_ck(db, inserts->rows);
    db_remove(inserts->bench, db, "ck");
    return seconds;
}

/* By (model, version, content, vector): the hash is computed. */
static double run_content_inserts(void *state) {
    Inserts *inserts = state;
    const Rows *rows = inserts->rows;
    sqlite3 *db = db_create(inserts->bench, "ck", inserts->page_size);
    double begin = bench_now();
    sqlite3_stmt *stmt = db_prepare(db, inserts->sql);
    db_exec(db, "BEGIN");
    for (int i = 0; i < rows->n; i++) {
        memcpy(inserts->content, &i, sizeof i);
        sqlite3_bind_blob(stmt, 1, inserts->content, CONTENT_BYTES, SQLITE_STATIC);
        sqlite3_bind_blob(stmt, 2, rows_vector(rows, i), rows->dims * 4, SQLITE_STATIC);
        db_run(stmt);
    }
    db_exec(db, "COMMIT");
    sqlite3_finalize(stmt);
    double seconds = bench_now() - begin;
    db_remove(inserts->bench, db, "ck");
    return seconds;
}

static void inserts_of_page_size(Bench *bench, const Rows *rows, int page_size) {
    uint8_t content[CONTENT_BYTES];
    Gen gen = {3};
    gen_bytes(&gen, content, sizeof content);
    Inserts plain = {bench, rows, page_size, NULL, NULL}, by_hash = plain;
    Inserts by_content = {bench, rows, page_size,
                          "INSERT INTO embeddings(model, version, content, vector) "
                          "VALUES ('bench', '1', ?1, ?2)",
                          content};
    Inserts put = {bench, rows, page_size, "SELECT ck_put('bench', '1', ?1, ?2)", content};
    const BenchSide sides[] = {
        {"plain", run_plain_inserts, &plain},
        {"hash", run_ck_inserts, &by_hash},
        {"content", run_content_inserts, &by_content},
        {"put", run_content_inserts, &put},
    };
    static const char *const forms[] = {"", "by hash", "by content", "ck_put"};
    BenchTimes times;
    bench_rounds(&times, sides, 4, 0, bench_size(bench, 3, 1));
    for (int side = 1; side < 4; side++) {
        char name[80];
        snprintf(name, sizeof name, "inserts %s %d-byte pages", forms[side], page_size);
        bench_report(bench, &times,
                     &(BenchPair){name, side, 0, "plain table", rows->n, &bench_rows_per_s,
                                  {.ratio = 0.5, .figure = 50000}});
    }
}

void bench_inserts(Bench *bench) {
    Rows rows;
    rows_make(&rows, bench_size(bench, 100000, 2000), DIMS, 1);
    inserts_of_page_size(bench, &rows, 4096);
    inserts_of_page_size(bench, &rows, 8192);
    rows_free(&rows);
}

/* ---- A filled pair of databases ---- */

typedef struct Filled {
    const Bench *bench;
    Rows rows;
    sqlite3 *ck, *plain;
} Filled;

static void filled_make(Filled *filled, const Bench *bench) {
    filled->bench = bench;
    rows_make(&filled->rows, bench_size(bench, 100000, 2000), DIMS, 2);
    filled->ck = db_create(bench, "ck", 0);
    filled->plain = db_create(bench, "plain", 0);
    db_create_plain(filled->plain);
    db_fill_ck(filled->ck, &filled->rows);
    db_fill_plain(filled->plain, &filled->rows);
    db_checkpoint(filled->ck);
    db_checkpoint(filled->plain);
}

static void filled_remove(Filled *filled) {
    db_remove(filled->bench, filled->ck, "ck");
    db_remove(filled->bench, filled->plain, "plain");
    rows_free(&filled->rows);
}

/* ---- Point reads ----
**
** "Warm" means in the operating system's cache; SQLite's own (2 MB by default) holds a hundredth
** of the file, unless it is made to hold all of it.
*/

typedef struct Gets {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    const Rows *rows;
    const int *order; /* of rows->n; each round reads the same first n */
    int n;
    int transaction; /* all reads in one, or each its own */
} Gets;

static double run_gets(void *state) {
    Gets *gets = state;
    double begin = bench_now();
    if (gets->transaction) db_exec(gets->db, "BEGIN");
    for (int i = 0; i < gets->n; i++) {
        int row = gets->order[i];
        sqlite3_bind_blob(gets->stmt, 1, rows_hash(gets->rows, row), HASH_BYTES, SQLITE_STATIC);
        if (!db_step(gets->stmt) || !sqlite3_column_blob(gets->stmt, 0) ||
            sqlite3_column_bytes(gets->stmt, 0) != gets->rows->dims * 4) {
            bench_fail("gets: a stored vector was not found");
        }
        sqlite3_reset(gets->stmt);
    }
    if (gets->transaction) db_exec(gets->db, "COMMIT");
    return bench_now() - begin;
}

static void gets_in(Bench *bench, Filled *filled, const int *order, int transaction,
                    const char *how) {
    int n = bench_size(bench, 20000, 1000);
    sqlite3_stmt *stmts[] = {
        db_prepare(filled->plain, "SELECT vector FROM plain WHERE hash = ?1"),
        db_prepare(filled->ck, "SELECT ck_get(?1)"),
        db_prepare(filled->ck, "SELECT vector FROM embeddings WHERE hash = ?1"),
    };
    static const char *const forms[] = {"plain", "ck_get(hash)", "embeddings.hash ="};
    Gets gets[3];
    BenchSide sides[3];
    BenchTimes times;
    for (int i = 0; i < 3; i++) {
        sqlite3 *db = i == 0 ? filled->plain : filled->ck;
        gets[i] = (Gets){db, stmts[i], &filled->rows, order, n, transaction};
        sides[i] = (BenchSide){forms[i], run_gets, &gets[i]};
    }
    bench_rounds(&times, sides, 3, 1, bench_size(bench, 9, 1));
    for (int i = 0; i < 3; i++) {
        sqlite3_finalize(stmts[i]);
        if (i == 0) continue;
        char name[80];
        snprintf(name, sizeof name, "gets %s %s", forms[i], how);
        bench_report(bench, &times, &(BenchPair){name, i, 0, "plain table", n, &bench_us,
                                                 {.ratio = 0.6}});
    }
}

void bench_gets(Bench *bench) {
    Filled filled;
    Gen gen = {4};
    filled_make(&filled, bench);
    int *order = bench_alloc((size_t)filled.rows.n * sizeof *order);
    gen_shuffle(&gen, order, filled.rows.n);
    gets_in(bench, &filled, order, 0, "autocommit");
    gets_in(bench, &filled, order, 1, "in one transaction");
    db_exec(filled.ck, "PRAGMA cache_size = -400000");
    db_exec(filled.plain, "PRAGMA cache_size = -400000");
    gets_in(bench, &filled, order, 0, "autocommit, 400 MB cache");
    free(order);
    filled_remove(&filled);
}

/* ---- ck_missing ---- */

typedef struct Missing {
    sqlite3_stmt *stmt;
    sqlite3 *db;
    const uint8_t *hashes;
    int n, n_missing;
} Missing;

static void check_missing(const Missing *missing, int n) {
    if (n == missing->n_missing) return;
    bench_fail("%d hashes are missing, found %d", missing->n_missing, n);
}

static double run_ck_missing(void *state) {
    Missing *missing = state;
    int n = 0;
    double begin = bench_now();
    sqlite3_bind_blob(missing->stmt, 1, missing->hashes, missing->n * HASH_BYTES, SQLITE_STATIC);
    while (db_step(missing->stmt)) n += sqlite3_column_bytes(missing->stmt, 0) == HASH_BYTES;
    sqlite3_reset(missing->stmt);
    double seconds = bench_now() - begin;
    check_missing(missing, n);
    return seconds;
}

static double run_plain_missing(void *state) {
    Missing *missing = state;
    int n = 0;
    double begin = bench_now();
    db_exec(missing->db, "BEGIN");
    for (int i = 0; i < missing->n; i++) {
        sqlite3_bind_blob(missing->stmt, 1, missing->hashes + (size_t)i * HASH_BYTES, HASH_BYTES,
                          SQLITE_STATIC);
        n += !db_step(missing->stmt);
        sqlite3_reset(missing->stmt);
    }
    db_exec(missing->db, "COMMIT");
    double seconds = bench_now() - begin;
    check_missing(missing, n);
    return seconds;
}

/* Half of the hashes are stored, in random order. */
void bench_missing(Bench *bench) {
    Filled filled;
    BenchTimes times;
    Gen gen = {5};
    int n = bench_size(bench, 10000, 1000);
    filled_make(&filled, bench);
    uint8_t *hashes = bench_alloc((size_t)n * HASH_BYTES);
    gen_bytes(&gen, hashes, (size_t)n * HASH_BYTES);
    for (int i = 0; i < n; i += 2) {
        memcpy(hashes + (size_t)i * HASH_BYTES,
               rows_hash(&filled.rows, gen_below(&gen, filled.rows.n)), HASH_BYTES);
    }
    Missing ck = {db_prepare(filled.ck, "SELECT hash FROM ck_missing(?1)"), filled.ck, hashes, n,
                  n / 2};
    Missing plain = {db_prepare(filled.plain, "SELECT 1 FROM plain WHERE hash = ?1"), filled.plain,
                     hashes, n, n / 2};
    const BenchSide sides[] = {{"plain", run_plain_missing, &plain}, {"ck", run_ck_missing, &ck}};
    bench_rounds(&times, sides, 2, 1, bench_size(bench, 15, 1));
    bench_report(bench, &times, &(BenchPair){"ck_missing per hash", 1, 0, "plain table", n,
                                             &bench_us, {.figure = 3}});
    sqlite3_finalize(ck.stmt);
    sqlite3_finalize(plain.stmt);
    free(hashes);
    filled_remove(&filled);
}
