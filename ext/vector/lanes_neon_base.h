/*
** What the two aarch64 tiers share: see lanes_neon.h and lanes_dotprod.h, which include it.
*/
#include <arm_neon.h>

#include "vector/lanes_tail.h"

#define LANES 4
#define ROUND 4
#define CODES 16
#define BYTES 16
#define ROWS 1
#define TILE 4

typedef float32x4_t Floats;
typedef uint32x4_t Ints;
typedef uint8x16_t Codes; /* the bytes as they are */
typedef uint8x16_t Bytes;
typedef uint32x4_t ByteSums;
typedef uint8x16_t Wide;

static inline Bytes bytes_load(const void *p) {
    return vld1q_u8(p);
}

static inline Bytes bytes_load_tail(const void *p, size_t n) {
    uint8_t block[16] = {0};
    tail_copy(block, p, n);
    return vld1q_u8(block);
}

static inline Floats floats_zero(void) {
    return vdupq_n_f32(0.0f);
}

static inline Floats floats_load(const float *a) {
    return vld1q_f32(a);
}

static inline Floats floats_load_tail(const float *a, size_t n) {
    return vreinterpretq_f32_u8(bytes_load_tail(a, n * sizeof *a));
}

static inline Floats floats_load_f16(const uint16_t *a) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(a)));
}

static inline Floats floats_load_f16_tail(const uint16_t *a, size_t n) {
    uint8x8_t h = vget_low_u8(bytes_load_tail(a, n * sizeof *a));
    return vcvt_f32_f16(vreinterpret_f16_u8(h));
}

static inline Floats floats_add(Floats a, Floats b) {
    return vaddq_f32(a, b);
}

static inline Floats floats_sub(Floats a, Floats b) {
    return vsubq_f32(a, b);
}

static inline Floats floats_abs(Floats a) {
    return vabsq_f32(a);
}

static inline Floats floats_fma(Floats a, Floats b, Floats sum) {
    return vfmaq_f32(sum, a, b);
}

static inline float floats_sum(Floats v) {
    return vaddvq_f32(v);
}

static inline Ints ints_zero(void) {
    return vdupq_n_u32(0);
}

static inline Ints ints_add(Ints a, Ints b) {
    return vaddq_u32(a, b);
}

static inline Ints ints_sub(Ints a, Ints b) {
    return vsubq_u32(a, b);
}

static inline uint32_t ints_sum(Ints v) {
    return vaddvq_u32(v);
}

static inline Ints ints_or_not_finite(Ints bad, Floats a) {
    Ints exponent = vdupq_n_u32(0x7f800000);
    return vorrq_u32(bad, vceqq_u32(vandq_u32(vreinterpretq_u32_f32(a), exponent), exponent));
}

static inline int ints_any(Ints a, Ints b) {
    return vmaxvq_u32(vorrq_u32(a, b)) != 0;
}

static inline Codes codes_load_i8(const void *p) {
    return bytes_load(p);
}

static inline Codes codes_load_i8_tail(const void *p, size_t n) {
    return bytes_load_tail(p, n);
}

static inline Codes codes_load_u8(const void *p) {
    return bytes_load(p);
}

static inline Codes codes_load_u8_tail(const void *p, size_t n) {
    return bytes_load_tail(p, n);
}

/* a - 128 is signed, as b is. */
static inline Codes codes_flip_sign(Codes a) {
    return veorq_u8(a, vdupq_n_u8(0x80));
}

/* |a[i] - b[i]| of signed bytes, 0..255 */
static inline Bytes bytes_difference_i8(Bytes a, Bytes b) {
    return vreinterpretq_u8_s8(vabdq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)));
}

static inline Bytes bytes_and(Bytes a, Bytes b) {
    return vandq_u8(a, b);
}

static inline Bytes bytes_add(Bytes a, Bytes b) {
    return vaddq_u8(a, b);
}

/* The set bits of each byte */
static inline Bytes bytes_count(Bytes v) {
    return vcntq_u8(v);
}

static inline Bytes bytes_xor(Bytes a, Bytes b) {
    return veorq_u8(a, b);
}

static inline ByteSums sums_zero(void) {
    return vdupq_n_u32(0);
}

static inline ByteSums sums_add(ByteSums a, ByteSums b) {
    return vaddq_u32(a, b);
}

static inline uint32_t sums_total(ByteSums v) {
    return vaddvq_u32(v);
}

static inline uint32_t floats_minus(Floats v) {
    static const uint32_t bits[4] = {1, 2, 4, 8};
    Ints minus = vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_f32(v), 31));
    return vaddvq_u32(vandq_u32(minus, vld1q_u32(bits)));
}

/* One row fills the register: there is no other to load or to fold. */
static inline Wide wide_load(const uint8_t *p, size_t stride, int level) {
    (void)stride;
    (void)level;
    return bytes_load(p);
}

static inline Wide wide_load_tail(const uint8_t *p, size_t stride, size_t n) {
    (void)stride;
    return bytes_load_tail(p, n);
}

static inline Ints ints_fold(Ints a, Ints b, int level) {
    (void)level;
    return ints_add(a, b);
}

static inline Ints ints_sum_lanes(Ints a, Ints b, Ints c, Ints d) {
    return vpaddq_u32(vpaddq_u32(a, b), vpaddq_u32(c, d));
}

static inline void ints_store(uint32_t *out, Ints v) {
    vst1q_u32(out, v);
}

typedef struct Weights {
    Wide plane[4];
} Weights;

static inline Weights weights_of(Wide p0, Wide p1, Wide p2, Wide p3) {
    return (Weights){{p0, p1, p2, p3}};
}

/* Of the tier. */
static inline Ints ints_add_dot_i8(Ints sum, Codes a, Codes b);

static inline Ints ints_add_excess_i8(Ints excess, Codes b) {
    (void)b;
    return excess;
}

/* There is no product of mixed signs: (a - 128) * b, and 128 * b in the excess, negative. */
static inline Ints ints_add_dot_u8i8(Ints sum, Codes a, Codes b) {
    return ints_add_dot_i8(sum, codes_flip_sign(a), b);
}

static inline Ints ints_add_excess_u8i8(Ints excess, Codes b) {
    return ints_add_dot_i8(excess, vdupq_n_u8(0x80), b);
}
