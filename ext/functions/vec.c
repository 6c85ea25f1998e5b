/*
** vec_*: vector functions in SQL.
**
** Where sqlite-vec has a function of the name, arguments, results and subtypes are the same. Where
** it reads on after an error (unclosed or malformed JSON, NaN, a zero vector to normalise, an int8
** blob taken for floats) these refuse. All are registered with any number of arguments and check
** it themselves, so that sqlite-vec can be loaded beside ck.
*/
#include <math.h>
#include <string.h>

#include "base/coding.h"
#include "base/error.h"
#include "functions/functions.h"
#include "vector/kernels.h"
#include "vector/quantize.h"
#include "vector/vector.h"

#define SUBTYPE_JSON 'J' /* what SQLite's own JSON functions return */

/* Reads a vector and returns something else; reads a vector and returns one. */
#define VEC_READS (CK_FUNCTION_PURE | SQLITE_SUBTYPE)
#define VEC_RETURNS (CK_FUNCTION_PURE | SQLITE_SUBTYPE | SQLITE_RESULT_SUBTYPE)

static int check_count(const char *who, int n, int low, int high, CkError *err) {
    if (n >= low && n <= high) return SQLITE_OK;
    if (low < high) {
        return ck_error_set(err, SQLITE_ERROR, "%s: expected %d or %d arguments, got %d", who, low,
                            high, n);
    }
    return ck_error_set(err, SQLITE_ERROR, "%s: expected %d argument%s, got %d", who, low,
                        low == 1 ? "" : "s", n);
}

/* Parses the only argument of a function. */
static int parse_only(const char *who, int n_args, sqlite3_value **args, CkVector *v,
                      CkError *err) {
    if (check_count(who, n_args, 1, 1, err) != SQLITE_OK) return err->rc;
    return ck_vector_parse(args[0], who, v, err);
}

