/*
** Vector values from SQL: see vector.h for the types and rules.
**
** Everything here starts from bytes somebody else wrote, so nothing is asserted: length first,
** then content. Copies are made only where C needs them: f32 blobs that are not aligned to 4
** bytes (SQLite hands out pointers into pages), JSON, and big-endian hosts.
*/
#include "vector/vector.h"

#include <math.h>
#include <string.h>

#include "base/coding.h"
#include "base/limits.h"
#include "vector/json.h"
#include "vector/kernels.h"
#include "vector/quantize.h"

const char *ck_vector_type_name(CkVectorType type) {
    switch (type) {
    case CK_VECTOR_F32: return "float32";
    case CK_VECTOR_BIT: return "bit";
    case CK_VECTOR_I8: return "int8";
    case CK_VECTOR_F16: return "float16";
    }
    return NULL;
}

void ck_vector_release(CkVector *vector) {
    sqlite3_free(vector->owned);
    memset(vector, 0, sizeof *vector);
}

/* Gives the vector storage that it owns, in place of whatever it had. */
static void take(CkVector *vector, CkVectorType type, void *data, uint32_t n_bytes) {
    sqlite3_free(vector->owned);
    vector->type = type;
    vector->owned = data;
    vector->data = data;
    vector->n_bytes = n_bytes;
}

static const char *value_type_name(sqlite3_value *value) {
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: return "INTEGER";
    case SQLITE_FLOAT: return "REAL";
    case SQLITE_TEXT: return "TEXT";
    case SQLITE_BLOB: return "BLOB";
    default: return "NULL";
    }
}

/* Bytes of dims components; bits come in whole bytes. */
static uint32_t bytes_of(CkVectorType type, uint32_t dims) {
    switch (type) {
    case CK_VECTOR_F32: return 4 * dims;
    case CK_VECTOR_F16: return 2 * dims;
    case CK_VECTOR_I8: return dims;
    case CK_VECTOR_BIT: return dims / 8;
    }
    return 0;
}

int ck_vector_new(CkVector *vector, CkVectorType type, uint32_t dims, CkError *err) {
    uint32_t n_bytes = bytes_of(type, dims);
    memset(vector, 0, sizeof *vector);
    void *data = sqlite3_malloc64(n_bytes);
    if (!data) return ck_error_nomem(err);
    take(vector, type, data, n_bytes);
    vector->dims = dims;
    return SQLITE_OK;
}

/* Sets dims from the type and length of a blob. */
static int measure(CkVector *vector, const char *who, CkError *err) {
    uint32_t n = vector->n_bytes;
    uint32_t size = vector->type == CK_VECTOR_F32 ? 4 : vector->type == CK_VECTOR_F16 ? 2 : 1;
    if (n == 0) return ck_error_set(err, SQLITE_ERROR, "%s: vector is empty", who);
    if (n % size != 0) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: vector is %u bytes, expected a multiple of %u (%s)", who, n, size,
                            ck_vector_type_name(vector->type));
    }
    uint64_t dims = vector->type == CK_VECTOR_BIT ? (uint64_t)n * 8 : n / size;
    if (dims > CK_DIMS_MAX) {
        return ck_error_set(err, SQLITE_ERROR, "%s: vector has %llu dims, the limit is %d", who,
                            (unsigned long long)dims, CK_DIMS_MAX);
    }
    vector->dims = (uint32_t)dims;
    return SQLITE_OK;
}

static int copy_f32(CkVector *vector, CkError *err) {
    float *copy = sqlite3_malloc64(vector->n_bytes);
    if (!copy) return ck_error_nomem(err);
    for (uint32_t i = 0; i < vector->dims; i++) copy[i] = ck_load_f32(vector->data + 4 * i);
    take(vector, CK_VECTOR_F32, copy, vector->n_bytes);
    return SQLITE_OK;
}

