/* Databases for benchmarks: see db.h. */
#include "db.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen.h"

void rows_make_rank(Rows *rows, int n, int dims, int rank, uint64_t seed) {
    Gen gen = {seed};
    rows->n = n;
    rows->dims = dims;
    rows->hashes = bench_alloc((size_t)n * HASH_BYTES);
    rows->vectors = bench_alloc((size_t)n * (size_t)dims * sizeof(float));
    gen_bytes(&gen, rows->hashes, (size_t)n * HASH_BYTES);
    float *basis = bench_alloc((size_t)rank * (size_t)dims * sizeof(float));
    gen_basis(&gen, basis, rank, dims);
    for (int i = 0; i < n; i++) {
        gen_vector(&gen, basis, rank, dims, rows->vectors + (size_t)i * (size_t)dims);
    }
    free(basis);
}

void rows_make(Rows *rows, int n, int dims, uint64_t seed) {
    rows_make_rank(rows, n, dims, GEN_RANK, seed);
}

void rows_free(Rows *rows) {
    free(rows->hashes);
    free(rows->vectors);
    memset(rows, 0, sizeof *rows);
}

const uint8_t *rows_hash(const Rows *rows, int i) {
    return rows->hashes + (size_t)i * HASH_BYTES;
}

const float *rows_vector(const Rows *rows, int i) {
    return rows->vectors + (size_t)i * (size_t)rows->dims;
}

void rows_write(const Bench *bench, const char *name, const Rows *rows) {
    char *path = sqlite3_mprintf("%s/%s", bench->directory, name);
    size_t n = (size_t)rows->n * (size_t)rows->dims;
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(rows->vectors, sizeof(float), n, out) != n || fclose(out) != 0) {
        bench_fail("cannot write %s", path);
    }
    sqlite3_free(path);
}

static void check(sqlite3 *db, int rc, const char *what) {
    if (rc != SQLITE_OK) bench_fail("%s: %s", what, sqlite3_errmsg(db));
}

static void remove_files(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *file = sqlite3_mprintf("%s%s", path, suffixes[i]);
        unlink(file);
        sqlite3_free(file);
    }
}

sqlite3 *db_create(const Bench *bench, const char *name, int page_size) {
    sqlite3 *db;
    char *path = sqlite3_mprintf("%s/%s.db", bench->directory, name);
    char *pragma = sqlite3_mprintf("PRAGMA page_size = %d", page_size ? page_size : 4096);
    remove_files(path);
    int rc = sqlite3_open(path, &db);
    if (rc != SQLITE_OK) bench_fail("%s: %s", path, sqlite3_errmsg(db));
    db_exec(db, pragma);
    db_exec(db, "PRAGMA journal_mode = WAL");
    db_exec(db, "PRAGMA synchronous = NORMAL");
    db_load(db, bench->ck);
    sqlite3_free(path);
    sqlite3_free(pragma);
    return db;
}

void db_remove(const Bench *bench, sqlite3 *db, const char *name) {
    check(db, sqlite3_close(db), "close");
    db_unlink(bench, name);
}

sqlite3 *db_open(const Bench *bench, const char *name) {
    sqlite3 *db;
    char *path = sqlite3_mprintf("%s/%s.db", bench->directory, name);
    int rc = sqlite3_open(path, &db);
    if (rc != SQLITE_OK) bench_fail("%s: %s", path, sqlite3_errmsg(db));
    sqlite3_busy_timeout(db, 10000);
    db_exec(db, "PRAGMA synchronous = NORMAL");
    db_load(db, bench->ck);
    sqlite3_free(path);
    return db;
}

char *db_copy(const Bench *bench, const char *from, const char *to) {
    static char block[1 << 20];
    char *source = sqlite3_mprintf("%s/%s.db", bench->directory, from);
    char *path = sqlite3_mprintf("%s/%s.db", bench->directory, to);
    remove_files(path);
    FILE *in = fopen(source, "rb"), *out = fopen(path, "wb");
    size_t n = 0;
    if (!in || !out) bench_fail("cannot copy %s to %s", source, path);
    while ((n = fread(block, 1, sizeof block, in)) > 0) {
        if (fwrite(block, 1, n, out) != n) bench_fail("cannot write %s", path);
    }
    if (fflush(out) != 0 || fsync(fileno(out)) != 0) bench_fail("cannot write %s", path);
    fclose(in);
    fclose(out);
    sqlite3_free(source);
    return path;
}

