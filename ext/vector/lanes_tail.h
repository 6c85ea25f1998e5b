/*
** Loading the end of an array, for the tiers without masked loads: fewer bytes than a vector has.
**
** A memcpy of variable length is a call, dearer than a whole kernel on a short vector; this is at
** most four copies of fixed lengths.
*/
#ifndef CK_VECTOR_LANES_TAIL_H
#define CK_VECTOR_LANES_TAIL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies n < 16 bytes to the front of block, which is zero. */
static inline void tail_copy(uint8_t block[16], const void *from, size_t n) {
    const uint8_t *p = from;
    uint8_t *to = block;
    if (n & 8) {
        memcpy(to, p, 8);
        to += 8;
        p += 8;
    }
    if (n & 4) {
        memcpy(to, p, 4);
        to += 4;
        p += 4;
    }
    if (n & 2) {
        memcpy(to, p, 2);
        to += 2;
        p += 2;
    }
    if (n & 1) *to = *p;
}

#endif
