/*
** Kernels of sign codes: every tier against the definition, at every length 0..1100, from every
** alignment, beside pages that may not be touched.
*/
#include <math.h>

#include "base/coding.h"
#include "fence.h"
#include "unit.h"
#include "vector/kernels.h"
#include "vector/quantize.h"

#define LENGTH_MAX 1100
#define CODES_MAX 40
#define SEED 0x5eed0002u

static Fence fence_a, fence_b;

static float random_float(unsigned long long *state, float range) {
    return range * (float)((double)(int64_t)unit_random(state) * 0x1p-63);
}

/* n floats that end where the allocation ends, so that a sanitizer sees a read past them. No fence:
** qemu reads all lanes of a masked load. */
static float *copy_floats(const float *values, size_t n) {
    float *x = malloc(n * sizeof *x + (n == 0));
    return memcpy(x, values, n * sizeof *x);
}

/* The sums of n codes, and nothing behind them. */
static void check_dots(const CkKernels *k, const uint8_t *codes, const uint8_t *planes, size_t n,
                       size_t n_bytes, const uint32_t *want) {
    uint32_t out[CODES_MAX + 17];
    memset(out, 0xab, sizeof out);
    k->dots_bit4(out, codes, n, planes, n_bytes);
    CHECK_MSG(memcmp(out, want, n * sizeof *out) == 0, "%s dots_bit4 of %zu codes of %zu bytes",
              k->tier, n, n_bytes);
    for (size_t i = n; i < sizeof out / sizeof *out; i++) CHECK(out[i] == 0xabababab);
}

/* Every number of codes at the lengths of common dims, some at the others; dot_bit4 is compared
** with the definition in vector_kernels_test.c. */
static void blocks_equal_one_code_after_another(const CkKernels *k) {
    static uint8_t codes[CODES_MAX * LENGTH_MAX], planes[4 * LENGTH_MAX];
    unsigned long long state = SEED;
    for (size_t i = 0; i < sizeof codes; i++) codes[i] = (uint8_t)(unit_random(&state) >> 32);
    for (size_t i = 0; i < sizeof planes; i++) planes[i] = (uint8_t)(unit_random(&state) >> 32);
    for (size_t n_bytes = 0; n_bytes <= LENGTH_MAX; n_bytes++) {
        const uint8_t *q = put(&fence_b, planes, 4 * n_bytes, n_bytes / 2);
        const uint8_t *all = put(&fence_a, codes, CODES_MAX * n_bytes, n_bytes);
        uint32_t want[CODES_MAX];
        for (size_t i = 0; i < CODES_MAX; i++) want[i] = k->dot_bit4(all + i * n_bytes, q, n_bytes);
        size_t step = n_bytes <= 132 ? 1 : 9;
        for (size_t n = n_bytes % step; n <= CODES_MAX; n += step) {
            /* The first n where the fence begins, the last n where it ends. */
            size_t first = n_bytes % 2 ? 0 : CODES_MAX - n;
            check_dots(k, all + first * n_bytes, q, n, n_bytes, want + first);
        }
    }
}

/* The longest vectors there are, all bits set: 15 * 65536 each. */
static void blocks_of_the_longest_vectors(const CkKernels *k) {
    enum { N = 17, N_BYTES = CK_KERNEL_INTS_MAX / 8 };
    static uint8_t codes[N * N_BYTES], planes[4 * N_BYTES];
    uint32_t want[N];
    memset(codes, 0xff, sizeof codes);
    memset(planes, 0xff, sizeof planes);
    for (int i = 0; i < N; i++) want[i] = 15 * CK_KERNEL_INTS_MAX;
    check_dots(k, codes, planes, N, N_BYTES, want);
}

