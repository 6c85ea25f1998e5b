/* Vector values as SQL hands them over: types, lengths, alignment, ownership, messages. */
#include "vector/vector.h"

#include <math.h>

#include "base/limits.h"
#include "unit.h"

/* How probe() reads its argument. */
enum { PARSE, VIEW, AS_I8, AS_BIT, AS_F16, AS_F32, WIDEN, N_WAYS };

static int read_as(int way, sqlite3_value *value, CkVector *v, CkError *err) {
    static const CkVectorType types[N_WAYS] = {
        [AS_I8] = CK_VECTOR_I8, [AS_BIT] = CK_VECTOR_BIT, [AS_F16] = CK_VECTOR_F16,
        [AS_F32] = CK_VECTOR_F32};
    if (way == VIEW) return ck_vector_view(value, "t", v, err);
    if (types[way]) return ck_vector_parse_as(value, types[way], "t", v, err);
    int rc = ck_vector_parse(value, "t", v, err);
    if (rc == SQLITE_OK && way == WIDEN) rc = ck_vector_widen(v, "t", err);
    return rc;
}

/* probe(way, value): "type dims bytes-in-hex", with "owned" when it is. */
static void probe(sqlite3_context *context, int n_args, sqlite3_value **args) {
    (void)n_args;
    CkError err = CK_ERROR_NONE;
    CkVector v;
    int way = sqlite3_value_int(args[0]);
    if (read_as(way, args[1], &v, &err) == SQLITE_OK) {
        sqlite3_str *out = sqlite3_str_new(NULL);
        sqlite3_str_appendf(out, "%s %u ", ck_vector_type_name(v.type), v.dims);
        for (uint32_t i = 0; i < v.n_bytes; i++) sqlite3_str_appendf(out, "%02x", v.data[i]);
        if (v.owned) sqlite3_str_appendall(out, " owned");
        sqlite3_result_text(context, sqlite3_str_finish(out), -1, sqlite3_free);
        if (v.type == CK_VECTOR_F32 && way != VIEW) CHECK((uintptr_t)v.data % 4 == 0);
    }
    ck_vector_release(&v);
    CHECK(v.owned == NULL && v.data == NULL);
    ck_error_result(&err, context);
}

/* typed(blob, subtype): the blob with a subtype. */
static void typed(sqlite3_context *context, int n_args, sqlite3_value **args) {
    (void)n_args;
    sqlite3_result_value(context, args[0]);
    sqlite3_result_subtype(context, (unsigned)sqlite3_value_int(args[1]));
}

/* Each expression of value, read each way. */
static const struct {
    const char *call, *result;
} cases[] = {
    {"probe(0, x'0000803f')", "float32 1 0000803f"},
    {"probe(0, typed(x'0000803f', 223))", "float32 1 0000803f"},
    {"probe(0, typed(x'05ff', 224))", "bit 16 05ff"},
    {"probe(0, typed(x'05ff', 225))", "int8 2 05ff"},
    {"probe(0, typed(x'003c', 226))", "float16 1 003c"},
    {"probe(0, '[1, 0]')", "float32 2 0000803f00000000 owned"},
    {"probe(0, typed('[1]', 74))", "float32 1 0000803f owned"},
    {"probe(0, typed(x'00', 74))", "error: t: BLOB has subtype 74, which is no vector"},
    {"probe(0, NULL)", "error: t: expected a BLOB or JSON text, got NULL"},
    {"probe(0, 1)", "error: t: expected a BLOB or JSON text, got INTEGER"},
    {"probe(0, 1.5)", "error: t: expected a BLOB or JSON text, got REAL"},
    {"probe(0, x'')", "error: t: vector is empty"},
    {"probe(0, typed(x'', 225))", "error: t: vector is empty"},
    {"probe(0, zeroblob(1537))",
     "error: t: vector is 1537 bytes, expected a multiple of 4 (float32)"},
    {"probe(0, typed(x'000000', 226))",
     "error: t: vector is 3 bytes, expected a multiple of 2 (float16)"},
    {"probe(0, zeroblob(262148))", "error: t: vector has 65537 dims, the limit is 65536"},
    {"probe(0, typed(zeroblob(8193), 224))", "error: t: vector has 65544 dims, the limit is 65536"},
    {"length(probe(0, zeroblob(262144)))", "524302"},
    {"probe(0, x'0000' || x'0000')", "error: t: JSON at byte 1: expected '[', got byte 0x00"},
    {"probe(0, x'000000000000c07f')", "error: t: component 2 is NaN"},
    {"probe(0, x'000080ff')", "error: t: component 1 is infinite"},
    {"probe(0, typed(x'00000000007c', 226))", "error: t: component 3 is infinite"},
    {"probe(0, '[1e999]')", "error: t: JSON at byte 2: 1e999 is beyond the range of float32"},
    {"probe(1, x'0000c07f')", "float32 1 0000c07f"},
    {"probe(2, x'7f80')", "int8 2 7f80"},
    {"probe(2, '[127, -128]')", "int8 2 7f80 owned"},
    {"probe(2, '[1, 128]')", "error: t: component 2 is 128, which is no int8"},
    {"probe(2, '[0.5]')", "error: t: component 1 is 0.5, which is no int8"},
    {"probe(2, typed(x'00000000', 223))", "error: t: expected a vector of int8, got float32"},
    {"probe(2, NULL)", "error: t: expected a BLOB or JSON text, got NULL"},
    {"probe(3, x'0180')", "bit 16 0180"},
    {"probe(3, '[1,0,1,0,0,0,0,1]')", "bit 8 85 owned"},
    {"probe(3, '[1,0,1]')", "error: t: vector has 3 bits, expected a multiple of 8"},
    {"probe(3, '[1,0,1,0,0,0,0,2]')", "error: t: component 8 is 2, which is no bit"},
    {"probe(4, '[1, -2]')", "float16 2 003c00c0 owned"},
    {"probe(4, '[1e6]')", "error: t: component 1 is 1000000, which is no float16"},
    {"probe(4, x'003c')", "float16 1 003c"},
    {"probe(5, '[1]')", "float32 1 0000803f owned"},
    {"probe(5, x'0000c07f')", "error: t: component 1 is NaN"},
    {"probe(5, typed(x'01', 225))", "error: t: expected a vector of float32, got int8"},
    {"probe(6, typed(x'003c', 226))", "float32 1 0000803f owned"},
    {"probe(6, typed(x'01ff', 225))", "float32 2 0000803f000080bf owned"},
    {"probe(6, typed(x'01', 224))", "error: t: expected numbers, got a bit vector"},
};

