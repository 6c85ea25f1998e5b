/* Narrow element types: binary16 exhaustively, int8 rounding. */
#include "vector/quantize.h"

#include <float.h>
#include <math.h>

#include "unit.h"

/* The definition of IEEE 754 binary16, by arithmetic instead of by bits. */
static float f16_value(uint32_t h) {
    int exponent = (int)(h >> 10 & 31), mantissa = (int)(h & 1023);
    float magnitude = exponent == 0    ? ldexpf((float)mantissa, -24)
                      : exponent == 31 ? (mantissa ? NAN : INFINITY)
                                       : ldexpf((float)(1024 + mantissa), exponent - 25);
    return h & 0x8000u ? -magnitude : magnitude;
}

static void all_halves_widen_exactly(void) {
    int n_wrong = 0;
    for (uint32_t h = 0; h < 65536; h++) {
        float got = ck_f32_from_f16((uint16_t)h), want = f16_value(h);
        if (isnan(want) ? !isnan(got) : ck_f32_bits(got) != ck_f32_bits(want)) n_wrong++;
        if (!isnan(want) && ck_f16_from_f32(got) != h) n_wrong++;
    }
    CHECK_INT(n_wrong, 0);
    CHECK_INT(ck_f16_from_f32(NAN) & 0x7c00, 0x7c00);
    CHECK((ck_f16_from_f32(NAN) & 0x3ff) != 0);
}

/* Between two neighbouring halves: the midpoint goes to the even one, any other float to the
** nearer one. Rounding is monotone, so the floats beside the boundaries decide for all. */
static void narrowing_rounds_to_nearest_even(void) {
    int n_wrong = 0;
    for (uint32_t h = 0; h < 0x7bff; h++) {
        float low = f16_value(h), high = f16_value(h + 1), middle = (low + high) / 2;
        uint32_t even = h + (h & 1);
        for (uint32_t sign = 0; sign <= 0x8000u; sign += 0x8000u) {
            float s = sign ? -1.0f : 1.0f;
            n_wrong += ck_f16_from_f32(s * nextafterf(low, high)) != (sign | h);
            n_wrong += ck_f16_from_f32(s * nextafterf(middle, low)) != (sign | h);
            n_wrong += ck_f16_from_f32(s * middle) != (sign | even);
            n_wrong += ck_f16_from_f32(s * nextafterf(middle, high)) != (sign | (h + 1));
            n_wrong += ck_f16_from_f32(s * nextafterf(high, low)) != (sign | (h + 1));
        }
    }
    CHECK_INT(n_wrong, 0);
    CHECK_INT(ck_f16_from_f32(65504.0f), 0x7bff);
    CHECK_INT(ck_f16_from_f32(nextafterf(65520.0f, 0)), 0x7bff);
    CHECK_INT(ck_f16_from_f32(65520.0f), 0x7c00);
    CHECK_INT(ck_f16_from_f32(-FLT_MAX), 0xfc00);
    CHECK_INT(ck_f16_from_f32(FLT_TRUE_MIN), 0);
    CHECK_INT(ck_f16_from_f32(-0.0f), 0x8000);
}

static void i8_rounds_half_away_from_zero(void) {
    static const struct {
        float x, scale;
        int code;
    } cases[] = {
        {0.5f, 1, 1},       {-0.5f, 1, -1},     {1.5f, 1, 2},          {2.5f, 1, 3},
        {-2.5f, 1, -3},     {0.49999997f, 1, 0}, {126.5f, 1, 127},      {127.4f, 1, 127},
        {1000.0f, 1, 127},  {-1000.0f, 1, -127}, {-0.0f, 5, 0},         {FLT_MAX, FLT_MAX, 127},
        {-FLT_MAX, 1, -127}, {FLT_TRUE_MIN, 1, 0}, {0.1f, 5, 1}, {0.3f, 5, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_INT(ck_i8_from_f32(cases[i].x, cases[i].scale), cases[i].code);
    }
}

static void a_scale_spans_the_codes(void) {
    static const float magnitudes[] = {1.0f, 0.1f, 3.0f, 1e-30f, 3.8e-37f, 1e30f, FLT_MAX};
    for (size_t i = 0; i < sizeof magnitudes / sizeof magnitudes[0]; i++) {
        float x[3] = {magnitudes[i] / 2, -magnitudes[i], 0};
        float scale = ck_i8_scale(x, 3);
        CHECK(scale == 127.0f / magnitudes[i]);
        CHECK_INT(ck_i8_from_f32(x[1], scale), -127);
        CHECK_MSG(isfinite(127.0f / scale), "code 127 at magnitude %g", (double)magnitudes[i]);
    }
    float zero[2] = {0.0f, -0.0f}, tiny[2] = {1e-40f, 0.0f};
    CHECK(ck_i8_scale(zero, 2) == 0.0f);
    CHECK(ck_i8_scale(tiny, 2) == 0.0f);
}

void ck_test_vector_quantize(void) {
    all_halves_widen_exactly();
    narrowing_rounds_to_nearest_even();
    i8_rounds_half_away_from_zero();
    a_scale_spans_the_codes();
}
