/*
** Stored encodings: how a model keeps its vectors on disk.
**
**   name        id   stored bytes for d components
**   f32          0   4 d: IEEE 754 binary32, little-endian
**   f16          1   2 d: IEEE 754 binary16, little-endian, rounded to nearest even
**   i8           2   4 + d: f32 scale s = 127 / max|x|, then round(x * s) half away from zero
**   …+zstd     | 4   one zstd frame (level 3, content size in its header) of the bytes above with
**                    their byte planes split: for f32 all first bytes, then all second bytes, …
**                    The scale of i8 stays in front, unsplit.
**
** Reading always gives f32. A decoded f32 vector equals what was written bit for bit; f16 and i8
** lose precision once, at the first write. A value beyond the range of f16 (65504) is refused, and
** so is a vector whose components are all below 3.8e-37 under i8 (its scale would be infinite, and
** it would come back as a zero vector). A zero vector, which models of metric l2 and dot may hold,
** has scale 1 under i8. The code -128 is never written and refused on reading.
*/
#ifndef CK_VECTOR_ENCODING_H
#define CK_VECTOR_ENCODING_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum {
    CK_ENCODING_F32 = 0,
    CK_ENCODING_F16 = 1,
    CK_ENCODING_I8 = 2,
    CK_ENCODING_ZSTD = 4 /* flag */
};

/* The id of a name such as "i8+zstd" (n bytes, not terminated), or -1. */
int ck_encoding_from_name(const char *name, int n);

/* The name of a valid id, else NULL. */
const char *ck_encoding_name(int encoding);

/* Scratch memory and zstd contexts for encoding and decoding; zstd uses sqlite3_malloc64. */
typedef struct CkCodec CkCodec;

int ck_codec_new(CkCodec **codec, CkError *err);
void ck_codec_free(CkCodec *codec);

/*
** Encodes dims components. *out points into the codec or is x itself (f32 on a little-endian
** host) and is valid until the next call. Nothing is allocated once the codec is warm.
*/
int ck_codec_encode(CkCodec *codec, int encoding, const float *x, uint32_t dims,
                    const uint8_t **out, int *n_out, CkError *err);

/*
** Decodes n bytes to exactly dims components. *out points into the codec or into bytes (f32,
** aligned, little-endian host) and is valid until the next call. Bytes that do not have the
** length, frame or content the encoding demands give SQLITE_CORRUPT_VTAB; nothing is asserted.
*/
int ck_codec_decode(CkCodec *codec, int encoding, const uint8_t *bytes, int n, uint32_t dims,
                    const float **out, CkError *err);

#endif
