/*
** Lanes of the aarch64 tier with the dot product instructions of ARMv8.2 (Neoverse, Apple M1, most
** since 2018). Included by kernels_tier.c alone, which explains what a lanes file defines.
**
** sdot and udot add four products of bytes to each 32-bit lane. With a register of ones udot also
** adds up bytes.
*/
#include "vector/lanes_neon_base.h"

static inline Ints ints_add_dot_i8(Ints sum, Codes a, Codes b) {
    return vreinterpretq_u32_s32(vdotq_s32(vreinterpretq_s32_u32(sum), vreinterpretq_s8_u8(a),
                                           vreinterpretq_s8_u8(b)));
}

static inline Ints ints_add_l2sq_i8(Ints sum, Codes a, Codes b) {
    Bytes d = bytes_difference_i8(a, b);
    return vdotq_u32(sum, d, d);
}

static inline ByteSums sums_add_bytes(ByteSums sum, Bytes v) {
    return vdotq_u32(sum, v, vdupq_n_u8(1));
}

static inline ByteSums sums_add_l1_i8(ByteSums sum, Bytes a, Bytes b) {
    return sums_add_bytes(sum, bytes_difference_i8(a, b));
}

static inline ByteSums sums_add_count(ByteSums sum, Bytes v) {
    return sums_add_bytes(sum, bytes_count(v));
}

static inline Ints ints_add_weights(Ints sum, Wide code, const Weights *weights) {
    for (int i = 0; i < 4; i++) {
        sum = vdotq_u32(sum, bytes_count(bytes_and(code, weights->plane[i])),
                        vdupq_n_u8((uint8_t)(1 << i)));
    }
    return sum;
}
