/*
** Stored encodings: see encoding.h for the formats and promises.
**
** Encoding works in two steps, decoding in the reverse order, each into a buffer the codec keeps:
**
**     f32 --narrow--> plain bytes --split planes, zstd--> stored bytes
**
** The first step is skipped for f32 on a little-endian host, the second without the zstd flag.
** Decoding trusts nothing: the length, the frame header, the scale and every component are
** checked before a float is handed out. A damaged frame cannot make zstd allocate: the size it
** claims must be the expected one before anything is decompressed.
*/
#include "vector/encoding.h"

#include <math.h>
#include <string.h>

#include "base/coding.h"
#include "base/limits.h"
#include "base/zstd_memory.h"
#include "vector/kernels.h"
#include "vector/quantize.h"

#define ZSTD_LEVEL 3
#define SCALE_BYTES 4
#define ENCODING_BASE(encoding) ((encoding) & ~CK_ENCODING_ZSTD)

struct CkCodec {
    ZSTD_CCtx *cctx; /* made by the first frame written */
    ZSTD_DCtx *dctx; /* made by the first frame read */
    CkBuf plain;     /* plain bytes; decoded floats in ck_codec_decode */
    CkBuf planes;    /* plain bytes with their planes split */
    CkBuf frame;     /* zstd output */
};

_Static_assert(sizeof(float) == 4, "f32 is IEEE 754 binary32");

static const char *const names[] = {
    [CK_ENCODING_F32] = "f32",
    [CK_ENCODING_F16] = "f16",
    [CK_ENCODING_I8] = "i8",
    [CK_ENCODING_F32 | CK_ENCODING_ZSTD] = "f32+zstd",
    [CK_ENCODING_F16 | CK_ENCODING_ZSTD] = "f16+zstd",
    [CK_ENCODING_I8 | CK_ENCODING_ZSTD] = "i8+zstd",
};

#define N_NAMES (int)(sizeof names / sizeof names[0])

int ck_encoding_from_name(const char *name, int n) {
    for (int i = 0; i < N_NAMES; i++) {
        if (!names[i] || n != (int)strlen(names[i])) continue;
        if (memcmp(name, names[i], (size_t)n) == 0) return i;
    }
    return -1;
}

const char *ck_encoding_name(int encoding) {
    return encoding >= 0 && encoding < N_NAMES ? names[encoding] : NULL;
}

/* Bytes of dims components before compression. */
static int plain_bytes(int encoding, uint32_t dims) {
    switch (ENCODING_BASE(encoding)) {
    case CK_ENCODING_F16: return (int)(2 * dims);
    case CK_ENCODING_I8: return (int)(SCALE_BYTES + dims);
    default: return (int)(4 * dims);
    }
}

int ck_codec_new(CkCodec **codec, CkError *err) {
    *codec = sqlite3_malloc64(sizeof **codec);
    if (!*codec) return ck_error_nomem(err);
    memset(*codec, 0, sizeof **codec);
    return SQLITE_OK;
}

void ck_codec_free(CkCodec *codec) {
    if (!codec) return;
    ZSTD_freeCCtx(codec->cctx);
    ZSTD_freeDCtx(codec->dctx);
    ck_buf_release(&codec->plain);
    ck_buf_release(&codec->planes);
    ck_buf_release(&codec->frame);
    sqlite3_free(codec);
}

/* An empty buffer with room for n bytes, or NULL: out of memory. */
static uint8_t *buf_of(CkBuf *buf, size_t n) {
    ck_buf_clear(buf);
    return ck_buf_extend(buf, n);
}

/*
** Byte planes: all first bytes of the elements, then all second bytes, … Sign and exponent bytes
** are much alike and compress well once they are neighbours. i8 has one byte per element, so its
** single plane is the bytes themselves, with the scale in front.
*/
static void split_planes(uint8_t *out, const uint8_t *in, uint32_t dims, uint32_t size) {
    for (uint32_t plane = 0; plane < size; plane++) {
        for (uint32_t i = 0; i < dims; i++) *out++ = in[i * size + plane];
    }
}

static void join_planes(uint8_t *out, const uint8_t *in, uint32_t dims, uint32_t size) {
    for (uint32_t i = 0; i < dims; i++) {
        for (uint32_t plane = 0; plane < size; plane++) *out++ = in[plane * dims + i];
    }
}

