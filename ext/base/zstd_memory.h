/*
** zstd takes its memory from sqlite3_malloc64, like everything else.
*/
#ifndef CK_BASE_ZSTD_MEMORY_H
#define CK_BASE_ZSTD_MEMORY_H

#define ZSTD_STATIC_LINKING_ONLY /* custom allocators and frame headers */
#include <zstd.h>
#include <zstd_errors.h>

#include "base/sqlite.h"

static inline void *ck_zstd_malloc(void *opaque, size_t n) {
    (void)opaque;
    return sqlite3_malloc64(n);
}

static inline void ck_zstd_free(void *opaque, void *address) {
    (void)opaque;
    sqlite3_free(address);
}

static inline ZSTD_CCtx *ck_zstd_compressor(void) {
    return ZSTD_createCCtx_advanced((ZSTD_customMem){ck_zstd_malloc, ck_zstd_free, NULL});
}

static inline ZSTD_DCtx *ck_zstd_decompressor(void) {
    return ZSTD_createDCtx_advanced((ZSTD_customMem){ck_zstd_malloc, ck_zstd_free, NULL});
}

#endif
