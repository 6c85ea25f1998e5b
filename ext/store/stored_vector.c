/* Stored vectors: see stored_vector.h. */
#include "store/stored_vector.h"

#include "base/coding.h"
#include "store/hits.h"
#include "vector/kernels.h"
#include "vector/vector.h"

int64_t ck_stored_vector_checksum(const CkStoredVector *stored) {
    uint64_t seed = (uint64_t)stored->id << 3 | (unsigned)stored->encoding;
    return (int64_t)ck_kernels()->checksum(stored->data, (size_t)stored->n_bytes, seed);
}

int ck_stored_vector_decode(CkStore *store, const CkStoredVector *stored, uint32_t dims,
                            const float **x, CkError *err) {
    if (!stored->data) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "embeddings: the vector of row %lld is missing; delete the row and "
                            "embed its content again",
                            (long long)stored->id);
    }
    if (ck_stored_vector_checksum(stored) != stored->checksum) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "embeddings: the vector of row %lld is damaged (checksum mismatch); "
                            "delete the row and embed its content again",
                            (long long)stored->id);
    }
    return ck_codec_decode(store->conn->codec, stored->encoding, stored->data, stored->n_bytes,
                           dims, x, err);
}

/* On a big-endian host the floats are byte-swapped into the connection's scratch buffer. */
static int result_f32(CkStore *store, sqlite3_context *context, const float *x, uint32_t dims,
                      CkError *err) {
    const void *bytes = x;
    if (CK_BIG_ENDIAN) {
        CkBuf *scratch = &store->conn->scratch;
        ck_buf_clear(scratch);
        uint8_t *to = ck_buf_extend(scratch, (size_t)dims * 4);
        if (!to) return ck_error_nomem(err);
        for (uint32_t i = 0; i < dims; i++) ck_store_f32(to + 4 * (size_t)i, x[i]);
        bytes = to;
    }
    sqlite3_result_blob(context, bytes, (int)(dims * 4), SQLITE_TRANSIENT);
    sqlite3_result_subtype(context, CK_VECTOR_F32);
    return SQLITE_OK;
}

void ck_stored_vector_from_row(sqlite3_stmt *stmt, int first, CkStoredVector *stored) {
    stored->id = sqlite3_column_int64(stmt, first);
    stored->encoding = sqlite3_column_int(stmt, first + 1);
    stored->checksum = sqlite3_column_int64(stmt, first + 2);
    stored->data = sqlite3_column_blob(stmt, first + 3);
    stored->n_bytes = sqlite3_column_bytes(stmt, first + 3);
}

int ck_stored_vector_result(CkStore *store, int64_t id, uint32_t dims, sqlite3_context *context,
                            CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_VECTOR_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", id);
    int rc = ck_stmt_step(store, stmt, err);
    if (rc == SQLITE_ROW) {
        CkStoredVector stored;
        const float *x = NULL;
        ck_stored_vector_from_row(stmt, 0, &stored);
        if (ck_stored_vector_decode(store, &stored, dims, &x, err) == SQLITE_OK) {
            result_f32(store, context, x, dims, err);
        }
    } else if (rc == SQLITE_DONE) {
        CkStoredVector none = {.id = id};
        const float *x;
        ck_stored_vector_decode(store, &none, dims, &x, err); /* says that it is missing */
    }
    ck_stmt_give(store, CK_SQL_VECTOR_GET, stmt);
    return err->rc;
}

int ck_stored_vector_open_by_hash(CkStore *store, const uint8_t hash[CK_HASH_BYTES],
                                  sqlite3_stmt **stmt, CkError *err) {
    if (ck_store_query(store, CK_SQL_VECTOR_GET_BY_HASH, stmt, err, "b", hash, CK_HASH_BYTES) ==
            SQLITE_OK &&
        *stmt && sqlite3_column_type(*stmt, CK_BY_HASH_ID) == SQLITE_NULL) {
        ck_stmt_give(store, CK_SQL_VECTOR_GET_BY_HASH, *stmt);
        *stmt = NULL;
    }
    if (*stmt) ck_hits_count(store, sqlite3_column_int64(*stmt, CK_BY_HASH_MODEL), 1, 0);
    return err->rc;
}

int ck_stored_vector_result_opened(CkStore *store, sqlite3_stmt *stmt, sqlite3_context *context,
                                   CkError *err) {
    CkStoredVector stored;
    const float *x = NULL;
    sqlite3_int64 dims = sqlite3_column_int64(stmt, CK_BY_HASH_DIMS);
    ck_stored_vector_from_row(stmt, CK_BY_HASH_ID, &stored);
    if (stored.data && (dims < 1 || dims > CK_DIMS_MAX)) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB, "embeddings: row %lld has no valid model",
                            (long long)stored.id);
    }
    if (ck_stored_vector_decode(store, &stored, (uint32_t)dims, &x, err) == SQLITE_OK) {
        result_f32(store, context, x, (uint32_t)dims, err);
    }
    return err->rc;
}

int ck_stored_vector_result_by_hash(CkStore *store, const uint8_t hash[CK_HASH_BYTES],
                                    sqlite3_context *context, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stored_vector_open_by_hash(store, hash, &stmt, err) != SQLITE_OK || !stmt) {
        return err->rc;
    }
    ck_stored_vector_result_opened(store, stmt, context, err);
    ck_stmt_give(store, CK_SQL_VECTOR_GET_BY_HASH, stmt);
    return err->rc;
}
