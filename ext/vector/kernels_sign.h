/*
** The kernels of sign codes (signcode.h): the part of kernels_tier.c, which alone includes it, that
** packs signs and planes and takes the products of bits with 4-bit values.
**
** dots_bit4 goes through a block of codes in groups. Most of what one product costs beside its and,
** count and add is adding up the lanes of its register; here the codes of a group share that. A row
** is a code; a register Wide of 16 * ROWS bytes is filled with, in this order,
**
**   level 0   all of it from one row, as long as the row lasts;
**   level 1   halves of two rows         } what is left over of the rows, so that 48 or 96 bytes
**   level 2   quarters of four rows      } leave no part of a register empty
**   tail      less than 16 bytes of each of ROWS rows, filled up with zeros
**
** and between the levels ints_fold() adds the halves of the sums and puts those of two rows side by
** side, until each lane of 128 bits has the sum of a row. Four such registers make the sums of
** 4 * ROWS codes, in order, since the rows of one register are 4 codes apart.
**
** 768 dims, ns a code in L2 and in L3 (9 MB) on a Xeon of the Sapphire Rapids kind, where reading
** alone takes 0.8 and 4.1:
**
**   one code after another, 256 bits, byte counts added with weights and vpsadbw     8.4   8.2
**   16 bytes of four codes a register, vpdpbusd with weights                         8.1  10.0
**   halves of two codes a register, planes in registers                              4.7   7.1
**   the levels above, length known only at run time                                  4.5   6.9
**   the levels above, length a constant (the planes stay in registers)               4.2   5.9
**   the same with prefetches                                                         4.5   5.2
**
** The tiers there, with keys, before and with the last: avx512vnni 9.1 and 5.0, avx512 16.8 and
** 10.7, avx2 15.3 and 13.0, portable 41 and 40, which is bound by its bytes_count.
*/

/* One step of dot_bit4. The weighted count of a byte is at most 8 * 15: one sum of bytes serves for
** all planes. */
INLINE ByteSums add_bit4(ByteSums sum, Bytes code, Bytes p0, Bytes p1, Bytes p2, Bytes p3) {
    Bytes v = bytes_count(bytes_and(code, p3));
    v = bytes_add(bytes_add(v, v), bytes_count(bytes_and(code, p2)));
    v = bytes_add(bytes_add(v, v), bytes_count(bytes_and(code, p1)));
    v = bytes_add(bytes_add(v, v), bytes_count(bytes_and(code, p0)));
    return sums_add_bytes(sum, v);
}

/* Each step works on five registers: more accumulators would only have to be added up. */
INLINE uint32_t dot_bit4_of_length(const uint8_t *code, const uint8_t *planes, size_t n_bytes) {
    const uint8_t *p0 = planes, *p1 = p0 + n_bytes, *p2 = p1 + n_bytes, *p3 = p2 + n_bytes;
    ByteSums sum = sums_zero();
    size_t i = 0;
    for (; n_bytes - i >= BYTES; i += BYTES) {
        sum = add_bit4(sum, bytes_load(code + i), bytes_load(p0 + i), bytes_load(p1 + i),
                       bytes_load(p2 + i), bytes_load(p3 + i));
    }
    size_t rest = n_bytes - i;
    if (rest > 0) {
        sum = add_bit4(sum, bytes_load_tail(code + i, rest), bytes_load_tail(p0 + i, rest),
                       bytes_load_tail(p1 + i, rest), bytes_load_tail(p2 + i, rest),
                       bytes_load_tail(p3 + i, rest));
    }
    return sums_total(sum);
}

static uint32_t dot_bit4(const uint8_t *code, const uint8_t *planes, size_t n_bytes) {
    return dot_bit4_of_length(code, planes, n_bytes);
}

#define WIDE (16 * ROWS)         /* bytes of a register */
#define GROUP ((size_t)4 * ROWS) /* codes whose sums share a register */
#define PREFETCH_BYTES ((size_t)4096) /* how far ahead; 1 to 8 KB take the same */

/* The planes from p on, for a register of pieces of 2^level rows. */
INLINE Weights load_weights(const uint8_t *p, size_t n_bytes, int level) {
    return weights_of(wide_load(p, 0, level), wide_load(p + n_bytes, 0, level),
                      wide_load(p + 2 * n_bytes, 0, level), wide_load(p + 3 * n_bytes, 0, level));
}

