/*
** Stored encodings: round trips, the frozen bytes, and every kind of damage. Damage that a format
** cannot see (a flipped bit of a float) must still decode to finite numbers or be refused.
*/
#include "vector/encoding.h"

#include <float.h>
#include <math.h>
#include <zstd.h>

#include "base/coding.h"
#include "base/limits.h"
#include "unit.h"
#include "vector/quantize.h"

#define SEED 0x5eed0003u
#define DIMS 24

static const int encodings[] = {0, 1, 2, 4, 5, 6};

#define N_ENCODINGS (sizeof encodings / sizeof encodings[0])

static void fill(float *x, uint32_t dims, unsigned long long seed) {
    unsigned long long state = seed;
    for (uint32_t i = 0; i < dims; i++) {
        x[i] = (float)((double)(int64_t)unit_random(&state) * 0x1p-63);
    }
}

/* Decodes, which must fail as corrupt with the message, or with any when message is NULL. */
static void refuse(CkCodec *codec, int encoding, const void *bytes, int n, uint32_t dims,
                   const char *message) {
    CkError err = CK_ERROR_NONE;
    const float *x;
    CHECK_INT(ck_codec_decode(codec, encoding, bytes, n, dims, &x, &err), SQLITE_CORRUPT_VTAB);
    CHECK(err.message && strncmp(err.message, "stored vector: ", 15) == 0);
    if (message) CHECK_STR(err.message, message);
    ck_error_release(&err);
}

static void names_and_ids_agree(void) {
    static const char *const names[] = {"f32", "f16", "i8", "f32+zstd", "f16+zstd", "i8+zstd"};
    for (size_t i = 0; i < N_ENCODINGS; i++) {
        CHECK_STR(ck_encoding_name(encodings[i]), names[i]);
        CHECK_INT(ck_encoding_from_name(names[i], (int)strlen(names[i])), encodings[i]);
    }
    CHECK_STR(ck_encoding_name(3), NULL);
    CHECK_STR(ck_encoding_name(7), NULL);
    CHECK_STR(ck_encoding_name(-1), NULL);
    CHECK_STR(ck_encoding_name(100), NULL);
    CHECK_INT(ck_encoding_from_name("f32+", 4), -1);
    CHECK_INT(ck_encoding_from_name("F32", 3), -1);
    CHECK_INT(ck_encoding_from_name("", 0), -1);
}

/* What decoding must give for x. */
static float expected_of(int encoding, float x, float scale) {
    switch (encoding & 3) {
    case CK_ENCODING_F16: return ck_f32_from_f16(ck_f16_from_f32(x));
    case CK_ENCODING_I8: return (float)ck_i8_from_f32(x, scale) / scale;
    default: return x;
    }
}

static void vectors_survive(CkCodec *codec) {
    static const uint32_t sizes[] = {1, 2, 3, 7, 8, 31, 384, 768, CK_DIMS_MAX};
    float *x = malloc(CK_DIMS_MAX * sizeof *x);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint32_t dims = sizes[s];
        fill(x, dims, SEED + s);
        float scale = ck_i8_scale(x, dims);
        for (size_t e = 0; e < N_ENCODINGS; e++) {
            CkError err = CK_ERROR_NONE;
            const uint8_t *bytes = NULL;
            const float *y = NULL;
            int n = 0, n_wrong = 0;
            CHECK_INT(ck_codec_encode(codec, encodings[e], x, dims, &bytes, &n, &err), SQLITE_OK);
            /* A copy at an odd address, as SQLite may hand it out, ending where it ends. */
            uint8_t *copy = malloc((size_t)n + 1);
            memcpy(copy + 1, bytes, (size_t)n);
            int rc = ck_codec_decode(codec, encodings[e], copy + 1, n, dims, &y, &err);
            CHECK_INT(rc, SQLITE_OK);
            for (uint32_t i = 0; rc == SQLITE_OK && i < dims; i++) {
                float want = expected_of(encodings[e], x[i], scale);
                n_wrong += ck_f32_bits(y[i]) != ck_f32_bits(want);
            }
            CHECK_MSG(n_wrong == 0, "%s of %u dims: %d components differ",
                      ck_encoding_name(encodings[e]), dims, n_wrong);
            free(copy);
            ck_error_release(&err);
        }
    }
    free(x);
}