static void values_are_read(sqlite3 *db) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *sql = sqlite3_mprintf("SELECT %s", cases[i].call);
        CHECK_STR_FREE(unit_sql(db, sql), cases[i].result);
        sqlite3_free(sql);
    }
}

/* A blob at an odd address is copied by parse and borrowed by view. */
static void unaligned_blobs_are_aligned(sqlite3 *db) {
    char memory[32];
    char *odd = memory + ((uintptr_t)memory % 4 == 1 ? 0 : 5 - (uintptr_t)memory % 4);
    static const char *const want[2] = {"float32 2 0000803f00000040 owned",
                                        "float32 2 0000803f00000040"};
    memcpy(odd, "\x00\x00\x80\x3f\x00\x00\x00\x40", 8);
    for (int way = PARSE; way <= VIEW; way++) {
        sqlite3_stmt *stmt = NULL;
        CHECK_INT(sqlite3_prepare_v2(db, "SELECT probe(?1, ?2)", -1, &stmt, NULL), SQLITE_OK);
        sqlite3_bind_int(stmt, 1, way);
        sqlite3_bind_blob(stmt, 2, odd, 8, SQLITE_STATIC);
        CHECK_INT(sqlite3_step(stmt), SQLITE_ROW);
        CHECK_STR((const char *)sqlite3_column_text(stmt, 0), want[way]);
        sqlite3_finalize(stmt);
    }
}

static void utf16_text_is_read(void) {
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_create_function(db, "probe", 2, SQLITE_UTF8, NULL, probe, NULL, NULL);
    CHECK_STR_FREE(unit_sql(db, "PRAGMA encoding = 'UTF-16'; CREATE TABLE t(v); "
                                "INSERT INTO t VALUES('[1, 2]'); SELECT probe(0, v) FROM t"),
                   "float32 2 0000803f00000040 owned");
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

static void names_are_those_of_vec_type(void) {
    CHECK_STR(ck_vector_type_name(CK_VECTOR_F32), "float32");
    CHECK_STR(ck_vector_type_name(CK_VECTOR_BIT), "bit");
    CHECK_STR(ck_vector_type_name(CK_VECTOR_I8), "int8");
    CHECK_STR(ck_vector_type_name(CK_VECTOR_F16), "float16");
    CHECK_STR(ck_vector_type_name((CkVectorType)0), NULL);
}

static void own_copies_once(void) {
    static const uint8_t bytes[4] = {0, 0, 0x80, 0x3f};
    CkVector v = {CK_VECTOR_F32, 1, 4, bytes, NULL};
    CkError err = CK_ERROR_NONE;
    CHECK_INT(ck_vector_own(&v, &err), SQLITE_OK);
    CHECK(v.owned && v.data == v.owned && memcmp(v.data, bytes, 4) == 0);
    const void *first = v.owned;
    CHECK_INT(ck_vector_own(&v, &err), SQLITE_OK);
    CHECK(v.owned == first);
    ck_vector_release(&v);
}

void ck_test_vector_vector(void) {
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_create_function(db, "probe", 2, SQLITE_UTF8 | SQLITE_SUBTYPE, NULL, probe, NULL, NULL);
    sqlite3_create_function(db, "typed", 2, SQLITE_UTF8 | SQLITE_SUBTYPE, NULL, typed, NULL, NULL);
    names_are_those_of_vec_type();
    values_are_read(db);
    unaligned_blobs_are_aligned(db);
    own_copies_once();
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    utf16_text_is_read();
}
