/*
** Sign codes: the estimate against its definition in every tier, where it is exact, and how well
** its order is that of the true distances.
*/
#include "vector/signcode.h"

#include <math.h>

#include "tier.h"
#include "unit.h"
#include "vector/kernels.h"
#include "vector/quantize.h"

#define DIMS_MAX 65536
#define SEED 0x5eed0003u

/* Sums of uniforms: near enough to a normal distribution. */
static float random_normal(unsigned long long *state) {
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += (double)(int64_t)unit_random(state) * 0x1p-63;
    return (float)sum;
}

/* Vectors of one space, coded. */
typedef struct Set {
    CkSignSpace space;
    size_t n, code_bytes;
    float *x, *mean, *scratch, *add, *mul, *keys;
    uint32_t *ones, *dots;
    uint32_t *slots;
    uint8_t *codes, *heads, *rests, *planes;
    CkSignColumns columns;
    CkSignQuery query;
} Set;

static Set new_set(size_t n, uint32_t dims, int squared_l2) {
    Set set = {.n = n, .code_bytes = ck_sign_code_bytes(dims)};
    set.x = calloc(n * dims, sizeof(float));
    set.mean = calloc(dims, sizeof(float));
    set.scratch = calloc(dims, sizeof(float));
    set.add = calloc(n, sizeof(float));
    set.mul = calloc(n, sizeof(float));
    set.keys = calloc(n, sizeof(float));
    set.ones = calloc(n, sizeof(uint32_t));
    set.dots = calloc(n, sizeof(uint32_t));
    set.codes = calloc(n, set.code_bytes);
    set.heads = calloc(n, set.code_bytes);
    set.rests = calloc(n, set.code_bytes);
    set.slots = calloc(n, sizeof(uint32_t));
    set.planes = calloc(4, set.code_bytes);
    set.space = (CkSignSpace){set.mean, dims, squared_l2};
    set.columns = (CkSignColumns){n, set.add, set.mul, set.ones, set.heads, set.rests};
    set.query.planes = set.planes;
    return set;
}

