/*
** Refs: 100,000 of a first workspace and of a second one that shares the embeddings, in one
** transaction each, and the bytes they take; beside a plain table
**
**     plain_refs(workspace, path, chunk, start_line, end_line, embedding,
**                PRIMARY KEY (workspace, path, chunk)), with an index on embedding
**
** that is given hashes too and looks them up. The embeddings were last used an hour before, so
** that ck freshens them, as it does when an indexing run meets them again.
*/
#include <stdlib.h>

#include "db.h"

#define DIMS 16 /* refs do not touch vectors */
#define CHUNKS_PER_FILE 20

typedef struct Refs {
    const Bench *bench;
    sqlite3 *db;
    const Rows *rows;
    const char *sql;
    const char *age;       /* makes the embeddings old again, or NULL */
    const char *workspace; /* the one a run adds */
    int64_t n_bytes;       /* by which the file grew in the last run */
} Refs;

static int64_t used_bytes(sqlite3 *db) {
    return (db_int(db, "PRAGMA page_count") - db_int(db, "PRAGMA freelist_count")) *
           db_int(db, "PRAGMA page_size");
}

static double run_refs(void *state) {
    Refs *refs = state;
    sqlite3 *db = refs->db;
    if (refs->age) db_exec(db, refs->age);
    db_checkpoint(db);
    int64_t before = used_bytes(db);
    double begin = bench_now();
    sqlite3_stmt *stmt = db_prepare(db, refs->sql);
    db_exec(db, "BEGIN");
    for (int i = 0; i < refs->rows->n; i++) {
        char path[64];
        int file = i / CHUNKS_PER_FILE, chunk = i % CHUNKS_PER_FILE;
        int n = snprintf(path, sizeof path, "src/module_%03d/component_%05d.c", file / 40, file);
        sqlite3_bind_text(stmt, 1, refs->workspace, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, path, n, SQLITE_STATIC);
        sqlite3_bind_int(stmt, 3, chunk);
        sqlite3_bind_int(stmt, 4, 40 * chunk + 1);
        sqlite3_bind_int(stmt, 5, 40 * chunk + 40);
        sqlite3_bind_blob(stmt, 6, rows_hash(refs->rows, i), HASH_BYTES, SQLITE_STATIC);
        db_run(stmt);
    }
    db_exec(db, "COMMIT");
    sqlite3_finalize(stmt);
    double seconds = bench_now() - begin;
    refs->n_bytes = used_bytes(db) - before;
    return seconds;
}

static void report_size(Bench *bench, const char *name, const Refs *ck, const Refs *plain,
                        double aim) {
    double n = ck->rows->n, ratio = (double)plain->n_bytes / (double)ck->n_bytes;
    bench_report_row(bench, &(BenchRow){name, "bytes", (double)ck->n_bytes / n, 0, "plain table",
                                        (double)plain->n_bytes / n, {ratio, ratio, ratio},
                                        {.figure = aim}});
}

/* Stores of their own for each round, because a workspace is first only once. */
typedef struct Round {
    Bench *bench;
    const Rows *rows;
    Refs ck, plain;
} Round;

static void round_begin(Round *round) {
    const Bench *bench = round->bench;
    sqlite3 *ck = db_create(bench, "ck", 0), *plain = db_create(bench, "plain", 0);
    db_fill_ck(ck, round->rows);
    db_exec(ck, "INSERT INTO workspaces(name) VALUES ('main'), ('feature')");
    db_create_plain(plain);
    db_fill_plain(plain, round->rows);
    db_exec(plain, "CREATE TABLE plain_refs(workspace TEXT NOT NULL, path TEXT NOT NULL, "
                   "chunk INTEGER NOT NULL, start_line INTEGER, end_line INTEGER, "
                   "embedding INTEGER NOT NULL, PRIMARY KEY (workspace, path, chunk));"
                   "CREATE INDEX plain_refs_embedding ON plain_refs(embedding)");
    round->ck = (Refs){bench, ck, round->rows,
                       "INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                       "UPDATE embeddings SET used_at = unixepoch() - 3600", NULL, 0};
    round->plain = (Refs){bench, plain, round->rows,
                          "INSERT INTO plain_refs VALUES (?1, ?2, ?3, ?4, ?5, "
                          "(SELECT id FROM plain WHERE hash = ?6))",
                          NULL, NULL, 0};
}

void bench_refs(Bench *bench) {
    static const char *const workspaces[] = {"main", "feature"};
    static const char *const names[] = {"refs first workspace", "refs second workspace"};
    static const char *const sizes[] = {"bytes a ref first workspace",
                                        "bytes a ref second workspace"};
    Rows rows;
    Round round = {.bench = bench, .rows = &rows};
    BenchTimes times[2];
    Refs last[2][2];
    int n_rounds = bench_size(bench, 3, 1);
    rows_make(&rows, bench_size(bench, 100000, 2000), DIMS, 6);
    for (int i = 0; i < n_rounds; i++) {
        round_begin(&round);
        for (int w = 0; w < 2; w++) {
            round.ck.workspace = round.plain.workspace = workspaces[w];
            times[w].seconds[0][i] = run_refs(&round.plain);
            times[w].seconds[1][i] = run_refs(&round.ck);
            last[w][0] = round.plain;
            last[w][1] = round.ck;
            times[w].n_sides = 2;
            times[w].n_rounds = n_rounds;
        }
        db_remove(bench, round.ck.db, "ck");
        db_remove(bench, round.plain.db, "plain");
    }
    for (int w = 0; w < 2; w++) {
        bench_report(bench, &times[w],
                     &(BenchPair){names[w], 1, 0, "plain table", 1, &bench_s, {.figure = 0.5}});
        report_size(bench, sizes[w], &last[w][1], &last[w][0], 64);
    }
    rows_free(&rows);
}
