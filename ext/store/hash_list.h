/*
** Lists of hashes as SQL values: a BLOB of 32-byte digests one after the other, or a JSON array of
** digests in hex.
*/
#ifndef CK_STORE_HASH_LIST_H
#define CK_STORE_HASH_LIST_H

#include "store/store.h"
#include "store/value.h"

/* Appends the digests of the list to `hashes`, CK_HASH_BYTES each, in the order of the list. */
int ck_hash_list_from_value(CkStore *store, sqlite3_value *value, const char *who, CkBuf *hashes,
                            CkError *err);

/* The address of digest i, and how many there are. */
static inline const uint8_t *ck_hash_list_at(const CkBuf *hashes, size_t i) {
    return hashes->data + i * CK_HASH_BYTES;
}
static inline size_t ck_hash_list_count(const CkBuf *hashes) {
    return hashes->n_bytes / CK_HASH_BYTES;
}

/* Writes 64 hex digits and a terminator. */
#define CK_HASH_HEX (2 * CK_HASH_BYTES + 1)
void ck_hash_to_hex(const uint8_t hash[CK_HASH_BYTES], char hex[CK_HASH_HEX]);

/* Reads exactly 64 hex digits; 0 when they are none. */
int ck_hash_from_hex(const char *hex, int n, uint8_t hash[CK_HASH_BYTES]);

#endif
