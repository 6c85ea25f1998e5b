/* store/stale: random sets and clears equal an array of flags; rows not ours are refused. */
#include "store/stale.h"

#include "unit.h"

#define IDS 40000

static CkStore *open_store(sqlite3 *db, CkConn **conn, CkError *err) {
    free(unit_sql(db, "SELECT ck_init()"));
    CHECK_INT(ck_conn_new(db, conn, err), SQLITE_OK);
    free(unit_sql(db, "UPDATE _ck_meta SET seq = 40000"));
    return ck_conn_store(*conn, "main");
}

static void check_equals(CkStore *store, const char *expected, int round) {
    CkError err = CK_ERROR_NONE;
    CkStaleBits bits;
    int n = 0, n_wrong = 0;
    ck_stale_bits_init(&bits);
    CHECK_INT(ck_stale_read(store, &bits, &err), SQLITE_OK);
    for (int id = 0; id < IDS; id++) {
        n += expected[id];
        n_wrong += ck_stale_bits_test(&bits, id) != expected[id];
    }
    CHECK_MSG(n_wrong == 0, "round %d: %d bits are wrong", round, n_wrong);
    CHECK_INT(bits.n, n);
    CHECK_INT(ck_stale_bits_test(&bits, INT64_MAX), 0);
    CHECK_INT(ck_stale_bits_count(&bits, 0, INT64_MAX), n);
    for (int first = round; first < IDS; first += 1 + IDS / 17) {
        int64_t between = 0;
        for (int last = first; last < IDS && last < first + 40; last++) {
            between += expected[last];
            CHECK_INT(ck_stale_bits_count(&bits, first, last), between);
        }
        CHECK_INT(ck_stale_bits_count(&bits, first, first - 1), 0);
    }
    ck_stale_bits_release(&bits);
    ck_error_release(&err);
}

static void test_random(CkStore *store) {
    static char expected[IDS];
    unsigned long long state = 7;
    CkError err = CK_ERROR_NONE;
    for (int round = 0; round < 200; round++) {
        int64_t ids[64];
        size_t n = unit_random(&state) % 64;
        int set = unit_random(&state) % 3 != 0;
        int64_t first = (int64_t)(unit_random(&state) % IDS);
        for (size_t i = 0; i < n; i++) {
            /* Neighbours, or from anywhere, in any order and twice. */
            ids[i] = round % 2 ? (first + (int64_t)i) % IDS
                               : (int64_t)(unit_random(&state) % IDS);
            expected[ids[i]] = (char)set;
        }
        CHECK_INT(set ? ck_stale_set(store, ids, n, &err) : ck_stale_clear(store, ids, n, &err),
                  SQLITE_OK);
        if (round % 10 == 0) check_equals(store, expected, round);
    }
    check_equals(store, expected, 200);
    for (int64_t id = 0; id < IDS; id++) ck_stale_clear(store, &id, 1, &err);
    memset(expected, 0, sizeof expected);
    check_equals(store, expected, 201);
    CHECK_STR_FREE(unit_sql(store->conn->db, "SELECT count(*) FROM _ck_stale"), "0");
}

static void test_refusals(CkStore *store) {
    static const char *const damages[] = {
        "UPDATE _ck_stale SET bits = zeroblob(length(bits))",
        "UPDATE _ck_stale SET bits = x''",
        "UPDATE _ck_stale SET bits = 'text'",
        "UPDATE _ck_stale SET bits = zeroblob(1024)",
        "UPDATE _ck_stale SET id = 1",
        "UPDATE _ck_stale SET id = -1",
        "UPDATE _ck_stale SET id = 9223372036854775807",
    };
    sqlite3 *db = store->conn->db;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        CkError err = CK_ERROR_NONE;
        CkStaleBits bits;
        int64_t id = 77;
        ck_stale_bits_init(&bits);
        CHECK_INT(ck_stale_set(store, &id, 1, &err), SQLITE_OK);
        CHECK_STR_FREE(unit_sql(db, damages[i]), "");
        CHECK_INT(ck_stale_read(store, &bits, &err), SQLITE_CORRUPT_VTAB);
        CHECK_MSG(err.message && strstr(err.message, "_ck_stale") &&
                      strstr(err.message, "ck_repair('index')"),
                  "%s: %s", damages[i], err.message ? err.message : "no message");
        ck_error_release(&err);
        ck_stale_bits_release(&bits);
        free(unit_sql(db, "DELETE FROM _ck_stale"));
    }
}

void ck_test_store_stale(void) {
    CkError err = CK_ERROR_NONE;
    CkConn *conn = NULL;
    sqlite3 *db = unit_db();
    CkStore *store = open_store(db, &conn, &err);
    test_random(store);
    test_refusals(store);
    ck_conn_release(conn);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}
