/*
** What turns texts into vectors: the built-in lexical embedder, an endpoint that speaks OpenAI's
** POST /v1/embeddings, or a program.
**
** An embedder is used by one thread at a time. It checks every vector: the right number of
** components, all finite, not all zero. A text that cannot be embedded has its own error and
** leaves the others alone; an error of the call means that nothing can be embedded, and why.
*/
#ifndef CK_TOOL_EMBEDDER_H
#define CK_TOOL_EMBEDDER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* One text. vector (dims f32, little-endian) and error are allocated; both NULL at first. */
typedef struct CkEmbedItem {
    const char *text;
    size_t n_text;
    uint8_t *vector;
    char *error;
} CkEmbedItem;

typedef struct CkEmbedSettings {
    const char *model;
    const char *endpoint; /* a URL, or NULL */
    const char *command;  /* a program with arguments, or NULL; neither: lexical */
    const char *folder;   /* where it runs; NULL: the working folder */
    const char *key_env;  /* the variable that holds the key */
    const char *key_file; /* or the file, readable by its owner alone; or NULL */
    int64_t dims;         /* 0: as they come */
    int64_t batch_items, batch_bytes; /* of one request */
    int64_t in_flight;                /* requests at a time */
    int64_t timeout_s;                /* of one request */
} CkEmbedSettings;

#define CK_EMBED_IN_FLIGHT_MAX 64
#define CK_EMBED_BATCH_MAX 2048

typedef struct CkEmbedder CkEmbedder;

struct CkEmbedder {
    int (*embed)(CkEmbedder *embedder, CkEmbedItem *items, size_t n, CkError *err);
    void (*close)(CkEmbedder *embedder);
    int is_lexical;
    int needs_utf8;   /* what it gets is JSON */
    int is_remote;    /* texts leave this machine */
    const char *host; /* of an endpoint, for people */
    uint32_t dims;    /* 0 until they are known */
    uint64_t n_requests, n_retries;
};

int ck_embedder_open(CkEmbedder **embedder, const CkEmbedSettings *settings, CkError *err);
void ck_embedder_close(CkEmbedder *embedder); /* may be NULL */

/* Embeds all items that have no vector and no error. */
static inline int ck_embedder_embed(CkEmbedder *embedder, CkEmbedItem *items, size_t n,
                                    CkError *err) {
    return embedder->embed(embedder, items, n, err);
}

/* ---- For the embedders ---- */

int ck_embed_lexical_open(CkEmbedder **embedder, CkError *err);
int ck_embed_http_open(CkEmbedder **embedder, const CkEmbedSettings *settings, CkError *err);
int ck_embed_command_open(CkEmbedder **embedder, const CkEmbedSettings *settings, CkError *err);

/*
** Takes a vector of n_bytes (f32, little-endian) for an item. SQLITE_MISMATCH with a message when
** it has other dims than those before, which no text is to blame for; a component that is not
** finite, or all zero, is the item's error.
*/
int ck_embed_take(CkEmbedder *embedder, CkEmbedItem *item, const void *vector, size_t n_bytes,
                  CkError *err);

void ck_embed_item_fail(CkEmbedItem *item, const char *format, ...) CK_PRINTF(2, 3);

#endif