static void free_set(Set *set) {
    void *all[] = {set->x,    set->mean,  set->scratch, set->add,    set->mul,   set->keys,
                   set->ones, set->codes, set->dots,    set->planes, set->heads, set->rests,
                   set->slots};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void encode_all(Set *set, float scale) {
    for (size_t i = 0; i < set->n; i++) {
        CkSignFactors factors;
        ck_sign_encode(&set->space, set->x + i * set->space.dims, scale, set->scratch,
                       set->codes + i * set->code_bytes, &factors);
        set->add[i] = factors.add;
        set->mul[i] = factors.mul;
        set->ones[i] = factors.head_ones;
        size_t head = ck_sign_head_bytes(set->code_bytes), rest = set->code_bytes - head;
        const uint8_t *code = set->codes + i * set->code_bytes;
        memcpy(set->heads + i * head, code, head);
        memcpy(set->rests + i * rest, code + head, rest);
    }
}

static void compare_all(Set *set, const float *q, float scale) {
    ck_sign_query(&set->space, q, scale, set->scratch, &set->query);
    CHECK_INT(ck_sign_scan(&set->query, &set->columns, INFINITY, set->dots, set->slots, set->keys),
              set->n);
}

static int bit_at(const uint8_t *bits, size_t j) {
    return bits[j / 8] >> j % 8 & 1;
}

/* u of component j, from the planes. */
static int level_at(const Set *set, size_t j) {
    int u = 0;
    const CkSignPart *part = &set->query.head;
    if (j >= 8 * part->n_bytes) {
        j -= 8 * part->n_bytes;
        part = &set->query.rest;
    }
    for (size_t p = 0; p < 4; p++) u |= bit_at(part->planes + p * part->n_bytes, j) << p;
    return u;
}

/* Codes, factors and the query's planes are those of signcode.h, computed in double. */
static void check_query(const Set *set, const float *q, float scale) {
    double along = 0, mean_sq = 0, t = 1, sum = 0, low = set->query.low, step = set->query.step;
    size_t dims = set->space.dims;
    for (size_t j = 0; j < dims; j++) {
        along += (double)q[j] * (double)scale * (double)set->mean[j];
        mean_sq += (double)set->mean[j] * (double)set->mean[j];
    }
    if (!set->space.squared_l2) t = mean_sq > 0 ? along / mean_sq : 0;
    int good = 1;
    for (size_t j = 0; j < 8 * set->code_bytes; j++) {
        int u = level_at(set, j);
        if (j >= dims) {
            good &= u == 0;
            continue;
        }
        double p = (double)q[j] * (double)scale - t * (double)set->mean[j];
        good &= fabs(low + step * u - p) <= 0.5001 * step + 1e-5 * (fabs(p) + fabs(t));
        sum += low + step * u;
    }
    CHECK_MSG(good, "%s planes of %zu dims", ck_kernels()->tier, dims);
    sum -= (double)set->query.head.sum + (double)set->query.rest.sum;
    CHECK(fabs(sum) <= 1e-5 * (double)dims * (fabs(low) + 15 * step));
}

static void check_key(const Set *set, size_t i, const float *x, float scale) {
    double norm_sq = 0, abs_sum = 0, along = 0, estimate = 0, size = 0;
    const uint8_t *code = set->codes + i * set->code_bytes;
    int good = 1;
    for (size_t j = 0; j < set->space.dims; j++) {
        double r = (double)x[j] * (double)scale - (double)set->mean[j];
        double p = (double)set->query.low + (double)set->query.step * level_at(set, j);
        int bit = bit_at(code, j);
        if (fabs(r) > 1e-6) good &= bit == (r > 0);
        norm_sq += r * r;
        abs_sum += fabs(r);
        along += (double)set->mean[j] * r;
        estimate += bit ? p : -p;
        size += fabs(p);
    }
    double slope = abs_sum > 0 ? norm_sq / abs_sum : 0;
    double add = set->space.squared_l2 ? norm_sq : -along;
    double want = (double)set->query.t * add -
                  (set->space.squared_l2 ? 2 : 1) * slope * estimate;
    CHECK_MSG(good, "%s code %zu", ck_kernels()->tier, i);
    CHECK_MSG(fabs((double)set->keys[i] - want) <= 1e-4 * (slope * size + fabs(want) + norm_sq),
              "%s %zu dims key %zu: %g, not %g", ck_kernels()->tier, (size_t)set->space.dims, i,
              (double)set->keys[i], want);
}

/* Every part against the definition, and one key alone equal to that in a block, bit for bit. */
static void keys_equal_the_definition(void) {
    static const uint32_t all_dims[] = {1, 2, 7, 8, 9, 13, 63, 100, 384, 391, 768, 1024, 1536, 3073,
                                        DIMS_MAX};
    unsigned long long state = SEED;
    for (size_t d = 0; d < 2 * sizeof all_dims / sizeof *all_dims; d++) {
        uint32_t dims = all_dims[d / 2];
        Set set = new_set(dims > 4000 ? 17 : 41, dims, (int)(d % 2));
        float *q = set.x; /* the first one */
        for (size_t j = 0; j < dims; j++) set.mean[j] = random_normal(&state) / 4;
        for (size_t j = 0; j < set.n * dims; j++) set.x[j] = random_normal(&state);
        encode_all(&set, 0.5f);
        compare_all(&set, q, 0.5f);
        check_query(&set, q, 0.5f);
        for (size_t i = 0; i < set.n; i++) {
            if (dims < 4000 || i < 2) check_key(&set, i, set.x + i * dims, 0.5f);
            float key = ck_sign_key(&set.query, &set.columns, i);
            CHECK(ck_f32_bits(key) == ck_f32_bits(set.keys[i]));
        }
        free_set(&set);
    }
}

/* A residual of odd numbers from -15 to 15 is what 4 bits hold, and their sum is 0, so that it is
** orthogonal to a constant mean: then t is 1 and p is r. */
static void a_vector_is_its_own_nearest(int squared_l2) {
    enum { DIMS = 160 };
    Set set = new_set(1, DIMS, squared_l2);
    double norm_sq = 0;
    for (int j = 0; j < DIMS; j++) {
        float r = (float)(2 * (j % 16) - 15);
        set.mean[j] = 3;
        set.x[j] = 3 + r;
        norm_sq += (double)(r * r);
    }
    encode_all(&set, 1);
    compare_all(&set, set.x, 1);
    CHECK_INT(set.ones[0], DIMS / 2);
    CHECK((double)set.query.t == 1 && set.query.low == -15 && set.query.step == 2);
    /* l2: |r|^2 - 2 <r, p>, which is 0 less |p|^2; inner product: -<r, p> */
    CHECK_MSG(fabs((double)set.keys[0] + norm_sq) <= 1e-6 * norm_sq, "%g, not %g",
              (double)set.keys[0], -norm_sq);
    free_set(&set);
}

static double true_distance(const Set *set, const float *q, const float *x) {
    double sum = 0;
    for (size_t j = 0; j < set->space.dims; j++) {
        double a = (double)q[j], b = (double)x[j];
        sum += set->space.squared_l2 ? (a - b) * (a - b) : -a * b;
    }
    return sum;
}

/* Whether a scan for keys as near as that of vector i finds it; what it finds has its right key. */
static int is_scanned(Set *set, size_t i) {
    float limit = set->keys[i];
    int found = 0;
    size_t n = ck_sign_scan(&set->query, &set->columns, limit, set->dots, set->slots, set->keys);
    for (size_t j = 0; j < n; j++) {
        float key = ck_sign_key(&set->query, &set->columns, set->slots[j]);
        CHECK(ck_f32_bits(key) == ck_f32_bits(set->keys[j]) && key <= limit);
        CHECK(j == 0 || set->slots[j] > set->slots[j - 1]);
        found |= set->slots[j] == i;
    }
    return found;
}

/* Clusters around a common mean. Returns how many of the queries, new members of the clusters,
** have their nearest vector among the first n_first by key. */
static int count_found(uint32_t dims, int squared_l2, size_t n_first, int n_queries) {
    enum { N = 1500, CLUSTERS = 30 };
    unsigned long long state = SEED + dims;
    Set set = new_set(N, dims, squared_l2);
    float *centres = calloc((size_t)CLUSTERS * dims, sizeof(float));
    float *q = calloc(dims, sizeof(float)), offset = 0.5f;
    double *distances = calloc(N, sizeof(double));
    int n_found = 0;
    for (size_t j = 0; j < CLUSTERS * dims; j++) centres[j] = offset + random_normal(&state);
    for (size_t i = 0; i < N * dims; i++) {
        set.x[i] = centres[i / dims % CLUSTERS * dims + i % dims] + random_normal(&state) / 2;
        set.mean[i % dims] += set.x[i] / N;
    }
    encode_all(&set, 1);
    for (int query = 0; query < n_queries; query++) {
        const float *centre = centres + (size_t)(query % CLUSTERS) * dims;
        for (size_t j = 0; j < dims; j++) q[j] = centre[j] + random_normal(&state) / 2;
        compare_all(&set, q, 1);
        size_t nearest = 0, n_before = 0;
        for (size_t i = 0; i < N; i++) {
            distances[i] = true_distance(&set, q, set.x + i * dims);
            if (distances[i] < distances[nearest]) nearest = i;
        }
        for (size_t i = 0; i < N; i++) n_before += set.keys[i] < set.keys[nearest];
        n_found += n_before < n_first && is_scanned(&set, nearest);
    }
    free(centres);
    free(q);
    free(distances);
    free_set(&set);
    return n_found;
}

/* In clusters of 50 where every distance is nearly the same, which is harder than life. */
static void the_order_is_nearly_the_true_one(void) {
    static const struct {
        uint32_t dims;
        int floor; /* of 30 */
    } cases[] = {{128, 27}, {250, 27}, {384, 27}, {768, 27}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int l2 = 0; l2 < 2; l2++) {
            int n_found = count_found(cases[i].dims, l2, 30, 30);
            CHECK_MSG(n_found >= cases[i].floor, "%u dims, l2 %d: %d of 30", cases[i].dims, l2,
                      n_found);
        }
    }
}