static void signs_equal_the_definition(const CkKernels *k) {
    static const float special[] = {0.0f, -0.0f, 1e-44f, -1e-44f, 1e30f, -1e30f};
    static float values[LENGTH_MAX];
    static const uint8_t nothing[LENGTH_MAX];
    unsigned long long state = SEED;
    for (size_t i = 0; i < LENGTH_MAX; i++) {
        values[i] = i % 7 ? random_float(&state, 2) : special[unit_random(&state) % 4];
    }
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        if (n == 400) values[3] = special[4], values[77] = special[5];
        float *x = copy_floats(values, n);
        uint8_t *bits = put(&fence_b, nothing, (n + 7) / 8, n / 2);
        memset(bits, 0xa5, (n + 7) / 8);
        double sum = 0, got = (double)k->signs_f32(bits, x, n);
        int same = 1;
        for (size_t i = 0; i < (n + 7) / 8 * 8; i++) {
            int want = i < n && !signbit(x[i]);
            same &= (bits[i / 8] >> i % 8 & 1) == want;
            if (i < n) sum += fabs((double)x[i]);
        }
        CHECK_MSG(same, "%s signs_f32 of %zu", k->tier, n);
        CHECK_MSG(fabs(got - sum) <= 1e-5 * sum, "%s signs_f32 of %zu: %g, not %g", k->tier, n,
                  got, sum);
        free(x);
    }
}

static void residuals_and_ranges(const CkKernels *k) {
    static float values[LENGTH_MAX], mean[LENGTH_MAX], zeros[LENGTH_MAX];
    unsigned long long state = SEED;
    for (size_t i = 0; i < LENGTH_MAX; i++) {
        values[i] = random_float(&state, i % 100 == 50 ? 1e20f : 2);
        mean[i] = random_float(&state, 1);
    }
    for (size_t n = 1; n <= LENGTH_MAX; n++) {
        float *x = copy_floats(values, n);
        float *out = put(&fence_b, zeros, 4 * n, n / 2), low, high, min = x[0], max = x[0];
        int near = 1;
        k->residual_f32(out, x, 0.3f, mean, -0.7f, n);
        for (size_t i = 0; i < n; i++) {
            double a = (double)x[i] * (double)0.3f, b = (double)mean[i] * (double)-0.7f;
            near &= fabs((double)out[i] - (a - b)) <= 0x1p-22 * (fabs(a) + fabs(b));
            min = x[i] < min ? x[i] : min;
            max = x[i] > max ? x[i] : max;
        }
        k->range_f32(x, n, &low, &high);
        CHECK_MSG(near, "%s residual_f32 of %zu", k->tier, n);
        CHECK_MSG(low == min && high == max, "%s range_f32 of %zu", k->tier, n);
        free(x);
    }
    const float signs[] = {-3, -1, -2}, plus[] = {3, 1, 2}, zero[] = {-0.0f, 0.0f};
    float low, high;
    k->range_f32(signs, 3, &low, &high);
    CHECK(low == -3 && high == -1);
    k->range_f32(plus, 3, &low, &high);
    CHECK(low == 1 && high == 3);
    k->range_f32(zero, 2, &low, &high);
    CHECK(low == 0 && high == 0);
}

static uint32_t level_at(const uint8_t *planes, size_t n_bytes, size_t i) {
    uint32_t u = 0;
    for (size_t p = 0; p < 4; p++) u |= (planes[p * n_bytes + i / 8] >> i % 8 & 1u) << p;
    return u;
}

static void planes_hold_the_rounded_values(const CkKernels *k) {
    static float values[LENGTH_MAX];
    static const uint8_t nothing[LENGTH_MAX];
    unsigned long long state = SEED;
    for (size_t i = 0; i < LENGTH_MAX; i++) values[i] = random_float(&state, 1);
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        float *x = copy_floats(values, n), per_step = 7.5f;
        size_t n_bytes = (n + 7) / 8;
        uint8_t *planes = put(&fence_b, nothing, 4 * n_bytes, n / 2);
        memset(planes, 0xa5, 4 * n_bytes);
        k->planes_f32(planes, x, -1, per_step, n);
        int good = 1;
        for (size_t i = 0; i < 8 * n_bytes; i++) {
            double u = level_at(planes, n_bytes, i);
            good &= i < n ? fabs(u - ((double)x[i] + 1) * 7.5) <= 0.50001 : u == 0;
        }
        CHECK_MSG(good, "%s planes_f32 of %zu", k->tier, n);
        free(x);
    }
    /* What rounds to 16, and what is infinite on the way. */
    const float large[] = {-3e38f, 16, 15.4f, 14.6f, 3e38f};
    uint8_t planes[4];
    k->planes_f32(planes, large + 1, 0, 1, 3);
    for (size_t i = 0; i < 3; i++) CHECK_INT(level_at(planes, 1, i), 15);
    k->planes_f32(planes, large, large[0], 2.5e-38f, 5);
    CHECK_INT(level_at(planes, 1, 0), 0);
    CHECK_INT(level_at(planes, 1, 1), 8);
    CHECK_INT(level_at(planes, 1, 4), 15);
}

