/*
** Fixed-width integers and floats in little-endian byte order, from and to any address.
**
** Everything ck writes to disk or returns as a blob is little-endian whatever the host. On a
** little-endian host compilers turn each of these into a single unaligned load or store; byte by
** byte and not in a loop, which gcc leaves as one at -O2.
*/
#ifndef CK_BASE_CODING_H
#define CK_BASE_CODING_H

#include <stdint.h>
#include <string.h>

static inline void ck_store_u16(void *to, uint16_t v) {
    uint8_t *p = to;
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void ck_store_u24(void *to, uint32_t v) {
    uint8_t *p = to;
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
}

static inline void ck_store_u32(void *to, uint32_t v) {
    uint8_t *p = to;
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static inline void ck_store_u64(void *to, uint64_t v) {
    ck_store_u32(to, (uint32_t)v);
    ck_store_u32((uint8_t *)to + 4, (uint32_t)(v >> 32));
}

static inline uint16_t ck_load_u16(const void *from) {
    const uint8_t *p = from;
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ck_load_u24(const void *from) {
    const uint8_t *p = from;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static inline uint32_t ck_load_u32(const void *from) {
    const uint8_t *p = from;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t ck_load_u64(const void *from) {
    return ck_load_u32(from) | (uint64_t)ck_load_u32((const uint8_t *)from + 4) << 32;
}

static inline void ck_store_f32(void *to, float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    ck_store_u32(to, bits);
}

static inline float ck_load_f32(const void *from) {
    uint32_t bits = ck_load_u32(from);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

#endif
