/* vec_* through SQL: results, subtypes, messages, and arguments that are parsed once. */
#include <time.h>

#include "functions/functions.h"
#include "unit.h"

static const struct {
    const char *call, *result;
} cases[] = {
    {"hex(vec_f32('[1,-2]'))", "0000803F000000C0"},
    {"hex(vec_f32(x'0000803f'))", "0000803F"},
    {"typeof(vec_f32('[1]'))", "blob"},
    {"vec_f32(NULL)", "error: vec_f32: expected a BLOB or JSON text, got NULL"},
    {"vec_f32()", "error: vec_f32: expected 1 argument, got 0"},
    {"vec_f32('[1]', 2)", "error: vec_f32: expected 1 argument, got 2"},
    {"vec_f32(x'000000')", "error: vec_f32: vector is 3 bytes, expected a multiple of 4 (float32)"},
    {"vec_f32(vec_quantize_i8('[1,2]'))",
     "error: vec_f32: expected a vector of float32, got int8"},
    {"vec_type('[1]')", "float32"},
    {"vec_type(vec_f32('[1]'))", "float32"},
    {"vec_type(vec_quantize_i8('[1]'))", "int8"},
    {"vec_type(vec_normalize('[1]'))", "float32"},
    {"vec_type(vec_dequantize_i8('[1]', 1))", "float32"},
    {"vec_type(NULL)", "error: vec_type: expected a BLOB or JSON text, got NULL"},
    {"vec_length('[1,2,3]')", "3"},
    {"vec_length(vec_quantize_i8('[1,2,3]'))", "3"},
    {"vec_length(zeroblob(8))", "2"},
    {"vec_length(x'')", "error: vec_length: vector is empty"},
    {"vec_to_json('[1,2.5,1e-3,-0.1]')", "[1.000000,2.500000,0.001000,-0.100000]"},
    {"vec_to_json(vec_quantize_i8('[1,-1,0.5]'))", "[127,-127,64]"},
    {"vec_to_json(x'0000c07f')", "error: vec_to_json: component 1 is NaN"},
    {"vec_to_json(vec_normalize('[3,4]'))", "[0.600000,0.800000]"},
    {"vec_to_json(vec_normalize('[1e-40,0]'))", "[1.000000,0.000000]"},
    {"vec_to_json(vec_normalize('[3e38,3e38]'))", "[0.707107,0.707107]"},
    {"vec_normalize('[0,0]')", "error: vec_normalize: a zero vector has no direction"},
    {"vec_normalize(vec_quantize_i8('[1]'))",
     "error: vec_normalize: expected a vector of float32, got int8"},
    {"vec_scale_i8('[0.5,-2]')", "63.5"},
    {"vec_scale_i8('[0,0]')", "error: vec_scale_i8: a zero vector has no scale"},
    {"vec_scale_i8('[1e-40]')",
     "error: vec_scale_i8: all components are below 3.8e-37, too small for a scale"},
    {"hex(vec_quantize_i8('[1,-0.5,0.25]'))", "7FC020"},
    {"hex(vec_quantize_i8('[0.5,-0.5,200,-200]', 1))", "01FF7F81"},
    {"hex(vec_quantize_i8('[0,0]', 1))", "0000"},
    {"vec_quantize_i8('[0,0]')", "error: vec_quantize_i8: a zero vector has no scale"},
    {"vec_quantize_i8('[1]', NULL)", "error: vec_quantize_i8: scale must be a number, got NULL"},
    {"vec_quantize_i8('[1]', '1')", "error: vec_quantize_i8: scale must be a number, got TEXT"},
    {"vec_quantize_i8('[1]', -1)",
     "error: vec_quantize_i8: scale must be above 0 and within float32, got -1"},
    {"vec_quantize_i8('[1]', 1e39)",
     "error: vec_quantize_i8: scale must be above 0 and within float32, got 1e+39"},
    {"vec_quantize_i8('[1]', 1, 2)", "error: vec_quantize_i8: expected 1 or 2 arguments, got 3"},
    {"vec_to_json(vec_dequantize_i8(x'7f81', 127))", "[1.000000,-1.000000]"},
    {"vec_to_json(vec_dequantize_i8('[1,-128]', 2))", "[0.500000,-64.000000]"},
    {"vec_dequantize_i8('[128]', 2)",
     "error: vec_dequantize_i8: component 1 is 128, which is no int8"},
    {"vec_dequantize_i8(vec_f32('[1]'), 2)",
     "error: vec_dequantize_i8: expected a vector of int8, got float32"},
    {"vec_dequantize_i8(x'01')", "error: vec_dequantize_i8: expected 2 arguments, got 1"},
    {"vec_dequantize_i8(x'01', 0)",
     "error: vec_dequantize_i8: scale must be above 0 and within float32, got 0"},
    {"vec_cosine('[1,2]', '[1,2]')", "1.0"},
    {"vec_cosine('[1,2]', '[-2,-4]')", "-1.0"},
    {"vec_cosine('[1,0]', '[0,1]')", "0.0"},
    {"vec_cosine(vec_f32('[3,4]'), '[3,-4]')", "-0.28"},
    {"vec_cosine(x'0102', x'0102')",
     "error: vec_cosine: argument 1: vector is 2 bytes, expected a multiple of 4 (float32)"},
    {"vec_cosine(vec_quantize_i8('[3,4]', 1), vec_quantize_i8('[3,-4]', 1))", "-0.28"},
    {"vec_cosine('[1e-40,0]', '[1e-45,0]')", "1.0"},
    {"vec_cosine('[3e38,3e38]', '[-3e38,-3e38]')", "-1.0"},
    {"vec_cosine('[1,2,3]', '[1,2,3,4]')", "error: vec_cosine: vectors have 3 and 4 dims"},
    {"vec_cosine(vec_quantize_i8('[1]'), '[1]')",
     "error: vec_cosine: vectors are int8 and float32"},
    {"vec_cosine('[0,0]', '[1,1]')",
     "error: vec_cosine: argument 1: a zero vector has no cosine"},
    {"vec_cosine('[1,1]', zeroblob(8))",
     "error: vec_cosine: argument 2: a zero vector has no cosine"},
    {"vec_cosine(x'0000c07f', '[1]')", "error: vec_cosine: argument 1: component 1 is NaN"},
    {"vec_cosine('[1]', x'0000807f')", "error: vec_cosine: argument 2: component 1 is infinite"},
    {"vec_cosine('[1]', NULL)",
     "error: vec_cosine: argument 2: expected a BLOB or JSON text, got NULL"},
    {"vec_cosine('[1]')", "error: vec_cosine: expected 2 arguments, got 1"},
    {"vec_cosine('[1,x]', '[1,1]')",
     "error: vec_cosine: argument 1: JSON at byte 4: expected a number, got 'x'"},
};

