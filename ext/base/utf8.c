/* UTF-8: see utf8.h. */
#include "base/utf8.h"

#include <stdint.h>

size_t ck_utf8_length(const void *text, size_t n) {
    const uint8_t *bytes = text;
    uint8_t lead = bytes[0], low = 0x80, high = 0xbf;
    if (lead < 0x80) return 1;
    size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || n < length) return 0;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (bytes[1] < low || bytes[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) return 0;
    }
    return length;
}
