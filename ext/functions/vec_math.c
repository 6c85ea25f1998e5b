/*
** vec_add, vec_sub, vec_slice, vec_normalize: vectors from vectors, of the same type.
**
** A result that its type cannot hold is an error: an int8 sum does not wrap around, a float does
** not become infinite.
*/
#include <math.h>
#include <string.h>

#include "base/coding.h"
#include "functions/vec.h"
#include "vector/kernels.h"

/* out = a + sign * b, as f32 for f16 too. */
static int combine_floats(const CkVecPair *pair, const CkVector *a, const CkVector *b, float sign,
                       CkVector *out, CkError *err) {
    float *sums = out->owned;
    for (uint32_t i = 0; a->type == CK_VECTOR_F32 && i < a->dims; i++) {
        float x, y; /* at any address */
        memcpy(&x, a->data + 4 * i, sizeof x);
        memcpy(&y, b->data + 4 * i, sizeof y);
        sums[i] = x + sign * y;
    }
    for (uint32_t i = 0; a->type == CK_VECTOR_F16 && i < a->dims; i++) {
        sums[i] = ck_vector_component(a, i) + sign * ck_vector_component(b, i);
    }
    if (ck_kernels()->finite_f32(sums, a->dims)) return SQLITE_OK;
    if (ck_vec_pair_check_finite(pair, err) != SQLITE_OK) return err->rc;
    uint32_t i = 0;
    while (isfinite(sums[i])) i++;
    return ck_error_set(err, SQLITE_ERROR,
                        "%s: component %u of the result is beyond the range of float32",
                        pair->names->function, i + 1);
}

static int combine_i8(const CkVecPair *pair, const CkVector *a, const CkVector *b, int sign,
                      CkVector *out, CkError *err) {
    const int8_t *x = (const int8_t *)a->data, *y = (const int8_t *)b->data;
    int8_t *codes = out->owned;
    int low = 0, high = 0;
    for (uint32_t i = 0; i < a->dims; i++) {
        int sum = x[i] + sign * y[i];
        low = sum < low ? sum : low;
        high = sum > high ? sum : high;
        codes[i] = (int8_t)sum;
    }
    if (low >= INT8_MIN && high <= INT8_MAX) return SQLITE_OK;
    uint32_t i = 0;
    while (x[i] + sign * y[i] == codes[i]) i++;
    return ck_error_set(err, SQLITE_ERROR,
                        "%s: component %u of the result is %d, int8 is -128..127",
                        pair->names->function, i + 1, x[i] + sign * y[i]);
}

/* vec_add with sign 1, vec_sub with sign -1. */
static void combine(const CkVecNames *names, int sign, sqlite3_context *context, int n_args,
                    sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVecPair pair;
    CkVector out = {0};
    memset(&pair, 0, sizeof pair);
    if (ck_vec_pair_begin(&pair, names, context, n_args, args, &err) != SQLITE_OK) goto done;
    CkVectorType given = pair.arguments[0].operand->given;
    const CkVector *a = &pair.arguments[0].operand->vector;
    const CkVector *b = &pair.arguments[1].operand->vector;
    if (given == CK_VECTOR_BIT) {
        ck_error_set(&err, SQLITE_ERROR, "%s: expected numbers, got bit vectors",
                     names->function);
        goto done;
    }
    CkVectorType sums = given == CK_VECTOR_I8 ? CK_VECTOR_I8 : CK_VECTOR_F32;
    if (ck_vector_new(&out, sums, a->dims, &err) != SQLITE_OK) goto done;
    int rc = sums == CK_VECTOR_I8 ? combine_i8(&pair, a, b, sign, &out, &err)
                                  : combine_floats(&pair, a, b, (float)sign, &out, &err);
    if (rc == SQLITE_OK && given == CK_VECTOR_F16) {
        rc = ck_vector_narrow(&out, given, names->function, &err);
    }
    if (rc == SQLITE_OK) ck_vec_result(context, &out);
done:
    ck_vector_release(&out);
    ck_vec_pair_end(&pair, &err);
    ck_error_result(&err, context);
}

void ck_vec_add(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const CkVecNames names = CK_VEC_NAMES("vec_add");
    combine(&names, 1, context, n_args, args);
}

void ck_vec_sub(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const CkVecNames names = CK_VEC_NAMES("vec_sub");
    combine(&names, -1, context, n_args, args);
}

static int read_any(sqlite3_value *value, const char *who, CkVecOperand *operand, CkError *err) {
    return ck_vector_parse(value, who, &operand->vector, err);
}

