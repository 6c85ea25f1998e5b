/*
** Random numbers that depend on nothing but the seed: splitmix64 (Steele, Lea, Flood, 2014).
*/
#ifndef CK_HNSW_RANDOM_H
#define CK_HNSW_RANDOM_H

#include <stdint.h>

static inline uint64_t ck_hnsw_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 .. n - 1; the bias of the remainder does not matter here. */
static inline uint32_t ck_hnsw_random_below(uint64_t *state, uint32_t n) {
    return (uint32_t)(ck_hnsw_random(state) % n);
}

#endif
