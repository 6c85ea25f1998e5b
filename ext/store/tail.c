/* The tail: see tail.h. */
#include "store/tail.h"

#include "base/coding.h"
#include "vector/kernels.h"

#define HEADER_BYTES 16
#define CHECK_AT 12

/* Covers the factors and, by its seed, the code and the id. */
static uint32_t check_of(int64_t id, const uint8_t *row, size_t n_bytes) {
    uint64_t seed = ck_kernels()->checksum(row + HEADER_BYTES, n_bytes - HEADER_BYTES,
                                           (uint64_t)id);
    return (uint32_t)ck_kernels()->checksum(row, CHECK_AT, seed);
}

int ck_tail_put(CkStore *store, int64_t model, int64_t id, const CkSignFactors *factors,
                const uint8_t *code, size_t code_bytes, CkError *err) {
    CkBuf *scratch = &store->conn->scratch;
    ck_buf_clear(scratch);
    uint8_t *row = ck_buf_extend(scratch, HEADER_BYTES + code_bytes);
    if (!row) return ck_error_nomem(err);
    ck_store_f32(row, factors->add);
    ck_store_f32(row + 4, factors->mul);
    ck_store_u32(row + 8, factors->head_ones);
    memcpy(row + HEADER_BYTES, code, code_bytes);
    ck_store_u32(row + CHECK_AT, check_of(id, row, scratch->n_bytes));
    return ck_stmt_run(store, CK_SQL_TAIL_PUT, err, "iib", id, model, row, (int)scratch->n_bytes);
}

int ck_tail_delete(CkStore *store, int64_t id, int *found, CkError *err) {
    *found = 0;
    if (ck_stmt_run(store, CK_SQL_TAIL_DELETE, err, "i", id) == SQLITE_OK) {
        *found = sqlite3_changes(store->conn->db) > 0;
    }
    return err->rc;
}

static int read_row(sqlite3_stmt *stmt, CkScanBuilder *builder, CkError *err) {
    int64_t id = sqlite3_column_int64(stmt, 0);
    const uint8_t *row = sqlite3_column_blob(stmt, 1);
    size_t n_bytes = (size_t)sqlite3_column_bytes(stmt, 1);
    if (!row || n_bytes != HEADER_BYTES + builder->code_bytes ||
        ck_load_u32(row + CHECK_AT) != check_of(id, row, n_bytes)) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "index: row %lld of _ck_tail is damaged; SELECT ck_repair('index') "
                            "builds the index anew",
                            (long long)id);
    }
    CkSignFactors factors = {ck_load_f32(row), ck_load_f32(row + 4), ck_load_u32(row + 8)};
    return ck_scan_builder_add(builder, id, &factors, row + HEADER_BYTES, err);
}

int ck_tail_read(CkStore *store, int64_t model, const CkStaleBits *stale, CkScanBuilder *builder,
                 CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_TAIL_SCAN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", model);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        if (stale && ck_stale_bits_test(stale, sqlite3_column_int64(stmt, 0))) continue;
        read_row(stmt, builder, err);
    }
    ck_stmt_give(store, CK_SQL_TAIL_SCAN, stmt);
    return err->rc;
}