/* An index of a slice, 0..dims: an integer, or text or a real that is one. */
static int parse_index(sqlite3_value *value, const char *who, const CkVector *v, uint32_t *index,
                       CkError *err) {
    int type = sqlite3_value_numeric_type(value);
    double number = sqlite3_value_double(value);
    if ((type != SQLITE_INTEGER && type != SQLITE_FLOAT) || number != floor(number)) {
        return ck_error_set(err, SQLITE_ERROR, "%s must be an integer, got %.40s", who,
                            type == SQLITE_NULL   ? "NULL"
                            : type == SQLITE_BLOB ? "a BLOB"
                                                  : (const char *)sqlite3_value_text(value));
    }
    if (number < 0 || number > v->dims) {
        return ck_error_set(err, SQLITE_ERROR, "%s must be 0..%u, got %s", who, v->dims,
                            (const char *)sqlite3_value_text(value));
    }
    *index = (uint32_t)number;
    return SQLITE_OK;
}

/* vec_slice(v, start, end): the components from start, counted from 0, up to but without end. */
void ck_vec_slice(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char name[] = "vec_slice";
    CkError err = CK_ERROR_NONE;
    CkVecArgument argument;
    CkVector out = {0};
    uint32_t start, end;
    memset(&argument, 0, sizeof argument);
    if (ck_vec_check_count(name, n_args, 3, 3, &err) != SQLITE_OK) goto done;
    ck_vec_argument_open(&argument, context, 0, args[0], read_any, name, &err);
    if (err.rc != SQLITE_OK) goto done;
    const CkVector *v = &argument.operand->vector;
    if (parse_index(args[1], "vec_slice: start", v, &start, &err) != SQLITE_OK) goto done;
    if (parse_index(args[2], "vec_slice: end", v, &end, &err) != SQLITE_OK) goto done;
    if (start >= end) {
        ck_error_set(&err, SQLITE_ERROR, "%s: end must be above start, got %u and %u", name, start,
                     end);
        goto done;
    }
    if (v->type == CK_VECTOR_BIT && (start % 8 != 0 || end % 8 != 0)) {
        ck_error_set(&err, SQLITE_ERROR,
                     "%s: start and end must be multiples of 8 for a bit vector, got %u and %u",
                     name, start, end);
        goto done;
    }
    if (ck_vector_new(&out, v->type, end - start, &err) != SQLITE_OK) goto done;
    /* Whole bytes of bits, so that offsets scale like lengths. */
    memcpy(out.owned, v->data + (uint64_t)start * v->n_bytes / v->dims, out.n_bytes);
    ck_vec_result(context, &out);
    ck_vec_argument_keep(&argument, context, 0);
done:
    ck_vector_release(&out);
    ck_vec_argument_close(&argument);
    ck_error_result(&err, context);
}

/* vec_normalize(v): v / |v|, the norm in double so that no f32 vector over- or underflows. */
void ck_vec_normalize(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char name[] = "vec_normalize";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0}, out = {0};
    double norm_sq = 0;
    if (ck_vec_parse_only(name, n_args, args, &v, &err) != SQLITE_OK) goto done;
    CkVectorType given = v.type;
    if (given != CK_VECTOR_F32 && given != CK_VECTOR_F16) {
        ck_error_set(&err, SQLITE_ERROR, "%s: expected a vector of float32 or float16, got %s",
                     name, ck_vector_type_name(given));
        goto done;
    }
    if (ck_vector_widen(&v, name, &err) != SQLITE_OK) goto done;
    const float *x = (const float *)v.data;
    for (uint32_t i = 0; i < v.dims; i++) norm_sq += (double)x[i] * x[i];
    if (norm_sq == 0) {
        ck_error_set(&err, SQLITE_ERROR, "%s: a zero vector has no direction", name);
        goto done;
    }
    if (ck_vector_new(&out, CK_VECTOR_F32, v.dims, &err) != SQLITE_OK) goto done;
    float *unit = out.owned;
    double norm = sqrt(norm_sq);
    for (uint32_t i = 0; i < v.dims; i++) unit[i] = (float)(x[i] / norm);
    if (given == CK_VECTOR_F16) ck_vector_narrow(&out, given, name, &err);
    if (err.rc == SQLITE_OK) ck_vec_result(context, &out);
done:
    ck_vector_release(&out);
    ck_vector_release(&v);
    ck_error_result(&err, context);
}
