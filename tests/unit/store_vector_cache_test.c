/* store/vector_cache: what is found is what was put last, and memory keeps to what was given. */
#include "store/vector_cache.h"

#include "unit.h"

#define DIMS_MAX 70

static void fill(float *x, uint32_t dims, int64_t id, int version) {
    for (uint32_t j = 0; j < dims; j++) x[j] = (float)(id * 3 + version * 7 + (int64_t)j);
}

static int is_vector(const float *x, uint32_t dims, int64_t id, int version) {
    float expected[DIMS_MAX];
    fill(expected, dims, id, version);
    return memcmp(x, expected, dims * sizeof *x) == 0;
}

/* Random puts and gets; *n_hits counts what was found. */
static void use(CkVectorCache *cache, uint32_t dims, int64_t n_ids, int64_t stride, int *n_hits) {
    unsigned long long state = 11;
    float x[DIMS_MAX];
    int n_wrong = 0;
    *n_hits = 0;
    for (int i = 0; i < 20000; i++) {
        int64_t id = 1 + (int64_t)(unit_random(&state) % (unsigned long long)n_ids) * stride;
        const float *found = ck_vector_cache_get(cache, id);
        *n_hits += found != NULL;
        if (found) {
            n_wrong += !is_vector(found, dims, id, 0);
            continue;
        }
        fill(x, dims, id, 0);
        ck_vector_cache_put(cache, id, x);
        found = ck_vector_cache_get(cache, id);
        n_wrong += !found || !is_vector(found, dims, id, 0);
    }
    CHECK_INT(n_wrong, 0);
}

static void test_sizes(void) {
    static const uint32_t dims_of[] = {1, 3, 70};
    for (size_t d = 0; d < sizeof dims_of / sizeof *dims_of; d++) {
        uint32_t dims = dims_of[d];
        for (size_t n_vectors = 4; n_vectors <= 5000; n_vectors = n_vectors * 3 + 1) {
            CkVectorCache cache;
            size_t n_bytes = n_vectors * dims * sizeof(float);
            int n_hits;
            CHECK_INT(ck_vector_cache_init(&cache, dims, n_bytes), SQLITE_OK);
            CHECK_INT(ck_vector_cache_bytes(&cache), 0);
            use(&cache, dims, 1000, 1, &n_hits);
            CHECK_MSG(ck_vector_cache_bytes(&cache) <= n_bytes, "%zu bytes of %zu",
                      ck_vector_cache_bytes(&cache), n_bytes);
            /* About the share of ids that there is room for is found. */
            CHECK_MSG(n_hits > (int)(n_vectors < 1000 ? n_vectors : 1000) * 10,
                      "%u dims, room for %zu: %d hits", dims, n_vectors, n_hits);
            ck_vector_cache_clear(&cache);
            CHECK_INT(ck_vector_cache_bytes(&cache), 0);
            for (int64_t id = 1; id <= 1000; id++) CHECK(!ck_vector_cache_get(&cache, id));
            ck_vector_cache_release(&cache);
            CHECK(!ck_vector_cache_get(&cache, 1));
        }
    }
}

/* Ids with a stride spread as well as those in a row. */
static void test_strides(void) {
    for (int64_t stride = 1; stride <= (int64_t)1 << 40; stride *= 4) {
        CkVectorCache cache;
        int n_hits;
        CHECK_INT(ck_vector_cache_init(&cache, 4, 2000 * 4 * sizeof(float)), SQLITE_OK);
        use(&cache, 4, 1000, stride, &n_hits);
        CHECK_MSG(n_hits > 17000, "stride %lld: %d hits of 20000", (long long)stride, n_hits);
        ck_vector_cache_release(&cache);
    }
}

static void test_no_room(void) {
    CkVectorCache cache;
    float x[DIMS_MAX] = {1};
    CHECK_INT(ck_vector_cache_init(&cache, DIMS_MAX, DIMS_MAX * sizeof(float)), SQLITE_OK);
    ck_vector_cache_put(&cache, 5, x);
    CHECK(!ck_vector_cache_get(&cache, 5));
    CHECK_INT(ck_vector_cache_bytes(&cache), 0);
    ck_vector_cache_clear(&cache);
    ck_vector_cache_release(&cache);
}

void ck_test_store_vector_cache(void) {
    test_sizes();
    test_strides();
    test_no_room();
}
