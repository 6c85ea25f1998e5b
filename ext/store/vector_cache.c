/* Exact vectors in memory: see vector_cache.h. */
#include "store/vector_cache.h"

#include <string.h>

#include "base/sqlite.h"

int ck_vector_cache_init(CkVectorCache *cache, uint32_t dims, size_t n_bytes) {
    size_t set_bytes = CK_VECTOR_CACHE_WAYS * dims * sizeof(float);
    size_t n_sets = n_bytes / set_bytes;
    memset(cache, 0, sizeof *cache);
    if (n_sets == 0) return SQLITE_OK;
    if (n_sets > UINT32_MAX) n_sets = UINT32_MAX;
    cache->ids = sqlite3_malloc64(n_sets * CK_VECTOR_CACHE_WAYS * sizeof *cache->ids);
    if (!cache->ids || ck_arena_init(&cache->vectors, n_sets * set_bytes) != SQLITE_OK) {
        ck_vector_cache_release(cache);
        return SQLITE_NOMEM;
    }
    cache->dims = dims;
    cache->n_sets = n_sets;
    ck_vector_cache_clear(cache);
    return SQLITE_OK;
}

void ck_vector_cache_release(CkVectorCache *cache) {
    sqlite3_free(cache->ids);
    ck_arena_release(&cache->vectors);
    memset(cache, 0, sizeof *cache);
}

void ck_vector_cache_clear(CkVectorCache *cache) {
    if (cache->n_sets == 0) return;
    memset(cache->ids, 0, cache->n_sets * CK_VECTOR_CACHE_WAYS * sizeof *cache->ids);
    cache->n_kept = 0;
}

/* Ids come one after the other; the factor (Knuth's, 2^64 / golden ratio) spreads them. */
static size_t set_of(const CkVectorCache *cache, int64_t id) {
    uint64_t spread = ((uint64_t)id * 0x9e3779b97f4a7c15u) >> 32;
    return (size_t)(spread * cache->n_sets >> 32);
}

static float *vector_at(const CkVectorCache *cache, size_t place) {
    return (float *)(void *)cache->vectors.base + place * cache->dims;
}

const float *ck_vector_cache_get(const CkVectorCache *cache, int64_t id) {
    if (cache->n_sets == 0) return NULL;
    size_t place = set_of(cache, id) * CK_VECTOR_CACHE_WAYS;
    for (size_t way = 0; way < CK_VECTOR_CACHE_WAYS; way++, place++) {
        if (cache->ids[place] == id) return vector_at(cache, place);
    }
    return NULL;
}

void ck_vector_cache_fetch(const CkVectorCache *cache, int64_t id) {
    const char *x = (const char *)ck_vector_cache_get(cache, id);
    const size_t n_bytes = cache->dims * sizeof(float);
    for (size_t at = 0; x && at < n_bytes; at += 64) __builtin_prefetch(x + at);
}

void ck_vector_cache_put(CkVectorCache *cache, int64_t id, const float *x) {
    if (cache->n_sets == 0) return;
    size_t first = set_of(cache, id) * CK_VECTOR_CACHE_WAYS, place = first;
    while (place < first + CK_VECTOR_CACHE_WAYS && cache->ids[place] != 0) place++;
    if (place == first + CK_VECTOR_CACHE_WAYS) {
        cache->random = cache->random * 1664525 + 1013904223; /* Numerical Recipes' */
        place = first + (cache->random >> 30);
    }
    cache->n_kept += cache->ids[place] == 0;
    cache->ids[place] = id;
    memcpy(vector_at(cache, place), x, cache->dims * sizeof *x);
}