/* Like ck_vector_parse, but only for vectors whose components are floats; they come as f32. */
static int parse_floats(sqlite3_value *value, const char *who, CkVector *v, CkError *err) {
    if (ck_vector_parse(value, who, v, err) != SQLITE_OK) return err->rc;
    if (v->type != CK_VECTOR_F32 && v->type != CK_VECTOR_F16) {
        return ck_error_set(err, SQLITE_ERROR, "%s: expected a vector of float32, got %s", who,
                            ck_vector_type_name(v->type));
    }
    return ck_vector_widen(v, who, err);
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

static void result_vector(sqlite3_context *context, void *data, size_t n_bytes, CkVectorType type) {
    sqlite3_result_blob64(context, data, n_bytes, sqlite3_free);
    sqlite3_result_subtype(context, type);
}

/* Returns dims floats of host order as a vector. */
static void result_f32(sqlite3_context *context, const float *x, uint32_t dims, CkError *err) {
    uint8_t *out = sqlite3_malloc64(4 * (uint64_t)dims);
    if (!out) {
        ck_error_nomem(err);
        return;
    }
    for (uint32_t i = 0; i < dims; i++) ck_store_f32(out + 4 * i, x[i]);
    result_vector(context, out, 4 * (size_t)dims, CK_VECTOR_F32);
}

/* vec_f32(v): v as float32. A bare blob or JSON text is checked and typed, float16 widened. */
static void vec_f32(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char who[] = "vec_f32";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (check_count(who, n_args, 1, 1, &err) == SQLITE_OK &&
        parse_floats(args[0], who, &v, &err) == SQLITE_OK) {
        result_f32(context, (const float *)v.data, v.dims, &err);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

static void vec_length(sqlite3_context *context, int n_args, sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (parse_only("vec_length", n_args, args, &v, &err) == SQLITE_OK) {
        sqlite3_result_int64(context, v.dims);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

static void vec_type(sqlite3_context *context, int n_args, sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (parse_only("vec_type", n_args, args, &v, &err) == SQLITE_OK) {
        sqlite3_result_text(context, ck_vector_type_name(v.type), -1, SQLITE_STATIC);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

static void append_component(sqlite3_str *out, const CkVector *v, uint32_t i) {
    switch (v->type) {
    case CK_VECTOR_F32:
        sqlite3_str_appendf(out, "%f", (double)((const float *)v->data)[i]);
        break;
    case CK_VECTOR_F16:
        sqlite3_str_appendf(out, "%f", (double)ck_f32_from_f16(ck_load_u16(v->data + 2 * i)));
        break;
    case CK_VECTOR_I8:
        sqlite3_str_appendf(out, "%d", ((const int8_t *)v->data)[i]);
        break;
    case CK_VECTOR_BIT:
        sqlite3_str_appendchar(out, 1, v->data[i / 8] >> i % 8 & 1 ? '1' : '0');
        break;
    }
}

/* vec_to_json(v): floats with six decimals, as sqlite-vec writes them. */
static void vec_to_json(sqlite3_context *context, int n_args, sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (parse_only("vec_to_json", n_args, args, &v, &err) == SQLITE_OK) {
        sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(context));
        for (uint32_t i = 0; i < v.dims; i++) {
            sqlite3_str_appendchar(out, 1, i == 0 ? '[' : ',');
            append_component(out, &v, i);
        }
        sqlite3_str_appendchar(out, 1, ']');
        int rc = sqlite3_str_errcode(out);
        int n = sqlite3_str_length(out);
        char *text = sqlite3_str_finish(out);
        if (rc == SQLITE_OK && text) {
            sqlite3_result_text(context, text, n, sqlite3_free);
            sqlite3_result_subtype(context, SUBTYPE_JSON);
        } else {
            sqlite3_free(text);
            sqlite3_result_error_code(context, rc != SQLITE_OK ? rc : SQLITE_NOMEM);
        }
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

/* vec_normalize(v): v / |v|, the norm in double so that no f32 vector over- or underflows. */
static void vec_normalize(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char who[] = "vec_normalize";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    double norm_sq = 0;
    if (parse_only(who, n_args, args, &v, &err) != SQLITE_OK) goto done;
    if (v.type != CK_VECTOR_F32) {
        ck_error_set(&err, SQLITE_ERROR, "%s: expected a vector of float32, got %s", who,
                     ck_vector_type_name(v.type));
        goto done;
    }
    const float *x = (const float *)v.data;
    for (uint32_t i = 0; i < v.dims; i++) norm_sq += (double)x[i] * x[i];
    if (norm_sq == 0) {
        ck_error_set(&err, SQLITE_ERROR, "%s: a zero vector has no direction", who);
        goto done;
    }
    uint8_t *out = sqlite3_malloc64(v.n_bytes);
    if (!out) {
        ck_error_nomem(&err);
        goto done;
    }
    double norm = sqrt(norm_sq);
    for (uint32_t i = 0; i < v.dims; i++) ck_store_f32(out + 4 * i, (float)(x[i] / norm));
    result_vector(context, out, v.n_bytes, CK_VECTOR_F32);
done:
    ck_vector_release(&v);
    ck_error_result(&err, context);
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

/* vec_scale_i8(v): 127 / max|x|, a float32 (so exact as the REAL it is returned as). */
static void vec_scale_i8(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char who[] = "vec_scale_i8";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    float scale;
    if (check_count(who, n_args, 1, 1, &err) == SQLITE_OK &&
        parse_floats(args[0], who, &v, &err) == SQLITE_OK &&
        scale_of(&v, who, &scale, &err) == SQLITE_OK) {
        sqlite3_result_double(context, (double)scale);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

/* vec_quantize_i8(v [, scale]): codes, with the scale vec_scale_i8(v) would give by default. */
static void vec_quantize_i8(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char who[] = "vec_quantize_i8";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    float scale;
    if (check_count(who, n_args, 1, 2, &err) != SQLITE_OK) goto done;
    if (parse_floats(args[0], who, &v, &err) != SQLITE_OK) goto done;
    int rc = n_args == 1 ? scale_of(&v, who, &scale, &err)
                         : parse_scale(args[1], who, &scale, &err);
    if (rc != SQLITE_OK) goto done;
    int8_t *out = sqlite3_malloc64(v.dims);
    if (!out) {
        ck_error_nomem(&err);
        goto done;
    }
    ck_kernels()->i8_from_f32(out, (const float *)v.data, scale, v.dims);
    result_vector(context, out, v.dims, CK_VECTOR_I8);
done:
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

/* vec_dequantize_i8(q, scale): q / scale as float32. A bare blob is int8 here: what else? */
static void vec_dequantize_i8(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char who[] = "vec_dequantize_i8";
    CkError err = CK_ERROR_NONE;
    CkVector q = {0};
    float scale;
    float *x = NULL;
    if (check_count(who, n_args, 2, 2, &err) != SQLITE_OK) goto done;
    if (ck_vector_parse_as(args[0], CK_VECTOR_I8, who, &q, &err) != SQLITE_OK) goto done;
    if (parse_scale(args[1], who, &scale, &err) != SQLITE_OK) goto done;
    x = sqlite3_malloc64(4 * (uint64_t)q.dims);
    if (!x) {
        ck_error_nomem(&err);
        goto done;
    }
    ck_kernels()->f32_from_i8(x, (const int8_t *)q.data, scale, q.dims);
    result_f32(context, x, q.dims, &err);
done:
    sqlite3_free(x);
    ck_vector_release(&q);
    ck_error_result(&err, context);
}

/*
** Operands of vec_cosine. In `SELECT max(vec_cosine(v, :query)) FROM t` one argument is the same
** for all rows; SQLite keeps what we attach to it (auxiliary data) until the statement is reset,
** and drops what we attach to the one that varies after each call. Whether an argument is constant
** can only be seen by that. A copy of every row would be a high price for finding out, so a blob
** first gets a mark, and is copied when the mark is still there in the second call. JSON text,
** whose parsed form is a copy anyway, is kept at once.
*/
typedef struct Operand {
    CkVectorType type; /* as given; vector is f32 */
    CkVector vector;
    float norm_sq;
} Operand;

static const char constant_mark = 0;

static void free_operand(void *address) {
    Operand *operand = address;
    ck_vector_release(&operand->vector);
    sqlite3_free(operand);
}

/* Keeps for the next row what may be constant. Failing to is no error: it only costs time. */
static void keep_operand(sqlite3_context *context, int arg, Operand *operand, int is_marked) {
    CkError err = CK_ERROR_NONE;
    if (!operand->vector.owned && !is_marked) {
        sqlite3_set_auxdata(context, arg, (void *)&constant_mark, NULL);
        return;
    }
    Operand *kept = sqlite3_malloc64(sizeof *kept);
    if (kept && ck_vector_own(&operand->vector, &err) == SQLITE_OK) {
        *kept = *operand;
        memset(operand, 0, sizeof *operand);
        sqlite3_set_auxdata(context, arg, kept, free_operand);
    } else {
        sqlite3_free(kept);
    }
    ck_error_release(&err);
}

/* Reads what has no kept form. NaN and infinity are left to cosine_of. */
static int read_operand(sqlite3_value *value, const char *who, Operand *operand, CkError *err) {
    int rc = ck_vector_view(value, who, &operand->vector, err);
    if (rc != SQLITE_OK) return rc;
    operand->type = operand->vector.type;
    return ck_vector_widen(&operand->vector, who, err);
}

/* The sums of cosine in double, for values whose squares leave float32. No sum of 65,536 squares
** of float32 over- or underflows here. */
static int cosine_in_double(const Operand *operands, const char *const *who, double *cosine,
                            CkError *err) {
    double dot = 0, norm_sq[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        if (ck_vector_check_finite(&operands[i].vector, who[i], err) != SQLITE_OK) return err->rc;
    }
    for (uint32_t i = 0; i < operands[0].vector.dims; i++) {
        float a, b;
        memcpy(&a, operands[0].vector.data + 4 * i, sizeof a);
        memcpy(&b, operands[1].vector.data + 4 * i, sizeof b);
        dot += (double)a * b;
        norm_sq[0] += (double)a * a;
        norm_sq[1] += (double)b * b;
    }
    for (int i = 0; i < 2; i++) {
        if (norm_sq[i] > 0) continue;
        return ck_error_set(err, SQLITE_ERROR, "%s: a zero vector has no cosine", who[i]);
    }
    *cosine = dot / (sqrt(norm_sq[0]) * sqrt(norm_sq[1]));
    return SQLITE_OK;
}

/* Whether a sum of squares is far enough from the ends of float32 to be trusted. NaN is not. */
static int is_safe(float norm_sq) {
    return norm_sq > 1e-24f && norm_sq < 1e37f;
}

/* known is the operand whose norm_sq is set already, or -1. */
static int cosine_of(Operand *operands, int known, const char *const *who, double *cosine,
                     CkError *err) {
    const CkKernels *kernels = ck_kernels();
    int fresh = known == 1 ? 0 : 1;
    Operand *a = &operands[1 - fresh], *b = &operands[fresh];
    const float *x = (const float *)a->vector.data, *y = (const float *)b->vector.data;
    uint32_t dims = a->vector.dims;
    if (known < 0) a->norm_sq = kernels->dot_f32(x, x, dims);
    double dot = (double)kernels->dot_norm_f32(x, y, dims, &b->norm_sq);
    if (is_safe(a->norm_sq) && is_safe(b->norm_sq)) {
        *cosine = dot / sqrt((double)a->norm_sq * (double)b->norm_sq);
    } else if (cosine_in_double(operands, who, cosine, err) != SQLITE_OK) {
        return err->rc;
    }
    *cosine = *cosine > 1 ? 1 : *cosine < -1 ? -1 : *cosine;
    return SQLITE_OK;
}

/* Both operands fit each other. */
static int check_pair(const char *who, const Operand *a, const Operand *b, CkError *err) {
    if (a->type != b->type) {
        return ck_error_set(err, SQLITE_ERROR, "%s: vectors are %s and %s", who,
                            ck_vector_type_name(a->type), ck_vector_type_name(b->type));
    }
    if (a->vector.dims != b->vector.dims) {
        return ck_error_set(err, SQLITE_ERROR, "%s: vectors have %u and %u dims", who,
                            a->vector.dims, b->vector.dims);
    }
    return SQLITE_OK;
}

/* vec_cosine(a, b): cosine similarity in [-1, 1] of two vectors of one type. */
static void vec_cosine(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char *const who[2] = {"vec_cosine: argument 1", "vec_cosine: argument 2"};
    CkError err = CK_ERROR_NONE;
    Operand operands[2];
    int is_marked[2] = {0, 0}, known = -1;
    double cosine = 0;
    memset(operands, 0, sizeof operands);
    if (check_count("vec_cosine", n_args, 2, 2, &err) != SQLITE_OK) goto done;
    for (int i = 0; i < 2; i++) {
        void *kept = sqlite3_get_auxdata(context, i);
        is_marked[i] = kept == &constant_mark;
        if (kept && !is_marked[i] && known < 0) {
            operands[i] = *(const Operand *)kept;
            operands[i].vector.owned = NULL; /* it stays the property of what is kept */
            known = i;
        } else if (read_operand(args[i], who[i], &operands[i], &err) != SQLITE_OK) {
            goto done;
        }
    }
    if (check_pair("vec_cosine", &operands[0], &operands[1], &err) != SQLITE_OK) goto done;
    if (cosine_of(operands, known, who, &cosine, &err) != SQLITE_OK) goto done;
    sqlite3_result_double(context, cosine);
    /* Nothing kept: the first row, or the second, or neither is constant. */
    for (int i = 0; known < 0 && i < 2; i++) keep_operand(context, i, &operands[i], is_marked[i]);
done:
    for (int i = 0; i < 2; i++) ck_vector_release(&operands[i].vector);
    ck_error_result(&err, context);
}

const CkFunction ck_functions_vec[] = {
    {"vec_f32", -1, VEC_RETURNS, vec_f32},
    {"vec_length", -1, VEC_READS, vec_length},
    {"vec_type", -1, VEC_READS, vec_type},
    {"vec_to_json", -1, VEC_RETURNS, vec_to_json},
    {"vec_normalize", -1, VEC_RETURNS, vec_normalize},
    {"vec_scale_i8", -1, VEC_READS, vec_scale_i8},
    {"vec_quantize_i8", -1, VEC_RETURNS, vec_quantize_i8},
    {"vec_dequantize_i8", -1, VEC_RETURNS, vec_dequantize_i8},
    {"vec_cosine", -1, VEC_READS, vec_cosine},
    {NULL, 0, 0, NULL},
};
