/*
** Exact vectors in memory, by embedding: those that searches read last.
**
** Four places for each of a number of sets; an embedding's set is chosen by its id, and in it one
** goes at random: of what is asked for in turns, more than fits, a share stays that way, where the
** oldest would always go just before its turn. The owner clears it when a vector can have changed
** (store/graph.h).
*/
#ifndef CK_STORE_VECTOR_CACHE_H
#define CK_STORE_VECTOR_CACHE_H

#include "base/arena.h"

#define CK_VECTOR_CACHE_WAYS 4

typedef struct CkVectorCache {
    uint32_t dims;
    size_t n_sets; /* 0: nothing is kept */
    int64_t *ids;  /* 0: free */
    uint32_t random;
    CkArena vectors;
    size_t n_kept;
} CkVectorCache;

/* Room for about n_bytes of vectors. On SQLITE_NOMEM it keeps nothing. */
int ck_vector_cache_init(CkVectorCache *cache, uint32_t dims, size_t n_bytes);
void ck_vector_cache_release(CkVectorCache *cache);
void ck_vector_cache_clear(CkVectorCache *cache);

/* The vector of an embedding, or NULL. */
const float *ck_vector_cache_get(const CkVectorCache *cache, int64_t id);

/* Fetches it into the processor's cache, if it is there. */
void ck_vector_cache_fetch(const CkVectorCache *cache, int64_t id);

void ck_vector_cache_put(CkVectorCache *cache, int64_t id, const float *x);

static inline size_t ck_vector_cache_bytes(const CkVectorCache *cache) {
    return cache->n_kept * cache->dims * sizeof(float);
}

#endif