/* The formats as stored by released versions; the zstd frame is only read, as zstd may change. */
static void formats_are_frozen(CkCodec *codec) {
    static const float x[4] = {1.0f, -2.0f, 0.5f, 0.25f};
    static const uint8_t f32[] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0x80, 0x3e};
    static const uint8_t f16[] = {0, 0x3c, 0, 0xc0, 0, 0x38, 0, 0x34};
    static const uint8_t i8[] = {0, 0, 0x7e, 0x42, 64, 0x81, 32, 16};
    static const uint8_t planes[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 16, 0x81, 0, 0, /* raw block */
                                     0,    0,    0,    0,    0,    0,  0,    0, 0x80,
                                     0,    0,    0x80, 0x3f, 0xc0, 0x3f, 0x3e};
    static const struct {
        int encoding;
        const uint8_t *bytes;
        int n;
    } frozen[] = {{0, f32, sizeof f32}, {1, f16, sizeof f16}, {2, i8, sizeof i8},
                  {4, planes, sizeof planes}};
    CkError err = CK_ERROR_NONE;
    for (size_t i = 0; i < sizeof frozen / sizeof frozen[0]; i++) {
        const uint8_t *bytes = NULL;
        const float *y = NULL;
        int n = 0, base = frozen[i].encoding & 3;
        CHECK_INT(ck_codec_encode(codec, base, x, 4, &bytes, &n, &err), SQLITE_OK);
        if (frozen[i].encoding == base) {
            CHECK(n == frozen[i].n && memcmp(bytes, frozen[i].bytes, (size_t)n) == 0);
        }
        CHECK_INT(ck_codec_decode(codec, frozen[i].encoding, frozen[i].bytes, frozen[i].n, 4, &y,
                                  &err),
                  SQLITE_OK);
        CHECK_STR(err.message, NULL);
        for (int j = 0; y && base != CK_ENCODING_I8 && j < 4; j++) CHECK(y[j] == x[j]);
        ck_error_release(&err);
    }
}

static void values_out_of_range_are_refused(CkCodec *codec) {
    float big[2] = {1.0f, 0.0f}, tiny[2] = {1e-40f, 0.0f}, zero[3] = {0.0f, -0.0f, 0.0f};
    CkError err = CK_ERROR_NONE;
    const uint8_t *bytes;
    const float *y = NULL;
    int n;
    big[1] = nextafterf(65504.0f, INFINITY);
    CHECK_INT(ck_codec_encode(codec, CK_ENCODING_F16, big, 2, &bytes, &n, &err), SQLITE_ERROR);
    CHECK_STR(err.message, "vector: component 2 is 65504.0039, beyond the range of f16 (65504)");
    ck_error_release(&err);
    CHECK_INT(ck_codec_encode(codec, CK_ENCODING_I8, tiny, 2, &bytes, &n, &err), SQLITE_ERROR);
    CHECK_STR(err.message, "vector: all components are below 3.8e-37, too small for i8");
    ck_error_release(&err);
    /* A zero vector has no scale of its own: 1 is stored. */
    CHECK_INT(ck_codec_encode(codec, CK_ENCODING_I8, zero, 3, &bytes, &n, &err), SQLITE_OK);
    CHECK(ck_load_f32(bytes) == 1.0f);
    CHECK_INT(ck_codec_decode(codec, CK_ENCODING_I8, bytes, n, 3, &y, &err), SQLITE_OK);
    CHECK(y && y[0] == 0.0f && y[1] == 0.0f && y[2] == 0.0f);
}

/* Every length but the right one, and every flipped bit. */
static void damage_is_never_believed(CkCodec *codec) {
    float x[DIMS];
    fill(x, DIMS, SEED);
    for (size_t e = 0; e < N_ENCODINGS; e++) {
        CkError err = CK_ERROR_NONE;
        const uint8_t *bytes;
        const float *y;
        int n = 0;
        CHECK_INT(ck_codec_encode(codec, encodings[e], x, DIMS, &bytes, &n, &err), SQLITE_OK);
        uint8_t *copy = malloc((size_t)n + 1);
        memcpy(copy, bytes, (size_t)n);
        copy[n] = 0;
        for (int length = 0; length <= n + 1; length++) {
            uint8_t *exact = malloc((size_t)length + (length == 0));
            memcpy(exact, copy, (size_t)length);
            if (length != n) refuse(codec, encodings[e], exact, length, DIMS, NULL);
            free(exact);
        }
        refuse(codec, encodings[e], copy, n, DIMS + 1, NULL);
        refuse(codec, encodings[e], copy, n, DIMS - 1, NULL);
        refuse(codec, encodings[e], NULL, 0, DIMS, NULL);
        for (int bit = 0; bit < 8 * n; bit++) {
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            int rc = ck_codec_decode(codec, encodings[e], copy, n, DIMS, &y, &err);
            CHECK(rc == SQLITE_OK || rc == SQLITE_CORRUPT_VTAB);
            for (int i = 0; rc == SQLITE_OK && i < DIMS; i++) CHECK(isfinite(y[i]));
            ck_error_release(&err);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(copy);
    }
}

static void contents_are_checked(CkCodec *codec) {
    static const uint32_t scales[] = {0, 0x80000000, 0xbf800000, 0x7f800000, 0x7fc00000, 1};
    uint8_t bytes[16] = {0};
    refuse(codec, 0, bytes, 15, 4, "stored vector: 15 bytes, expected 16 (f32, 4 dims)");
    ck_store_u32(bytes + 8, 0x7fc00000);
    refuse(codec, 0, bytes, 16, 4,
           "stored vector: a component is NaN or infinite (f32, 4 dims)");
    ck_store_u16(bytes, 0xfc00);
    refuse(codec, 1, bytes, 4, 2, "stored vector: a component is NaN or infinite (f16, 2 dims)");
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        ck_store_u32(bytes, scales[i]);
        refuse(codec, 2, bytes, 6, 2,
               "stored vector: the i8 scale is not a finite number above 0 (i8, 2 dims)");
    }
    ck_store_f32(bytes, 1.0f);
    bytes[5] = 0x80;
    refuse(codec, 2, bytes, 6, 2, "stored vector: an i8 code is -128 (i8, 2 dims)");
    refuse(codec, 3, bytes, 6, 2, "stored vector: encoding 3 with 2 dims");
    refuse(codec, 0, bytes, 0, 0, "stored vector: encoding 0 with 0 dims");
    refuse(codec, 0, bytes, 16, CK_DIMS_MAX + 1, "stored vector: encoding 0 with 65537 dims");
}

