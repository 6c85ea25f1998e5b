/*
** Stored vectors: the checksum, and reading one back.
*/
#ifndef CK_STORE_STORED_VECTOR_H
#define CK_STORE_STORED_VECTOR_H

#include "store/store.h"

/* A row of _ck_vector. data is borrowed from the statement. */
typedef struct CkStoredVector {
    int64_t id;
    int encoding;
    int64_t checksum;
    const uint8_t *data;
    int n_bytes;
} CkStoredVector;

/* Reads (id, encoding, checksum, data) from column `first` of a row on. */
void ck_stored_vector_from_row(sqlite3_stmt *stmt, int first, CkStoredVector *stored);

/*
** XXH3-64 of data, seeded with id << 3 | encoding: a blob that was damaged, moved to another row
** or relabelled does not match. Computed with the SIMD tier, so that every read can afford to
** check it.
*/
int64_t ck_stored_vector_checksum(const CkStoredVector *stored);

/*
** Verifies the checksum and decodes. *x is valid until the codec's next use or the statement's
** next step. SQLITE_CORRUPT_VTAB with a message that names the row when anything is wrong.
*/
int ck_stored_vector_decode(CkStore *store, const CkStoredVector *stored, uint32_t dims,
                            const float **x, CkError *err);

/* Sets the SQL result to the vector of embedding `id`, as f32. */
int ck_stored_vector_result(CkStore *store, int64_t id, uint32_t dims, sqlite3_context *context,
                            CkError *err);

/*
** The fast way from a hash to its vector: one step of one statement, vector_get_by_hash, taken and
** left at its row. *stmt is NULL when the hash is not stored, or there is no store. These are
** columns of the row; encoding, checksum and data follow the id.
*/
enum { CK_BY_HASH_DIMS = 1, CK_BY_HASH_ID = 2, CK_BY_HASH_HASH = 6, CK_BY_HASH_MODEL = 7 };
int ck_stored_vector_open_by_hash(CkStore *store, const uint8_t hash[CK_HASH_BYTES],
                                  sqlite3_stmt **stmt, CkError *err);

/* Sets the SQL result to the vector of the row that was opened. */
int ck_stored_vector_result_opened(CkStore *store, sqlite3_stmt *stmt, sqlite3_context *context,
                                   CkError *err);

/* The same by hash; the result stays NULL when the hash is not stored, or there is no store. */
int ck_stored_vector_result_by_hash(CkStore *store, const uint8_t hash[CK_HASH_BYTES],
                                    sqlite3_context *context, CkError *err);

#endif
