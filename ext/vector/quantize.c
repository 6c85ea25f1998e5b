/* Narrow element types: see quantize.h for the definitions and kernels_tier.c for the loops. */
#include "vector/quantize.h"

#include "vector/kernels.h"

float ck_i8_scale(const float *x, size_t n) {
    float max = ck_kernels()->max_abs_f32(x, n);
    if (max == 0.0f) return 0.0f;
    float scale = (float)CK_I8_MAX / max;
    return isfinite(scale) ? scale : 0.0f;
}
