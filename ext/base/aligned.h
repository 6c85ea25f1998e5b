/*
** Memory that begins with a cache line, from sqlite3_malloc64.
*/
#ifndef CK_BASE_ALIGNED_H
#define CK_BASE_ALIGNED_H

#include <stddef.h>
#include <stdint.h>

#include "base/sqlite.h"

#define CK_CACHE_LINE_BYTES 64

/* NULL when there is no memory. What malloc returned is kept before the first byte. */
static inline void *ck_aligned_new(uint64_t n_bytes) {
    const size_t before = CK_CACHE_LINE_BYTES + sizeof(void *);
    if (n_bytes > INT32_MAX - before) return NULL;
    uint8_t *memory = sqlite3_malloc64(n_bytes + before);
    if (!memory) return NULL;
    uintptr_t first = (uintptr_t)(memory + sizeof(void *) + CK_CACHE_LINE_BYTES - 1);
    uint8_t *aligned = memory + (first / CK_CACHE_LINE_BYTES * CK_CACHE_LINE_BYTES -
                                 (uintptr_t)memory);
    ((void **)(void *)aligned)[-1] = memory;
    return aligned;
}

static inline void ck_aligned_free(void *aligned) {
    if (aligned) sqlite3_free(((void **)aligned)[-1]);
}

#endif
