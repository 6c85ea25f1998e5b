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
     "error: vec_normalize: expected a vector of float32 or float16, got int8"},
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

/* The constructors, arithmetic and distances of every type. */
static const struct {
    const char *call, *result;
} typed_cases[] = {
    {"hex(vec_f16('[1,-2,65504]'))", "003C00C0FF7B"},
    {"hex(vec_f16(x'003c'))", "003C"},
    {"vec_f16('[65505]')", "error: vec_f16: component 1 is 65505, which is no float16"},
    {"vec_f16(x'0000007c')", "error: vec_f16: component 2 is infinite"},
    {"vec_f16(vec_f32('[1]'))", "error: vec_f16: expected a vector of float16, got float32"},
    {"hex(vec_int8('[1,-128,127]'))", "01807F"},
    {"vec_int8('[1.5]')", "error: vec_int8: component 1 is 1.5, which is no int8"},
    {"hex(vec_bit('[1,0,0,0,0,0,0,1]'))", "81"},
    {"vec_bit('[1,0]')", "error: vec_bit: vector has 2 bits, expected a multiple of 8"},
    {"vec_type(vec_f16('[1]')) || vec_type(vec_int8('[1]')) || vec_type(vec_bit(x'01'))",
     "float16int8bit"},
    {"vec_length(vec_bit(x'0102'))", "16"},
    {"vec_to_json(vec_f16('[0.1]'))", "[0.099976]"},
    {"vec_to_json(vec_bit(x'05'))", "[1,0,1,0,0,0,0,0]"},
    {"hex(vec_f32(vec_f16('[1]')))", "0000803F"},
    {"hex(vec_quantize_f16('[1,0.1]'))", "003C662E"},
    {"vec_quantize_f16('[1,1e9]')",
     "error: vec_quantize_f16: component 2 is 1e+09, which is no float16"},
    {"hex(vec_quantize_binary('[1,-1,0,2,0,0,0,1e-45]'))", "89"},
    {"hex(vec_quantize_binary(vec_int8('[1,-1,0,2,0,0,0,127]')))", "89"},
    {"hex(vec_quantize_binary(vec_f16('[1,-1,0,2,0,0,0,6e-8]')))", "89"},
    {"vec_quantize_binary('[1]')",
     "error: vec_quantize_binary: vector has 1 dims, expected a multiple of 8"},
    {"vec_quantize_binary(vec_bit(x'01'))",
     "error: vec_quantize_binary: expected numbers, got a bit vector"},
    {"vec_to_json(vec_add('[1,2]', '[0.5,-2]'))", "[1.500000,0.000000]"},
    {"vec_to_json(vec_sub(vec_int8('[1,2]'), vec_int8('[100,-3]')))", "[-99,5]"},
    {"vec_to_json(vec_add(vec_f16('[1,2]'), vec_f16('[0.5,-2]')))", "[1.500000,0.000000]"},
    {"vec_type(vec_add(vec_f16('[1,2]'), vec_f16('[0.5,-2]')))", "float16"},
    {"vec_add(vec_f16('[1,65504]'), vec_f16('[1,65504]'))",
     "error: vec_add: component 2 is 131008, which is no float16"},
    {"vec_add(vec_int8('[1,100]'), vec_int8('[1,28]'))",
     "error: vec_add: component 2 of the result is 128, int8 is -128..127"},
    {"vec_sub('[0,3e38]', '[0,-3e38]')",
     "error: vec_sub: component 2 of the result is beyond the range of float32"},
    {"vec_add('[1,1]', x'000000000000c07f')", "error: vec_add: argument 2: component 2 is NaN"},
    {"vec_add(vec_bit(x'01'), vec_bit(x'01'))",
     "error: vec_add: expected numbers, got bit vectors"},
    {"vec_add('[1]', vec_int8('[1]'))", "error: vec_add: vectors are float32 and int8"},
    {"vec_to_json(vec_slice('[1,2,3,4]', 1, 3))", "[2.000000,3.000000]"},
    {"vec_to_json(vec_slice(vec_bit(x'0102'), 8, 16))", "[0,1,0,0,0,0,0,0]"},
    {"vec_to_json(vec_slice(vec_f16('[1,2,3]'), 2, 3))", "[3.000000]"},
    {"hex(vec_slice(vec_int8('[1,2,3]'), '1', 2.0))", "02"},
    {"vec_slice('[1,2]', 1, 1)", "error: vec_slice: end must be above start, got 1 and 1"},
    {"vec_slice('[1,2]', 0, 3)", "error: vec_slice: end must be 0..2, got 3"},
    {"vec_slice('[1,2]', -1, 2)", "error: vec_slice: start must be 0..2, got -1"},
    {"vec_slice('[1,2]', NULL, 2)", "error: vec_slice: start must be an integer, got NULL"},
    {"vec_slice('[1,2]', 0.5, 2)", "error: vec_slice: start must be an integer, got 0.5"},
    {"vec_slice(vec_bit(x'0102'), 4, 8)",
     "error: vec_slice: start and end must be multiples of 8 for a bit vector, got 4 and 8"},
    {"vec_to_json(vec_normalize(vec_f16('[3,4]')))", "[0.600098,0.799805]"},
    {"vec_dot('[1,2]', '[3,4]')", "11.0"},
    {"vec_dot(vec_f16('[1,2]'), vec_f16('[3,4]'))", "11.0"},
    {"vec_dot(vec_int8('[-128,2]'), vec_int8('[-128,4]'))", "16392.0"},
    {"printf('%.5e', vec_dot('[1e30,0]', '[1e30,1]'))", "1.00000e+60"},
    {"vec_dot('[1,0]', '[0,1]')", "0.0"},
    {"vec_dot(vec_bit(x'01'), vec_bit(x'01'))",
     "error: vec_dot: expected float32, float16 or int8 vectors, got bit"},
    {"vec_distance_l2('[1,2]', '[4,6]')", "5.0"},
    {"vec_distance_l2(vec_f16('[1,2]'), vec_f16('[4,6]'))", "5.0"},
    {"vec_distance_l2(vec_int8('[1,2]'), vec_int8('[4,6]'))", "5.0"},
    {"printf('%.5e', vec_distance_l2('[3e38]', '[-3e38]'))", "6.00000e+38"},
    {"printf('%.3e', vec_distance_l2('[0]', '[1e-40]'))", "1.000e-40"},
    {"vec_distance_l1('[1,2]', '[4,-6]')", "11.0"},
    {"vec_distance_l1(vec_f16('[1,2]'), vec_f16('[4,-6]'))", "11.0"},
    {"vec_distance_l1(vec_int8('[1,-128]'), vec_int8('[4,127]'))", "258"},
    {"printf('%.5e', vec_distance_l1('[3e38]', '[-3e38]'))", "6.00000e+38"},
    {"printf('%.9f', vec_distance_cosine('[1,0]', '[1,1]'))", "0.292893231"},
    {"vec_distance_cosine(vec_f16('[1,0]'), vec_f16('[0,1]'))", "1.0"},
    {"vec_distance_cosine(vec_int8('[1,0]'), vec_int8('[-1,0]'))", "2.0"},
    {"vec_cosine(vec_f16('[3,4]'), vec_f16('[3,-4]'))", "-0.28"},
    {"vec_distance_cosine(vec_int8('[0]'), vec_int8('[1]'))",
     "error: vec_distance_cosine: argument 1: a zero vector has no cosine"},
    {"vec_distance_l1('[1]', x'000080ff')",
     "error: vec_distance_l1: argument 2: component 1 is infinite"},
    {"vec_distance_hamming(vec_bit(x'ff01'), vec_bit(x'0f00'))", "5.0"},
    {"vec_distance_hamming('[1]', '[1]')",
     "error: vec_distance_hamming: expected bit vectors, got float32"},
    {"(SELECT group_concat(rowid || ':' || value) FROM vec_each('[1,-0.5]'))", "0:1.0,1:-0.5"},
    {"(SELECT group_concat(value) FROM vec_each(vec_bit(x'05')))", "1,0,1,0,0,0,0,0"},
    {"(SELECT group_concat(value) FROM vec_each(vec_int8('[5,-128]')))", "5,-128"},
    {"(SELECT group_concat(value) FROM vec_each(vec_f16('[0.5]')))", "0.5"},
    {"(SELECT count(*) FROM vec_each(NULL))",
     "error: vec_each: expected a BLOB or JSON text, got NULL"},
};

