/*
** Real vectors, read from VECS_DATA beside the checkout, one folder a set:
**
**     base.fvecs, query.fvecs    each vector: int32 dims, then dims float32
**     groundtruth_cosine.ivecs   for each query: int32 n, then n int32, the nearest first
*/
#ifndef CK_BENCH_VECS_H
#define CK_BENCH_VECS_H

#include <stdint.h>

#define VECS_DATA "../shared/data/"

/* A file of records: int32 dims, then dims 4-byte components, all of the same dims. */
typedef struct Vecs {
    int n, dims;
    uint8_t *data; /* n records of 4 + 4 dims bytes, little-endian; for free() */
} Vecs;

/* 0: there is no such file. A file of another format ends the program. */
int vecs_read(Vecs *vecs, const char *set, const char *file);

/* The components of record i. */
const void *vecs_at(const Vecs *vecs, int i);

#endif