static int encode_f16(uint8_t *out, const float *x, uint32_t dims, CkError *err) {
    for (uint32_t i = 0; i < dims; i++) {
        if (fabsf(x[i]) <= CK_F16_MAX) continue;
        return ck_error_set(err, SQLITE_ERROR,
                            "vector: component %u is %.9g, beyond the range of f16 (65504)", i + 1,
                            (double)x[i]);
    }
    ck_kernels()->f16_from_f32(out, x, dims);
    return SQLITE_OK;
}

/* A zero vector (models of metric l2 and dot may have one) gets scale 1. A vector too small to have
** a finite scale would silently become a zero vector, so it is refused. */
static int encode_i8(uint8_t *out, const float *x, uint32_t dims, CkError *err) {
    float scale = ck_i8_scale(x, dims);
    if (scale == 0.0f) {
        for (uint32_t i = 0; i < dims; i++) {
            if (x[i] == 0.0f) continue;
            return ck_error_set(err, SQLITE_ERROR,
                                "vector: all components are below 3.8e-37, too small for i8");
        }
        scale = 1.0f;
    }
    ck_store_f32(out, scale);
    ck_kernels()->i8_from_f32((int8_t *)out + SCALE_BYTES, x, scale, dims);
    return SQLITE_OK;
}

static int compress(CkCodec *codec, int encoding, uint32_t dims, const uint8_t **bytes, int *n,
                    CkError *err) {
    const uint8_t *from = *bytes;
    size_t bound = ZSTD_compressBound((size_t)*n);
    if (!codec->cctx) codec->cctx = ck_zstd_compressor();
    uint8_t *frame = buf_of(&codec->frame, bound);
    if (!codec->cctx || !frame) return ck_error_nomem(err);
    if (ENCODING_BASE(encoding) != CK_ENCODING_I8) {
        uint8_t *planes = buf_of(&codec->planes, (size_t)*n);
        if (!planes) return ck_error_nomem(err);
        split_planes(planes, from, dims, (uint32_t)*n / dims);
        from = planes;
    }
    size_t size = ZSTD_compressCCtx(codec->cctx, frame, bound, from, (size_t)*n, ZSTD_LEVEL);
    if (ZSTD_isError(size)) {
        if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) return ck_error_nomem(err);
        return ck_error_set(err, SQLITE_ERROR, "vector: zstd: %s", ZSTD_getErrorName(size));
    }
    *bytes = frame;
    *n = (int)size;
    return SQLITE_OK;
}

/* Encoding and dims come from a model's row, so they are bytes from disk too. */
static int check_model(int encoding, uint32_t dims, CkError *err) {
    if (ck_encoding_name(encoding) && dims > 0 && dims <= CK_DIMS_MAX) return SQLITE_OK;
    return ck_error_set(err, SQLITE_CORRUPT_VTAB, "stored vector: encoding %d with %u dims",
                        encoding, dims);
}

int ck_codec_encode(CkCodec *codec, int encoding, const float *x, uint32_t dims,
                    const uint8_t **out, int *n_out, CkError *err) {
    if (check_model(encoding, dims, err) != SQLITE_OK) return err->rc;
    int rc = SQLITE_OK;
    int base = ENCODING_BASE(encoding);
    const uint8_t *bytes = (const uint8_t *)x;
    int n = plain_bytes(encoding, dims);
    if (base != CK_ENCODING_F32 || CK_BIG_ENDIAN) {
        uint8_t *plain = buf_of(&codec->plain, (size_t)n);
        if (!plain) return ck_error_nomem(err);
        if (base == CK_ENCODING_F16) {
            rc = encode_f16(plain, x, dims, err);
        } else if (base == CK_ENCODING_I8) {
            rc = encode_i8(plain, x, dims, err);
        } else {
            for (uint32_t i = 0; i < dims; i++) ck_store_f32(plain + 4 * i, x[i]);
        }
        bytes = plain;
    }
    if (rc == SQLITE_OK && encoding & CK_ENCODING_ZSTD) {
        rc = compress(codec, encoding, dims, &bytes, &n, err);
    }
    if (rc != SQLITE_OK) return rc;
    *out = bytes;
    *n_out = n;
    return SQLITE_OK;
}

/* "stored vector: <what is wrong> (f32, 384 dims)" */
static int corrupt(CkError *err, int encoding, uint32_t dims, const char *what) {
    return ck_error_set(err, SQLITE_CORRUPT_VTAB, "stored vector: %s (%s, %u dims)", what,
                        ck_encoding_name(encoding), dims);
}