static int parse_json(sqlite3_value *value, const char *who, CkVector *vector, CkError *err) {
    float *numbers;
    uint32_t dims;
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text) return ck_error_nomem(err);
    int rc = ck_json_parse_f32(text, sqlite3_value_bytes(value), who, &numbers, &dims, err);
    if (rc != SQLITE_OK) return rc;
    take(vector, CK_VECTOR_F32, numbers, 4 * dims);
    vector->dims = dims;
    return SQLITE_OK;
}

/* Reads a blob whose element type is known; the vector borrows. */
static int view_blob(sqlite3_value *value, CkVectorType type, const char *who, CkVector *vector,
                     CkError *err) {
    vector->type = type;
    vector->n_bytes = (uint32_t)sqlite3_value_bytes(value);
    vector->data = sqlite3_value_blob(value);
    if (!vector->data && vector->n_bytes > 0) return ck_error_nomem(err);
    return measure(vector, who, err);
}

int ck_vector_view(sqlite3_value *value, const char *who, CkVector *vector, CkError *err) {
    memset(vector, 0, sizeof *vector);
    int type = sqlite3_value_type(value);
    if (type == SQLITE_TEXT) return parse_json(value, who, vector, err);
    if (type != SQLITE_BLOB) {
        return ck_error_set(err, SQLITE_ERROR, "%s: expected a BLOB or JSON text, got %s", who,
                            value_type_name(value));
    }
    unsigned subtype = sqlite3_value_subtype(value);
    if (subtype == 0) subtype = CK_VECTOR_F32;
    if (!ck_vector_type_name((CkVectorType)subtype)) {
        return ck_error_set(err, SQLITE_ERROR, "%s: BLOB has subtype %u, which is no vector", who,
                            subtype);
    }
    int rc = view_blob(value, (CkVectorType)subtype, who, vector, err);
    if (rc == SQLITE_OK && CK_BIG_ENDIAN && subtype == CK_VECTOR_F32) rc = copy_f32(vector, err);
    return rc;
}

float ck_vector_component(const CkVector *vector, uint32_t i) {
    float x;
    if (vector->type == CK_VECTOR_F16) return ck_f32_from_f16(ck_load_u16(vector->data + 2 * i));
    memcpy(&x, vector->data + 4 * i, sizeof x);
    return x;
}

static int is_finite(const CkVector *vector) {
    if (vector->type == CK_VECTOR_F32) {
        return ck_kernels()->finite_f32((const float *)vector->data, vector->dims);
    }
    int is_bad = 0;
    if (vector->type == CK_VECTOR_F16) { /* an exponent of all ones */
        for (uint32_t i = 0; i < vector->dims; i++) {
            is_bad |= (ck_load_u16(vector->data + 2 * i) & 0x7c00) == 0x7c00;
        }
    }
    return !is_bad;
}

int ck_vector_check_finite(const CkVector *vector, const char *who, CkError *err) {
    if (is_finite(vector)) return SQLITE_OK;
    for (uint32_t i = 0; i < vector->dims; i++) {
        float x = ck_vector_component(vector, i);
        if (isfinite(x)) continue;
        return ck_error_set(err, SQLITE_ERROR, "%s: component %u is %s", who, i + 1,
                            isnan(x) ? "NaN" : "infinite");
    }
    return SQLITE_OK;
}

/* What ck_vector_parse promises beyond ck_vector_view: finite, and aligned f32. */
static int settle(CkVector *vector, const char *who, CkError *err) {
    if (vector->owned && !CK_BIG_ENDIAN) return SQLITE_OK; /* JSON: finite already */
    int rc = ck_vector_check_finite(vector, who, err);
    if (rc == SQLITE_OK && vector->type == CK_VECTOR_F32 && (uintptr_t)vector->data % 4 != 0) {
        rc = copy_f32(vector, err);
    }
    return rc;
}

int ck_vector_parse(sqlite3_value *value, const char *who, CkVector *vector, CkError *err) {
    int rc = ck_vector_view(value, who, vector, err);
    if (rc == SQLITE_OK) rc = settle(vector, who, err);
    if (rc != SQLITE_OK) ck_vector_release(vector);
    return rc;
}

