/*
** The tables of the index, with any bytes in their blobs and any numbers in their columns: a search
** is answered, or refused as corrupt with the repair; and puts, deletes and ck_optimize come to
** their end. With a checksum that matches, so that what is behind it is reached, too.
**
** Input: which table, which column or kind, a row, where; then bytes. The store is one of 1,600
** embeddings of eight dims in memory; every input is rolled back.
*/
#include "base/coding.h"
#include "fuzz_store.h"
#include "store/block.h"
#include "vector/kernels.h"

#define HEAD_BYTES 8

static void open_store(void) {
    FUZZ_CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_ck_init(db, NULL, NULL) == SQLITE_OK);
    run("INSERT INTO models(model, version, dims, metric) VALUES ('i', '1', 8, 'l2');"
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1600)"
        " INSERT INTO embeddings(model, version, content, vector) SELECT 'i', '1', 'c' || i,"
        " json_array(i % 7, i % 11, i % 13, i % 17, i % 19, i % 23, 1, 2) FROM n;"
        "DELETE FROM embeddings WHERE rowid % 9 = 0;");
}

static void bind_and_step(const char *sql, int64_t row, const uint8_t *bytes, size_t n,
                          int64_t number) {
    sqlite3_stmt *stmt = NULL;
    FUZZ_CHECK(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    sqlite3_bind_int64(stmt, 1, row);
    sqlite3_bind_blob(stmt, 2, bytes, (int)n, SQLITE_TRANSIENT);
    sqlite3_bind_int64(stmt, 3, number);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
}

/* A tail row of these bytes, with the checksum that ext/store/tail.h says. */
static void put_tail(int64_t id, const uint8_t *bytes, size_t n) {
    uint8_t *row = malloc(n + 16);
    memset(row, 0, 16);
    memcpy(row, bytes, n < 12 ? n : 12);
    size_t n_code = n > 12 ? n - 12 : 0;
    if (n_code > 0) memcpy(row + 16, bytes + 12, n_code);
    uint64_t seed = ck_kernels()->checksum(row + 16, n_code, (uint64_t)id);
    ck_store_u32(row + 12, (uint32_t)ck_kernels()->checksum(row, 12, seed));
    bind_and_step("INSERT OR REPLACE INTO _ck_tail(id, model, code) VALUES (?1, 1, ?2)", id, row,
                  16 + n_code, 0);
    free(row);
}

/* The block's data becomes these bytes over what it was, and its checksum theirs. */
static void put_block(const uint8_t *bytes, size_t n, size_t at) {
    sqlite3_stmt *stmt = NULL;
    FUZZ_CHECK(sqlite3_prepare_v2(db, "SELECT id, data, (SELECT n FROM _ck_block AS b WHERE b.id ="
                                      " d.id) FROM _ck_block_data AS d LIMIT 1",
                                  -1, &stmt, NULL) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_step(stmt) == SQLITE_ROW);
    int64_t id = sqlite3_column_int64(stmt, 0), slots = sqlite3_column_int64(stmt, 2);
    size_t n_data = (size_t)sqlite3_column_bytes(stmt, 1);
    uint8_t *data = malloc(n_data), entry[32];
    memcpy(data, sqlite3_column_blob(stmt, 1), n_data);
    sqlite3_finalize(stmt);
    at %= n_data;
    memcpy(data + at, bytes, n < n_data - at ? n : n_data - at);
    uint64_t checksum = ck_kernels()->checksum(data, n_data, (uint64_t)id);
    ck_store_u64(entry, checksum);
    ck_store_u64(entry + 8, (uint64_t)slots);
    ck_store_u64(entry + 16, 1);
    ck_store_u64(entry + 24, 1527);
    bind_and_step("UPDATE _ck_block_data SET data = ?2 WHERE id = ?1", id, data, n_data, 0);
    bind_and_step("UPDATE _ck_block SET checksum = ?3, first_id = 1, last_id = 1527 WHERE id = ?1",
                  id, NULL, 0, (int64_t)checksum);
    bind_and_step("UPDATE _ck_block SET entry_checksum = ?3 WHERE id = ?1", id, NULL, 0,
                  (int64_t)ck_kernels()->checksum(entry, sizeof entry, (uint64_t)id));
    free(data);
}

static void damage(const uint8_t *head, const uint8_t *bytes, size_t n) {
    static const char *const updates[] = {
        "UPDATE OR REPLACE _ck_tail SET code = ?2 WHERE id = 1500 + ?1",
        "UPDATE OR REPLACE _ck_tail SET id = ?3 WHERE id = 1527 + ?1 % 70",
        "UPDATE OR REPLACE _ck_stale SET bits = ?2",
        "UPDATE OR REPLACE _ck_stale SET id = ?3",
        "INSERT OR REPLACE INTO _ck_stale(id, bits) VALUES (?3, ?2)",
        "UPDATE OR REPLACE _ck_block_data SET data = ?2",
        "UPDATE OR REPLACE _ck_block SET n = ?3",
        "UPDATE OR REPLACE _ck_block SET id = ?3",
        "UPDATE OR REPLACE _ck_block SET first_id = ?3",
        "UPDATE OR REPLACE _ck_block SET last_id = ?3",
        "UPDATE OR REPLACE _ck_index SET mean = ?2",
        "UPDATE OR REPLACE _ck_index SET depth = ?3",
        "UPDATE OR REPLACE _ck_index SET generation = ?3",
        "UPDATE OR REPLACE _ck_index SET n_blocks = ?3",
        "UPDATE OR REPLACE _ck_index SET n_merged = ?3",
    };
    size_t n_updates = sizeof updates / sizeof *updates;
    size_t way = head[0] % (n_updates + 2);
    int64_t number = 0;
    memcpy(&number, bytes, n < 8 ? n : 8);
    if (way < n_updates) {
        bind_and_step(updates[way], head[1], bytes, n, number);
    } else if (way == n_updates) {
        put_tail(1500 + head[1], bytes, n);
    } else {
        put_block(bytes, n, (size_t)head[1] * 256 + head[2]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const char *const others[] = {
        "SELECT ck_optimize()",
        "DELETE FROM embeddings WHERE rowid IN (10, 1550)",
        ("INSERT OR REPLACE INTO embeddings(hash, model, version, vector) "
         "SELECT hash, model, version, vector FROM embeddings WHERE rowid IN (11, 1551)"),
        "SELECT * FROM ck_doctor",
        "SELECT * FROM knn('[1, 2, 3, 4, 5, 6, 7, 8]', 300) WHERE distance < 50",
    };
    if (n < HEAD_BYTES) return 0;
    if (!db) open_store();
    run("BEGIN");
    damage(data, data + HEAD_BYTES, n - HEAD_BYTES);
    run("UPDATE _ck_meta SET stamp = random()");
    attempt("SELECT max(distance) FROM knn('[1, 2, 3, 4, 5, 6, 7, 8]', 20)");
    attempt("SELECT * FROM knn('[1, 2, 3, 4, 5, 6, 1, 2]', 20)"
            " WHERE rowid IN (SELECT rowid FROM embeddings WHERE rowid % 2)");
    attempt(others[data[3] % (sizeof others / sizeof *others)]);
    if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
    run("SELECT * FROM knn('[1, 2, 3, 4, 5, 6, 7, 8]', 3)");
    return 0;
}
