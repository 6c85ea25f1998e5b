/* store/record_plane: blocks are read once, again when their stamp is another, and no others. */
#include "store/record_plane.h"

#include "unit.h"

#define N 20000 /* five blocks of ids */

static int64_t ids[2 * N];

static CkRecordPlaneKey key_of(uint32_t n) {
    CkRecordPlaneKey key = {.model = 5, .generation = 9, .n = n};
    ck_record_format_ids(&key.format);
    return key;
}

/* Writes all blocks from number `block` on, a few at a time. */
static void write_all(CkStore *store, uint32_t n, uint32_t block) {
    CkError err = CK_ERROR_NONE;
    CkRecordWrite write = {key_of(n), (const uint8_t *)ids, block};
    uint32_t n_written, n_all = 0;
    do {
        CHECK_INT(ck_records_write(&write, store, 2, &n_written, &err), SQLITE_OK);
        n_all += n_written;
    } while (n_written == 2);
    CHECK_INT(write.block, ck_record_blocks(&write.key.format, n));
    CHECK_INT(n_all, write.block - block);
}

/* Loads every block; how many had to be read. Records are what they should be. */
static int load_all(CkRecordPlane *plane, CkStore *store) {
    CkError err = CK_ERROR_NONE;
    int n_read = 0, was_read;
    for (uint32_t i = 0; i < ck_record_plane_blocks(plane); i++) {
        CHECK_INT(ck_record_plane_load(plane, store, i, &was_read, &err), SQLITE_OK);
        CHECK_INT(plane->resident[i], 1);
        n_read += was_read;
    }
    CHECK(memcmp(plane->arena.base, ids, plane->n * sizeof *ids) == 0);
    CHECK_INT(plane->n_bytes, plane->n_kept * ck_record_plane_block_bytes(plane));
    ck_error_release(&err);
    return n_read;
}

static void set(CkRecordPlane *plane, uint32_t n) {
    CkError err = CK_ERROR_NONE;
    CkRecordPlaneKey key = key_of(n);
    CHECK_INT(ck_record_plane_set(plane, &key, &err), SQLITE_OK);
    CHECK_INT(plane->n, n);
    for (uint32_t i = 0; i < ck_record_plane_blocks(plane); i++) CHECK_INT(plane->resident[i], 0);
}

static void test_reads(CkStore *store) {
    CkRecordPlane plane;
    memset(&plane, 0, sizeof plane);
    write_all(store, N, 0);
    set(&plane, N);
    CHECK_INT(load_all(&plane, store), 5);
    set(&plane, N); /* in doubt, and as it was */
    CHECK_INT(load_all(&plane, store), 0);
    CHECK_INT(ck_record_plane_evict(&plane, 2), 1);
    CHECK_INT(ck_record_plane_evict(&plane, 2), 0);
    CHECK_INT(plane.resident[2], 0);
    CHECK_INT(plane.n_kept, 4);
    CHECK_INT(load_all(&plane, store), 1);
    ids[N - 1] += 5; /* the last block is written anew */
    write_all(store, N, 4);
    set(&plane, N);
    CHECK_INT(load_all(&plane, store), 1);
    for (uint32_t i = N; i < N + 1000; i++) ids[i] = 7 + i;
    write_all(store, N + 1000, 4); /* a merge under way has added to it */
    set(&plane, N);
    CHECK_INT(load_all(&plane, store), 1);
    set(&plane, N + 1000); /* and ends, which changes no block */
    CHECK_INT(load_all(&plane, store), 1);
    set(&plane, N); /* or was rolled back */
    CHECK_INT(load_all(&plane, store), 0);
    for (uint32_t i = N; i < 2 * N; i++) ids[i] = 9 + i;
    write_all(store, 2 * N, 4);
    set(&plane, 2 * N); /* more than there was room for */
    CHECK_INT(load_all(&plane, store), 10);
    CkError err = CK_ERROR_NONE;
    CkRecordPlaneKey other = key_of(N);
    other.generation++;
    CHECK_INT(ck_record_plane_set(&plane, &other, &err), SQLITE_OK);
    CHECK_INT(plane.n_kept + (uint32_t)plane.n_bytes, 0);
    ck_record_plane_release(&plane);
    CHECK(!plane.arena.base && plane.n_kept == 0);
}