static void calls_give_results(sqlite3 *db) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *sql = sqlite3_mprintf("SELECT %s", cases[i].call);
        CHECK_STR_FREE(unit_sql(db, sql), cases[i].result);
        sqlite3_free(sql);
    }
}

/* One argument constant, on either side, as a blob or as text; and none. All must agree, also when
** the statement runs again with another value, and when a kept operand meets a bad row. */
static void constants_are_kept_rightly(sqlite3 *db) {
    static const char *const queries[] = {
        "SELECT group_concat(printf('%.4f', vec_cosine(v, ?1))) FROM t",
        "SELECT group_concat(printf('%.4f', vec_cosine(?1, v))) FROM t",
        "SELECT group_concat(printf('%.4f', vec_cosine(v, ?1 || substr(id, 1, 0)))) FROM t",
    };
    CHECK_STR_FREE(unit_sql(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t(v) VALUES"
                                "(vec_f32('[1,0,0]')), (vec_f32('[0,1,0]')), ('[1,1,0]'),"
                                "(vec_f32('[1e30,0,0]')), (vec_f32('[1,0,1]'))"),
                   "");
    for (size_t q = 0; q < sizeof queries / sizeof queries[0]; q++) {
        static const float blobs[2][3] = {{2, 0, 0}, {0, 0, 3}};
        static const char *const texts[2] = {"[2,0,0]", "[0,0,3]"};
        static const char *const want[2] = {"1.0000,0.0000,0.7071,1.0000,0.7071",
                                            "0.0000,0.0000,0.0000,0.0000,0.7071"};
        sqlite3_stmt *stmt = NULL;
        CHECK_INT(sqlite3_prepare_v2(db, queries[q], -1, &stmt, NULL), SQLITE_OK);
        for (int run = 0; run < 4; run++) {
            if (run < 2 && q < 2) {
                sqlite3_bind_blob(stmt, 1, blobs[run % 2], 12, SQLITE_STATIC);
            } else {
                sqlite3_bind_text(stmt, 1, texts[run % 2], -1, SQLITE_STATIC);
            }
            CHECK_INT(sqlite3_step(stmt), SQLITE_ROW);
            CHECK_STR((const char *)sqlite3_column_text(stmt, 0), want[run % 2]);
            sqlite3_reset(stmt);
        }
        sqlite3_finalize(stmt);
    }
    CHECK_STR_FREE(unit_sql(db, "INSERT INTO t(v) VALUES(x'0000c07f0000000000000000');"
                                "SELECT max(vec_cosine(v, '[1,0,0]')) FROM t"),
                   "error: vec_cosine: argument 1: component 1 is NaN");
    CHECK_STR_FREE(unit_sql(db, "SELECT max(vec_cosine(a.v, b.v)) FROM t a, t b "
                                "WHERE a.id < 6 AND b.id < a.id"),
                   "1.0");
}

