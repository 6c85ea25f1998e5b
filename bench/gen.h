/*
** Data for benchmarks, the same on every machine: a seeded generator.
**
** Vectors look like embeddings in what matters to a search: length 1, and neighbours on a
** manifold of few dimensions. Each is a random point of a random subspace of `rank` dimensions
** plus noise in all dimensions of a tenth of its length. Numbers come from splitmix64 (Steele,
** Lea, Flood 2014); a sum of four uniform numbers stands in for a normal one.
*/
#ifndef CK_BENCH_GEN_H
#define CK_BENCH_GEN_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GEN_RANK 20 /* unless a benchmark says otherwise */
#define GEN_NOISE 0.1f

typedef struct Gen {
    uint64_t state;
} Gen;

static inline uint64_t gen_u64(Gen *gen) {
    uint64_t z = gen->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 .. n - 1; the bias of the remainder does not matter here. */
static inline int gen_below(Gen *gen, int n) {
    return (int)(gen_u64(gen) % (uint64_t)n);
}

static inline void gen_bytes(Gen *gen, void *to, size_t n) {
    for (size_t i = 0; i < n; i += 8) {
        uint64_t r = gen_u64(gen);
        memcpy((uint8_t *)to + i, &r, n - i < 8 ? n - i : 8);
    }
}

/* Mean 0, variance 1: the four 16-bit parts of one random number, summed and scaled. */
static inline float gen_normal(Gen *gen) {
    uint64_t r = gen_u64(gen);
    int sum = (int)(r & 0xffff) + (int)(r >> 16 & 0xffff) + (int)(r >> 32 & 0xffff) +
              (int)(r >> 48);
    return ((float)sum / 65535.0f - 2.0f) * 1.7320508f;
}

/* 0 .. n - 1 in random order. */
static inline void gen_shuffle(Gen *gen, int *order, int n) {
    for (int i = 0; i < n; i++) {
        int j = gen_below(gen, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

/* `rank` random directions. */
static inline void gen_basis(Gen *gen, float *basis, int rank, int dims) {
    for (int i = 0; i < rank * dims; i++) basis[i] = gen_normal(gen);
}

static inline void gen_vector(Gen *gen, const float *basis, int rank, int dims, float *x) {
    float norm_sq = 0, noise = GEN_NOISE * sqrtf((float)rank);
    for (int d = 0; d < dims; d++) x[d] = noise * gen_normal(gen);
    for (int r = 0; r < rank; r++) {
        float weight = gen_normal(gen);
        for (int d = 0; d < dims; d++) x[d] += weight * basis[r * dims + d];
    }
    for (int d = 0; d < dims; d++) norm_sq += x[d] * x[d];
    float scale = 1.0f / sqrtf(norm_sq);
    for (int d = 0; d < dims; d++) x[d] *= scale;
}

#endif
