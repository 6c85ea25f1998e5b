/*
** A distance and a node in one integer that is ordered by both: lists of candidates are arrays of
** these, which one comparison without a branch keeps in order, whatever the floats are.
**
**     bits 63..32   the distance's bits, made to ascend: all flipped when negative, else the sign
**     bits 31..1    the node
**     bit 0         a mark for the list's own use
*/
#ifndef CK_HNSW_KEYS_H
#define CK_HNSW_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CK_HNSW_KEY_MARK ((uint64_t)1)

static inline uint64_t ck_hnsw_key(float distance, uint32_t node) {
    uint32_t bits;
    memcpy(&bits, &distance, sizeof bits);
    bits ^= -(bits >> 31) | 0x80000000u;
    return (uint64_t)bits << 32 | (uint64_t)node << 1;
}

static inline uint32_t ck_hnsw_key_node(uint64_t key) {
    return (uint32_t)key >> 1;
}

static inline float ck_hnsw_key_distance(uint64_t key) {
    uint32_t bits = (uint32_t)(key >> 32);
    float distance;
    bits ^= ((bits >> 31) - 1) | 0x80000000u;
    memcpy(&distance, &bits, sizeof distance);
    return distance;
}

/* Puts n keys, no two of them equal, in order. */
void ck_hnsw_keys_sort(uint64_t *keys, size_t n);

/* Puts the k least of n keys first, in any order; k <= n. */
void ck_hnsw_keys_select(uint64_t *keys, size_t n, size_t k);

/* How many keys ck_hnsw_keys_least() wants room for. */
#define CK_HNSW_LEAST_CHUNK 256

static inline size_t ck_hnsw_least_room(size_t k) {
    return k + k / 2 + CK_HNSW_LEAST_CHUNK;
}

/* The k least of x[0 .. n - 1] that are not above `limit`, as keys of their numbers, in order;
** returns how many there are. NaN is none. */
size_t ck_hnsw_keys_least(uint64_t *least, const float *x, size_t n, size_t k, float limit);

#define CK_HNSW_SHORT 64 /* keys of a list that is short */

/* Inserts a key into an ordered list of n keys that holds `capacity`, at least 1; the last one
** makes room. Returns where it is, or `capacity` when it comes behind all of a full list. */
static inline size_t ck_hnsw_keys_insert(uint64_t *keys, size_t *n, size_t capacity, uint64_t key) {
    size_t low = 0, high = *n;
    if (*n == capacity && key > keys[*n - 1]) return capacity;
    if (*n <= CK_HNSW_SHORT) { /* to push aside is faster here than to look and move */
        *n += *n < capacity;
        for (low = *n - 1; low > 0 && keys[low - 1] >= key; low--) keys[low] = keys[low - 1];
        keys[low] = key;
        return low;
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    size_t n_behind = *n - low - (*n == capacity);
    memmove(keys + low + 1, keys + low, n_behind * sizeof *keys);
    keys[low] = key;
    *n += *n < capacity;
    return low;
}

#endif
