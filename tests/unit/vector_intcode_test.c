/* vector/intcode: distances are those of the vectors, and the low ones are hardly ever above. */
#include "vector/intcode.h"

#include <math.h>

#include "base/aligned.h"
#include "tier.h"
#include "unit.h"
#include "vector/kernels.h"

#define ROWS 200

static float normal(unsigned long long *state) {
    float sum = 0;
    for (int i = 0; i < 4; i++) sum += (float)(unit_random(state) >> 40) * 0x1p-24f;
    return (sum - 2) * 1.7320508f;
}

static double distance_of(CkIntMetric metric, const float *x, const float *y, uint32_t dims) {
    double dot = 0, xx = 0, yy = 0;
    for (uint32_t d = 0; d < dims; d++) {
        dot += (double)x[d] * (double)y[d];
        xx += (double)x[d] * (double)x[d];
        yy += (double)y[d] * (double)y[d];
    }
    if (metric == CK_INT_L2) return xx + yy - 2 * dot;
    return metric == CK_INT_DOT ? -dot : 1 - dot / sqrt(xx * yy);
}

typedef struct Sample {
    CkIntSpace space;
    size_t stride;
    float *vectors; /* ROWS, then the mean */
    uint8_t *rows, *codes;
} Sample;

/* What is multiplied with before coding. */
static float scale_of(const Sample *sample, const float *x) {
    if (sample->space.metric != CK_INT_COSINE) return 1;
    return 1 / sqrtf(ck_kernels()->dot_f32(x, x, sample->space.dims));
}

static void make(Sample *sample, CkIntMetric metric, uint32_t dims) {
    unsigned long long state = 21;
    float *mean = calloc((ROWS + 1) * dims, sizeof *mean);
    sample->vectors = mean + dims;
    for (size_t i = 0; i < ROWS * (size_t)dims; i++) {
        sample->vectors[i] = normal(&state) + (i % dims % 3 == 0 ? 0.8f : 0);
    }
    sample->space = (CkIntSpace){metric, dims, mean};
    for (size_t i = 0; i < ROWS; i++) {
        const float *x = sample->vectors + i * dims;
        for (uint32_t d = 0; d < dims; d++) mean[d] += x[d] * scale_of(sample, x) / ROWS;
    }
    sample->stride = ck_int_stride(dims);
    sample->rows = ck_aligned_new(ROWS * sample->stride);
    sample->codes = ck_aligned_new(ck_int_query_bytes(dims));
    for (size_t i = 0; i < ROWS; i++) {
        const float *x = sample->vectors + i * dims;
        ck_int_code(&sample->space, x, scale_of(sample, x), sample->rows + i * sample->stride);
    }
}

static void release(Sample *sample) {
    free((float *)sample->space.mean);
    ck_aligned_free(sample->rows);
    ck_aligned_free(sample->codes);
}

/* The largest difference and how many low distances are above, over all pairs of a few. */
static void compare(const Sample *sample, const char *name) {
    const CkKernels *kernels = ck_kernels();
    const uint32_t dims = sample->space.dims;
    double worst = 0, largest = 0;
    int n = 0, n_above = 0, n_useless = 0;
    for (size_t i = 0; i < 20; i++) {
        const float *q = sample->vectors + i * dims;
        CkIntQuery query = {.codes = sample->codes};
        ck_int_query(&sample->space, q, scale_of(sample, q), &query);
        CHECK((query.planes != NULL) == (dims >= CK_INT_SIGNS_MIN));
        for (size_t j = 0; j < ROWS; j++) {
            const uint8_t *row = sample->rows + j * sample->stride;
            double exact = distance_of(sample->space.metric, q, sample->vectors + j * dims, dims);
            int32_t dot = kernels->dot_u8i8(query.codes, (const int8_t *)row,
                                            ck_int_code_bytes(dims));
            float got = ck_int_distance(&query, ck_int_factors(row, dims), dot);
            worst = fmax(worst, fabs((double)got - exact));
            largest = fmax(largest, fabs(exact));
            if (!query.planes) continue;
            uint32_t bits = kernels->dot_bit4(row + ck_int_signs_at(dims), query.planes,
                                              ck_int_sign_bytes(dims));
            float low = ck_int_low(&query, ck_int_sign_factors(row, dims), bits);
            n++;
            n_above += (double)low > exact;
            n_useless += (double)low < exact - 0.3 * largest;
        }
    }
    CHECK_MSG(worst <= 0.02 * largest, "%s dims %u: off by %g of %g", name, dims, worst, largest);
    CHECK_MSG(n_above <= n / 4, "%s dims %u: %d of %d are above", name, dims, n_above, n);
    CHECK_MSG(n_useless <= n / 20, "%s dims %u: %d of %d are low", name, dims, n_useless, n);
}

