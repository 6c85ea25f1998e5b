/*
** Embeddings: put, find, read and delete one row of the cache.
**
** A row is in two tables (schema.sql): the vector is written first and the embedding, which
** makes it visible, last; deletes go the other way. A torn pair can therefore only be a vector
** nobody sees.
*/
#ifndef CK_STORE_EMBEDDING_H
#define CK_STORE_EMBEDDING_H

#include "store/model.h"
#include "store/value.h"

/* What to do with a hash that is already stored. */
typedef enum CkConflict {
    CK_CONFLICT_ABORT,  /* SQLITE_CONSTRAINT_UNIQUE with a message */
    CK_CONFLICT_IGNORE, /* SQLITE_CONSTRAINT_UNIQUE without one: SQLite swallows it */
    CK_CONFLICT_KEEP,   /* SQLITE_OK, the stored row stays */
    CK_CONFLICT_REPLACE /* the vector is replaced; id, refs and created_at stay */
} CkConflict;

/* One row to put, as SQL values. NULL pointers and SQL NULLs mean "not given". */
typedef struct CkPut {
    const char *who; /* begins every message */
    sqlite3_value *model, *version;
    sqlite3_value *content, *hash; /* at least one; both must agree */
    sqlite3_value *vector;
    sqlite3_value *origin;
    sqlite3_value *created_at;
    sqlite3_value *dims; /* when given, must be the vector's */
    CkConflict conflict;
} CkPut;

typedef struct CkPutResult {
    int64_t id;
    int64_t seq;  /* of what was written */
    int inserted; /* 0: the hash was there */
    /* Why it was refused for what it says, in a word; NULL when it was not, or for another
    ** reason. */
    const char *refused; /* "model", "vector", "hash" */
    uint8_t hash[CK_HASH_BYTES];
} CkPutResult;

/*
** Validates everything, then writes. Registers the model when it is new and the vector is f32.
** Must run in a write transaction. A stored row that is kept has its used_at freshened.
*/
int ck_embedding_put(CkStore *store, const CkPut *put, CkPutResult *result, CkError *err);

/*
** The same for an embedding of another store, its vector decoded in x. The stored bytes are kept if
** the model has that encoding. A model that is new is registered as the item says. Neither a hit
** nor a miss of the cache.
*/
struct CkItem;
typedef struct CkStoredPut {
    const char *who;
    const struct CkItem *item; /* store/item.h */
    const float *x;            /* not in the codec's memory */
    CkConflict conflict;
} CkStoredPut;

int ck_embedding_put_stored(CkStore *store, const CkStoredPut *put, CkPutResult *result,
                            CkError *err);

/* Deletes a row without live refs; refuses one that has some. */
int ck_embedding_delete(CkStore *store, int64_t id, CkError *err);

/*
** Deletes n rows without asking for live refs: for callers that just have. has_refs[i]: there may
** be some of released workspaces, which go with it. The entries of the hashes stay, see
** store/hash_sweep.h.
*/
int ck_embedding_drop(CkStore *store, const int64_t *ids, const int *has_refs, size_t n,
                      CkError *err);

/* Finds id and used_at by hash. */
int ck_embedding_find(CkStore *store, const uint8_t hash[CK_HASH_BYTES], int64_t *id,
                      int64_t *used_at, int *found, CkError *err);

/* Sets the SQL result to the hash of a row; it stays NULL when there is no such row. */
int ck_embedding_result_hash(CkStore *store, int64_t id, sqlite3_context *context, CkError *err);

#endif