static void types_are_told_apart(sqlite3 *db) {
    for (size_t i = 0; i < sizeof typed_cases / sizeof typed_cases[0]; i++) {
        char *sql = sqlite3_mprintf("SELECT %s", typed_cases[i].call);
        CHECK_STR_FREE(unit_sql(db, sql), typed_cases[i].result);
        sqlite3_free(sql);
    }
}

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

/*
** A function of two with one long text: 500 rows take less time than parsing 20 such texts, on
** whichever side the text stands. %s is the text; the other argument varies.
*/
static void json_is_parsed_once(sqlite3 *db) {
    static const char *const calls[] = {
        "vec_cosine(v, %s)",          "vec_cosine(%s, v)",          "vec_dot(v, %s)",
        "vec_distance_l2(%s, v)",     "vec_distance_l1(v, %s)",     "vec_distance_cosine(%s, v)",
        "vec_add(v, %s)",             "vec_sub(%s, v)",             "vec_quantize_i8(%s, rowid)",
        "vec_dequantize_i8(%s, rowid)", "vec_slice(%s, rowid % 2, 2)",
    };
    CHECK_STR_FREE(unit_sql(db, "CREATE TABLE pairs(v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                                "SELECT i + 1 FROM n WHERE i < 500) "
                                "INSERT INTO pairs SELECT vec_f32('[1,' || i || ']') FROM n"),
                   "");
    clock_t many = time_of(db,
                           "SELECT sum(vec_length('[1,2]' || printf('%*s', 300000 + rowid, ''))) "
                           "FROM pairs WHERE rowid <= 20",
                           "40");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const char *hole = strstr(calls[i], "%s");
        char *sql = sqlite3_mprintf("SELECT count(%.*s'[1,2]' || printf('%%*s', 300000, '')%s) "
                                    "FROM pairs",
                                    (int)(hole - calls[i]), calls[i], hole + 2);
        clock_t once = time_of(db, sql, "500");
        CHECK_MSG(once < many, "%s: 500 rows took %ld, 20 texts %ld", calls[i], (long)once,
                  (long)many);
        sqlite3_free(sql);
    }
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
        types_are_told_apart(db);
    }
    CHECK_INT(sqlite3_memory_used(), before);
}

void ck_test_vector_functions(void) {
    sqlite3 *db = unit_db();
    calls_give_results(db);
    types_are_told_apart(db);
    constants_are_kept_rightly(db);
    json_is_parsed_once(db);
    nothing_leaks(db);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}
