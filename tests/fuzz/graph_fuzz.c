/*
** The row and the blocks of a graph, with any bytes in them and checksums that match, so that what
** is behind these is reached: a search is answered, or refused as corrupt with the repair; and
** puts, deletes, ck_optimize and the doctor come to their end.
**
** Input: what is forged, which of these, where (two bytes), what is done then; then bytes. The
** store is one of 1,400 embeddings of eight dims in memory, twins among them, with a graph that was
** added to; every input is rolled back.
*/
#include "base/coding.h"
#include "fuzz_store.h"
#include "vector/kernels.h"

#define HEAD_BYTES 8
#define FIELDS 8

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *stmt = NULL;
    FUZZ_CHECK(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    return stmt;
}

static void open_store(void) {
    setenv("CK_PLAN", "graph", 1);
    FUZZ_CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_ck_init(db, NULL, NULL) == SQLITE_OK);
    run("INSERT INTO models(model, version, dims, metric, m) VALUES ('g', '1', 8, 'l2', 4);"
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1400)"
        " INSERT INTO embeddings(model, version, content, vector) SELECT 'g', '1', 'c' || i,"
        " json_array(i % 1300 % 7, i % 1300 % 11, i % 13, i % 1300 % 3, i % 1300 % 19, i % 2, 1, 2)"
        " FROM n;"
        "SELECT ck_optimize();"
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
        " INSERT INTO embeddings(model, version, content, vector) SELECT 'g', '1', 'd' || i,"
        " json_array(i % 7, i % 5, 1, i % 3, 1, i % 2, 1, 2) FROM n;"
        "SELECT ck_optimize();"
        "INSERT INTO embeddings(model, version, content, vector) SELECT 'g', '1', 'e' || rowid,"
        " vector FROM embeddings WHERE rowid % 40 = 3 AND rowid < 900;"
        "DELETE FROM embeddings WHERE rowid % 90 = 0;");
    sqlite3_stmt *stmt = prepare("SELECT nodes > 900 AND side = 1 AND twins > 10 AND "
                                 "length(levels) > 4 FROM _ck_graph");
    FUZZ_CHECK(sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0));
    sqlite3_finalize(stmt);
}

static void update(const char *sql, int64_t id, int64_t number, const uint8_t *bytes, size_t n) {
    sqlite3_stmt *stmt = prepare(sql);
    sqlite3_bind_int64(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, number);
    sqlite3_bind_blob(stmt, 3, bytes ? bytes : (const uint8_t *)"", (int)n, SQLITE_TRANSIENT);
    FUZZ_CHECK(sqlite3_step(stmt) == SQLITE_DONE);
    sqlite3_finalize(stmt);
}

/* Writes a block of the graph, with both of its checksums. */
static void write_block(int64_t id, const int64_t counts[3], const uint8_t *data, size_t n) {
    uint8_t entry[32];
    uint64_t checksum = ck_kernels()->checksum(data, n, (uint64_t)id);
    ck_store_u64(entry, checksum);
    for (int i = 0; i < 3; i++) ck_store_u64(entry + 8 + 8 * i, (uint64_t)counts[i]);
    update("UPDATE _ck_block_data SET data = ?3 WHERE id = ?1", id, 0, data, n);
    update("UPDATE _ck_block SET checksum = ?2 WHERE id = ?1", id, (int64_t)checksum, NULL, 0);
    update("UPDATE _ck_block SET n = ?2 WHERE id = ?1", id, counts[0], NULL, 0);
    update("UPDATE _ck_block SET first_id = ?2 WHERE id = ?1", id, counts[1], NULL, 0);
    update("UPDATE _ck_block SET last_id = ?2 WHERE id = ?1", id, counts[2], NULL, 0);
    update("UPDATE _ck_block SET entry_checksum = ?2 WHERE id = ?1", id,
           (int64_t)ck_kernels()->checksum(entry, sizeof entry, (uint64_t)id), NULL, 0);
    update("UPDATE _ck_block SET stamp = stamp + ?2 WHERE id = ?1", id, 1, NULL, 0);
}

/*
** One block becomes another: with bytes written over it somewhere (0), cut off or longer (1), with
** other counts (2), or with the data of the block behind it (3).
*/
static void forge_block(int way, int which, size_t at, const uint8_t *bytes, size_t n) {
    sqlite3_stmt *stmt = prepare("SELECT b.id, b.n, b.first_id, b.last_id, d.data"
                                 " FROM _ck_block AS b JOIN _ck_block_data AS d ON d.id = b.id"
                                 " WHERE (b.id >> 20 & 7) > 1 ORDER BY b.id LIMIT 2 OFFSET ?1 % "
                                 "(SELECT count(*) FROM _ck_block WHERE (id >> 20 & 7) > 1)");
    sqlite3_bind_int(stmt, 1, which);
    FUZZ_CHECK(sqlite3_step(stmt) == SQLITE_ROW);
    int64_t id = sqlite3_column_int64(stmt, 0), counts[3];
    for (int i = 0; i < 3; i++) counts[i] = sqlite3_column_int64(stmt, 1 + i);
    if (way == 3) sqlite3_step(stmt);
    size_t n_data = (size_t)sqlite3_column_bytes(stmt, 4);
    uint8_t *data = malloc(n_data + n + 1);
    if (n_data > 0) memcpy(data, sqlite3_column_blob(stmt, 4), n_data);
    sqlite3_finalize(stmt);
    if (way == 0 && n_data > 0) {
        at %= n_data;
        memcpy(data + at, bytes, n < n_data - at ? n : n_data - at);
    } else if (way == 1 && at % 2) {
        memcpy(data + n_data, bytes, n);
        n_data += n;
    } else if (way == 1) {
        n_data = at % (n_data + 1);
    } else if (way == 2) {
        memcpy(counts, bytes, n < sizeof counts ? n : sizeof counts);
    }
    write_block(id, counts, data, n_data);
    free(data);
}