INLINE Weights load_weights_tail(const uint8_t *p, size_t n_bytes, size_t n) {
    return weights_of(wide_load_tail(p, 0, n), wide_load_tail(p + n_bytes, 0, n),
                      wide_load_tail(p + 2 * n_bytes, 0, n),
                      wide_load_tail(p + 3 * n_bytes, 0, n));
}

/* The sums of ROWS codes, stride apart, each in a lane of 128 bits. */
INLINE Ints sum_rows(const uint8_t *code, size_t stride, const uint8_t *planes, size_t n_bytes) {
    Ints s[ROWS];
    for (int i = 0; i < ROWS; i++) s[i] = ints_zero();
    size_t at = 0;
    for (; n_bytes - at >= WIDE; at += WIDE) {
        Weights weights = load_weights(planes + at, n_bytes, 0);
        for (size_t i = 0; i < ROWS; i++) {
            s[i] = ints_add_weights(s[i], wide_load(code + i * stride + at, 0, 0), &weights);
        }
    }
    for (int level = 1, n = ROWS / 2; n > 0; level++, n /= 2) {
        for (int i = 0; i < n; i++) s[i] = ints_fold(s[2 * i], s[2 * i + 1], level - 1);
        if (!(n_bytes & (size_t)(WIDE >> level))) continue;
        Weights weights = load_weights(planes + at, n_bytes, level);
        for (int i = 0; i < n; i++) {
            const uint8_t *row = code + ((size_t)i << level) * stride + at;
            s[i] = ints_add_weights(s[i], wide_load(row, stride, level), &weights);
        }
        at += (size_t)(WIDE >> level);
    }
    if (n_bytes > at) {
        Weights weights = load_weights_tail(planes + at, n_bytes, n_bytes - at);
        s[0] = ints_add_weights(s[0], wide_load_tail(code + at, stride, n_bytes - at), &weights);
    }
    return s[0];
}

INLINE void dots_of_group(uint32_t *out, const uint8_t *codes, const uint8_t *planes,
                          size_t n_bytes) {
    Ints s[4];
    for (size_t i = 0; i < 4; i++) {
        s[i] = sum_rows(codes + i * n_bytes, 4 * n_bytes, planes, n_bytes);
    }
    ints_store(out, ints_sum_lanes(s[0], s[1], s[2], s[3]));
}

/* The last group overlaps the one before it. */
INLINE void dots_of_length(uint32_t *out, const uint8_t *codes, size_t n, const uint8_t *planes,
                           size_t n_bytes) {
    if (n < GROUP) {
        for (size_t i = 0; i < n; i++) out[i] = dot_bit4(codes + i * n_bytes, planes, n_bytes);
        return;
    }
    const size_t group_bytes = GROUP * n_bytes, all_bytes = n * n_bytes;
    for (size_t i = 0; i < n; i += GROUP) {
        size_t first = i + GROUP <= n ? i : n - GROUP, at = first * n_bytes;
        if (all_bytes - at >= PREFETCH_BYTES + group_bytes) {
            for (size_t ahead = 0; ahead < group_bytes; ahead += 64) {
                __builtin_prefetch(codes + at + PREFETCH_BYTES + ahead);
            }
        }
        dots_of_group(out + first, codes + at, planes, n_bytes);
    }
}

/* 384, 512, 768 and 1,024 dims have loops of their own. */
static void dots_bit4(uint32_t *out, const uint8_t *codes, size_t n, const uint8_t *planes,
                      size_t n_bytes) {
    switch (n_bytes) {
    case 48: dots_of_length(out, codes, n, planes, 48); break;
    case 64: dots_of_length(out, codes, n, planes, 64); break;
    case 96: dots_of_length(out, codes, n, planes, 96); break;
    case 128: dots_of_length(out, codes, n, planes, 128); break;
    default: dots_of_length(out, codes, n, planes, n_bytes);
    }
}

