/*
** SQL values as the store takes them: hashes, names, content, integers in a range.
**
** Every reader fails with SQLITE_ERROR and a message "<who>: <what> must be …, got …".
*/
#ifndef CK_STORE_VALUE_H
#define CK_STORE_VALUE_H

#include "base/error.h"
#include "store/conn.h"
#include "store/key.h"

/* "INTEGER", "REAL", "TEXT", "BLOB", "NULL". */
const char *ck_type_name(sqlite3_value *value);

/* Reads a 32-byte BLOB. */
int ck_hash_from_value(sqlite3_value *value, const char *who, uint8_t hash[CK_HASH_BYTES],
                       CkError *err);

/* Reads a TEXT of 1..max bytes without NUL; the pointer lives as long as the value. */
int ck_text_from_value(sqlite3_value *value, const char *who, const char *what, int max,
                       const char **text, CkError *err);

/* The bytes of content: TEXT as UTF-8, BLOB as it is. */
int ck_content_from_value(sqlite3_value *value, const char *who, CkBytes *content, CkError *err);

/* The cache key of (model, version, content) = argv[0 .. 2]. */
int ck_key_from_values(const CkKeyHasher *hasher, sqlite3_value **argv, const char *who,
                       uint8_t key[CK_HASH_BYTES], CkError *err);

typedef struct CkRange {
    int64_t min, max; /* inclusive */
} CkRange;

int ck_integer_from_value(sqlite3_value *value, const char *who, const char *what,
                          const CkRange *range, int64_t *out, CkError *err);

/* The store of an attached database that an argument names; without one, or NULL: of main. NULL
** after an error. */
CkStore *ck_store_from_value(CkConn *conn, sqlite3_value *schema, const char *who, CkError *err);

/* A value that is there, not NULL, and not the unchanged column of an UPDATE. */
int ck_value_given(sqlite3_value *value);

#endif
