/*
** Kernels: every tier against the definition, computed in double or in exact integers, at every
** length 0..1100, from every alignment, at the very end of an allocation (so that a sanitizer sees
** a read past n) or beside a page that may not be read.
*/
#include "vector/kernels.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "base/coding.h"
#include "fence.h"
#include "tier.h"
#include "unit.h"
#include "vector/quantize.h"

#define LENGTH_MAX 1100
#define SEED 0x5eed0001u

static float random_float(unsigned long long *state, float range) {
    return range * (float)((double)(int64_t)unit_random(state) * 0x1p-63);
}

/* n floats that end where the allocation ends, offset bytes behind a 16-byte boundary. */
typedef struct Array {
    char *memory;
    float *x; /* misaligned unless offset is a multiple of 4: never dereferenced here */
} Array;

static Array new_array(const float *values, size_t n, size_t offset) {
    Array array;
    array.memory = malloc(offset + n * sizeof(float) + (offset + n == 0));
    array.x = (float *)(void *)(array.memory + offset);
    memcpy(array.memory + offset, values, n * sizeof(float));
    return array;
}

static int is_near(float got, double want, double bound) {
    if (fabs(want) > (double)FLT_MAX) return isinf(got) && (got > 0) == (want > 0);
    return fabs((double)got - want) <= bound;
}

/* The error kernels.h promises for a sum of n terms whose magnitudes add up to terms. */
static double bound(size_t n, double terms) {
    return ((double)n / 16 + 10) * 0x1p-24 * terms + (double)n * 0x1p-149;
}

/* Sums of the first n of a and b in double. */
typedef struct Sums {
    double dot, dot_terms, l2sq, l1, norm_sq;
} Sums;

static void add_terms(Sums *sums, double a, double b) {
    sums->dot += a * b;
    sums->dot_terms += fabs(a * b);
    sums->l2sq += (a - b) * (a - b);
    sums->l1 += fabs(a - b);
    sums->norm_sq += b * b;
}

static void check_sum(const CkKernels *k, const char *name, size_t n, float got, double want,
                      double terms) {
    CHECK_MSG(is_near(got, want, bound(n, terms)), "%s %s n %zu: %.9g, not %.9g", k->tier, name, n,
              (double)got, want);
}

/* All sums over the first n of a and b. */
static void check_sums(const CkKernels *k, const float *a, const float *b, size_t n,
                       size_t offset) {
    Sums want = {0};
    for (size_t i = 0; i < n; i++) add_terms(&want, (double)a[i], (double)b[i]);
    Array x = new_array(a, n, offset), y = new_array(b, n, (offset * 3) % 16);
    float norm = -1.0f;
    check_sum(k, "dot_f32", n, k->dot_f32(x.x, y.x, n), want.dot, want.dot_terms);
    check_sum(k, "l2sq_f32", n, k->l2sq_f32(x.x, y.x, n), want.l2sq, want.l2sq);
    check_sum(k, "l1_f32", n, k->l1_f32(x.x, y.x, n), want.l1, want.l1);
    float dot = k->dot_norm_f32(x.x, y.x, n, &norm);
    check_sum(k, "dot_norm_f32", n, dot, want.dot, want.dot_terms);
    check_sum(k, "norm of dot_norm_f32", n, norm, want.norm_sq, want.norm_sq);
    free(x.memory);
    free(y.memory);
}

static void sums_equal_the_definition(const CkKernels *k) {
    static const float ranges[] = {1.0f, 1e-3f, 1e18f, 1e-18f};
    static float a[LENGTH_MAX], b[LENGTH_MAX];
    unsigned long long state = SEED;
    for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
        for (size_t i = 0; i < LENGTH_MAX; i++) {
            a[i] = random_float(&state, ranges[r]);
            b[i] = random_float(&state, ranges[r]);
        }
        /* Every length once per range; every offset many times. */
        for (size_t n = 0; n <= LENGTH_MAX; n++) check_sums(k, a, b, n, (n * 5 + r) % 16);
    }
}

static void extreme_values_behave(const CkKernels *k) {
    float a[40], b[40], norm;
    for (size_t n = 1; n <= 40; n++) {
        for (size_t i = 0; i < n; i++) a[i] = b[i] = 1e38f;
        check_sums(k, a, b, n, 0);
        CHECK(isinf(k->dot_f32(a, b, n)));
        CHECK(k->l2sq_f32(a, b, n) == 0.0f && k->l1_f32(a, b, n) == 0.0f);
        for (size_t i = 0; i < n; i++) a[i] = -FLT_MAX;
        CHECK(k->l2sq_f32(a, b, n) == INFINITY && k->l1_f32(a, b, n) == INFINITY);
        CHECK(k->dot_f32(a, b, n) == -INFINITY);
        for (size_t i = 0; i < n; i++) a[i] = b[i] = i % 2 ? 1e-44f : -1e-44f;
        check_sums(k, a, b, n, 1);
        CHECK(k->dot_norm_f32(a, b, n, &norm) == 0.0f && norm == 0.0f);
        for (size_t i = 0; i < n; i++) b[i] = -a[i];
        check_sums(k, a, b, n, 2);
    }
}