/* CPU time of a query whose result is known. */
static clock_t time_of(sqlite3 *db, const char *sql, const char *result) {
    clock_t start = clock();
    CHECK_STR_FREE(unit_sql(db, sql), result);
    return clock() - start;
}

/* One long text compared with 2,000 rows takes less time than parsing 50 such texts. */
static void json_is_parsed_once(sqlite3 *db) {
    CHECK_STR_FREE(unit_sql(db, "CREATE TABLE pairs(v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                                "SELECT i + 1 FROM n WHERE i < 2000) "
                                "INSERT INTO pairs SELECT vec_f32('[1,2]') FROM n"),
                   "");
    clock_t many = time_of(db,
                           "SELECT sum(vec_length('[1,2]' || printf('%*s', 300000 + rowid, ''))) "
                           "FROM pairs WHERE rowid <= 50",
                           "100");
    clock_t once = time_of(db,
                           "SELECT count(*) FROM pairs "
                           "WHERE vec_cosine(v, '[1,2]' || printf('%*s', 300000, '')) > 0.999",
                           "2000");
    CHECK_MSG(once < many, "2,000 rows took %ld, 50 texts %ld", (long)once, (long)many);
}

/* No allocation of a call outlives it. */
static void nothing_leaks(sqlite3 *db) {
    sqlite3_int64 before = 0;
    for (int round = 0; round < 3; round++) {
        if (round == 1) before = sqlite3_memory_used();
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            char *sql = sqlite3_mprintf("SELECT %s", cases[i].call);
            free(unit_sql(db, sql));
            sqlite3_free(sql);
        }
    }
    CHECK_INT(sqlite3_memory_used(), before);
}

void ck_test_vector_functions(void) {
    sqlite3 *db = unit_db();
    calls_give_results(db);
    constants_are_kept_rightly(db);
    json_is_parsed_once(db);
    nothing_leaks(db);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}
