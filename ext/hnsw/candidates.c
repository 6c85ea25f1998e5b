/* Lists of candidates: see candidates.h. */
#include "hnsw/candidates.h"

#include <math.h>

#include "base/sqlite.h"

int ck_hnsw_lists_init(CkHnswLists *lists, uint32_t n, uint32_t capacity) {
    const uint32_t n_segments = (n >> CK_HNSW_SEGMENT_SHIFT) + 1;
    const size_t one = sizeof(uint64_t) * capacity;
    *lists = (CkHnswLists){.n = n, .capacity = capacity};
    lists->segments = sqlite3_malloc64(n_segments * sizeof *lists->segments);
    lists->n_of = sqlite3_malloc64(((uint64_t)n + 1) * sizeof *lists->n_of);
    if (!lists->segments || !lists->n_of) goto no_memory;
    memset(lists->segments, 0, n_segments * sizeof *lists->segments);
    memset(lists->n_of, 0, ((size_t)n + 1) * sizeof *lists->n_of);
    for (uint32_t i = 0; i < n_segments; i++) {
        uint32_t left = n - (i << CK_HNSW_SEGMENT_SHIFT), most = 1u << CK_HNSW_SEGMENT_SHIFT;
        lists->segments[i] = sqlite3_malloc64((left < most ? left + 1 : most) * one);
        if (!lists->segments[i]) goto no_memory;
    }
    return SQLITE_OK;

no_memory:
    ck_hnsw_lists_release(lists);
    return SQLITE_NOMEM;
}

void ck_hnsw_lists_release(CkHnswLists *lists) {
    for (uint32_t i = 0; lists->segments && i <= lists->n >> CK_HNSW_SEGMENT_SHIFT; i++) {
        sqlite3_free(lists->segments[i]);
    }
    sqlite3_free(lists->segments);
    sqlite3_free(lists->n_of);
    memset(lists, 0, sizeof *lists);
}

float ck_hnsw_list_limit(const CkHnswLists *lists, uint32_t node) {
    uint32_t n = lists->n_of[node];
    if (n < lists->capacity) return INFINITY;
    return ck_hnsw_key_distance(ck_hnsw_list(lists, node)[n - 1]);
}

void ck_hnsw_list_merge(CkHnswLists *lists, uint32_t node, const uint64_t *keys, size_t n) {
    uint64_t *list = ck_hnsw_list(lists, node), merged[CK_HNSW_CANDIDATES_MAX];
    size_t n_list = lists->n_of[node], n_merged = 0;
    for (size_t i = 0, j = 0; n_merged < lists->capacity && (i < n_list || j < n);) {
        if (j == n || (i < n_list && list[i] <= keys[j])) {
            j += j < n && list[i] == keys[j];
            merged[n_merged++] = list[i++];
        } else {
            merged[n_merged++] = keys[j++];
        }
    }
    memcpy(list, merged, n_merged * sizeof *merged);
    lists->n_of[node] = (uint32_t)n_merged;
}
