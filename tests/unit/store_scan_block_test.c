/* store/scan_block and store/tail: what is collected is what is read, from either. */
#include "store/scan_block.h"

#include "store/tail.h"
#include "unit.h"

#define N 5000

typedef struct Slots {
    size_t code_bytes, n;
    int64_t ids[N];
    CkSignFactors factors[N];
    uint8_t codes[N * 96];
} Slots;

static Slots *make(size_t code_bytes, size_t n) {
    Slots *slots = malloc(sizeof *slots);
    unsigned long long state = 3;
    slots->code_bytes = code_bytes;
    slots->n = n;
    for (size_t i = 0; i < n; i++) {
        slots->ids[i] = (i ? slots->ids[i - 1] : 0) + 1 + (int64_t)(unit_random(&state) % 9);
        slots->factors[i].add = (float)(unit_random(&state) % 1000) / 7;
        slots->factors[i].mul = -(float)(unit_random(&state) % 1000) / 3;
        slots->factors[i].head_ones = (uint32_t)unit_random(&state);
    }
    for (size_t i = 0; i < n * code_bytes; i++) slots->codes[i] = (uint8_t)unit_random(&state);
    return slots;
}

/* Slots of `block` are those of `slots` from `from` on. */
static void check_same(const CkScanBlock *block, const Slots *slots, size_t from) {
    int n_wrong = 0;
    size_t head = ck_sign_head_bytes(slots->code_bytes), rest = slots->code_bytes - head;
    for (size_t i = 0; i < block->columns.n; i++) {
        const CkSignFactors *factors = &slots->factors[from + i];
        const uint8_t *code = slots->codes + (from + i) * slots->code_bytes;
        n_wrong += block->ids[i] != slots->ids[from + i] ||
                   memcmp(&block->columns.add[i], &factors->add, 4) != 0 ||
                   memcmp(&block->columns.mul[i], &factors->mul, 4) != 0 ||
                   block->columns.head_ones[i] != factors->head_ones ||
                   memcmp(block->columns.heads + i * head, code, head) != 0 ||
                   memcmp(block->columns.rests + i * rest, code + head, rest) != 0;
    }
    CHECK_MSG(n_wrong == 0, "%d of %zu slots of %zu bytes are wrong", n_wrong, block->columns.n,
              slots->code_bytes);
}

static void collect(CkScanBuilder *builder, const Slots *slots) {
    CkError err = CK_ERROR_NONE;
    ck_scan_builder_init(builder, slots->code_bytes);
    for (size_t i = 0; i < slots->n; i++) {
        ck_scan_builder_add(builder, slots->ids[i], &slots->factors[i],
                            slots->codes + i * slots->code_bytes, &err);
    }
    CHECK_INT(err.rc, SQLITE_OK);
}

static void check_blocks(CkStore *store, const Slots *slots) {
    CkError err = CK_ERROR_NONE;
    CkScanBuilder builder;
    CkScanBlock block;
    CkBuf entries, data;
    const int64_t first = ck_block_address(5, 9, CK_PLANE_SCAN, 0);
    int64_t address = first;
    size_t at = 0, capacity = ck_scan_block_capacity(slots->code_bytes);
    collect(&builder, slots);
    ck_scan_builder_view(&builder, &block);
    check_same(&block, slots, 0);
    CHECK_INT(ck_scan_builder_write(&builder, store, &address, &err), SQLITE_OK);
    CHECK_INT(builder.n, 0);
    int64_t number = address - first;
    CHECK_INT(number, (slots->n + capacity - 1) / capacity);
    ck_buf_init(&entries);
    ck_buf_init(&data);
    CHECK_INT(ck_block_directory(store, 5, 9, CK_PLANE_SCAN, &entries, &err), SQLITE_OK);
    const CkBlockEntry *entry = (const CkBlockEntry *)(const void *)entries.data;
    CHECK_INT(entries.n_bytes / sizeof *entry, number);
    for (int64_t i = 0; i < number; i++) {
        size_t n = (size_t)entry[i].n;
        CHECK_INT(entry[i].first_id, slots->ids[at]);
        CHECK_INT(entry[i].last_id, slots->ids[at + n - 1]);
        CHECK_INT(ck_block_read(store, &entry[i], ck_scan_block_bytes(n, slots->code_bytes), &data,
                                &err), SQLITE_OK);
        ck_scan_block_view(data.data, n, slots->code_bytes, &block);
        check_same(&block, slots, at);
        at += n;
    }
    CHECK_INT(at, slots->n);
    CHECK_INT(ck_block_drop(store, ck_block_address(5, 9, 0, 0), ck_block_address(5, 10, 0, 0),
                            100, &number, &err), SQLITE_OK);
    CHECK_STR_FREE(unit_sql(store->conn->db, "SELECT (SELECT count(*) FROM _ck_block)"
                                             " + (SELECT count(*) FROM _ck_block_data)"), "0");
    ck_scan_builder_release(&builder);
    ck_buf_release(&entries);
    ck_buf_release(&data);
    ck_error_release(&err);
}

