/* UTF-8: see utf8.h. */
#include "utf8.h"

#include <string.h>

#include "base/utf8.h"

static const char HEX[] = "0123456789abcdef";
static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */

void ck_utf8_append_valid(CkBuf *out, const char *text, size_t n) {
    for (size_t at = 0, length; at < n; at += length ? length : 1) {
        length = ck_utf8_length(text + at, n - at);
        if (length > 0) ck_buf_append(out, text + at, length);
        else ck_buf_append(out, REPLACEMENT, sizeof REPLACEMENT - 1);
    }
}

static void append_json_control(CkBuf *out, char c) {
    char escape[6] = {'\\', 'u', '0', '0', HEX[c >> 4 & 15], HEX[c & 15]};
    switch (c) {
        case '"': ck_buf_append(out, "\\\"", 2); break;
        case '\\': ck_buf_append(out, "\\\\", 2); break;
        case '\n': ck_buf_append(out, "\\n", 2); break;
        case '\t': ck_buf_append(out, "\\t", 2); break;
        case '\r': ck_buf_append(out, "\\r", 2); break;
        default: ck_buf_append(out, escape, sizeof escape); break;
    }
}

void ck_utf8_append_json(CkBuf *out, const char *text, size_t n) {
    ck_buf_append(out, "\"", 1);
    for (size_t at = 0, length; at < n; at += length ? length : 1) {
        uint8_t c = (uint8_t)text[at];
        length = ck_utf8_length(text + at, n - at);
        if (length == 0) ck_buf_append(out, REPLACEMENT, sizeof REPLACEMENT - 1);
        else if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) append_json_control(out, text[at]);
        else ck_buf_append(out, text + at, length);
    }
    ck_buf_append(out, "\"", 1);
}

/* U+F700 + byte for a byte of 0x80 and more: EF 9E 80 to EF 9F BF. */
static int is_stand_in(const char *text, size_t n) {
    const uint8_t *bytes = (const uint8_t *)text;
    return n >= 3 && bytes[0] == 0xef && (bytes[1] == 0x9e || bytes[1] == 0x9f) &&
           (bytes[2] & 0xc0) == 0x80;
}

static void append_stand_in(CkBuf *out, uint8_t byte) {
    uint8_t character[3] = {0xef, (uint8_t)(0x9c | byte >> 6), (uint8_t)(0x80 | (byte & 0x3f))};
    ck_buf_append(out, character, sizeof character);
}

void ck_path_encode(CkBuf *out, const char *path, size_t n) {
    for (size_t at = 0; at < n;) {
        size_t length = ck_utf8_length(path + at, n - at);
        if (length > 0 && !is_stand_in(path + at, length)) {
            ck_buf_append(out, path + at, length);
            at += length;
        } else {
            size_t end = at + (length > 0 ? length : 1);
            for (; at < end; at++) append_stand_in(out, (uint8_t)path[at]);
        }
    }
}

void ck_path_decode(CkBuf *out, const char *text, size_t n) {
    for (size_t at = 0; at < n;) {
        if (is_stand_in(text + at, n - at)) {
            uint8_t byte = (uint8_t)((text[at + 1] & 3) << 6 | (text[at + 2] & 0x3f));
            ck_buf_append(out, &byte, 1);
            at += 3;
        } else {
            ck_buf_append(out, text + at++, 1);
        }
    }
}

/* U+061C, U+200E and U+200F, U+202A to U+202E, U+2066 to U+2069. */
int ck_utf8_turns(const char *text, size_t n) {
    const uint8_t *bytes = (const uint8_t *)text;
    if (n == 2) return bytes[0] == 0xd8 && bytes[1] == 0x9c;
    if (n != 3 || bytes[0] != 0xe2) return 0;
    if (bytes[1] == 0x81) return bytes[2] >= 0xa6 && bytes[2] <= 0xa9;
    if (bytes[1] != 0x80) return 0;
    return bytes[2] == 0x8e || bytes[2] == 0x8f || (bytes[2] >= 0xaa && bytes[2] <= 0xae);
}

void ck_utf8_append_line(CkBuf *out, const char *text, size_t n) {
    for (size_t at = 0, length; at < n; at += length ? length : 1) {
        uint8_t c = (uint8_t)text[at];
        length = ck_utf8_length(text + at, n - at);
        /* C1 controls, U+0080 to U+009F, drive some terminals too. */
        int is_c1 = length == 2 && c == 0xc2 && (uint8_t)text[at + 1] < 0xa0;
        int is_control = (c < 0x20 && c != '\t') || c == 0x7f || is_c1;
        int is_shown = length > 0 && !is_control && !ck_utf8_turns(text + at, length);
        if (!is_shown) ck_buf_append(out, "?", 1);
        else ck_buf_append(out, text + at, length);
    }
}
