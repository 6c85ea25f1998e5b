/*
** Re-encoding while others read, write, interrupt and contradict it. What a second process would do
** is done here by a second connection, from the progress handler of the first: at many points of
** every batch, and between batches.
*/
#include "unit.h"

#include <unistd.h>

#include "ck.h"
#include "vector/kernels.h"
#include "vector/quantize.h"

#define N_ROWS "4000"
#define NEAR "(vec_cosine(vector, vec_f32(json_array(rowid, rowid % 7, rowid % 13, 5))) > 0.999)"

static sqlite3 *open_file(const char *path) {
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_ck_init(db, NULL, NULL), SQLITE_OK);
    return db;
}

/* Two connections to a store in WAL mode with N_ROWS vectors, ids 1 to N_ROWS. */
typedef struct Pair {
    char path[32];
    sqlite3 *db, *other;
    int n_calls, n_puts, interrupt_at;
} Pair;

static void pair_open(Pair *pair) {
    memset(pair, 0, sizeof *pair);
    strncpy(pair->path, "/tmp/ck-unit-XXXXXX", sizeof pair->path - 1);
    close(mkstemp(pair->path));
    pair->db = open_file(pair->path);
    CHECK_STR_FREE(unit_sql(pair->db, "PRAGMA journal_mode = wal"), "wal");
    CHECK_STR_FREE(unit_sql(pair->db, "PRAGMA synchronous = off"), "");
    CHECK_STR_FREE(unit_sql(pair->db,
                            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
                            " WHERE i < " N_ROWS ") INSERT INTO embeddings(model, version, content,"
                            " vector) SELECT 'm', '1', 'c' || i, json_array(i, i % 7, i % 13, 5)"
                            " FROM n"),
                   "");
    pair->other = open_file(pair->path);
}

static void pair_close(Pair *pair) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    CHECK_STR_FREE(unit_sql(pair->db, "PRAGMA integrity_check"), "ok");
    CHECK_INT(sqlite3_close(pair->other), SQLITE_OK);
    CHECK_INT(sqlite3_close(pair->db), SQLITE_OK);
    for (int i = 0; i < 3; i++) {
        char name[48];
        snprintf(name, sizeof name, "%s%s", pair->path, suffixes[i]);
        unlink(name);
    }
}

/* Every vector is what was put, nearly; the sizes are those of the blobs. */
static void check_whole(sqlite3 *db, const char *rows) {
    CHECK_STR_FREE(unit_sql(db, "SELECT sum" NEAR " FROM embeddings"), rows);
    CHECK_STR_FREE(unit_sql(db, "SELECT count(*) FROM _ck_vector JOIN _ck_embedding USING (id)"
                                " WHERE length(data) = bytes"),
                   rows);
}

/* The other connection reads, searches and puts; a put that meets the lock is tried next time. */
static int meanwhile(void *arg) {
    Pair *pair = arg;
    char sql[200];
    int call = ++pair->n_calls, row = 1 + call * 37 % 4000;
    if (call % 50 == 0) {
        snprintf(sql, sizeof sql, "SELECT %s FROM embeddings WHERE rowid = %d", NEAR, row);
        CHECK_STR_FREE(unit_sql(pair->other, sql), "1");
    }
    if (call % 500 == 0) {
        snprintf(sql, sizeof sql,
                 "SELECT count(*), sum(distance < 0.001) FROM knn(json_array(%d, 1, 2, 5), 3)",
                 row);
        CHECK_STR_FREE(unit_sql(pair->other, sql), "3");
    }
    if (call % 20 == 0) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', 'p%d',"
                 " json_array(s.value + 1, (s.value + 1) %% 7, (s.value + 1) %% 13, 5)"
                 " FROM ck_stats AS s WHERE name = 'seq'",
                 pair->n_puts);
        pair->n_puts += sqlite3_exec(pair->other, sql, NULL, NULL, NULL) == SQLITE_OK;
    }
    return pair->interrupt_at > 0 && call >= pair->interrupt_at;
}

static void test_others_meanwhile(void) {
    Pair pair;
    char rows[20];
    pair_open(&pair);
    sqlite3_progress_handler(pair.db, 100, meanwhile, &pair);
    CHECK_STR_FREE(unit_sql(pair.db, "SELECT ck_reencode('m', 'i8') ->> 'kept'"), "0");
    sqlite3_progress_handler(pair.db, 0, NULL, NULL);
    CHECK_MSG(pair.n_calls > 500, "only %d calls", pair.n_calls);
    CHECK_MSG(pair.n_puts > 0, "no put found the lock free");
    snprintf(rows, sizeof rows, "%d", 4000 + pair.n_puts);
    check_whole(pair.db, rows);
    CHECK_STR_FREE(unit_sql(pair.other, "SELECT group_concat(DISTINCT encoding) FROM embeddings"),
                   "i8");
    pair_close(&pair);
}

