// hnswlib called from C: see curves_hnsw.h. Compiled with all the instructions of this machine.
#include "curves_hnsw.h"

#if __has_include(<hnswlib/hnswlib.h>)
#include <hnswlib/hnswlib.h>

struct HnswPeer {
    hnswlib::InnerProductSpace space;
    hnswlib::HierarchicalNSW<float> index;
    HnswPeer(int dims, int n_max, int m, int ef_construction)
        : space(dims), index(&space, n_max, m, ef_construction) {}
};

HnswPeer *hnsw_peer_new(int dims, int n_max, int m, int ef_construction) {
    return new HnswPeer(dims, n_max, m, ef_construction);
}

void hnsw_peer_free(HnswPeer *peer) {
    delete peer;
}

void hnsw_peer_add(HnswPeer *peer, const float *vector, int row) {
    peer->index.addPoint(vector, row);
}

void hnsw_peer_search(HnswPeer *peer, const float *query, int ef, int k, int64_t *rows) {
    peer->index.setEf(ef);
    auto found = peer->index.searchKnn(query, k);
    for (int i = 0; i < k; i++) {
        rows[i] = -1;
        if (found.empty()) continue;
        rows[i] = static_cast<int64_t>(found.top().second);
        found.pop();
    }
}

#else

HnswPeer *hnsw_peer_new(int, int, int, int) {
    return nullptr;
}
void hnsw_peer_free(HnswPeer *) {}
void hnsw_peer_add(HnswPeer *, const float *, int) {}
void hnsw_peer_search(HnswPeer *, const float *, int, int, int64_t *) {}

#endif