/* Without a residual a vector has no slope, a query no step; nothing is divided by zero. */
static void zero_residuals_have_keys(int squared_l2) {
    enum { DIMS = 20 };
    Set set = new_set(2, DIMS, squared_l2);
    for (int j = 0; j < DIMS; j++) {
        set.mean[j] = set.x[j] = (float)j / 4 + 1;
        set.x[DIMS + j] = j % 2 ? 9.0f : -9.0f;
    }
    encode_all(&set, 1);
    CHECK(set.add[0] == 0 && set.mul[0] == 0);
    CHECK_INT(set.ones[0], DIMS);
    compare_all(&set, set.x, 1);
    CHECK(set.keys[0] == 0);
    /* The mean itself, or its multiple: what is left of the key is t * add. */
    CHECK(fabsf(set.keys[1] - set.query.t * set.add[1]) <= 1e-4f * fabsf(set.add[1]));
    memset(set.mean, 0, DIMS * sizeof(float));
    memset(set.x, 0, DIMS * sizeof(float));
    encode_all(&set, 1);
    compare_all(&set, set.x, 1);
    CHECK(set.query.step == 0 && set.query.head.sum == 0);
    CHECK(set.keys[0] == 0 && set.keys[1] == (squared_l2 ? set.add[1] : 0));
    free_set(&set);
}

/* The widest range there is, and one below the smallest normal number. */
static void extreme_queries_have_planes(void) {
    enum { DIMS = 16 };
    Set set = new_set(1, DIMS, 1);
    float q[DIMS];
    for (int j = 0; j < DIMS; j++) q[j] = j % 2 ? 3.4e38f : -3.4e38f;
    ck_sign_query(&set.space, q, 1, set.scratch, &set.query);
    CHECK(isfinite(set.query.low) && isfinite(set.query.step));
    for (size_t j = 0; j < DIMS; j++) CHECK_INT(level_at(&set, j), j % 2 ? 15 : 0);
    for (int j = 0; j < DIMS; j++) q[j] = j % 2 ? 1e-44f : -1e-44f;
    ck_sign_query(&set.space, q, 1, set.scratch, &set.query);
    CHECK(isfinite(set.query.head.sum) && isfinite(set.query.step));
    for (int j = 0; j < DIMS; j++) set.x[j] = j % 2 ? 1e18f : -1e18f;
    encode_all(&set, 1);
    compare_all(&set, set.x, 1);
    CHECK(fabsf(set.keys[0] + DIMS * 1e36f) <= 1e-5f * DIMS * 1e36f);
    free_set(&set);
}

void ck_test_vector_signcode(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    char *kept = keep_tier();
    for (int i = 0; i < n; i++) {
        use_tier(usable[i]->tier);
        keys_equal_the_definition();
        for (int l2 = 0; l2 < 2; l2++) {
            a_vector_is_its_own_nearest(l2);
            zero_residuals_have_keys(l2);
        }
        extreme_queries_have_planes();
    }
    restore_tier(kept);
    the_order_is_nearly_the_true_one();
}