/* Stopped anywhere it leaves a mix; the same call finishes it, and re-encodes only what is left. */
static void test_interrupt(void) {
    int n_mixed = 0, n_calls = 0;
    for (int tenth = 10; tenth > 0; tenth -= 2) {
        Pair pair;
        pair_open(&pair);
        pair.interrupt_at = n_calls * tenth / 10; /* not at all the first time */
        sqlite3_progress_handler(pair.db, 100, meanwhile, &pair);
        CHECK_STR_FREE(unit_sql(pair.db, "SELECT ck_reencode('m', 'f16') ->> 'encoding'"),
                       n_calls ? "error: interrupted" : "f16");
        sqlite3_progress_handler(pair.db, 0, NULL, NULL);
        if (n_calls == 0) n_calls = pair.n_calls;
        CHECK_INT(sqlite3_get_autocommit(pair.db), 1);
        CHECK_STR_FREE(unit_sql(pair.other, "SELECT sum" NEAR " = count(*) FROM embeddings"), "1");
        char *mixed = unit_sql(pair.other, "SELECT count(DISTINCT encoding) FROM embeddings");
        n_mixed += strcmp(mixed, "2") == 0;
        free(mixed);
        CHECK_STR_FREE(unit_sql(pair.other, "CREATE TEMP TABLE left AS SELECT count(*) AS n"
                                            " FROM embeddings WHERE encoding <> 'f16'"),
                       "");
        CHECK_STR_FREE(unit_sql(pair.other, "SELECT (ck_reencode('m', 'f16') ->> 'rows') = n"
                                            " FROM temp.left"),
                       "1");
        CHECK_STR_FREE(unit_sql(pair.db,
                                "SELECT group_concat(DISTINCT encoding) FROM embeddings"),
                       "f16");
        CHECK_STR_FREE(unit_sql(pair.db, "SELECT count(*) FROM ck_progress"), "0");
        pair_close(&pair);
    }
    CHECK_MSG(n_mixed > 0, "no interrupt came in the middle");
}

/* Between two batches, another target is set. */
static int contradict(void *arg) {
    Pair *pair = arg;
    if (pair->n_puts == 0 && ++pair->n_calls % 5 == 0 &&
        sqlite3_exec(pair->other, "UPDATE _ck_model SET encoding = 'f16' WHERE encoding = 'i8'",
                     NULL, NULL, NULL) == SQLITE_OK) {
        pair->n_puts = sqlite3_changes(pair->other);
    }
    return 0;
}

static void test_another_target(void) {
    Pair pair;
    pair_open(&pair);
    sqlite3_progress_handler(pair.db, 100, contradict, &pair);
    CHECK_STR_FREE(unit_sql(pair.db, "SELECT ck_reencode('m', 'i8')"),
                   "error: ck_reencode: another call has set the encoding of this model to 'f16'");
    sqlite3_progress_handler(pair.db, 0, NULL, NULL);
    CHECK_INT(pair.n_puts, 1);
    check_whole(pair.db, N_ROWS);
    pair_close(&pair);
}

/* Progress of a run is seen by others. */
static int watch(void *arg) {
    Pair *pair = arg;
    char *text;
    if (pair->n_puts || ++pair->n_calls % 50) return 0;
    text = unit_sql(pair->other, "SELECT done > 0 AND done < total AND total = " N_ROWS
                                 " FROM ck_progress WHERE task = 'reencode'");
    pair->n_puts = strcmp(text, "1") == 0;
    free(text);
    return 0;
}

static void test_progress(void) {
    Pair pair;
    pair_open(&pair);
    sqlite3_progress_handler(pair.db, 100, watch, &pair);
    CHECK_STR_FREE(unit_sql(pair.db, "SELECT ck_reencode('m', 'f32+zstd') ->> 'rows'"), N_ROWS);
    sqlite3_progress_handler(pair.db, 0, NULL, NULL);
    CHECK_INT(pair.n_puts, 1);
    pair_close(&pair);
}

/* i8 to i8 keeps every bit, because 127 / (127 / s) gives the scale s back. */
static void test_i8_scale_returns(void) {
    int n_wrong = 0;
    for (uint32_t bits = 0x3f800000; bits < 0x40000000; bits += 29) {
        float longest;
        memcpy(&longest, &bits, sizeof longest);
        float scale = ck_i8_scale(&longest, 1), back;
        int8_t code = CK_I8_MAX;
        ck_kernels()->f32_from_i8(&back, &code, scale, 1);
        n_wrong += ck_i8_scale(&back, 1) != scale;
    }
    CHECK_INT(n_wrong, 0);
}

void ck_test_store_reencode(void) {
    test_others_meanwhile();
    test_interrupt();
    test_another_target();
    test_progress();
    test_i8_scale_returns();
}