/* Decompresses to the expected plain bytes, planes joined. */
static int decompress(CkCodec *codec, int encoding, uint32_t dims, const uint8_t **bytes, int *n,
                      CkError *err) {
    ZSTD_frameHeader header;
    size_t expected = (size_t)plain_bytes(encoding, dims);
    if (ZSTD_getFrameHeader(&header, *bytes, (size_t)*n) != 0 || header.frameType != ZSTD_frame) {
        return corrupt(err, encoding, dims, "no zstd frame");
    }
    if (header.dictID != 0 || header.frameContentSize != expected) {
        return corrupt(err, encoding, dims, "the zstd frame is not of this size");
    }
    if (ZSTD_findFrameCompressedSize(*bytes, (size_t)*n) != (size_t)*n) {
        return corrupt(err, encoding, dims, "the zstd frame is cut short or has bytes behind it");
    }
    if (!codec->dctx) codec->dctx = ck_zstd_decompressor();
    uint8_t *planes = buf_of(&codec->planes, expected);
    if (!codec->dctx || !planes) return ck_error_nomem(err);
    size_t size = ZSTD_decompressDCtx(codec->dctx, planes, expected, *bytes, (size_t)*n);
    if (ZSTD_isError(size) && ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) {
        return ck_error_nomem(err);
    }
    if (size != expected) return corrupt(err, encoding, dims, "the zstd frame is damaged");
    *bytes = planes;
    if (ENCODING_BASE(encoding) != CK_ENCODING_I8) {
        uint8_t *joined = buf_of(&codec->frame, expected);
        if (!joined) return ck_error_nomem(err);
        join_planes(joined, planes, dims, (uint32_t)expected / dims);
        *bytes = joined;
    }
    *n = (int)expected;
    return SQLITE_OK;
}

static int decode_i8(float *out, const uint8_t *bytes, uint32_t dims, int encoding, CkError *err) {
    float scale = ck_load_f32(bytes);
    const int8_t *codes = (const int8_t *)bytes + SCALE_BYTES;
    /* The second test keeps every code / scale finite. */
    if (!(scale > 0.0f) || !isfinite(scale) || !isfinite((float)CK_I8_MAX / scale)) {
        return corrupt(err, encoding, dims, "the i8 scale is not a finite number above 0");
    }
    if (memchr(codes, 0x80, dims)) return corrupt(err, encoding, dims, "an i8 code is -128");
    ck_kernels()->f32_from_i8(out, codes, scale, dims);
    return SQLITE_OK;
}

/* Plain bytes of the right length to floats: either bytes themselves or the codec's. */
static int widen(CkCodec *codec, int encoding, const uint8_t *bytes, uint32_t dims,
                 const float **out, CkError *err) {
    int base = ENCODING_BASE(encoding);
    if (base == CK_ENCODING_F32 && !CK_BIG_ENDIAN && (uintptr_t)bytes % 4 == 0) {
        *out = (const float *)bytes;
    } else {
        float *x = (float *)buf_of(&codec->plain, 4 * (size_t)dims);
        if (!x) return ck_error_nomem(err);
        if (base == CK_ENCODING_I8) {
            int rc = decode_i8(x, bytes, dims, encoding, err);
            if (rc != SQLITE_OK) return rc;
        } else if (base == CK_ENCODING_F16) {
            ck_kernels()->f32_from_f16(x, bytes, dims);
        } else if (CK_BIG_ENDIAN) {
            for (uint32_t i = 0; i < dims; i++) x[i] = ck_load_f32(bytes + 4 * i);
        } else {
            memcpy(x, bytes, 4 * (size_t)dims);
        }
        *out = x;
    }
    if (!ck_kernels()->finite_f32(*out, dims)) {
        return corrupt(err, encoding, dims, "a component is NaN or infinite");
    }
    return SQLITE_OK;
}

int ck_codec_decode(CkCodec *codec, int encoding, const uint8_t *bytes, int n, uint32_t dims,
                    const float **out, CkError *err) {
    if (check_model(encoding, dims, err) != SQLITE_OK) return err->rc;
    if (encoding & CK_ENCODING_ZSTD) {
        int rc = decompress(codec, encoding, dims, &bytes, &n, err);
        if (rc != SQLITE_OK) return rc;
    } else if (n != plain_bytes(encoding, dims)) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "stored vector: %d bytes, expected %d (%s, %u dims)", n,
                            plain_bytes(encoding, dims), ck_encoding_name(encoding), dims);
    }
    return widen(codec, encoding, bytes, dims, out, err);
}