/* Frames that zstd reads happily but ck never writes. */
static void foreign_frames_are_refused(CkCodec *codec) {
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 0, 0};
    static const uint8_t with_dictionary[] = {0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 8, 0x41, 0, 0,
                                              1,    2,    3,    4,    5,    6, 7, 8};
    uint8_t plain[96] = {0}, frame[400];
    size_t n;
    refuse(codec, 4, skippable, sizeof skippable, 2, NULL);
    refuse(codec, 4, with_dictionary, sizeof with_dictionary, 2,
           "stored vector: the zstd frame is not of this size (f32+zstd, 2 dims)");
    ZSTD_CCtx *cctx = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(cctx, ZSTD_c_contentSizeFlag, 0);
    n = ZSTD_compress2(cctx, frame, sizeof frame, plain, sizeof plain);
    refuse(codec, 4, frame, (int)n, DIMS,
           "stored vector: the zstd frame is not of this size (f32+zstd, 24 dims)");
    ZSTD_freeCCtx(cctx);
    n = ZSTD_compress(frame, sizeof frame, plain, sizeof plain, 3);
    memcpy(frame + n, frame, n);
    refuse(codec, 4, frame, (int)(2 * n), DIMS,
           "stored vector: the zstd frame is cut short or has bytes behind it (f32+zstd, 24 dims)");
    memcpy(frame + n, skippable, sizeof skippable);
    refuse(codec, 4, frame, (int)(n + sizeof skippable), DIMS, NULL);
}

/* Once warm, encoding and decoding allocate nothing. */
static void warm_codecs_allocate_nothing(CkCodec *codec) {
    float x[DIMS];
    CkError err = CK_ERROR_NONE;
    const uint8_t *bytes;
    const float *y;
    int n, current = 0, high = 0, before = 0;
    fill(x, DIMS, SEED);
    for (int round = 0; round < 3; round++) {
        /* SQLITE_STATUS_MALLOC_COUNT counts what is outstanding; its high-water mark catches
           what is freed again. */
        sqlite3_status(SQLITE_STATUS_MALLOC_COUNT, &before, &high, 1);
        for (size_t e = 0; e < N_ENCODINGS; e++) {
            CHECK_INT(ck_codec_encode(codec, encodings[e], x, DIMS, &bytes, &n, &err), SQLITE_OK);
            uint8_t copy[200];
            memcpy(copy, bytes, (size_t)n);
            CHECK_INT(ck_codec_decode(codec, encodings[e], copy, n, DIMS, &y, &err), SQLITE_OK);
        }
        sqlite3_status(SQLITE_STATUS_MALLOC_COUNT, &current, &high, 0);
        if (round > 0) CHECK_INT(high, before);
    }
}

void ck_test_vector_encoding(void) {
    CkError err = CK_ERROR_NONE;
    CkCodec *codec = NULL;
    names_and_ids_agree();
    sqlite3_int64 before = sqlite3_memory_used();
    CHECK_INT(ck_codec_new(&codec, &err), SQLITE_OK);
    vectors_survive(codec);
    formats_are_frozen(codec);
    values_out_of_range_are_refused(codec);
    damage_is_never_believed(codec);
    contents_are_checked(codec);
    foreign_frames_are_refused(codec);
    warm_codecs_allocate_nothing(codec);
    ck_codec_free(codec);
    ck_codec_free(NULL);
    CHECK_INT(sqlite3_memory_used(), before);
}
