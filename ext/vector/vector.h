/*
** Vector values: what SQL hands us as a blob, a typed blob or JSON text, as one C type.
**
** A blob carries its element type in its SQLite subtype. Without one it is f32: subtypes vanish
** through ORDER BY, CTEs and tables, so a bare blob means f32, always. JSON text is an array of
** numbers and becomes f32 (or the type a constructor asks for).
**
**   type   subtype   bytes of d components      source of the numbers
**   f32    223       4 d, IEEE 754 LE           sqlite-vec
**   bit    224       ceil(d / 8)                sqlite-vec
**   i8     225       d                          sqlite-vec
**   f16    226       2 d, IEEE 754 LE           ck
**
** Never admitted: no components, more than CK_DIMS_MAX, a length that is no multiple of the
** element, NaN or infinity. Zero vectors are refused by the functions they make no sense for.
** Messages count components from 1.
*/
#ifndef CK_VECTOR_VECTOR_H
#define CK_VECTOR_VECTOR_H

#include <stdint.h>

#include "base/error.h"

typedef enum CkVectorType {
    CK_VECTOR_F32 = 223,
    CK_VECTOR_BIT = 224,
    CK_VECTOR_I8 = 225,
    CK_VECTOR_F16 = 226
} CkVectorType;

typedef struct CkVector {
    CkVectorType type;
    uint32_t dims;      /* components; bits for CK_VECTOR_BIT */
    uint32_t n_bytes;   /* bytes of data */
    const uint8_t *data; /* little-endian elements; borrowed from the value unless owned is set */
    void *owned;        /* sqlite3_malloc'd storage behind data, or NULL */
} CkVector;

/*
** Reads value as a vector. who begins every message ("embeddings", "vec_cosine: argument 1").
** On success the vector borrows from value (valid while value is, unchanged) or owns a copy: f32
** data is always aligned to 4 bytes and in host order, so (const float *)vector.data is valid.
** Release it in either case. On failure: SQLITE_ERROR with a message, or SQLITE_NOMEM.
*/
int ck_vector_parse(sqlite3_value *value, const char *who, CkVector *vector, CkError *err);

/*
** As ck_vector_parse, for a constructor or function whose name says the type: a bare blob is of
** that type, a blob typed otherwise is an error, JSON numbers must fit the type (i8: whole numbers
** -128..127; bit: 0 or 1, the first in the lowest bit, a multiple of 8 of them).
*/
int ck_vector_parse_as(sqlite3_value *value, CkVectorType type, const char *who, CkVector *vector,
                       CkError *err);

/*
** As ck_vector_parse, for loops over many rows: copies no blob on a little-endian host and does not
** look for NaN or infinity. So the data may be unaligned (kernels take it as it is), and a caller
** whose sums come out NaN or infinite must ask ck_vector_check_finite() before it believes them.
*/
int ck_vector_view(sqlite3_value *value, const char *who, CkVector *vector, CkError *err);

/* Component i, counted from 0, of an f32 or f16 vector at any address. */
float ck_vector_component(const CkVector *vector, uint32_t i);

/* Refuses f32 and f16 vectors with NaN or infinity, naming the first such component. */
int ck_vector_check_finite(const CkVector *vector, const char *who, CkError *err);

/* Makes an f16 or i8 vector an f32 vector with storage of its own (i8: the codes); f32 stays. A bit
** vector is an error. */
int ck_vector_widen(CkVector *vector, const char *who, CkError *err);

/*
** Makes an f32 vector as ck_vector_parse gives it a vector of a narrower type. f16: every component
** within +-65504, rounded to nearest; i8: whole numbers -128..127; bit: 0 or 1, the first in the
** lowest bit, a multiple of 8 of them. Anything else is an error that names the component.
*/
int ck_vector_narrow(CkVector *vector, CkVectorType type, const char *who, CkError *err);

/* A vector with storage of its own, not yet filled; dims is 1..CK_DIMS_MAX, bits in eights. */
int ck_vector_new(CkVector *vector, CkVectorType type, uint32_t dims, CkError *err);

/* Makes the vector independent of the value it was read from: copies what it borrows. */
int ck_vector_own(CkVector *vector, CkError *err);

/* Safe on a zeroed vector and after any failure above. */
void ck_vector_release(CkVector *vector);

/* "float32", "bit", "int8", "float16": the names vec_type() returns. */
const char *ck_vector_type_name(CkVectorType type);

#endif
