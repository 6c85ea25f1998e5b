/* Ordered lists of candidates: see keys.h. */
#include "hnsw/keys.h"

#include <math.h>

#include "vector/kernels.h"

#define INSERTION_MAX 24 /* up to here insertion is the fastest order to be made */

static void insertion_sort(uint64_t *keys, size_t n) {
    for (size_t i = 1; i < n; i++) {
        uint64_t key = keys[i];
        size_t at = i;
        for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

/* The median of the first, the middle and the last. */
static uint64_t pivot_of(const uint64_t *keys, size_t n) {
    uint64_t a = keys[0], b = keys[n / 2], c = keys[n - 1];
    uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* Hoare's partition: returns m, 0 < m < n, with no key before m above any from m on. */
static size_t divide(uint64_t *keys, size_t n) {
    uint64_t pivot = pivot_of(keys, n);
    size_t i = 0, j = n - 1;
    for (;;) {
        while (keys[i] < pivot) i++;
        while (keys[j] > pivot) j--;
        if (i >= j) return j + 1 < n ? j + 1 : j;
        uint64_t swapped = keys[i];
        keys[i++] = keys[j];
        keys[j--] = swapped;
    }
}

void ck_hnsw_keys_sort(uint64_t *keys, size_t n) {
    while (n > INSERTION_MAX) {
        size_t m = divide(keys, n);
        if (m < n - m) { /* the smaller part by recursion, so that the stack stays low */
            ck_hnsw_keys_sort(keys, m);
            keys += m;
            n -= m;
        } else {
            ck_hnsw_keys_sort(keys + m, n - m);
            n = m;
        }
    }
    insertion_sort(keys, n);
}

void ck_hnsw_keys_select(uint64_t *keys, size_t n, size_t k) {
    while (n > INSERTION_MAX && k > 0 && k < n) {
        size_t m = divide(keys, n);
        if (k <= m) {
            n = m;
        } else {
            keys += m;
            n -= m;
            k -= m;
        }
    }
    if (k > 0 && k < n) insertion_sort(keys, n);
}

/* Selects k and returns the greatest distance among them. */
static float select_limit(uint64_t *keys, size_t n, size_t k) {
    uint64_t last = 0;
    ck_hnsw_keys_select(keys, n, k);
    for (size_t i = 0; i < k; i++) last = keys[i] > last ? keys[i] : last;
    return ck_hnsw_key_distance(last);
}

size_t ck_hnsw_keys_least(uint64_t *least, const float *x, size_t n, size_t k, float limit) {
    const CkKernels *kernels = ck_kernels();
    uint32_t found[CK_HNSW_LEAST_CHUNK];
    size_t n_least = 0;
    for (size_t i = 0; i < n; i += CK_HNSW_LEAST_CHUNK) {
        size_t chunk = n - i < CK_HNSW_LEAST_CHUNK ? n - i : CK_HNSW_LEAST_CHUNK;
        size_t n_found = kernels->list_up_to(found, x + i, chunk, limit);
        for (size_t j = 0; j < n_found; j++) {
            least[n_least++] = ck_hnsw_key(x[i + found[j]], (uint32_t)i + found[j]);
        }
        if (n_least > k + k / 2) {
            limit = select_limit(least, n_least, k);
            n_least = k;
        }
    }
    if (n_least > k) ck_hnsw_keys_select(least, n_least, k);
    n_least = n_least < k ? n_least : k;
    ck_hnsw_keys_sort(least, n_least);
    return n_least;
}
