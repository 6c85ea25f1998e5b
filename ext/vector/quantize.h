/*
** Narrow element types: f32 to and from binary16 and int8.
**
** f16 is IEEE 754 binary16, rounded to nearest, ties to even. Both directions are written in
** integer operations and float additions whose operands are never subnormal, so a host that runs
** with flush-to-zero does not change a bit, and compilers vectorise the loops.
**
** i8 is symmetric with one scale per vector: scale = 127 / max|x| as f32, code = x * scale rounded
** half away from zero and clamped to -127..127, value = code / scale as f32. The product is taken
** in double, where it is exact (24 + 24 bits), so a code never depends on the compiler or tier.
** Scales are finite and above 0.
**
** These are the definitions, one component at a time; the loops are in kernels_tier.c.
*/
#ifndef CK_VECTOR_QUANTIZE_H
#define CK_VECTOR_QUANTIZE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CK_F16_MAX 65504.0f /* the largest finite binary16 */
#define CK_I8_MAX 127       /* codes are -127..127: -128 has no positive partner */

static inline uint32_t ck_f32_bits(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline float ck_f32_from_bits(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* a where mask is all ones, b where it is zero: selection without the branch that stops
** vectorisers. */
static inline uint32_t ck_select_u32(uint32_t mask, uint32_t a, uint32_t b) {
    return b ^ ((a ^ b) & mask);
}

/* The value of binary16 bits; infinities and NaNs keep their kind. */
static inline float ck_f32_from_f16(uint16_t h) {
    uint32_t magnitude = h & 0x7fffu;
    /* Rebias the exponent by 127 - 15; all ones stay all ones. */
    uint32_t bits = (magnitude << 13) + 0x38000000u;
    bits += -(uint32_t)(magnitude >= 0x7c00u) & 0x38000000u;
    /* A subnormal m * 2^-24 is (1 + m/1024) * 2^-14 - 2^-14, both of them normal floats. */
    float small = ck_f32_from_bits((magnitude << 13) + 0x38800000u) - 0x1p-14f;
    bits = ck_select_u32(-(uint32_t)(magnitude < 0x400u), ck_f32_bits(small), bits);
    return ck_f32_from_bits(bits | (uint32_t)(h & 0x8000u) << 16);
}

/* The nearest binary16; from 65520 on that is infinity, which callers exclude beforehand. */
static inline uint16_t ck_f16_from_f32(float v) {
    uint32_t bits = ck_f32_bits(v);
    uint32_t magnitude = bits & 0x7fffffffu;
    /* 2^-14 and up: add just under half a unit, plus the parity of the unit: ties to even. */
    uint32_t h = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    /* Below: the unit of 0.5f is 2^-24, so this addition rounds to a subnormal binary16. */
    float small = ck_f32_from_bits(magnitude) + 0.5f;
    h = ck_select_u32(-(uint32_t)(magnitude < 0x38800000u), ck_f32_bits(small) - 0x3f000000u, h);
    h = ck_select_u32(-(uint32_t)(magnitude >= 0x47800000u), 0x7c00u, h);
    h = ck_select_u32(-(uint32_t)(magnitude > 0x7f800000u), 0x7e00u, h);
    return (uint16_t)(h | (bits >> 16 & 0x8000u));
}

static inline int8_t ck_i8_from_f32(float x, float scale) {
    double v = (double)x * (double)scale;
    v = v < CK_I8_MAX ? v : CK_I8_MAX;
    v = v > -CK_I8_MAX ? v : -CK_I8_MAX;
    /* Adding half is exact for a 48-bit product, and the conversion truncates. */
    return (int8_t)(int)(v + copysign(0.5, v));
}

/*
** The scale of x: 127 / max|x|, or 0 when there is none: a zero vector, or one whose largest
** component is below 3.8e-37, so that the scale would be infinite.
*/
float ck_i8_scale(const float *x, size_t n);

#endif
