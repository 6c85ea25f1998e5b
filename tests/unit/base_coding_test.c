/* Little-endian coding: the byte order is fixed, every address and every value works. */
#include "base/coding.h"

#include "unit.h"

static void bytes_are_little_endian(void) {
    uint8_t bytes[8];
    ck_store_u16(bytes, 0x0102);
    CHECK(memcmp(bytes, "\x02\x01", 2) == 0);
    memset(bytes, 0xaa, sizeof bytes);
    ck_store_u24(bytes, 0x010203);
    CHECK(memcmp(bytes, "\x03\x02\x01\xaa", 4) == 0);
    ck_store_u32(bytes, 0x01020304);
    CHECK(memcmp(bytes, "\x04\x03\x02\x01", 4) == 0);
    ck_store_u64(bytes, 0x0102030405060708);
    CHECK(memcmp(bytes, "\x08\x07\x06\x05\x04\x03\x02\x01", 8) == 0);
    ck_store_f32(bytes, 1.0f);
    CHECK(memcmp(bytes, "\x00\x00\x80\x3f", 4) == 0);
}

static void values_come_back_at_any_address(void) {
    unsigned long long seed = 20240611;
    uint8_t room[32];
    for (int i = 0; i < 1000; i++) {
        unsigned long long v = unit_random(&seed);
        uint8_t *at = room + i % 8;
        memset(room, 0xaa, sizeof room);
        ck_store_u64(at, v);
        CHECK_INT(ck_load_u64(at), v);
        CHECK_INT(at[8], 0xaa);
        ck_store_u32(at, (uint32_t)v);
        CHECK_INT(ck_load_u32(at), (uint32_t)v);
        ck_store_u24(at, (uint32_t)v);
        CHECK_INT(ck_load_u24(at), (uint32_t)v & 0xffffff);
        ck_store_u16(at, (uint16_t)v);
        CHECK_INT(ck_load_u16(at), (uint16_t)v);
    }
    ck_store_u64(room, UINT64_MAX);
    CHECK(ck_load_u64(room) == UINT64_MAX);
    CHECK(ck_load_u32(room) == UINT32_MAX);
    CHECK(ck_load_u16(room) == UINT16_MAX);
}

static void floats_keep_their_bits(void) {
    static const uint32_t patterns[] = {0x00000000, 0x80000000, 0x00000001, 0x7f7fffff,
                                        0x7f800000, 0xff800000, 0x7fc00001, 0x3eaaaaab};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        uint8_t from[5], to[5];
        ck_store_u32(from + 1, patterns[i]);
        ck_store_f32(to + 1, ck_load_f32(from + 1));
        CHECK_INT(ck_load_u32(to + 1), patterns[i]);
    }
}

void ck_test_base_coding(void) {
    bytes_are_little_endian();
    values_come_back_at_any_address();
    floats_keep_their_bits();
}
