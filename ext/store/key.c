/* Keys: see key.h for the construction. */
#include "store/key.h"

#include <string.h>

#include "base/coding.h"

void ck_key_hasher_init(CkKeyHasher *hasher) {
    blake3_hasher_init_derive_key(&hasher->derived, CK_KEY_CONTEXT);
}

static void update_prefixed(blake3_hasher *h, CkBytes part) {
    uint8_t n[8];
    ck_store_u64(n, part.n);
    blake3_hasher_update(h, n, sizeof n);
    blake3_hasher_update(h, part.data, part.n);
}

void ck_key_compute(const CkKeyHasher *hasher, CkBytes model, CkBytes version, CkBytes content,
                    uint8_t key[CK_HASH_BYTES]) {
    blake3_hasher h;
    /* Only the part before the chaining-value stack is set this early. */
    memcpy(&h, &hasher->derived, offsetof(blake3_hasher, cv_stack));
    update_prefixed(&h, model);
    update_prefixed(&h, version);
    blake3_hasher_update(&h, content.data, content.n);
    blake3_hasher_finalize(&h, key, CK_HASH_BYTES);
}

void ck_hash_compute(CkBytes content, uint8_t hash[CK_HASH_BYTES]) {
    blake3_hasher h;
    blake3_hasher_init(&h);
    blake3_hasher_update(&h, content.data, content.n);
    blake3_hasher_finalize(&h, hash, CK_HASH_BYTES);
}
