/* base/utf8: every character is one, and nothing else is. */
#include "base/utf8.h"

#include <stdint.h>

#include "unit.h"

/* Writes a code point of any size the plain way, in so many bytes. */
static void encode(uint32_t code, size_t length, uint8_t bytes[4]) {
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length; i-- > 1; code >>= 6) bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
    bytes[0] = (uint8_t)(leads[length] | code);
}

/* All that four bytes of each length can say, against the definition. */
static void only_shortest_forms_are_valid(void) {
    static const uint32_t ends[] = {0, 0x80, 0x800, 0x10000, 0x200000};
    for (size_t length = 1; length <= 4; length++) {
        size_t n_wrong = 0;
        for (uint32_t code = 0; code < ends[length]; code++) {
            uint8_t bytes[4];
            int is_valid = code >= ends[length - 1] && code <= 0x10ffff &&
                           (code < 0xd800 || code > 0xdfff);
            encode(code, length, bytes);
            n_wrong += ck_utf8_length(bytes, length) != (is_valid ? length : 0);
            if (length > 1) n_wrong += ck_utf8_length(bytes, length - 1) != 0;
        }
        CHECK_MSG(n_wrong == 0, "%zu of %zu bytes are wrong", n_wrong, length);
    }
}

/* Every byte in the place of each of a character's. */
static void continuations_are_looked_at(void) {
    for (unsigned at = 1; at < 4; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t bytes[4] = {0xf1, 0x80, 0x80, 0x80};
            bytes[at] = (uint8_t)byte;
            CHECK_INT(ck_utf8_length(bytes, 4), byte >> 6 == 2 ? 4 : 0);
        }
    }
    for (unsigned lead = 0x80; lead < 256; lead++) {
        if (lead >= 0xc2 && lead <= 0xf4) continue;
        const uint8_t bytes[4] = {(uint8_t)lead, 0x80, 0x80, 0x80};
        CHECK_INT(ck_utf8_length(bytes, 4), 0);
    }
}

void ck_test_base_utf8(void) {
    only_shortest_forms_are_valid();
    continuations_are_looked_at();
}
