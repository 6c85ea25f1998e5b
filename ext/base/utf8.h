/*
** Which bytes are UTF-8.
*/
#ifndef CK_BASE_UTF8_H
#define CK_BASE_UTF8_H

#include <stddef.h>

/*
** The bytes of the character at text, 1 to 4, or 0 when it is not valid (Unicode 15, table 3-7): no
** overlong form, no surrogate, nothing above U+10FFFF, nothing cut off. n is at least 1.
*/
size_t ck_utf8_length(const void *text, size_t n);

#endif