void db_unlink(const Bench *bench, const char *name) {
    char *path = sqlite3_mprintf("%s/%s.db", bench->directory, name);
    remove_files(path);
    sqlite3_free(path);
}

void db_load(sqlite3 *db, const char *path) {
    char *message = NULL;
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(db, path, NULL, &message) != SQLITE_OK) {
        bench_fail("cannot load %s: %s", path, message ? message : "unknown reason");
    }
}

void db_exec(sqlite3 *db, const char *sql) {
    check(db, sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

int64_t db_int(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt = db_prepare(db, sql);
    int64_t value = db_step(stmt) ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return value;
}

sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    check(db, sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), sql);
    return stmt;
}

int db_step(sqlite3_stmt *stmt) {
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) return 1;
    if (rc != SQLITE_DONE) {
        bench_fail("%s: %s", sqlite3_sql(stmt), sqlite3_errmsg(sqlite3_db_handle(stmt)));
    }
    return 0;
}

void db_run(sqlite3_stmt *stmt) {
    while (db_step(stmt)) continue;
    sqlite3_reset(stmt);
}

void db_create_plain(sqlite3 *db) {
    db_exec(db, "CREATE TABLE plain(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, "
                "model INTEGER, bytes INTEGER, created_at INTEGER, used_at INTEGER, seq INTEGER, "
                "origin TEXT, vector BLOB)");
}

void db_checkpoint(sqlite3 *db) {
    db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static double fill(sqlite3 *db, const Rows *rows, const char *sql) {
    int n_bytes = rows->dims * (int)sizeof(float);
    double begin = bench_now();
    sqlite3_stmt *stmt = db_prepare(db, sql);
    db_exec(db, "BEGIN");
    for (int i = 0; i < rows->n; i++) {
        sqlite3_bind_blob(stmt, 1, rows_hash(rows, i), HASH_BYTES, SQLITE_STATIC);
        sqlite3_bind_blob(stmt, 2, rows_vector(rows, i), n_bytes, SQLITE_STATIC);
        if (sqlite3_bind_parameter_count(stmt) == 5) { /* what ck computes itself */
            sqlite3_bind_int(stmt, 3, n_bytes);
            sqlite3_bind_int64(stmt, 4, 1760000000);
            sqlite3_bind_int(stmt, 5, i);
        }
        db_run(stmt);
    }
    db_exec(db, "COMMIT");
    sqlite3_finalize(stmt);
    return bench_now() - begin;
}

double db_fill_ck(sqlite3 *db, const Rows *rows) {
    return fill(db, rows, CK_INSERT);
}

double db_fill_plain(sqlite3 *db, const Rows *rows) {
    return fill(db, rows, PLAIN_INSERT);
}

void db_fill_vec(const Bench *bench, sqlite3 *db, const Rows *rows) {
    char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE vec USING "
                                "vec0(embedding float[%d] distance_metric=cosine)", rows->dims);
    db_load(db, bench->vec);
    db_exec(db, sql);
    sqlite3_free(sql);
    db_fill_ids(db, rows, "INSERT INTO vec(rowid, embedding) VALUES (?1, ?2)");
}

void db_fill_ids(sqlite3 *db, const Rows *rows, const char *sql) {
    sqlite3_stmt *stmt = db_prepare(db, sql);
    db_exec(db, "BEGIN");
    for (int i = 0; i < rows->n; i++) {
        sqlite3_bind_int(stmt, 1, i + 1);
        sqlite3_bind_blob(stmt, 2, rows_vector(rows, i), rows->dims * 4, SQLITE_STATIC);
        db_run(stmt);
    }
    db_exec(db, "COMMIT");
    sqlite3_finalize(stmt);
}
