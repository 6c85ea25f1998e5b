/* store/conn: statements are shared out singly, named after their schema, and gone at close. */
#include "store/conn.h"

#include "unit.h"

/* Cached statements never make sqlite3_close() fail, also when only functions were used. */
static void test_close_is_never_busy(void) {
    static const char *const uses[] = {
        "SELECT ck_version()",
        "SELECT ck_get(zeroblob(32))",
        "SELECT hex(ck_put('m', '1', 'x', '[1, 2]'))",
        "SELECT count(*) FROM embeddings",
        "SELECT ck_gc(0)",
        "SELECT count(*) FROM knn('[1, 2]', 1)",
    };
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        sqlite3 *db = unit_db();
        free(unit_sql(db, uses[i]));
        free(unit_sql(db, uses[i]));
        CHECK_INT(sqlite3_close(db), SQLITE_OK);
    }
}

/* A close that fails because of the user's own statement leaves a connection that works. */
static void test_failed_close_leaves_it_usable(void) {
    sqlite3 *db = unit_db();
    sqlite3_stmt *own = NULL;
    free(unit_sql(db, "SELECT hex(ck_put('m', '1', 'x', '[1, 2]'))"));
    CHECK_INT(sqlite3_prepare_v2(db, "SELECT hash FROM embeddings", -1, &own, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_step(own), SQLITE_ROW);
    CHECK_INT(sqlite3_close(db), SQLITE_BUSY);
    CHECK_INT(sqlite3_step(own), SQLITE_DONE);
    CHECK_STR_FREE(unit_sql(db, "SELECT count(*) FROM embeddings"), "1");
    CHECK_STR_FREE(unit_sql(db, "SELECT vec_to_json(ck_get('m', '1', 'x'))"),
                   "[1.000000,2.000000]");
    sqlite3_finalize(own);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

/* Two cursors over the same named statement read independently. */
static void test_two_cursors(void) {
    sqlite3 *db = unit_db();
    free(unit_sql(db, "INSERT INTO embeddings(model, version, content, vector) "
                      "VALUES ('m', '1', 'a', '[1]'), ('m', '1', 'b', '[2]'), "
                      "('m', '1', 'c', '[3]')"));
    CHECK_STR_FREE(unit_sql(db, "SELECT count(*) FROM embeddings AS a, embeddings AS b"), "9");
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

/* A quote in a schema name stays inside the name. */
static void test_schema_names_are_quoted(void) {
    sqlite3 *db = unit_db();
    free(unit_sql(db, "ATTACH ':memory:' AS \"o\"\"d d\""));
    CHECK_STR_FREE(unit_sql(db, "SELECT ck_attach('o\"d d')"), "o\"d d");
    free(unit_sql(db, "INSERT INTO \"o\"\"d d_embeddings\"(model, version, content, vector) "
                      "VALUES ('m', '1', 'a', '[1]')"));
    CHECK_STR_FREE(unit_sql(db, "SELECT count(*) FROM \"o\"\"d d\"._ck_embedding"), "1");
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

void ck_test_store_conn(void) {
    test_close_is_never_busy();
    test_failed_close_leaves_it_usable();
    test_two_cursors();
    test_schema_names_are_quoted();
}