/* Near the definition, and of equal bits wherever a column stands and however many there are. */
static void keys_do_not_depend_on_their_place(const CkKernels *k) {
    enum { N = 100 };
    float add[N], mul[N], keys[N + 1];
    uint32_t ones[N], dots[N];
    unsigned long long state = SEED;
    for (int i = 0; i < N; i++) {
        add[i] = random_float(&state, 1);
        mul[i] = random_float(&state, 1);
        ones[i] = (uint32_t)(unit_random(&state) % 65537);
        dots[i] = (uint32_t)(unit_random(&state) % 983041);
    }
    for (size_t n = 0; n <= N; n++) {
        size_t first = N - n;
        CkSignTerms q = {0.3f, -0.17f, 0.023f, 5.5f, add + first, mul + first, ones + first};
        keys[n] = 77;
        k->sign_keys(keys, &q, dots + first, n);
        CHECK(keys[n] == 77);
        for (size_t i = first; i < N; i++) {
            CkSignTerms one = {q.t, q.low, q.step, q.sum, add + i, mul + i, ones + i};
            float key;
            k->sign_keys(&key, &one, dots + i, 1);
            CHECK_MSG(ck_f32_bits(key) == ck_f32_bits(keys[i - first]), "%s keys of %zu at %zu",
                      k->tier, n, i - first);
            double a = (double)q.low * ones[i], b = (double)q.step * dots[i];
            double want = (double)q.t * (double)add[i] - (double)mul[i] * (2 * (a + b) - 5.5);
            CHECK(fabs((double)key - want) <= 1e-6 * (fabs(a) + fabs(b) + 10));
        }
    }
}

/* Against one after another: limits from "none" to "all", lengths around the step. */
static void lists_are_of_what_is_not_above(const CkKernels *k) {
    enum { N = 70 };
    float x[N];
    uint32_t out[N + 1];
    unsigned long long state = SEED;
    for (size_t n = 0; n <= N; n++) {
        for (size_t i = 0; i < n; i++) x[i] = random_float(&state, 1);
        if (n > 3) x[n / 2] = NAN;
        for (int limit = -3; limit <= 3; limit++) {
            float at = limit == 3 ? INFINITY : (float)limit / 2;
            size_t n_want = 0, n_wrong = 0;
            out[n] = 77;
            size_t n_out = k->list_up_to(out, x, n, at);
            for (size_t i = 0; i < n; i++) {
                if (x[i] > at) continue;
                n_wrong += n_want >= n_out || out[n_want] != i;
                n_want++;
            }
            CHECK_MSG(n_out == n_want && n_wrong == 0 && out[n] == 77, "%s list of %zu", k->tier,
                      n);
        }
    }
}

void ck_test_vector_kernels_sign(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    fence_a = new_fence(CODES_MAX * LENGTH_MAX);
    fence_b = new_fence(4 * LENGTH_MAX);
    for (int i = 0; i < n; i++) {
        blocks_equal_one_code_after_another(usable[i]);
        blocks_of_the_longest_vectors(usable[i]);
        signs_equal_the_definition(usable[i]);
        residuals_and_ranges(usable[i]);
        planes_hold_the_rounded_values(usable[i]);
        keys_do_not_depend_on_their_place(usable[i]);
        lists_are_of_what_is_not_above(usable[i]);
    }
    free_fence(&fence_a);
    free_fence(&fence_b);
}