/* A damaged block is refused by its name, stays out, and the others are read. */
static void test_refusals(CkStore *store) {
    static const char *const damages[] = {
        "DELETE FROM _ck_block WHERE id & 1048575 = 2",
        "DELETE FROM _ck_block_data WHERE id & 1048575 = 2",
        "UPDATE _ck_block SET n = n - 1 WHERE id & 1048575 = 2",
        "UPDATE _ck_block SET entry_checksum = 0 WHERE id & 1048575 = 2",
        "UPDATE _ck_block_data SET data = zeroblob(length(data)) WHERE id & 1048575 = 2",
        "UPDATE _ck_block_data SET data = substr(data, 9) WHERE id & 1048575 = 2",
        "UPDATE _ck_block_data SET data = 'text' WHERE id & 1048575 = 2",
        "UPDATE _ck_block_data SET data = (SELECT data FROM _ck_block_data"
        " WHERE id & 1048575 = 1) WHERE id & 1048575 = 2",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        CkRecordPlane plane;
        CkError err = CK_ERROR_NONE;
        int was_read;
        memset(&plane, 0, sizeof plane);
        write_all(store, N, 0);
        CHECK_STR_FREE(unit_sql(store->conn->db, damages[i]), "");
        set(&plane, N);
        CHECK_INT(ck_record_plane_load(&plane, store, 1, &was_read, &err), SQLITE_OK);
        CHECK_MSG(ck_record_plane_load(&plane, store, 2, &was_read, &err) == SQLITE_CORRUPT_VTAB,
                  "%s is not noticed", damages[i]);
        const char *message = err.message ? err.message : "no message";
        CHECK_MSG(strstr(message, "block 2 of plane 3 of generation 9 of model 5") &&
                      strstr(message, "ck_repair('index')"), "%s: %s", damages[i], message);
        CHECK(!plane.resident[2] && plane.stamps[2] == 0 && plane.n_kept == 1);
        ck_error_release(&err);
        ck_record_plane_release(&plane);
    }
}

/* Fewer records than there must be, more than fit, and such as are none, with right checksums. */
static void test_forgeries(CkStore *store) {
    static const struct {
        int64_t n;
        int64_t id;
        int ok;
    } forged[] = {{4096, 77, 1}, {4095, 77, 0}, {4097, 77, 0}, {4096, 0, 0}, {4096, -1, 0}};
    int64_t *data = calloc(4097, sizeof *data);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        CkError err = CK_ERROR_NONE;
        CkBlockEntry entry = {.address = ck_block_address(5, 9, CK_PLANE_IDS, 0),
                              .n = forged[i].n, .last_id = 4095};
        CkRecordPlane plane;
        int was_read;
        memset(&plane, 0, sizeof plane);
        for (int64_t j = 0; j < forged[i].n; j++) data[j] = j == 99 ? forged[i].id : 5 + j;
        CHECK_INT(ck_block_write(store, &entry, data, (size_t)forged[i].n * 8, &err), SQLITE_OK);
        set(&plane, N);
        CHECK_INT(ck_record_plane_load(&plane, store, 0, &was_read, &err),
                  forged[i].ok ? SQLITE_OK : SQLITE_CORRUPT_VTAB);
        ck_error_release(&err);
        ck_record_plane_release(&plane);
    }
    free(data);
}

void ck_test_store_record_plane(void) {
    CkError err = CK_ERROR_NONE;
    CkConn *conn = NULL;
    sqlite3 *db = unit_db();
    free(unit_sql(db, "SELECT ck_init()"));
    CHECK_INT(ck_conn_new(db, &conn, &err), SQLITE_OK);
    CkStore *store = ck_conn_store(conn, "main");
    for (int64_t i = 0; i < 2 * N; i++) ids[i] = 1 + i * 3;
    test_reads(store);
    test_refusals(store);
    test_forgeries(store);
    ck_conn_release(conn);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}
