/*
** Keys: BLAKE3 of content, and the cache key of (model, version, content).
**
** The cache key is BLAKE3 in derive_key mode with the context string CK_KEY_CONTEXT and the
** material
**     LE64(bytes of model) model LE64(bytes of version) version content
** Lengths in front keep ('m', '1x', 'y') and ('m1', 'x', 'y') apart. To reproduce one outside:
**     b3sum --derive-key 'ck embedding cache key v1' FILE-WITH-THE-MATERIAL
*/
#ifndef CK_STORE_KEY_H
#define CK_STORE_KEY_H

#include <blake3.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define CK_KEY_CONTEXT "ck embedding cache key v1"

/* The hasher after its context string, copied for each key: deriving it anew costs as much as
** hashing 64 bytes. */
typedef struct CkKeyHasher {
    blake3_hasher derived;
} CkKeyHasher;

typedef struct CkBytes {
    const void *data;
    size_t n;
} CkBytes;

void ck_key_hasher_init(CkKeyHasher *hasher);

void ck_key_compute(const CkKeyHasher *hasher, CkBytes model, CkBytes version, CkBytes content,
                    uint8_t key[CK_HASH_BYTES]);

/* Plain BLAKE3, as b3sum prints it. */
void ck_hash_compute(CkBytes content, uint8_t hash[CK_HASH_BYTES]);

#endif
