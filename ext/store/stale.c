/* Stale bits: see stale.h. */
#include "store/stale.h"

#include <string.h>

#include "base/coding.h"
#include "vector/kernels.h"

#define ROW_IDS 8192 /* ids of one row, which has a bit each: 1 KB */
#define BITS_BYTES (ROW_IDS / 8)
#define ROW_BYTES (BITS_BYTES + 8) /* and behind them XXH3-64 of them, seeded with the row's id */

void ck_stale_bits_init(CkStaleBits *bits) {
    ck_buf_init(&bits->bits);
    bits->n = 0;
}

void ck_stale_bits_release(CkStaleBits *bits) {
    ck_buf_release(&bits->bits);
    bits->n = 0;
}

static int refuse_row(int64_t row, CkError *err) {
    return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                        "index: row %lld of _ck_stale is damaged; SELECT ck_repair('index') builds "
                        "the index anew",
                        (long long)row);
}

static uint64_t checksum_of(int64_t row, const uint8_t *bits) {
    return ck_kernels()->checksum(bits, BITS_BYTES, (uint64_t)row);
}

/* The bits of column `column`, or NULL when the row is none of ours. */
static const uint8_t *bits_from_row(sqlite3_stmt *stmt, int column, int64_t row) {
    const uint8_t *bytes = sqlite3_column_blob(stmt, column);
    if (!bytes || sqlite3_column_bytes(stmt, column) != ROW_BYTES) return NULL;
    return ck_load_u64(bytes + BITS_BYTES) == checksum_of(row, bytes) ? bytes : NULL;
}

static int64_t count_bits(const uint8_t *bytes, size_t n) {
    int64_t count = 0;
    for (size_t i = 0; i < n; i++) count += __builtin_popcount(bytes[i]);
    return count;
}

int64_t ck_stale_bits_count(const CkStaleBits *bits, int64_t first, int64_t last) {
    const int64_t end = (int64_t)bits->bits.n_bytes * 8;
    int64_t n = 0;
    if (last >= end) last = end - 1;
    for (; first <= last && first % 8 != 0; first++) n += ck_stale_bits_test(bits, first);
    for (; first <= last && last % 8 != 7; last--) n += ck_stale_bits_test(bits, last);
    if (first > last) return n;
    return n + count_bits(bits->bits.data + first / 8, (size_t)(last - first + 1) / 8);
}

/* Copies a row's bits to their place; what is between two rows is zero. */
static int copy_row(CkStaleBits *bits, int64_t row, const uint8_t *bytes, CkError *err) {
    size_t at = (size_t)row * BITS_BYTES;
    size_t gap = at - bits->bits.n_bytes;
    uint8_t *to = ck_buf_extend(&bits->bits, gap + BITS_BYTES);
    if (!to) return ck_error_nomem(err);
    memset(to, 0, gap);
    memcpy(to + gap, bytes, BITS_BYTES);
    bits->n += count_bits(to + gap, BITS_BYTES);
    return SQLITE_OK;
}

int ck_stale_read(CkStore *store, CkStaleBits *bits, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int64_t last_id = 0;
    int found;
    ck_buf_clear(&bits->bits);
    bits->n = 0;
    /* No bit is beyond the last id given out: so a row of a tampered file asks for no memory. */
    ck_stmt_ints(store, CK_SQL_META_SEQ, err, &last_id, 1, &found, "");
    if (err->rc != SQLITE_OK || ck_stmt_take(store, CK_SQL_STALE_SCAN, &stmt, err) != SQLITE_OK) {
        return err->rc;
    }
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int64_t row = sqlite3_column_int64(stmt, 0);
        const uint8_t *bytes = bits_from_row(stmt, 1, row);
        if (row < 0 || row > last_id / ROW_IDS || !bytes) {
            refuse_row(row, err);
        } else {
            copy_row(bits, row, bytes, err);
        }
    }
    ck_stmt_give(store, CK_SQL_STALE_SCAN, stmt);
    return err->rc;
}

/* Reads one row to be changed; absent is all zero. */
static int get_row(CkStore *store, int64_t row, uint8_t bytes[ROW_BYTES], CkError *err) {
    sqlite3_stmt *stmt = NULL;
    memset(bytes, 0, ROW_BYTES);
    if (ck_stmt_take(store, CK_SQL_STALE_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", row);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        const uint8_t *stored = bits_from_row(stmt, 0, row);
        if (stored) {
            memcpy(bytes, stored, ROW_BYTES);
        } else {
            refuse_row(row, err);
        }
    }
    ck_stmt_give(store, CK_SQL_STALE_GET, stmt);
    return err->rc;
}

static int put_row(CkStore *store, int64_t row, uint8_t bytes[ROW_BYTES], CkError *err) {
    if (count_bits(bytes, BITS_BYTES) == 0) {
        return ck_stmt_run(store, CK_SQL_STALE_DELETE, err, "i", row);
    }
    ck_store_u64(bytes + BITS_BYTES, checksum_of(row, bytes));
    return ck_stmt_run(store, CK_SQL_STALE_PUT, err, "ib", row, bytes, ROW_BYTES);
}

static int change(CkStore *store, const int64_t *ids, size_t n, int set, CkError *err) {
    uint8_t bytes[ROW_BYTES];
    for (size_t i = 0; i < n && err->rc == SQLITE_OK;) {
        int64_t row = ids[i] / ROW_IDS;
        if (get_row(store, row, bytes, err) != SQLITE_OK) break;
        for (; i < n && ids[i] / ROW_IDS == row; i++) {
            uint8_t bit = (uint8_t)(1u << (ids[i] % 8));
            uint8_t *byte = &bytes[ids[i] % ROW_IDS / 8];
            *byte = (uint8_t)(set ? *byte | bit : *byte & ~bit);
        }
        put_row(store, row, bytes, err);
    }
    return err->rc;
}

int ck_stale_set(CkStore *store, const int64_t *ids, size_t n, CkError *err) {
    return change(store, ids, n, 1, err);
}

int ck_stale_clear(CkStore *store, const int64_t *ids, size_t n, CkError *err) {
    return change(store, ids, n, 0, err);
}
