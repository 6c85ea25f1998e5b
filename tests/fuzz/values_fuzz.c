/*
** Every vec_* function in SQL, on blobs and texts of any content, length and subtype: a result or
** a message of its own, and a vector that is returned is one to vec_length().
**
** Input: call, subtypes of the two operands (0: text, 1: bare, else the types in turn), where the
** second operand begins, two indices; then the operands' bytes. Functions of two run over three
** rows with a constant second operand, so that keeping it is exercised, too.
*/
#include "ck.h"
#include "fuzz.h"

#define HEAD_BYTES 6

#define ONE(call) "SELECT " call
#define PAIR(name) \
    "SELECT max(length(" name "(typed(?1, ?2 + 0 * i), typed(?3, ?4)))) FROM three"
#define MADE(call) "SELECT vec_length(" call "), vec_to_json(" call "), vec_type(" call ")"

static const char *const calls[] = {
    MADE("vec_f32(typed(?1, ?2))"),
    MADE("vec_f16(typed(?1, ?2))"),
    MADE("vec_int8(typed(?1, ?2))"),
    MADE("vec_bit(typed(?1, ?2))"),
    MADE("vec_normalize(typed(?1, ?2))"),
    MADE("vec_quantize_f16(typed(?1, ?2))"),
    MADE("vec_quantize_i8(typed(?1, ?2))"),
    MADE("vec_quantize_binary(typed(?1, ?2))"),
    MADE("vec_quantize_i8(typed(?1, ?2), ?5 / 8.0)"),
    MADE("vec_dequantize_i8(typed(?1, ?2), ?5 / 8.0)"),
    MADE("vec_slice(typed(?1, ?2), ?5, ?6)"),
    MADE("vec_add(typed(?1, ?2), typed(?3, ?4))"),
    MADE("vec_sub(typed(?1, ?2), typed(?3, ?4))"),
    ONE("vec_length(typed(?1, ?2)), vec_type(typed(?1, ?2))"),
    ONE("vec_to_json(typed(?1, ?2)), vec_scale_i8(typed(?1, ?2))"),
    ONE("sum(value), max(rowid) FROM vec_each(typed(?1, ?2))"),
    PAIR("vec_add"),
    PAIR("vec_cosine"),
    PAIR("vec_dot"),
    PAIR("vec_distance_cosine"),
    PAIR("vec_distance_l2"),
    PAIR("vec_distance_l1"),
    PAIR("vec_distance_hamming"),
};

#define N_CALLS (sizeof calls / sizeof calls[0])

static void typed(sqlite3_context *context, int n_args, sqlite3_value **args) {
    (void)n_args;
    sqlite3_result_value(context, args[0]);
    sqlite3_result_subtype(context, (unsigned)sqlite3_value_int(args[1]));
}

static sqlite3_stmt *statement(size_t i) {
    static sqlite3_stmt *stmts[N_CALLS];
    if (stmts[i]) return stmts[i];
    static sqlite3 *db;
    if (!db) {
        FUZZ_CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
        FUZZ_CHECK(sqlite3_ck_init(db, NULL, NULL) == SQLITE_OK);
        sqlite3_create_function(db, "typed", 2, SQLITE_UTF8 | SQLITE_SUBTYPE, NULL, typed, NULL,
                                NULL);
        sqlite3_exec(db, "CREATE TABLE three(i); INSERT INTO three VALUES (1), (2), (3)", NULL,
                     NULL, NULL);
    }
    FUZZ_CHECK(sqlite3_prepare_v2(db, calls[i], -1, &stmts[i], NULL) == SQLITE_OK);
    return stmts[i];
}

/* Binds bytes as `kind` says and their subtype behind. */
static void bind(sqlite3_stmt *stmt, int at, uint8_t kind, const uint8_t *bytes, size_t n) {
    static const int subtypes[] = {0, 0, 223, 224, 225, 226};
    size_t i = kind % 8;
    if (i == 0) {
        sqlite3_bind_text(stmt, at, (const char *)bytes, (int)n, SQLITE_TRANSIENT);
    } else {
        sqlite3_bind_blob(stmt, at, bytes, (int)n, SQLITE_TRANSIENT);
    }
    sqlite3_bind_int(stmt, at + 1, i < 6 ? subtypes[i] : kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < HEAD_BYTES) return 0;
    const uint8_t *bytes = data + HEAD_BYTES;
    size_t n_bytes = n - HEAD_BYTES;
    size_t first = data[3] < n_bytes ? data[3] : n_bytes / 2;
    sqlite3_stmt *stmt = statement(data[0] % N_CALLS);
    bind(stmt, 1, data[1], bytes, first);
    bind(stmt, 3, data[2], bytes + first, n_bytes - first);
    sqlite3_bind_int(stmt, 5, data[4] - 2);
    sqlite3_bind_int(stmt, 6, data[5] - 2);
    int rc = sqlite3_step(stmt);
    while (rc == SQLITE_ROW) rc = sqlite3_step(stmt);
    if (rc != SQLITE_DONE) {
        FUZZ_CHECK(rc == SQLITE_ERROR);
        FUZZ_CHECK(strncmp(sqlite3_errmsg(sqlite3_db_handle(stmt)), "vec_", 4) == 0);
        /* The first call made the vector, the others around it must read it. */
        FUZZ_CHECK(data[0] % N_CALLS > 12 ||
                   strncmp(sqlite3_errmsg(sqlite3_db_handle(stmt)), "vec_length", 10) != 0);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return 0;
}