/* The bits past the end of x are those of zeros, and are taken off. */
static float signs_f32(uint8_t *out, const float *x, size_t n) {
    enum { STEP = 2 * LANES };
    Floats sum[2] = {floats_zero(), floats_zero()};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        uint32_t minus = 0;
        for (size_t j = 0; j < STEP; j += LANES) {
            Floats v = floats_load(x + i + j);
            minus |= floats_minus(v) << j;
            sum[j / LANES] = floats_add(sum[j / LANES], floats_abs(v));
        }
        for (size_t j = 0; j < STEP; j += 8) out[(i + j) / 8] = (uint8_t)(~minus >> j);
    }
    uint32_t plus = 0;
    for (size_t j = 0; i + j < n; j += LANES) {
        size_t left = n - i - j, lanes = left < LANES ? left : LANES;
        Floats v = left < LANES ? floats_load_tail(x + i + j, left) : floats_load(x + i + j);
        plus |= (~floats_minus(v) & ((1u << lanes) - 1)) << j;
        sum[0] = floats_add(sum[0], floats_abs(v));
    }
    for (size_t j = i; j < n; j += 8) out[j / 8] = (uint8_t)(plus >> (j - i));
    return floats_sum(floats_add(sum[0], sum[1]));
}

static void residual_f32(float *restrict out, const float *x, float scale, const float *mean,
                         float t, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = x[i] * scale - t * mean[i];
}

/* Floats are ordered like these integers, whose minima and maxima compilers vectorise. */
INLINE int32_t ordered_bits(uint32_t bits) {
    return (int32_t)(bits ^ (uint32_t)((int32_t)bits >> 31) >> 1);
}

static void range_f32(const float *x, size_t n, float *low, float *high) {
    int32_t min = INT32_MAX, max = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        int32_t v = ordered_bits(ck_f32_bits(x[i]));
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
    *low = ck_f32_from_bits((uint32_t)ordered_bits((uint32_t)min));
    *high = ck_f32_from_bits((uint32_t)ordered_bits((uint32_t)max));
}

/* Bit b of each of eight bytes, as the bits of one: the product moves that of byte j to bit 56 + j,
** and no two of its terms meet. */
INLINE uint8_t bit_of_bytes(uint64_t bytes, int b) {
    return (uint8_t)(((bytes >> b & 0x0101010101010101u) * 0x0102040810204080u) >> 56);
}

/* The clamp is for the rounding of per_step, and for differences and products past FLT_MAX. */
static void planes_f32(uint8_t *planes, const float *x, float low, float per_step, size_t n) {
    const size_t n_bytes = (n + 7) / 8;
    uint8_t values[64];
    for (size_t i = 0; i < n; i += sizeof values) {
        size_t m = n - i < sizeof values ? n - i : sizeof values;
        if (m < sizeof values) memset(values, 0, sizeof values);
        for (size_t j = 0; j < m; j++) {
            float v = (x[i + j] - low) * per_step + 0.5f;
            values[j] = (uint8_t)(int32_t)(v < 15 ? v : 15);
        }
        for (size_t j = 0; j < m; j += 8) {
            uint64_t eight = ck_load_u64(values + j);
            for (size_t p = 0; p < 4; p++) {
                planes[p * n_bytes + (i + j) / 8] = bit_of_bytes(eight, (int)p);
            }
        }
    }
}

static void sign_keys(float *restrict keys, const CkSignTerms *terms,
                      const uint32_t *restrict dots, size_t n) {
    const CkSignTerms q = *terms;
    for (size_t i = 0; i < n; i++) {
        float signed_sum = 2 * (q.low * (float)q.ones[i] + q.step * (float)dots[i]) - q.sum;
        keys[i] = q.t * q.add[i] - q.mul[i] * signed_sum;
    }
}

/* Few are below the limit: sixteen at a time are seen not to be. */
static size_t list_up_to(uint32_t *restrict out, const float *restrict x, size_t n, float limit) {
    size_t n_out = 0, i = 0;
    for (; i + 16 <= n; i += 16) {
        int any = 0;
        for (size_t j = 0; j < 16; j++) any |= !(x[i + j] > limit);
        if (!any) continue;
        for (size_t j = 0; j < 16; j++) {
            out[n_out] = (uint32_t)(i + j);
            n_out += !(x[i + j] > limit);
        }
    }
    for (; i < n; i++) {
        out[n_out] = (uint32_t)i;
        n_out += !(x[i] > limit);
    }
    return n_out;
}
