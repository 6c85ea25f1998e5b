/*
** Items: an embedding, or word that one was retired, as it travels between stores.
**
** The vector travels as it is stored, so that nothing is lost to another rounding on the way. What
** an item says is sealed by a checksum:
**
**     model  = XXH3-64 of LE32(bytes of name) name LE32(bytes of version) version LE32(dims),
**              seed 0
**     checksum = XXH3-64 of the stored bytes, seeded with
**              XXH3-64 of hash (32 bytes) op (1) encoding (1), seeded with `model`
**
** so that bytes that were damaged, or came under another hash, model or encoding, do not match. It
** tells accidents, not forgery: who may write to a remote is the remote's business, and `origin`
** says whom to revoke.
*/
#ifndef CK_STORE_ITEM_H
#define CK_STORE_ITEM_H

#include "store/model.h"

enum { CK_ITEM_PUT = 1, CK_ITEM_TOMBSTONE = 2 };

/* A model as items name it; the receiver that does not know it registers it so. */
typedef struct CkItemModel {
    const char *name, *version; /* 1..CK_NAME_MAX bytes */
    uint32_t dims;
    CkMetric metric;
    int encoding;
    int normalized;
    uint64_t seal; /* see above; ck_item_model_seal() */
} CkItemModel;

typedef struct CkItem {
    int op;
    int64_t seq; /* in the feed of the store it was read from */
    uint8_t hash[CK_HASH_BYTES];
    const CkItemModel *model;
    int encoding;        /* vector/encoding.h; 0 without data */
    const uint8_t *data; /* a vector in that encoding; NULL for a tombstone, and in a listing */
    int n_bytes;
    const char *origin; /* up to CK_ORIGIN_MAX bytes, or NULL */
    int64_t created_at; /* of the embedding, or of the tombstone */
    uint64_t checksum;
} CkItem;

uint64_t ck_item_model_seal(const CkItemModel *model);
uint64_t ck_item_checksum(const CkItem *item);

/* What became of an item that was put into a store. */
typedef enum CkItemResult {
    CK_ITEM_CREATED,
    CK_ITEM_EXISTS,   /* the same vector is stored, or one as near as other hardware makes it */
    CK_ITEM_CONFLICT, /* another vector is stored: the first one stays */
    CK_ITEM_REJECTED  /* see code; nothing was written, and the next item is as welcome */
} CkItemResult;

typedef struct CkItemOutcome {
    CkItemResult result;
    int64_t id;        /* of the embedding that is stored now, or 0 */
    int64_t seq;       /* the seq it was given, when created */
    const char *code;  /* 'missing' (no data), 'checksum', 'model' (dims), 'vector', or 'hash'
                          (stored for another model) */
    char message[200]; /* why it was rejected, for people */
} CkItemOutcome;

/* Vectors of one hash whose cosine is at least this are the same but for encodings and GPUs. */
#define CK_ITEM_SAME_COSINE 0.999

/*
** Puts an embedding that came from elsewhere (op is CK_ITEM_PUT), inside a write transaction:
** checks all there is to check, registers a new model, keeps the bytes as they are when the model
** stores that encoding. A stored vector that does not read back is replaced. err is for what SQLite
** says; what is wrong with the item is in the outcome.
*/
int ck_item_put(CkStore *store, const CkItem *item, CkItemOutcome *outcome, CkError *err);

#endif
