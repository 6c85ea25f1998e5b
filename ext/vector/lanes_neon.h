/*
** Lanes of the NEON tier: what every aarch64 has. Included by kernels_tier.c alone, which explains
** what a lanes file defines.
**
** Products of bytes take 16 bits (-128 * -128 = 2^14, 255 * 255 < 2^16); pairs of them are added
** to 32-bit lanes at once, before a second product could overflow.
*/
#include "vector/lanes_neon_base.h"

static inline Ints ints_add_dot_i8(Ints sum, Codes a, Codes b) {
    int8x16_t x = vreinterpretq_s8_u8(a), y = vreinterpretq_s8_u8(b);
    int32x4_t s = vreinterpretq_s32_u32(sum);
    s = vpadalq_s16(s, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    return vreinterpretq_u32_s32(vpadalq_s16(s, vmull_high_s8(x, y)));
}

static inline Ints ints_add_l2sq_i8(Ints sum, Codes a, Codes b) {
    Bytes d = bytes_difference_i8(a, b);
    sum = vpadalq_u16(sum, vmull_u8(vget_low_u8(d), vget_low_u8(d)));
    return vpadalq_u16(sum, vmull_high_u8(d, d));
}

static inline ByteSums sums_add_bytes(ByteSums sum, Bytes v) {
    return vpadalq_u16(sum, vpaddlq_u8(v));
}

static inline ByteSums sums_add_l1_i8(ByteSums sum, Bytes a, Bytes b) {
    return sums_add_bytes(sum, bytes_difference_i8(a, b));
}

static inline ByteSums sums_add_count(ByteSums sum, Bytes v) {
    return sums_add_bytes(sum, bytes_count(v));
}

/* Doubled from plane to plane: a byte of 8 bits of weight 15 is 120. */
static inline Ints ints_add_weights(Ints sum, Wide code, const Weights *weights) {
    Wide v = bytes_count(bytes_and(code, weights->plane[3]));
    for (int i = 2; i >= 0; i--) {
        v = bytes_add(bytes_add(v, v), bytes_count(bytes_and(code, weights->plane[i])));
    }
    return sums_add_bytes(sum, v);
}