int ck_vector_narrow(CkVector *vector, CkVectorType type, const char *who, CkError *err) {
    const float *x = (const float *)vector->data;
    uint32_t dims = vector->dims;
    float low = type == CK_VECTOR_I8 ? -128.0f : 0.0f;
    float high = type == CK_VECTOR_I8 ? 127.0f : 1.0f;
    uint32_t n_bytes = bytes_of(type, dims);
    if (type == CK_VECTOR_BIT && dims % 8 != 0) {
        return ck_error_set(err, SQLITE_ERROR, "%s: vector has %u bits, expected a multiple of 8",
                            who, dims);
    }
    for (uint32_t i = 0; i < dims; i++) {
        int fits = type == CK_VECTOR_F16 ? fabsf(x[i]) <= CK_F16_MAX
                                         : x[i] >= low && x[i] <= high && x[i] == truncf(x[i]);
        if (fits) continue;
        return ck_error_set(err, SQLITE_ERROR, "%s: component %u is %.9g, which is no %s", who,
                            i + 1, (double)x[i], ck_vector_type_name(type));
    }
    uint8_t *out = sqlite3_malloc64(n_bytes);
    if (!out) return ck_error_nomem(err);
    if (type == CK_VECTOR_F16) {
        ck_kernels()->f16_from_f32(out, x, dims);
    } else if (type == CK_VECTOR_I8) {
        for (uint32_t i = 0; i < dims; i++) out[i] = (uint8_t)(int8_t)x[i];
    } else {
        memset(out, 0, n_bytes);
        for (uint32_t i = 0; i < dims; i++) out[i / 8] |= (uint8_t)((unsigned)x[i] << i % 8);
    }
    take(vector, type, out, n_bytes);
    return SQLITE_OK;
}

int ck_vector_parse_as(sqlite3_value *value, CkVectorType type, const char *who, CkVector *vector,
                       CkError *err) {
    int rc;
    if (sqlite3_value_type(value) == SQLITE_BLOB && sqlite3_value_subtype(value) == 0) {
        memset(vector, 0, sizeof *vector);
        rc = view_blob(value, type, who, vector, err);
        if (rc == SQLITE_OK && CK_BIG_ENDIAN && type == CK_VECTOR_F32) rc = copy_f32(vector, err);
        if (rc == SQLITE_OK) rc = settle(vector, who, err);
    } else {
        rc = ck_vector_parse(value, who, vector, err);
        if (rc == SQLITE_OK && vector->type != type) {
            if (sqlite3_value_type(value) == SQLITE_TEXT) {
                rc = ck_vector_narrow(vector, type, who, err);
            } else {
                rc = ck_error_set(err, SQLITE_ERROR, "%s: expected a vector of %s, got %s", who,
                                  ck_vector_type_name(type), ck_vector_type_name(vector->type));
            }
        }
    }
    if (rc != SQLITE_OK) ck_vector_release(vector);
    return rc;
}

int ck_vector_widen(CkVector *vector, const char *who, CkError *err) {
    if (vector->type == CK_VECTOR_F32) return SQLITE_OK;
    if (vector->type == CK_VECTOR_BIT) {
        return ck_error_set(err, SQLITE_ERROR, "%s: expected numbers, got a bit vector", who);
    }
    float *x = sqlite3_malloc64(4 * (uint64_t)vector->dims);
    if (!x) return ck_error_nomem(err);
    if (vector->type == CK_VECTOR_F16) {
        ck_kernels()->f32_from_f16(x, vector->data, vector->dims);
    } else {
        ck_kernels()->f32_from_i8(x, (const int8_t *)vector->data, 1.0f, vector->dims);
    }
    take(vector, CK_VECTOR_F32, x, 4 * vector->dims);
    return SQLITE_OK;
}

int ck_vector_own(CkVector *vector, CkError *err) {
    if (vector->owned) return SQLITE_OK;
    uint8_t *copy = sqlite3_malloc64(vector->n_bytes);
    if (!copy) return ck_error_nomem(err);
    memcpy(copy, vector->data, vector->n_bytes);
    take(vector, vector->type, copy, vector->n_bytes);
    return SQLITE_OK;
}
