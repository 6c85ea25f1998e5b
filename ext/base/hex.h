/*
** Hex digits.
*/
#ifndef CK_BASE_HEX_H
#define CK_BASE_HEX_H

/* The value of a hex digit, of either case, or -1. */
static inline int ck_hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

#endif