/* Two fences; every test takes its two arrays from here. */
static Fence fence_a, fence_b;

static void check_f16(const CkKernels *k, const uint16_t *a, const uint16_t *b) {
    Sums want = {0};
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        const uint16_t *x = put(&fence_a, a, 2 * n, n), *y = put(&fence_b, b, 2 * n, n / 2);
        float norm = -1.0f;
        check_sum(k, "dot_f16", n, k->dot_f16(x, y, n), want.dot, want.dot_terms);
        check_sum(k, "l2sq_f16", n, k->l2sq_f16(x, y, n), want.l2sq, want.l2sq);
        check_sum(k, "l1_f16", n, k->l1_f16(x, y, n), want.l1, want.l1);
        float dot = k->dot_norm_f16(x, y, n, &norm);
        check_sum(k, "dot_norm_f16", n, dot, want.dot, want.dot_terms);
        check_sum(k, "norm of dot_norm_f16", n, norm, want.norm_sq, want.norm_sq);
        if (n == LENGTH_MAX) break;
        add_terms(&want, (double)ck_f32_from_f16(a[n]), (double)ck_f32_from_f16(b[n]));
    }
}

/* Any finite f16; the largest of either sign; subnormals and zeros; from odd addresses. */
static void f16_equals_the_definition(const CkKernels *k) {
    static const uint16_t extremes[] = {0x7bff, 0xfbff, 0x7bff, 0x0001, 0x8001, 0x03ff, 0x0000,
                                        0x8000, 0x0400, 0x3c00};
    static uint16_t a[LENGTH_MAX + 1], b[LENGTH_MAX];
    unsigned long long state = SEED;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < LENGTH_MAX; i++) {
            uint64_t r = unit_random(&state);
            a[i] = (uint16_t)((r & 0x8000) | (r >> 16) % 0x7c00);
            b[i] = (uint16_t)((r >> 1 & 0x8000) | (r >> 40) % 0x7c00);
            if (round == 1) a[i] = extremes[r >> 20 & 1], b[i] = extremes[r >> 21 & 1];
            if (round == 2) a[i] = extremes[3 + r % 7], b[i] = extremes[3 + (r >> 8) % 7];
            if (round == 3) a[i] = b[i] = 0x7bff;
        }
        check_f16(k, a, b);
    }
    /* An odd address, which only a pointer to bytes may hold. */
    uint16_t *odd = (uint16_t *)(void *)(fence_a.begin + 1);
    memcpy(fence_a.begin + 1, a, 101 * sizeof *a);
    CHECK(k->dot_f16(odd, b, 101) == k->dot_f16(a, b, 101));
}

static void check_exact(const CkKernels *k, const char *name, size_t n, int64_t got,
                        int64_t want) {
    CHECK_MSG(got == want, "%s %s n %zu: %lld, not %lld", k->tier, name, n, (long long)got,
              (long long)want);
}

/* b is signed; a is taken as signed and as unsigned. */
static void check_codes(const CkKernels *k, const uint8_t *a, const int8_t *b, size_t max) {
    int64_t dot = 0, mixed = 0, l2sq = 0, l1 = 0;
    for (size_t n = 0; n <= max; n++) {
        if (n <= LENGTH_MAX || n == max) {
            const uint8_t *u = put(&fence_a, a, n, n);
            const int8_t *x = (const int8_t *)u, *y = put(&fence_b, b, n, n / 2);
            check_exact(k, "dot_i8", n, k->dot_i8(x, y, n), dot);
            check_exact(k, "dot_u8i8", n, k->dot_u8i8(u, y, n), mixed);
            check_exact(k, "l2sq_i8", n, k->l2sq_i8(x, y, n), l2sq);
            check_exact(k, "l1_i8", n, k->l1_i8(x, y, n), l1);
        }
        if (n == max) break;
        int x = (int8_t)a[n], y = b[n];
        dot += x * y;
        mixed += a[n] * y;
        l2sq += (x - y) * (x - y);
        l1 += abs(x - y);
    }
}