/* Every slot in reverse order; then without the ids that are stale; then without those deleted. */
static void check_tail(CkStore *store, const Slots *slots) {
    CkError err = CK_ERROR_NONE;
    CkScanBuilder builder;
    CkScanBlock block;
    CkStaleBits stale;
    int found;
    for (size_t i = slots->n; i-- > 0;) {
        ck_tail_put(store, 5, slots->ids[i], &slots->factors[i],
                    slots->codes + i * slots->code_bytes, slots->code_bytes, &err);
    }
    ck_scan_builder_init(&builder, slots->code_bytes);
    CHECK_INT(ck_tail_read(store, 5, NULL, &builder, &err), SQLITE_OK);
    ck_scan_builder_view(&builder, &block);
    CHECK_INT(block.columns.n, slots->n);
    check_same(&block, slots, 0);
    ck_stale_bits_init(&stale);
    ck_stale_set(store, slots->ids, 3, &err);
    CHECK_INT(ck_stale_read(store, &stale, &err), SQLITE_OK);
    ck_scan_builder_clear(&builder);
    CHECK_INT(ck_tail_read(store, 5, &stale, &builder, &err), SQLITE_OK);
    ck_scan_builder_view(&builder, &block);
    CHECK_INT(block.columns.n, slots->n - 3);
    check_same(&block, slots, 3);
    for (size_t i = 0; i < slots->n; i++) {
        ck_tail_delete(store, slots->ids[i], &found, &err);
        CHECK_INT(found, 1);
    }
    ck_tail_delete(store, slots->ids[0], &found, &err);
    CHECK_INT(found, 0);
    ck_stale_clear(store, slots->ids, 3, &err);
    CHECK_INT(err.rc, SQLITE_OK);
    ck_stale_bits_release(&stale);
    ck_scan_builder_release(&builder);
}

/* Addresses are in the order of model, generation, plane and number, up to the last of each. */
static void test_addresses(void) {
    int64_t last = ck_block_address(1, CK_BLOCK_GENERATION_MAX, CK_PLANE_SCAN, CK_BLOCK_NUMBER_MAX);
    CHECK(last < ck_block_address(2, 0, 0, 0));
    CHECK_INT(ck_block_address(1, CK_BLOCK_GENERATION_MAX + 1, 0, 0), ck_block_address(2, 0, 0, 0));
    CHECK_INT(ck_block_address(3, CK_BLOCK_GENERATION_MAX + 1, 0, 0), ck_block_address(4, 0, 0, 0));
    CHECK(ck_block_address(CK_BLOCK_MODEL_MAX, CK_BLOCK_GENERATION_MAX, 7, CK_BLOCK_NUMBER_MAX) >
          0);
}

void ck_test_store_scan_block(void) {
    CkError err = CK_ERROR_NONE;
    CkConn *conn = NULL;
    sqlite3 *db = unit_db();
    free(unit_sql(db, "SELECT ck_init()"));
    free(unit_sql(db, "UPDATE _ck_meta SET seq = 100000"));
    CHECK_INT(ck_conn_new(db, &conn, &err), SQLITE_OK);
    CkStore *store = ck_conn_store(conn, "main");
    static const size_t sizes[][2] = {{1, 1}, {1, 2500}, {4, 3}, {13, 5000}, {48, 724}, {96, 424}};
    test_addresses();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        Slots *slots = make(sizes[i][0], sizes[i][1]);
        check_blocks(store, slots);
        if (slots->n > 3 && slots->n < 1000) check_tail(store, slots);
        free(slots);
    }
    ck_conn_release(conn);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}
