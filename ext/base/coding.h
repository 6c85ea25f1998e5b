/*
** Fixed-width integers and floats in little-endian byte order, from and to any address.
**
** Everything ck writes to disk or returns as a blob is little-endian whatever the host. On a
** little-endian host compilers turn each of these into a single unaligned load or store.
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

static inline void ck_store_u32(void *to, uint32_t v) {
    uint8_t *p = to;
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static inline void ck_store_u64(void *to, uint64_t v) {
    uint8_t *p = to;
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint16_t ck_load_u16(const void *from) {
    const uint8_t *p = from;
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ck_load_u32(const void *from) {
    const uint8_t *p = from;
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) v |= (uint32_t)p[i] << (8 * i);
    return v;
}

static inline uint64_t ck_load_u64(const void *from) {
    const uint8_t *p = from;
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
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
