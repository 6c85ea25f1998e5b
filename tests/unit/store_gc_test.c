/*
** Collection while somebody else writes at the worst moment: between the lookup of what is to go,
** which holds no lock, and the batch. What another process would do then is done here by a second
** connection, when SQLite traces the collector's BEGIN IMMEDIATE.
*/
#include "unit.h"

#include <unistd.h>

#include "ck.h"

static sqlite3 *open_file(const char *path) {
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_ck_init(db, NULL, NULL), SQLITE_OK);
    return db;
}

/* When what is done: at the second BEGIN, when the first batch of candidates has been found, or at
   the first one that finds all embeddings deleted, when the stale hash entries have been. */
typedef enum When { CANDIDATES_FOUND, STALE_FOUND } When;

typedef struct Meanwhile {
    When when;
    const char *sql;
    sqlite3 *db;
    int n_begun, n_done;
} Meanwhile;

static int is_time(const Meanwhile *meanwhile) {
    if (meanwhile->when == CANDIDATES_FOUND) return meanwhile->n_begun == 2;
    char *left = unit_sql(meanwhile->db, "SELECT count(*) FROM _ck_embedding");
    int none = strcmp(left, "0") == 0;
    free(left);
    return none;
}

static int at_begin(unsigned event, void *arg, void *stmt, void *text) {
    Meanwhile *meanwhile = arg;
    const char *sql = sqlite3_sql(stmt);
    (void)event;
    (void)text;
    if (!sql || strncmp(sql, "BEGIN IMMEDIATE", 15) != 0 || meanwhile->n_done > 0) return 0;
    meanwhile->n_begun++;
    if (!is_time(meanwhile)) return 0;
    meanwhile->n_done++;
    char *result = unit_sql(meanwhile->db, meanwhile->sql);
    CHECK_MSG(strncmp(result, "error", 5) != 0, "%s: %s", meanwhile->sql, result);
    free(result);
    return 0;
}

static void remove_file(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char name[48];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

/* Collects a store of 1,000 embeddings, all of them garbage; then `check` must give `expected`. */
static void collect(When when, const char *sql, const char *check, const char *expected) {
    Meanwhile meanwhile = {.when = when, .sql = sql};
    char path[] = "/tmp/ck-unit-XXXXXX";
    close(mkstemp(path));
    sqlite3 *db = open_file(path);
    CHECK_STR_FREE(unit_sql(db, "PRAGMA journal_mode = wal"), "wal");
    CHECK_STR_FREE(unit_sql(db, "PRAGMA synchronous = off"), "");
    CHECK_STR_FREE(unit_sql(db, "INSERT INTO workspaces(name) VALUES ('w');"
                                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
                                " WHERE i < 1000) INSERT INTO embeddings(model, version, content,"
                                " vector) SELECT 'm', '1', 'c' || i, json_array(i, 1) FROM n;"
                                "UPDATE embeddings SET created_at = 1, used_at = 1"),
                   "");
    meanwhile.db = open_file(path);
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, at_begin, &meanwhile);
    CHECK_STR_FREE(unit_sql(db, "SELECT ck_gc(3600) >= 0"), "1");
    sqlite3_trace_v2(db, 0, NULL, NULL);
    CHECK_INT(meanwhile.n_done, 1);
    CHECK_STR_FREE(unit_sql(db, check), expected);
    CHECK_STR_FREE(unit_sql(db, "SELECT group_concat(detail) FROM ck_doctor('all')"
                                " WHERE status IN ('warn', 'error')"),
                   "NULL");
    CHECK_INT(sqlite3_close(meanwhile.db), SQLITE_OK);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    remove_file(path);
}

void ck_test_store_gc(void) {
    static const char ids[] = "SELECT group_concat(rowid) FROM embeddings";
    static const char entries[] = "SELECT group_concat(id) FROM _ck_hash";

    /* A candidate is put to use, or is no longer there. */
    collect(CANDIDATES_FOUND,
            "INSERT INTO refs(workspace, path, hash) VALUES ('w', 'p', ck_hash('m', '1', 'c9'))",
            ids, "9");
    collect(CANDIDATES_FOUND, "UPDATE embeddings SET used_at = unixepoch() WHERE rowid = 1000",
            ids, "1000");
    collect(CANDIDATES_FOUND, "UPDATE embeddings SET created_at = unixepoch() WHERE rowid = 1",
            ids, "1");
    collect(CANDIDATES_FOUND, "SELECT ck_put('m', '1', 'c8', '[8, 1]')", ids, "8");
    collect(CANDIDATES_FOUND, "DELETE FROM embeddings WHERE rowid > 500",
            "SELECT count(*), (SELECT count(*) FROM _ck_hash) FROM embeddings", "0");

    /* The hash of a stale entry is put again: the entry is that of the new embedding. */
    collect(STALE_FOUND, "SELECT ck_put('m', '1', 'c8', '[8, 2]')", entries, "1001");
    collect(STALE_FOUND, "SELECT ck_put('m', '1', 'c8', '[8, 2]')",
            "SELECT vec_to_json(ck_get('m', '1', 'c8'))", "[8.000000,2.000000]");

    /* Two collectors. */
    collect(CANDIDATES_FOUND, "SELECT ck_gc(3600)", entries, "NULL");
    collect(STALE_FOUND, "SELECT ck_gc(3600)", entries, "NULL");
}
