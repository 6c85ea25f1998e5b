/*
** Refs: 100,000 of a first workspace and of a second one that shares the embeddings, in one
** transaction each, and the bytes they take; beside a plain table (refs.h). The embeddings were
** last used an hour before, so that ck freshens them, as it does when an indexing run meets them
** again.
*/
#include "refs.h"

void refs_open_ck(RefsSide *side, const Bench *bench, const Rows *rows) {
    *side = (RefsSide){
        .db = db_create(bench, "ck", 0),
        .name = "ck",
        .workspace = "main",
        .insert = "INSERT OR REPLACE INTO refs(workspace, path, chunk, start_line, end_line, hash) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        .plain_insert = "INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        .delete_file = "DELETE FROM refs WHERE workspace = ?1 AND path = ?2",
        .sweep = "DELETE FROM refs WHERE workspace = 'main' AND path NOT IN "
                 "(SELECT path FROM walked)",
        .age = "UPDATE embeddings SET used_at = unixepoch() - 3600"};
    db_fill_ck(side->db, rows);
    db_exec(side->db, "INSERT INTO workspaces(name) VALUES ('main'), ('feature')");
}

void refs_open_plain(RefsSide *side, const Bench *bench, const Rows *rows) {
    *side = (RefsSide){
        .db = db_create(bench, "plain", 0),
        .name = "plain",
        .workspace = "main",
        .insert = "INSERT OR REPLACE INTO plain_refs VALUES (?1, ?2, ?3, ?4, ?5, "
                  "(SELECT id FROM plain WHERE hash = ?6))",
        .plain_insert = "INSERT INTO plain_refs VALUES (?1, ?2, ?3, ?4, ?5, "
                        "(SELECT id FROM plain WHERE hash = ?6))",
        .delete_file = "DELETE FROM plain_refs WHERE workspace = ?1 AND path = ?2",
        .sweep = "DELETE FROM plain_refs WHERE workspace = 'main' AND path NOT IN "
                 "(SELECT path FROM walked)"};
    db_create_plain(side->db);
    db_fill_plain(side->db, rows);
    db_exec(side->db, "CREATE TABLE plain_refs(workspace TEXT NOT NULL, path TEXT NOT NULL, "
                      "chunk INTEGER NOT NULL, start_line INTEGER, end_line INTEGER, "
                      "embedding INTEGER NOT NULL, PRIMARY KEY (workspace, path, chunk));"
                      "CREATE INDEX plain_refs_embedding ON plain_refs(embedding)");
}

void refs_close(RefsSide *side, const Bench *bench) {
    db_remove(bench, side->db, side->name);
    side->db = NULL;
}

void refs_age(const RefsSide *side) {
    if (side->age) db_exec(side->db, side->age);
    db_checkpoint(side->db);
}

double refs_write(const RefsSide *side, const Rows *rows, int shift, const char *before) {
    double begin = bench_now();
    sqlite3_stmt *stmt = db_prepare(side->db, side->insert);
    sqlite3_stmt *file_stmt = before ? db_prepare(side->db, before) : NULL;
    db_exec(side->db, "BEGIN");
    for (int i = 0; i < rows->n; i++) {
        char path[64];
        int file = i / CHUNKS_PER_FILE, chunk = i % CHUNKS_PER_FILE;
        int n = snprintf(path, sizeof path, "src/module_%03d/component_%05d.c", file / 40, file);
        if (file_stmt && chunk == 0) {
            sqlite3_bind_text(file_stmt, 1, side->workspace, -1, SQLITE_STATIC);
            sqlite3_bind_text(file_stmt, 2, path, n, SQLITE_STATIC);
            db_run(file_stmt);
        }
        sqlite3_bind_text(stmt, 1, side->workspace, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, path, n, SQLITE_STATIC);
        sqlite3_bind_int(stmt, 3, chunk);
        sqlite3_bind_int(stmt, 4, 40 * chunk + 1);
        sqlite3_bind_int(stmt, 5, 40 * chunk + 40);
        sqlite3_bind_blob(stmt, 6, rows_hash(rows, (i + shift) % rows->n), HASH_BYTES,
                          SQLITE_STATIC);
        db_run(stmt);
    }
    db_exec(side->db, "COMMIT");
    sqlite3_finalize(stmt);
    sqlite3_finalize(file_stmt);
    return bench_now() - begin;
}

static int64_t used_bytes(sqlite3 *db) {
    return (db_int(db, "PRAGMA page_count") - db_int(db, "PRAGMA freelist_count")) *
           db_int(db, "PRAGMA page_size");
}

/* Adds a workspace's refs; *n_bytes is by how much the file grew. */
static double add(RefsSide *side, const Rows *rows, const char *workspace, int64_t *n_bytes) {
    side->workspace = workspace;
    side->insert = side->plain_insert;
    refs_age(side);
    int64_t before = used_bytes(side->db);
    double seconds = refs_write(side, rows, 0, NULL);
    *n_bytes = used_bytes(side->db) - before;
    return seconds;
}

static void report_size(Bench *bench, const char *name, const int64_t n_bytes[2], int n_refs) {
    double plain = (double)n_bytes[0], ck = (double)n_bytes[1], ratio = plain / ck;
    bench_report_row(bench, &(BenchRow){name, "bytes", ck / n_refs, 0, "plain table",
                                        plain / n_refs, {ratio, ratio, ratio}, {.figure = 64}});
}

void bench_refs(Bench *bench) {
    static const char *const workspaces[] = {"main", "feature"};
    static const char *const names[] = {"refs first workspace", "refs second workspace"};
    static const char *const sizes[] = {"bytes a ref first workspace",
                                        "bytes a ref second workspace"};
    Rows rows;
    BenchTimes times[2];
    int64_t n_bytes[2][2];
    int n_rounds = bench_size(bench, 3, 1);
    rows_make(&rows, bench_size(bench, 100000, 2000), REFS_DIMS, 6);
    for (int i = 0; i < n_rounds; i++) {
        RefsSide sides[2]; /* of their own for each round: a workspace is first only once */
        refs_open_plain(&sides[0], bench, &rows);
        refs_open_ck(&sides[1], bench, &rows);
        for (int w = 0; w < 2; w++) {
            for (int s = 0; s < 2; s++) {
                times[w].seconds[s][i] = add(&sides[s], &rows, workspaces[w], &n_bytes[w][s]);
            }
            times[w].n_sides = 2;
            times[w].n_rounds = n_rounds;
        }
        refs_close(&sides[0], bench);
        refs_close(&sides[1], bench);
    }
    for (int w = 0; w < 2; w++) {
        bench_report(bench, &times[w],
                     &(BenchPair){names[w], 1, 0, "plain table", 1, &bench_s, {.figure = 0.5}});
        report_size(bench, sizes[w], n_bytes[w], rows.n);
    }
    rows_free(&rows);
}