/* Another number, or other bytes, in the row of the graph. */
static void forge_row(int which, const uint8_t *bytes, size_t n) {
    static const char *const names[FIELDS] = {"model", "generation", "side", "m", "nodes", "twins",
                                              "built", "blocks"};
    sqlite3_stmt *stmt = prepare("SELECT model, generation, side, m, nodes, twins, built, blocks,"
                                 " levels, efforts FROM _ck_graph");
    FUZZ_CHECK(sqlite3_step(stmt) == SQLITE_ROW);
    uint8_t fields[8 * FIELDS], *blobs[2];
    size_t sizes[2];
    int64_t number = 0;
    memcpy(&number, bytes, n < 8 ? n : 8);
    for (int i = 0; i < FIELDS; i++) {
        int64_t field = i == which ? number : sqlite3_column_int64(stmt, i);
        ck_store_u64(fields + 8 * i, (uint64_t)field);
    }
    for (int i = 0; i < 2; i++) {
        int forged = which == FIELDS + i;
        sizes[i] = forged ? n : (size_t)sqlite3_column_bytes(stmt, FIELDS + i);
        blobs[i] = malloc(sizes[i] + 1);
        if (sizes[i] > 0) {
            memcpy(blobs[i], forged ? bytes : sqlite3_column_blob(stmt, FIELDS + i), sizes[i]);
        }
    }
    /* The count of nodes is in the levels, too. */
    if (which == 4 && sizes[0] >= 4) ck_store_u32(blobs[0], (uint32_t)number);
    if (which == FIELDS && n >= 4) ck_store_u64(fields + 8 * 4, ck_load_u32(blobs[0]));
    sqlite3_finalize(stmt);
    uint64_t sum = ck_kernels()->checksum(fields, sizeof fields, 0);
    for (int i = 0; i < 2; i++) sum = ck_kernels()->checksum(blobs[i], sizes[i], sum);
    for (int i = 1; i < FIELDS; i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "UPDATE _ck_graph SET %s = ?2", names[i]);
        update(sql, 0, (int64_t)ck_load_u64(fields + 8 * i), NULL, 0);
    }
    update("UPDATE _ck_graph SET levels = ?3", 0, 0, blobs[0], sizes[0]);
    update("UPDATE _ck_graph SET efforts = ?3", 0, 0, blobs[1], sizes[1]);
    update("UPDATE _ck_graph SET stamp = random(), checksum = ?2", 0, (int64_t)sum, NULL, 0);
    free(blobs[0]);
    free(blobs[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const char *const others[] = {
        ("INSERT INTO embeddings(model, version, content, vector)"
         " VALUES ('g', '1', 'new', '[3, 1, 4, 1, 5, 9, 2, 6]'); SELECT ck_optimize()"),
        ("DELETE FROM embeddings WHERE rowid % 3 = 0; SELECT ck_optimize()"),
        "DELETE FROM embeddings WHERE rowid IN (10, 1450)",
        ("INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
         "SELECT hash, model, version, vector FROM embeddings WHERE rowid IN (11, 1451)"),
        "SELECT * FROM ck_doctor",
        "SELECT * FROM ck_cache",
        "SELECT * FROM knn('[1, 2, 3, 4, 5, 6, 7, 8]', 300) WHERE distance < 50",
        "SELECT * FROM knn('[1, 2, 3, 4, 5, 6, 7, 8]', 10) WHERE recall = 0.9",
    };
    if (n < HEAD_BYTES) return 0;
    if (!db) open_store();
    const uint8_t *bytes = data + HEAD_BYTES;
    size_t n_bytes = n - HEAD_BYTES, at = (size_t)data[2] * 256 + data[3];
    run("BEGIN");
    if (data[0] % 5 < 4) {
        forge_block(data[0] % 5, data[1], at, bytes, n_bytes);
    } else {
        forge_row(1 + data[1] % (FIELDS + 1), bytes, n_bytes);
    }
    run("UPDATE _ck_graph SET stamp = random(); UPDATE _ck_meta SET stamp = random()");
    attempt("SELECT max(distance) FROM knn('[1, 2, 3, 4, 5, 6, 7, 8]', 20)");
    attempt("SELECT * FROM knn('[1, 2, 3, 4, 5, 6, 1, 2]', 20) WHERE ef = 2000"
            " AND rowid IN (SELECT rowid FROM embeddings WHERE rowid % 2)");
    attempt(others[data[4] % (sizeof others / sizeof *others)]);
    if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
    run("SELECT * FROM knn('[1, 2, 3, 4, 5, 6, 7, 8]', 3)");
    return 0;
}
