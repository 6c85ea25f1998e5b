/*
** vec_quantize_f16, vec_quantize_i8, vec_scale_i8, vec_dequantize_i8, vec_quantize_binary: from
** float32 to narrower types and back. vector/quantize.h defines the rounding.
*/
#include <math.h>
#include <string.h>

#include "functions/vec.h"
#include "vector/kernels.h"
#include "vector/quantize.h"

/* Readers for arguments that stand beside a scale. */
static int read_floats(sqlite3_value *value, const char *who, CkVecOperand *operand,
                       CkError *err) {
    return ck_vec_parse_floats(value, who, &operand->vector, err);
}

/* A bare blob is int8 here: what else? */
static int read_i8(sqlite3_value *value, const char *who, CkVecOperand *operand, CkError *err) {
    return ck_vector_parse_as(value, CK_VECTOR_I8, who, &operand->vector, err);
}

/* A scale of i8: a number that is finite and above 0 as float32. */
static int parse_scale(sqlite3_value *value, const char *who, float *scale, CkError *err) {
    int type = sqlite3_value_type(value);
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        *scale = (float)sqlite3_value_double(value);
        /* The second test keeps every code / scale finite. */
        if (*scale > 0.0f && isfinite(*scale) && isfinite(128.0f / *scale)) return SQLITE_OK;
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: scale must be above 0 and within float32, got %g", who,
                            sqlite3_value_double(value));
    }
    return ck_error_set(err, SQLITE_ERROR, "%s: scale must be a number, got %s", who,
                        type == SQLITE_NULL ? "NULL" : type == SQLITE_TEXT ? "TEXT" : "BLOB");
}

/* The scale of v; a vector without one is an error. */
static int scale_of(const CkVector *v, const char *who, float *scale, CkError *err) {
    const float *x = (const float *)v->data;
    *scale = ck_i8_scale(x, v->dims);
    if (*scale > 0.0f) return SQLITE_OK;
    if (ck_kernels()->max_abs_f32(x, v->dims) > 0.0f) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: all components are below 3.8e-37, too small for a scale", who);
    }
    return ck_error_set(err, SQLITE_ERROR, "%s: a zero vector has no scale", who);
}

/* vec_quantize_f16(v): v as float16, rounded to nearest; beyond 65504 is an error. */
void ck_vec_quantize_f16(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char name[] = "vec_quantize_f16";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (ck_vec_check_count(name, n_args, 1, 1, &err) == SQLITE_OK &&
        ck_vec_parse_floats(args[0], name, &v, &err) == SQLITE_OK &&
        ck_vector_narrow(&v, CK_VECTOR_F16, name, &err) == SQLITE_OK) {
        ck_vec_result(context, &v);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

/* vec_scale_i8(v): 127 / max|x|, a float32 (so exact as the REAL it is returned as). */
void ck_vec_scale_i8(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char name[] = "vec_scale_i8";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    float scale;
    if (ck_vec_check_count(name, n_args, 1, 1, &err) == SQLITE_OK &&
        ck_vec_parse_floats(args[0], name, &v, &err) == SQLITE_OK &&
        scale_of(&v, name, &scale, &err) == SQLITE_OK) {
        sqlite3_result_double(context, (double)scale);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

/* vec_quantize_i8(v [, scale]): codes, with the scale vec_scale_i8(v) would give by default. */
void ck_vec_quantize_i8(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char name[] = "vec_quantize_i8";
    CkError err = CK_ERROR_NONE;
    CkVecArgument argument;
    CkVector out = {0};
    float scale;
    memset(&argument, 0, sizeof argument);
    if (ck_vec_check_count(name, n_args, 1, 2, &err) != SQLITE_OK) goto done;
    ck_vec_argument_open(&argument, context, 0, args[0], read_floats, name, &err);
    if (err.rc != SQLITE_OK) goto done;
    const CkVector *v = &argument.operand->vector;
    int rc = n_args == 1 ? scale_of(v, name, &scale, &err)
                         : parse_scale(args[1], name, &scale, &err);
    if (rc != SQLITE_OK) goto done;
    if (ck_vector_new(&out, CK_VECTOR_I8, v->dims, &err) != SQLITE_OK) goto done;
    ck_kernels()->i8_from_f32(out.owned, (const float *)v->data, scale, v->dims);
    ck_vec_result(context, &out);
    if (n_args == 2) ck_vec_argument_keep(&argument, context, 0);
done:
    ck_vector_release(&out);
    ck_vec_argument_close(&argument);
    ck_error_result(&err, context);
}

/* vec_dequantize_i8(q, scale): q / scale as float32. */
void ck_vec_dequantize_i8(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char name[] = "vec_dequantize_i8";
    CkError err = CK_ERROR_NONE;
    CkVecArgument argument;
    CkVector out = {0};
    float scale;
    memset(&argument, 0, sizeof argument);
    if (ck_vec_check_count(name, n_args, 2, 2, &err) != SQLITE_OK) goto done;
    ck_vec_argument_open(&argument, context, 0, args[0], read_i8, name, &err);
    if (err.rc != SQLITE_OK) goto done;
    const CkVector *q = &argument.operand->vector;
    if (parse_scale(args[1], name, &scale, &err) != SQLITE_OK) goto done;
    if (ck_vector_new(&out, CK_VECTOR_F32, q->dims, &err) != SQLITE_OK) goto done;
    ck_kernels()->f32_from_i8(out.owned, (const int8_t *)q->data, scale, q->dims);
    ck_vec_result(context, &out);
    ck_vec_argument_keep(&argument, context, 0);
done:
    ck_vector_release(&out);
    ck_vec_argument_close(&argument);
    ck_error_result(&err, context);
}

/* Sets the bits of components above 0; out is zeroed. */
static void signs_of(uint8_t *out, const CkVector *v) {
    for (uint32_t i = 0; i < v->dims; i++) {
        unsigned is_above = v->type == CK_VECTOR_I8 ? ((const int8_t *)v->data)[i] > 0
                                                    : ((const float *)v->data)[i] > 0.0f;
        out[i / 8] |= (uint8_t)(is_above << i % 8);
    }
}

/* vec_quantize_binary(v): a bit per component, 1 above 0, the first in the lowest bit. */
void ck_vec_quantize_binary(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char name[] = "vec_quantize_binary";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0}, out = {0};
    if (ck_vec_parse_only(name, n_args, args, &v, &err) != SQLITE_OK) goto done;
    if (v.type == CK_VECTOR_F16) ck_vector_widen(&v, name, &err);
    if (v.type == CK_VECTOR_BIT) {
        ck_error_set(&err, SQLITE_ERROR, "%s: expected numbers, got a bit vector", name);
    } else if (v.dims % 8 != 0) {
        ck_error_set(&err, SQLITE_ERROR, "%s: vector has %u dims, expected a multiple of 8", name,
                     v.dims);
    }
    if (err.rc != SQLITE_OK) goto done;
    if (ck_vector_new(&out, CK_VECTOR_BIT, v.dims, &err) != SQLITE_OK) goto done;
    memset(out.owned, 0, out.n_bytes);
    signs_of(out.owned, &v);
    ck_vec_result(context, &out);
done:
    ck_vector_release(&out);
    ck_vector_release(&v);
    ck_error_result(&err, context);
}
