/*
** The stored encodings: any bytes decode to finite floats or are refused as corrupt; floats that
** came out go in again, and come out the same from the encodings without a scale.
**
** Input: encoding, dims (two bytes, little-endian), stored bytes.
*/
#include <math.h>

#include "fuzz.h"
#include "vector/encoding.h"

#define HEAD_BYTES 3

static void check_again(CkCodec *codec, int encoding, const float *x, uint32_t dims) {
    CkError err = CK_ERROR_NONE;
    const uint8_t *stored;
    const float *again;
    int n_stored;
    float *copy = malloc(dims * sizeof *copy);
    memcpy(copy, x, dims * sizeof *copy);
    if (ck_codec_encode(codec, encoding, copy, dims, &stored, &n_stored, &err) == SQLITE_OK) {
        uint8_t *bytes = malloc((size_t)n_stored);
        memcpy(bytes, stored, (size_t)n_stored);
        FUZZ_CHECK(ck_codec_decode(codec, encoding, bytes, n_stored, dims, &again, &err) ==
                   SQLITE_OK);
        if ((encoding & ~CK_ENCODING_ZSTD) != CK_ENCODING_I8) {
            FUZZ_CHECK(memcmp(again, copy, dims * sizeof *copy) == 0);
        }
        free(bytes);
    } else {
        /* What i8 cannot scale: codes decoded by a scale that is larger than any i8 writes. */
        FUZZ_CHECK((encoding & ~CK_ENCODING_ZSTD) == CK_ENCODING_I8);
    }
    ck_error_release(&err);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static CkCodec *codec;
    CkError err = CK_ERROR_NONE;
    if (n < HEAD_BYTES) return 0;
    if (!codec) FUZZ_CHECK(ck_codec_new(&codec, &err) == SQLITE_OK);
    int encoding = data[0];
    uint32_t dims = (uint32_t)(data[1] | data[2] << 8);
    size_t n_stored = n - HEAD_BYTES;
    uint8_t *stored = malloc(n_stored + 1);
    memcpy(stored, data + HEAD_BYTES, n_stored);
    const float *x;
    int rc = ck_codec_decode(codec, encoding, stored, (int)n_stored, dims, &x, &err);
    if (rc == SQLITE_OK) {
        for (uint32_t i = 0; i < dims; i++) FUZZ_CHECK(isfinite(x[i]));
        check_again(codec, encoding, x, dims);
    } else {
        FUZZ_CHECK(rc == SQLITE_CORRUPT_VTAB && err.message);
    }
    ck_error_release(&err);
    free(stored);
    return 0;
}
