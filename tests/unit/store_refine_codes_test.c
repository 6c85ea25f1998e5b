/* store/refine_codes: the true value is within the margin of the estimate, which is small. */
#include "store/refine_codes.h"

#include <math.h>

#include "unit.h"

#define DIMS_MAX 1024

static float gauss(unsigned long long *state) {
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += (double)(unit_random(state) >> 11) / 9007199254740992.0;
    return (float)(sum - 6);
}

static void make(float *x, uint32_t dims, float scale, unsigned long long *state) {
    for (uint32_t j = 0; j < dims; j++) x[j] = gauss(state) * scale;
}

/* -<q, x> or |q - x|^2 of the scaled vectors, in double precision. */
static double truth(const float *q, float q_scale, const float *x, float x_scale, uint32_t dims,
                    int squared_l2) {
    double dot = 0, square = 0;
    for (uint32_t j = 0; j < dims; j++) {
        double a = (double)q[j] * (double)q_scale, b = (double)x[j] * (double)x_scale;
        dot += a * b;
        square += (a - b) * (a - b);
    }
    return squared_l2 ? square : -dot;
}

/* Random pairs; *n_out counts those beyond the margin. */
static void compare(uint32_t dims, float size, int squared_l2, int n, int *n_out,
                    unsigned long long *state) {
    float q[DIMS_MAX], x[DIMS_MAX];
    int8_t codes[DIMS_MAX];
    CkRefineCodes refine;
    CHECK_INT(ck_refine_codes_init(&refine, 1, dims), SQLITE_OK);
    for (int i = 0; i < n; i++) {
        CkRefineQuery query = {.codes = codes, .dims = dims, .squared_l2 = squared_l2};
        float x_scale = squared_l2 ? 1 : 0.5f, q_scale = squared_l2 ? 1 : 3;
        make(q, dims, size, state);
        make(x, dims, size, state);
        if (i % 2) {
            for (uint32_t j = 0; j < dims; j++) x[j] = q[j] + x[j] / 4;
        }
        ck_refine_query(&query, q, q_scale);
        ck_refine_codes_put(&refine, 0, x, x_scale, dims);
        CHECK(refine.scales[0] > 0);
        CkRefineEstimate estimate = ck_refine_estimate(&query, &refine, 0);
        double value = truth(q, q_scale, x, x_scale, dims, squared_l2);
        /* Float32 sums of squares have an error of their own. */
        double slack = squared_l2 ? 1e-6 * (double)(query.norm_sq + refine.norm_sq[0]) : 0;
        *n_out += fabs(value - (double)estimate.value) > (double)estimate.margin + slack;
        double lengths = sqrt((double)query.norm_sq) * sqrt((double)refine.norm_sq[0]);
        CHECK_MSG(dims < 64 || (double)estimate.margin < 0.1 * lengths,
                  "%u dims: the margin is %g of lengths %g", dims, (double)estimate.margin,
                  lengths);
    }
    ck_refine_codes_release(&refine);
}

static void test_margins(void) {
    static const uint32_t all_dims[] = {2, 3, 8, 24, 100, 384, 768, 1024};
    static const float sizes[] = {1e-12f, 1, 1e12f};
    unsigned long long state = 11;
    int n_out = 0, n = 0;
    for (size_t i = 0; i < sizeof all_dims / sizeof *all_dims; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            for (int squared_l2 = 0; squared_l2 < 2; squared_l2++) {
                compare(all_dims[i], sizes[j], squared_l2, 250, &n_out, &state);
                n += 250;
            }
        }
    }
    CHECK_MSG(n_out * 1000 <= n, "%d of %d are beyond their margin", n_out, n);
}

/* Of zero vectors, and those at the ends of float32, the estimates rule nothing out wrongly. */
static void test_extremes(void) {
    static const float values[] = {0, 1e-38f, 1e-30f, 1e15f, -1e15f};
    float q[8], x[8];
    int8_t codes[8];
    CkRefineCodes refine;
    CHECK_INT(ck_refine_codes_init(&refine, 1, 8), SQLITE_OK);
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 5; k++) {
            CkRefineQuery query = {.codes = codes, .dims = 8, .squared_l2 = 1};
            for (int j = 0; j < 8; j++) {
                q[j] = values[i];
                x[j] = values[k];
            }
            ck_refine_query(&query, q, 1);
            ck_refine_codes_put(&refine, 0, x, 1, 8);
            CkRefineEstimate estimate = ck_refine_estimate(&query, &refine, 0);
            double value = truth(q, 1, x, 1, 8, 1);
            CHECK_MSG(!((double)estimate.value - (double)estimate.margin >
                        value + 1e-5 * (double)(query.norm_sq + refine.norm_sq[0])),
                      "%g and %g: %g instead of %g", (double)values[i], (double)values[k],
                      (double)estimate.value, value);
        }
    }
    ck_refine_codes_release(&refine);
    CHECK(!refine.codes && !refine.scales);
}

void ck_test_store_refine_codes(void) {
    test_margins();
    test_extremes();
}
