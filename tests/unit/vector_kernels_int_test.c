/*
** Kernels of int8 codes many at a time: every tier against the one-at-a-time kernels of the
** portable one, at many lengths, from rows that end beside a page that may not be read.
*/
#include "fence.h"
#include "unit.h"
#include "vector/intcode.h"
#include "vector/kernels.h"

#define ROWS 41
#define LENGTH_MAX 1152

static uint8_t bytes[ROWS * LENGTH_MAX];

static void fill(unsigned long long seed, int extreme) {
    static const uint8_t extremes[] = {0x80, 0x7f, 0xff, 0x00};
    unsigned long long state = seed;
    for (size_t i = 0; i < sizeof bytes; i++) {
        uint64_t r = unit_random(&state) >> 32;
        bytes[i] = extreme ? extremes[r % 4] : (uint8_t)r;
    }
}

/* Row numbers in no order, some of them twice. */
static void choose(uint32_t *which, size_t n, uint32_t of) {
    for (size_t i = 0; i < n; i++) which[i] = (uint32_t)(i * 17 + i / 7) % of;
}

static void gathers_equal_single_ones(const CkKernels *portable, const CkKernels *k) {
    Fence rows = new_fence(sizeof bytes), query = new_fence(LENGTH_MAX);
    uint32_t which[ROWS], bits[ROWS];
    int32_t dots[ROWS];
    choose(which, ROWS, ROWS);
    for (size_t n_bytes = 64; n_bytes <= LENGTH_MAX; n_bytes += 64) {
        const uint8_t *q = put(&query, bytes + n_bytes, n_bytes, 0);
        const uint8_t *base = put(&rows, bytes, ROWS * n_bytes, 0);
        const CkRows all = {base, n_bytes, n_bytes, n_bytes};
        for (size_t n = 0; n <= ROWS; n += n < 10 ? 1 : 31) {
            k->gather_u8i8(dots, q, &all, which, n);
            for (size_t i = 0; i < n; i++) {
                const int8_t *row = (const int8_t *)base + which[i] * n_bytes;
                CHECK_INT(dots[i], portable->dot_u8i8(q, row, n_bytes));
            }
        }
    }
    for (size_t n_bytes = 64; n_bytes <= LENGTH_MAX; n_bytes += 64) {
        static uint8_t ending[ROWS * LENGTH_MAX]; /* with factors */
        memcpy(ending, bytes, ROWS * n_bytes);
        for (size_t i = 0; i < ROWS; i++) {
            const CkIntFactors factors = {0.5f, 0.001f * (float)i, (int32_t)i * 999 - 20000, 1};
            memcpy(ending + (i + 1) * n_bytes - sizeof factors, &factors, sizeof factors);
        }
        const uint8_t *q = put(&query, bytes + n_bytes, n_bytes, 0);
        const uint8_t *base = put(&rows, ending, ROWS * n_bytes, 0);
        const CkRows all = {base, n_bytes, n_bytes, n_bytes};
        const CkIntQuery side = {.codes = (uint8_t *)q, .add = 0.37f, .scale = 0.0071f};
        float distances[ROWS];
        for (size_t n = 0; n <= ROWS; n += n < 10 ? 1 : 31) {
            k->gather_distances(distances, &side, &all, which, n);
            for (size_t i = 0; i < n; i++) {
                const uint8_t *row = base + which[i] * n_bytes;
                CkIntFactors factors;
                memcpy(&factors, row + n_bytes - sizeof factors, sizeof factors);
                int32_t dot = portable->dot_u8i8(q, (const int8_t *)row, n_bytes);
                float expected = ck_int_distance(&side, &factors, dot);
                CHECK(memcmp(&distances[i], &expected, sizeof expected) == 0);
            }
        }
    }
    for (size_t n_bytes = 1; n_bytes <= LENGTH_MAX / 4; n_bytes += n_bytes < 140 ? 1 : 37) {
        const uint8_t *planes = put(&query, bytes + n_bytes, 4 * n_bytes, 0);
        const uint8_t *base = put(&rows, bytes, ROWS * n_bytes, 0);
        const CkRows all = {base, n_bytes, n_bytes, n_bytes};
        k->gather_bit4(bits, planes, &all, which, ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            CHECK_INT(bits[i], portable->dot_bit4(base + which[i] * n_bytes, planes, n_bytes));
        }
    }
    free_fence(&rows);
    free_fence(&query);
}

static void products_equal_single_ones(const CkKernels *portable, const CkKernels *k) {
    enum { A = 16, B = 24 };
    static int32_t out[A * B];
    Fence a = new_fence(A * LENGTH_MAX), b = new_fence(B * LENGTH_MAX);
    for (size_t n_bytes = 64; n_bytes <= LENGTH_MAX; n_bytes += 64) {
        for (size_t n_a = 4; n_a <= A; n_a += 4) {
            size_t n_b = B - n_a + 4;
            const uint8_t *x = put(&a, bytes, n_a * n_bytes, 0);
            const uint8_t *y = put(&b, bytes + 5 * n_bytes, n_b * n_bytes, 0);
            k->products_u8i8(out, x, n_a, y, n_b, n_bytes);
            for (size_t i = 0; i < n_a * n_b; i++) {
                const int8_t *row = (const int8_t *)y + i % n_b * n_bytes;
                CHECK_INT(out[i], portable->dot_u8i8(x + i / n_b * n_bytes, row, n_bytes));
            }
        }
    }
    free_fence(&a);
    free_fence(&b);
}

static void sums_and_distances(const CkKernels *portable, const CkKernels *k) {
    enum { N = 100 };
    float add[N], scale[N], got[N], expected[N];
    int32_t sum[N], dots[N];
    unsigned long long state = 9;
    for (size_t i = 0; i < N; i++) {
        add[i] = (float)(unit_random(&state) >> 40) * 0x1p-22f;
        scale[i] = (float)(unit_random(&state) >> 40) * 0x1p-33f;
        sum[i] = (int32_t)(unit_random(&state) >> 46) - (1 << 17);
        dots[i] = (int32_t)(unit_random(&state) >> 36) - (1 << 27);
    }
    const CkIntTerms terms = {0.37f, 0.0071f, add, scale, sum};
    for (size_t n = 0; n <= N; n++) {
        k->int_distances(got, &terms, dots, n);
        portable->int_distances(expected, &terms, dots, n);
        CHECK_MSG(memcmp(got, expected, n * sizeof *got) == 0, "%s n %d", k->tier, (int)n);
    }
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        int32_t total = 0;
        for (size_t i = 0; i < n; i++) total += (int8_t)bytes[i + 3];
        CHECK_INT(k->sum_i8((const int8_t *)bytes + 3, n), total);
    }
}

void ck_test_vector_kernels_int(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    for (int i = 0; i < 2 * n; i++) {
        fill(77, i % 2);
        gathers_equal_single_ones(usable[0], usable[i / 2]);
        products_equal_single_ones(usable[0], usable[i / 2]);
        sums_and_distances(usable[0], usable[i / 2]);
    }
}
