/*
** Kernels: every tier against the definition computed in double, at every length 0..1100, from
** every alignment, at the very end of an allocation (so that a sanitizer sees a read past n).
*/
#include "vector/kernels.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "base/coding.h"
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

/* All sums over the first n of a and b. */
static void check_sums(const CkKernels *k, const float *a, const float *b, size_t n,
                       size_t offset) {
    double dot = 0, dot_bound = 0, l2sq = 0, norm_sq = 0;
    for (size_t i = 0; i < n; i++) {
        double p = (double)a[i] * b[i], d = (double)a[i] - b[i];
        dot += p;
        dot_bound += fabs(p);
        l2sq += d * d;
        norm_sq += (double)b[i] * b[i];
    }
    double unit = ((double)n + 4) * 0x1p-24, floor = (double)n * 0x1p-148;
    Array x = new_array(a, n, offset), y = new_array(b, n, (offset * 3) % 16);
    float norm = -1.0f;
    float got = k->dot_f32(x.x, y.x, n);
    CHECK_MSG(is_near(got, dot, unit * dot_bound + floor), "%s dot_f32 n %zu: %g, not %g", k->tier,
              n, (double)got, dot);
    got = k->l2sq_f32(x.x, y.x, n);
    CHECK_MSG(is_near(got, l2sq, unit * l2sq + floor), "%s l2sq_f32 n %zu: %g, not %g", k->tier,
              n, (double)got, l2sq);
    got = k->dot_norm_f32(x.x, y.x, n, &norm);
    CHECK_MSG(is_near(got, dot, unit * dot_bound + floor), "%s dot_norm_f32 n %zu: %g, not %g",
              k->tier, n, (double)got, dot);
    CHECK_MSG(is_near(norm, norm_sq, unit * norm_sq + floor), "%s norm of n %zu: %g, not %g",
              k->tier, n, (double)norm, norm_sq);
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
        CHECK(k->l2sq_f32(a, b, n) == 0.0f);
        for (size_t i = 0; i < n; i++) a[i] = b[i] = 1e-44f;
        check_sums(k, a, b, n, 1);
        CHECK(k->dot_norm_f32(a, b, n, &norm) == 0.0f && norm == 0.0f);
    }
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
    const char *before = getenv("CK_SIMD");
    char *kept = before ? strdup(before) : NULL;
    CHECK(n >= 1);
    CHECK_STR(usable[0]->tier, "portable");
    for (int i = 0; i < n; i++) {
        setenv("CK_SIMD", usable[i]->tier, 1);
        ck_kernels_init();
        CHECK_STR(ck_kernels()->tier, usable[i]->tier);
    }
    setenv("CK_SIMD", "mmx", 1);
    ck_kernels_init();
    CHECK_STR(ck_kernels()->tier, usable[n - 1]->tier);
    if (kept) {
        setenv("CK_SIMD", kept, 1);
    } else {
        unsetenv("CK_SIMD");
    }
    free(kept);
    ck_kernels_init();
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
    for (int i = 0; i < n; i++) {
        sums_equal_the_definition(usable[i]);
        extreme_values_behave(usable[i]);
        finite_finds_every_place(usable[i]);
        conversions_equal_the_definition(usable[i]);
        checksums_equal_the_portable_one(usable[0], usable[i]);
    }
}
