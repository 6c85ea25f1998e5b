/*
** Databases for benchmarks: opened as a user would, filled with the same rows on both sides.
**
** A database is a file in WAL mode with synchronous=NORMAL and SQLite's default page cache,
** unless a benchmark says otherwise. ck is loaded through sqlite3_load_extension(). The plain
** side is one table with ck's columns and a unique index on the hash:
**
**     plain(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, model INTEGER, bytes INTEGER,
**           created_at INTEGER, used_at INTEGER, seq INTEGER, origin TEXT, vector BLOB)
*/
#ifndef CK_BENCH_DB_H
#define CK_BENCH_DB_H

#include "bench.h"

#define HASH_BYTES 32
#define PLAIN_INSERT "INSERT INTO plain VALUES (NULL, ?1, 1, ?3, ?4, ?4, ?5, NULL, ?2)"
#define CK_INSERT \
    "INSERT INTO embeddings(hash, model, version, vector) VALUES (?1, 'bench', '1', ?2)"

/* Hashes and vectors to store. */
typedef struct Rows {
    int n, dims;
    uint8_t *hashes; /* n of HASH_BYTES */
    float *vectors;  /* n of dims */
} Rows;

/* Random hashes; vectors as gen.h makes them, of GEN_RANK or of another rank. */
void rows_make(Rows *rows, int n, int dims, uint64_t seed);
void rows_make_rank(Rows *rows, int n, int dims, int rank, uint64_t seed);
void rows_free(Rows *rows);
const uint8_t *rows_hash(const Rows *rows, int i);
const float *rows_vector(const Rows *rows, int i);

/* Writes the vectors to the file NAME in the benchmark's directory. */
void rows_write(const Bench *bench, const char *name, const Rows *rows);

/* A new, empty database NAME in the benchmark's directory, with ck loaded. page_size 0: default. */
sqlite3 *db_create(const Bench *bench, const char *name, int page_size);

/* Closes it and removes its files. */
void db_remove(const Bench *bench, sqlite3 *db, const char *name);

/* Opens one that is there, with ck loaded. */
sqlite3 *db_open(const Bench *bench, const char *name);

/* Copies a closed one; what is copied is on the disk. Returns its path, for sqlite3_free(). */
char *db_copy(const Bench *bench, const char *from, const char *to);

/* Removes the files of a closed one. */
void db_unlink(const Bench *bench, const char *name);

void db_load(sqlite3 *db, const char *path);
void db_exec(sqlite3 *db, const char *sql);
int64_t db_int(sqlite3 *db, const char *sql);
sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql);

/* Steps a statement that must not fail; 1 for a row, 0 at the end. */
int db_step(sqlite3_stmt *stmt);

/* Steps a statement without rows, and resets it. */
void db_run(sqlite3_stmt *stmt);

void db_create_plain(sqlite3 *db);

/* Empties the write-ahead log, so that reads find every page in the file itself. */
void db_checkpoint(sqlite3 *db);

/* Inserts all rows in one transaction; returns its seconds, COMMIT included. */
double db_fill_ck(sqlite3 *db, const Rows *rows);
double db_fill_plain(sqlite3 *db, const Rows *rows);

/* Loads sqlite-vec and fills a table vec(rowid, embedding); search it with VEC_SEARCH. */
#define VEC_SEARCH "SELECT rowid, distance FROM vec WHERE embedding MATCH ?1 AND k = 10"
void db_fill_vec(const Bench *bench, sqlite3 *db, const Rows *rows);

/* Runs an INSERT of (?1: the number of the row, from 1, ?2: its vector) for each row. */
void db_fill_ids(sqlite3 *db, const Rows *rows, const char *sql);

#endif