/* Random codes, and every pair of the values where a step could overflow or saturate, which at
** CK_KERNEL_INTS_MAX reach the largest results: 2^30, -255 * 2^23, 255^2 * 2^16. */
static void codes_equal_the_definition(const CkKernels *k) {
    static const uint8_t extremes[] = {0x80, 0x81, 0x7f, 0xff, 0x00, 0x01};
    static uint8_t a[CK_KERNEL_INTS_MAX], b[CK_KERNEL_INTS_MAX];
    const size_t n_extremes = sizeof extremes, n = CK_KERNEL_INTS_MAX;
    unsigned long long state = SEED;
    for (size_t i = 0; i < n; i++) {
        a[i] = (uint8_t)(unit_random(&state) >> 32);
        b[i] = (uint8_t)(unit_random(&state) >> 32);
    }
    check_codes(k, a, (const int8_t *)b, n);
    for (size_t i = 0; i < n; i++) {
        a[i] = extremes[unit_random(&state) % n_extremes];
        b[i] = extremes[unit_random(&state) % n_extremes];
    }
    check_codes(k, a, (const int8_t *)b, n);
    for (size_t pair = 0; pair < n_extremes * n_extremes; pair++) {
        memset(a, extremes[pair / n_extremes], n);
        memset(b, extremes[pair % n_extremes], n);
        check_codes(k, a, (const int8_t *)b, n);
    }
}

static int bits_of(uint8_t byte) {
    int n = 0;
    for (; byte; byte &= (uint8_t)(byte - 1)) n++;
    return n;
}

/* planes[p][i] is byte i of plane p; the kernel wants them one after the other. */
static void check_bits(const CkKernels *k, const uint8_t *a, uint8_t planes[4][LENGTH_MAX]) {
    static uint8_t joined[4 * LENGTH_MAX];
    int64_t count = 0, distance = 0, dot = 0;
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        const uint8_t *x = put(&fence_a, a, n, n);
        for (size_t p = 0; p < 4; p++) memcpy(joined + p * n, planes[p], n);
        const uint8_t *q = put(&fence_b, joined, 4 * n, n / 2);
        check_exact(k, "popcount", n, k->popcount(x, n), count);
        check_exact(k, "dot_bit4", n, k->dot_bit4(x, q, n), dot);
        const uint8_t *y = put(&fence_b, planes[0], n, n / 2);
        check_exact(k, "hamming", n, k->hamming(x, y, n), distance);
        if (n == LENGTH_MAX) break;
        count += bits_of(a[n]);
        distance += bits_of(a[n] ^ planes[0][n]);
        for (int p = 0; p < 4; p++) dot += bits_of(a[n] & planes[p][n]) << p;
    }
}

static void bits_equal_the_definition(const CkKernels *k) {
    static uint8_t a[LENGTH_MAX], planes[4][LENGTH_MAX];
    unsigned long long state = SEED;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < LENGTH_MAX; i++) {
            a[i] = round == 3 ? 0xff : (uint8_t)(unit_random(&state) >> 32);
            for (int p = 0; p < 4; p++) {
                planes[p][i] = (uint8_t)(round == 1   ? 0xff
                                         : round == 2 ? (p == (int)(i % 4) ? 0xff : 0)
                                         : round == 3 ? 0xff
                                                      : unit_random(&state) >> 32);
            }
        }
        check_bits(k, a, planes);
    }
}

/* The longest vector there is: all bits set, where counts in bytes would overflow first. */
static void bits_of_the_longest_vector(const CkKernels *k) {
    enum { N_BYTES = CK_KERNEL_INTS_MAX / 8 };
    static uint8_t a[N_BYTES], zeros[N_BYTES], planes[4 * N_BYTES];
    memset(a, 0xff, sizeof a);
    memset(planes, 0xff, sizeof planes);
    check_exact(k, "popcount", N_BYTES, k->popcount(a, N_BYTES), CK_KERNEL_INTS_MAX);
    check_exact(k, "hamming", N_BYTES, k->hamming(a, zeros, N_BYTES), CK_KERNEL_INTS_MAX);
    check_exact(k, "dot_bit4", N_BYTES, k->dot_bit4(a, planes, N_BYTES), 15 * CK_KERNEL_INTS_MAX);
}