/* A row as a query is at distance 0 of itself, and its half squared l2 distances are symmetric. */
static void halves_are_distances(const Sample *sample) {
    const uint32_t dims = sample->space.dims;
    float near[2];
    for (size_t i = 0; i < 2; i++) {
        CkIntQuery query = {.codes = sample->codes};
        const uint8_t *row = sample->rows + i * sample->stride;
        const uint8_t *other = sample->rows + (1 - i) * sample->stride;
        const CkIntFactors *factors = ck_int_factors(row, dims);
        ck_int_query_of_row(row, dims, &query);
        CHECK(query.planes == NULL);
        int32_t dot = ck_kernels()->dot_u8i8(query.codes, (const int8_t *)row,
                                             ck_int_code_bytes(dims));
        CHECK(fabsf(ck_int_half_l2sq(&query, factors, dot)) <= 1e-5f * factors->half);
        dot = ck_kernels()->dot_u8i8(query.codes, (const int8_t *)other, ck_int_code_bytes(dims));
        near[i] = ck_int_half_l2sq(&query, ck_int_factors(other, dims), dot);
    }
    CHECK(near[0] == near[1] && (near[0] > 0 || dims == 1));
}

/* The code and its factors are the same bytes in every tier. */
static void tiers_agree(void) {
    int n;
    const CkKernels *const *usable = ck_kernels_usable(&n);
    char *kept = keep_tier();
    uint8_t *first = NULL;
    for (int i = 0; i < n; i++) {
        Sample sample;
        use_tier(usable[i]->tier);
        make(&sample, CK_INT_L2, 300);
        if (!first) {
            first = malloc(ck_int_identity_bytes(300));
            memcpy(first, sample.rows, ck_int_identity_bytes(300));
        }
        CHECK(memcmp(first, sample.rows, ck_int_identity_bytes(300)) == 0);
        release(&sample);
    }
    free(first);
    restore_tier(kept);
}

/* Zeros, and a vector too small for a step, have codes of zeros and finite factors. */
static void small_ones(void) {
    float x[300] = {0};
    CkIntSpace space = {CK_INT_L2, 300, NULL};
    uint8_t *row = ck_aligned_new(ck_int_stride(300));
    uint8_t *codes = ck_aligned_new(ck_int_query_bytes(300));
    for (int way = 0; way < 2; way++) {
        CkIntQuery query = {.codes = codes};
        if (way == 1) x[7] = 1e-40f;
        ck_int_code(&space, x, 1, row);
        ck_int_query(&space, x, 1, &query);
        CHECK_INT(ck_kernels()->popcount(row, 300), 0);
        CHECK(ck_int_factors(row, 300)->half == 0 && ck_int_factors(row, 300)->scale == 0);
        CHECK(ck_int_distance(&query, ck_int_factors(row, 300), 0) == 0);
        CHECK(isfinite(ck_int_low(&query, ck_int_sign_factors(row, 300), 0)));
    }
    ck_aligned_free(row);
    ck_aligned_free(codes);
}

void ck_test_vector_intcode(void) {
    static const uint32_t dims[] = {1, 3, 64, 100, 130, 255, 256, 300, 384, 768, 1100};
    static const char *const names[] = {"cosine", "l2", "dot"};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        for (int metric = CK_INT_COSINE; metric <= CK_INT_DOT; metric++) {
            Sample sample;
            make(&sample, (CkIntMetric)metric, dims[i]);
            compare(&sample, names[metric]);
            halves_are_distances(&sample);
            release(&sample);
        }
    }
    tiers_agree();
    small_ones();
}
