/*
** The one JSON shape ck reads: an array of numbers (RFC 8259), as an array of f32.
**
** Strict: no trailing comma, no leading '+', '.5', '5.', '01', hexadecimal, NaN or Infinity, and
** nothing but white space around the array. One pass, one allocation, no recursion, no locale.
** Every number is the float32 nearest to the decimal written (ties to even), which converting
** through double is not; one too small becomes a subnormal or zero, one beyond float32 is refused.
**
** Errors name the place, counting bytes from 1, and the reason:
**   vec_f32: JSON at byte 17: expected a number, got ','
*/
#ifndef CK_VECTOR_JSON_H
#define CK_VECTOR_JSON_H

#include <stdint.h>

#include "base/error.h"

/*
** Reads text (n bytes, followed by a zero byte as sqlite3_value_text() gives it). On success *out
** holds 1..CK_DIMS_MAX components from sqlite3_malloc64, owned by the caller. On failure *out is
** NULL: SQLITE_ERROR with a message that begins with who, or SQLITE_NOMEM. Text longer than
** CK_JSON_MAX_BYTES is refused unread.
*/
int ck_json_parse_f32(const char *text, int n, const char *who, float **out, uint32_t *dims,
                      CkError *err);

#endif
