/*
** hnswlib (https://github.com/nmslib/hnswlib, its headers as they are), called from C: an index in
** memory by inner product, for vectors of length 1.
*/
#ifndef CK_BENCH_CURVES_HNSW_H
#define CK_BENCH_CURVES_HNSW_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct HnswPeer HnswPeer;

/* NULL: the headers were not there when this was compiled. */
HnswPeer *hnsw_peer_new(int dims, int n_max, int m, int ef_construction);
void hnsw_peer_free(HnswPeer *peer);

void hnsw_peer_add(HnswPeer *peer, const float *vector, int row);

/* Writes the k rows found, the farthest first, -1 where there are none. */
void hnsw_peer_search(HnswPeer *peer, const float *query, int ef, int k, int64_t *rows);

#ifdef __cplusplus
}
#endif

#endif