/* What is not finite is found at every place; what only looks extreme is not. */
static void finite_finds_every_place(const CkKernels *k) {
    static const uint32_t bad[] = {0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001};
    static const uint32_t good[] = {0x7f7fffff, 0xff7fffff, 0x00000001, 0x80000000, 0x00800000};
    static float x[LENGTH_MAX];
    for (size_t i = 0; i < LENGTH_MAX; i++) x[i] = ck_f32_from_bits(good[i % 5]);
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        size_t step = n < 70 ? 1 : 61;
        Array array = new_array(x, n, n % 16);
        CHECK_MSG(k->finite_f32(array.x, n), "%s finite_f32 n %zu", k->tier, n);
        for (size_t at = 0; at < n; at += step) {
            char *place = array.memory + n % 16 + at * sizeof(float);
            memcpy(place, &bad[(at + n) % 5], sizeof(float));
            CHECK_MSG(!k->finite_f32(array.x, n), "%s finite_f32 n %zu misses %zu", k->tier, n, at);
            memcpy(place, &x[at], sizeof(float));
        }
        free(array.memory);
    }
}

/* Conversions give the same bits as quantize.h, one component at a time. */
static void conversions_equal_the_definition(const CkKernels *k) {
    static float x[LENGTH_MAX];
    unsigned long long state = SEED;
    for (size_t n = 0; n <= LENGTH_MAX; n += n < 70 ? 1 : 37) {
        float max = 0, scale = 1.0f + (float)(n % 11);
        uint8_t *h = malloc(2 * n + 1), *h_in = malloc(2 * n + 1);
        int8_t *q = malloc(n + 1);
        float *wide = malloc(n * sizeof *wide + 1);
        int same = 1;
        for (size_t i = 0; i < n; i++) {
            x[i] = random_float(&state, i % 3 ? 200.0f : 1e-5f);
            max = fmaxf(max, fabsf(x[i]));
            ck_store_u16(h_in + 1 + 2 * i, (uint16_t)unit_random(&state));
        }
        CHECK(k->max_abs_f32(x, n) == max);
        k->f16_from_f32(h + 1, x, n);
        k->i8_from_f32(q + 1, x, scale, n);
        for (size_t i = 0; i < n; i++) {
            same &= ck_load_u16(h + 1 + 2 * i) == ck_f16_from_f32(x[i]);
            same &= q[i + 1] == ck_i8_from_f32(x[i], scale);
        }
        k->f32_from_f16(wide, h_in + 1, n);
        for (size_t i = 0; i < n; i++) {
            uint32_t want = ck_f32_bits(ck_f32_from_f16(ck_load_u16(h_in + 1 + 2 * i)));
            same &= ck_f32_bits(wide[i]) == want;
        }
        k->f32_from_i8(wide, q + 1, scale, n);
        for (size_t i = 0; i < n; i++) same &= wide[i] == (float)q[i + 1] / scale;
        CHECK_MSG(same, "%s conversions of n %zu", k->tier, n);
        free(h);
        free(h_in);
        free(q);
        free(wide);
    }
}

static void the_tier_can_be_forced(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    char *kept = keep_tier();
    CHECK(n >= 1);
    CHECK_STR(usable[0]->tier, "portable");
    for (int i = 0; i < n; i++) {
        use_tier(usable[i]->tier);
        CHECK_STR(ck_kernels()->tier, usable[i]->tier);
    }
    use_tier("mmx");
    CHECK_STR(ck_kernels()->tier, usable[n - 1]->tier);
    restore_tier(kept);
}

/* A stored checksum must verify on every machine; that of nothing is XXH3's own. */
static void checksums_equal_the_portable_one(const CkKernels *portable, const CkKernels *tier) {
    uint8_t bytes[1101];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    CHECK_INT(tier->checksum(bytes, 0, 0), (long long)0x2d06800538d394c2);
    for (size_t n = 0; n + 1 < sizeof bytes; n++) {
        CHECK_MSG(tier->checksum(bytes + 1, n, n) == portable->checksum(bytes + 1, n, n),
                  "%s: checksum of %d bytes differs", tier->tier, (int)n);
    }
}

void ck_test_vector_kernels(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    the_tier_can_be_forced();
    fence_a = new_fence(CK_KERNEL_INTS_MAX);
    fence_b = new_fence(CK_KERNEL_INTS_MAX);
    for (int i = 0; i < n; i++) {
        sums_equal_the_definition(usable[i]);
        extreme_values_behave(usable[i]);
        f16_equals_the_definition(usable[i]);
        codes_equal_the_definition(usable[i]);
        bits_equal_the_definition(usable[i]);
        bits_of_the_longest_vector(usable[i]);
        finite_finds_every_place(usable[i]);
        conversions_equal_the_definition(usable[i]);
        checksums_equal_the_portable_one(usable[0], usable[i]);
    }
    free_fence(&fence_a);
    free_fence(&fence_b);
}
