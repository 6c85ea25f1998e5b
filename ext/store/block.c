/* The block store: see block.h. */
#include "store/block.h"

#include <string.h>

#include "base/coding.h"
#include "vector/kernels.h"

_Static_assert(CK_PLANE_CENTRES < 8, "a plane has three bits of an address");

static int64_t checksum_of(int64_t address, const void *data, size_t n_bytes) {
    return (int64_t)ck_kernels()->checksum(data, n_bytes, (uint64_t)address);
}

static int64_t entry_checksum_of(const CkBlockEntry *entry) {
    const int64_t fields[] = {entry->checksum, entry->n, entry->first_id, entry->last_id};
    uint8_t bytes[sizeof fields];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        ck_store_u64(bytes + 8 * i, (uint64_t)fields[i]);
    }
    return checksum_of(entry->address, bytes, sizeof bytes);
}

int ck_block_refuse(const CkBlockEntry *entry, const char *what, CkError *err) {
    return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                        "index: " CK_BLOCK_FORMAT " %s; SELECT ck_repair('index') builds it anew",
                        CK_BLOCK_FORMAT_ARGS(entry->address), what);
}

/* Reads (id, stamp, checksum, n, first_id, last_id, entry_checksum). */
static int entry_from_row(sqlite3_stmt *stmt, CkBlockEntry *entry, CkError *err) {
    *entry = (CkBlockEntry){
        .address = sqlite3_column_int64(stmt, 0),
        .stamp = sqlite3_column_int64(stmt, 1),
        .checksum = sqlite3_column_int64(stmt, 2),
        .n = sqlite3_column_int64(stmt, 3),
        .first_id = sqlite3_column_int64(stmt, 4),
        .last_id = sqlite3_column_int64(stmt, 5),
    };
    if (sqlite3_column_int64(stmt, 6) == entry_checksum_of(entry)) return SQLITE_OK;
    return ck_block_refuse(entry, "has a damaged entry in the directory", err);
}

int ck_block_directory(CkStore *store, int64_t model, int64_t generation, CkPlane plane,
                       CkBuf *entries, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_BLOCK_DIRECTORY, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ii", ck_block_address(model, generation, plane, 0),
                 ck_block_address(model, generation, plane, CK_BLOCK_NUMBER_MAX));
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        CkBlockEntry entry;
        entry_from_row(stmt, &entry, err);
        ck_buf_append(entries, &entry, sizeof entry);
        if (entries->rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(store, CK_SQL_BLOCK_DIRECTORY, stmt);
    return err->rc;
}

int ck_block_entry(CkStore *store, int64_t address, CkBlockEntry *entry, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    entry->address = address;
    if (ck_stmt_take(store, CK_SQL_BLOCK_ENTRY, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", address);
    int rc = ck_stmt_step(store, stmt, err);
    if (rc == SQLITE_ROW) entry_from_row(stmt, entry, err);
    if (rc == SQLITE_DONE) ck_block_refuse(entry, "is missing", err);
    ck_stmt_give(store, CK_SQL_BLOCK_ENTRY, stmt);
    return err->rc;
}

int ck_block_open(CkStore *store, int64_t address, CkBlockData *block, CkError *err) {
    memset(block, 0, sizeof *block);
    block->entry.address = address;
    if (ck_stmt_take(store, CK_SQL_BLOCK_GET, &block->stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(block->stmt, "i", address);
    int rc = ck_stmt_step(store, block->stmt, err);
    if (rc == SQLITE_DONE) return ck_block_refuse(&block->entry, "is missing", err);
    if (rc != SQLITE_ROW || entry_from_row(block->stmt, &block->entry, err) != SQLITE_OK) {
        return err->rc;
    }
    block->data = sqlite3_column_blob(block->stmt, 7);
    block->n_bytes = (size_t)sqlite3_column_bytes(block->stmt, 7);
    if (!block->data && block->n_bytes > 0) return ck_error_nomem(err);
    if (checksum_of(address, block->data, block->n_bytes) != block->entry.checksum) {
        return ck_block_refuse(&block->entry, "is damaged: its checksum does not match", err);
    }
    return SQLITE_OK;
}

int ck_block_read(CkStore *store, const CkBlockEntry *entry, size_t n_bytes, CkBuf *out,
                  CkError *err) {
    sqlite3_stmt *stmt = NULL;
    ck_buf_clear(out);
    if (ck_stmt_take(store, CK_SQL_BLOCK_DATA, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", entry->address);
    int rc = ck_stmt_step(store, stmt, err);
    if (rc == SQLITE_DONE) {
        ck_block_refuse(entry, "is missing", err);
    } else if (rc == SQLITE_ROW) {
        const void *data = sqlite3_column_blob(stmt, 0);
        size_t n = (size_t)sqlite3_column_bytes(stmt, 0);
        if (!data && n > 0) {
            ck_error_nomem(err);
        } else if (n != n_bytes) {
            ck_block_refuse(entry, "has the wrong length", err);
        } else if (checksum_of(entry->address, data, n) != entry->checksum) {
            ck_block_refuse(entry, "is damaged: its checksum does not match", err);
        } else {
            ck_buf_append(out, data, n);
            if (out->rc != SQLITE_OK) ck_error_nomem(err);
        }
    }
    ck_stmt_give(store, CK_SQL_BLOCK_DATA, stmt);
    return err->rc;
}

int ck_block_write(CkStore *store, CkBlockEntry *entry, const void *data, size_t n_bytes,
                   CkError *err) {
    entry->checksum = checksum_of(entry->address, data, n_bytes);
    ck_stmt_run(store, CK_SQL_BLOCK_PUT_DATA, err, "ib", entry->address, data, (int)n_bytes);
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_BLOCK_PUT, err, "iiiiii", entry->address, entry->checksum,
                       entry->n, entry->first_id, entry->last_id, entry_checksum_of(entry));
}

int ck_block_next(CkStore *store, int64_t model, int64_t generation, CkPlane plane,
                  int64_t *number, CkError *err) {
    int64_t first = ck_block_address(model, generation, plane, 0), last = 0;
    int found;
    ck_stmt_ints(store, CK_SQL_BLOCK_LAST, err, &last, 1, &found, "ii", first,
                 first + CK_BLOCK_NUMBER_MAX);
    *number = last >= first ? last - first + 1 : 0;
    if (err->rc == SQLITE_OK && *number > CK_BLOCK_NUMBER_MAX) {
        ck_error_set(err, SQLITE_FULL, "index: model %lld has no free block number",
                     (long long)model);
    }
    return err->rc;
}

int ck_block_drop(CkStore *store, int64_t from, int64_t to, int64_t limit, int64_t *n_deleted,
                  CkError *err) {
    CkBuf addresses;
    sqlite3_stmt *stmt = NULL;
    ck_buf_init(&addresses);
    *n_deleted = 0;
    if (ck_stmt_take(store, CK_SQL_BLOCK_LIST, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iii", from, to, limit);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int64_t address = sqlite3_column_int64(stmt, 0);
        ck_buf_append(&addresses, &address, sizeof address);
        if (addresses.rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(store, CK_SQL_BLOCK_LIST, stmt);
    const int64_t *address = (const int64_t *)(const void *)addresses.data;
    size_t n = addresses.n_bytes / sizeof *address;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        ck_stmt_run(store, CK_SQL_BLOCK_DELETE, err, "i", address[i]);
        if (err->rc == SQLITE_OK) {
            ck_stmt_run(store, CK_SQL_BLOCK_DELETE_DATA, err, "i", address[i]);
        }
        *n_deleted += 1;
    }
    ck_buf_release(&addresses);
    return err->rc;
}
