/*
** vec_*: the table of functions, and what they share (vec.h).
**
** Where sqlite-vec has a function of the name, arguments, results and subtypes are the same. Where
** it reads on after an error (unclosed or malformed JSON, NaN, a zero vector to normalise, an int8
** blob taken for floats) these refuse; README.md beside this file lists every difference.
*/
#include "functions/vec.h"

#include <string.h>

#include "base/coding.h"
#include "functions/functions.h"

/* Reads a vector and returns something else; reads a vector and returns one. */
#define VEC_READS (CK_FUNCTION_PURE | SQLITE_SUBTYPE)
#define VEC_RETURNS (CK_FUNCTION_PURE | SQLITE_SUBTYPE | SQLITE_RESULT_SUBTYPE)

int ck_vec_check_count(const char *name, int n, int low, int high, CkError *err) {
    if (n >= low && n <= high) return SQLITE_OK;
    if (low < high) {
        return ck_error_set(err, SQLITE_ERROR, "%s: expected %d or %d arguments, got %d", name,
                            low, high, n);
    }
    return ck_error_set(err, SQLITE_ERROR, "%s: expected %d argument%s, got %d", name, low,
                        low == 1 ? "" : "s", n);
}

int ck_vec_parse_only(const char *name, int n_args, sqlite3_value **args, CkVector *v,
                      CkError *err) {
    if (ck_vec_check_count(name, n_args, 1, 1, err) != SQLITE_OK) return err->rc;
    return ck_vector_parse(args[0], name, v, err);
}

int ck_vec_parse_floats(sqlite3_value *value, const char *who, CkVector *v, CkError *err) {
    if (ck_vector_parse(value, who, v, err) != SQLITE_OK) return err->rc;
    if (v->type != CK_VECTOR_F32 && v->type != CK_VECTOR_F16) {
        return ck_error_set(err, SQLITE_ERROR, "%s: expected a vector of float32, got %s", who,
                            ck_vector_type_name(v->type));
    }
    return ck_vector_widen(v, who, err);
}

void ck_vec_result(sqlite3_context *context, CkVector *v) {
    if (CK_BIG_ENDIAN && v->type == CK_VECTOR_F32) { /* in host order, hence owned */
        float *x = v->owned;
        for (uint32_t i = 0; i < v->dims; i++) ck_store_f32(x + i, x[i]);
    }
    if (v->owned) {
        sqlite3_result_blob64(context, v->owned, v->n_bytes, sqlite3_free);
        v->owned = NULL;
        v->data = NULL;
    } else {
        sqlite3_result_blob64(context, v->data, v->n_bytes, SQLITE_TRANSIENT);
    }
    sqlite3_result_subtype(context, v->type);
}

static const char constant_mark = 0;

static void free_operand(void *address) {
    CkVecOperand *operand = address;
    ck_vector_release(&operand->vector);
    sqlite3_free(operand);
}

int ck_vec_argument_open(CkVecArgument *argument, sqlite3_context *context, int arg,
                         sqlite3_value *value, CkVecReader read, const char *who, CkError *err) {
    void *kept = sqlite3_get_auxdata(context, arg);
    argument->is_marked = kept == &constant_mark;
    if (kept && !argument->is_marked) {
        argument->operand = kept;
        return SQLITE_OK;
    }
    argument->operand = &argument->own;
    argument->own.norm_sq = -1;
    return read(value, who, &argument->own, err);
}

int ck_vec_argument_is_kept(const CkVecArgument *argument) {
    return argument->operand != &argument->own;
}

void ck_vec_argument_keep(CkVecArgument *argument, sqlite3_context *context, int arg) {
    CkError err = CK_ERROR_NONE;
    if (ck_vec_argument_is_kept(argument)) return;
    if (!argument->own.vector.owned && !argument->is_marked) {
        sqlite3_set_auxdata(context, arg, (void *)&constant_mark, NULL);
        return;
    }
    CkVecOperand *kept = sqlite3_malloc64(sizeof *kept);
    if (kept && ck_vector_own(&argument->own.vector, &err) == SQLITE_OK) {
        *kept = argument->own;
        memset(&argument->own, 0, sizeof argument->own);
        sqlite3_set_auxdata(context, arg, kept, free_operand);
    } else {
        sqlite3_free(kept);
    }
    ck_error_release(&err);
}

void ck_vec_argument_close(CkVecArgument *argument) {
    ck_vector_release(&argument->own.vector);
}

/* NaN and infinity are left to whoever sees the sums. Kernels want f16 in host order. */
static int read_operand(sqlite3_value *value, const char *who, CkVecOperand *operand,
                        CkError *err) {
    int rc = ck_vector_view(value, who, &operand->vector, err);
    operand->given = operand->vector.type;
    if (rc != SQLITE_OK || !CK_BIG_ENDIAN || operand->given != CK_VECTOR_F16) return rc;
    return ck_vector_widen(&operand->vector, who, err);
}

int ck_vec_pair_begin(CkVecPair *pair, const CkVecNames *names, sqlite3_context *context,
                      int n_args, sqlite3_value **args, CkError *err) {
    pair->names = names;
    pair->context = context;
    if (ck_vec_check_count(names->function, n_args, 2, 2, err) != SQLITE_OK) return err->rc;
    for (int i = 0; i < 2; i++) {
        ck_vec_argument_open(&pair->arguments[i], context, i, args[i], read_operand,
                             names->arguments[i], err);
        if (err->rc != SQLITE_OK) return err->rc;
    }
    const CkVecOperand *a = pair->arguments[0].operand, *b = pair->arguments[1].operand;
    if (a->given != b->given) {
        return ck_error_set(err, SQLITE_ERROR, "%s: vectors are %s and %s", names->function,
                            ck_vector_type_name(a->given), ck_vector_type_name(b->given));
    }
    if (a->vector.dims != b->vector.dims) {
        return ck_error_set(err, SQLITE_ERROR, "%s: vectors have %u and %u dims",
                            names->function, a->vector.dims, b->vector.dims);
    }
    return SQLITE_OK;
}

void ck_vec_pair_end(CkVecPair *pair, const CkError *err) {
    CkVecArgument *a = &pair->arguments[0], *b = &pair->arguments[1];
    /* With one kept the other varies. Else this is the first row, or the second, or both vary. */
    if (err->rc == SQLITE_OK && !ck_vec_argument_is_kept(a) && !ck_vec_argument_is_kept(b)) {
        ck_vec_argument_keep(a, pair->context, 0);
        ck_vec_argument_keep(b, pair->context, 1);
    }
    ck_vec_argument_close(a);
    ck_vec_argument_close(b);
}

int ck_vec_pair_check_finite(const CkVecPair *pair, CkError *err) {
    for (int i = 0; i < 2 && err->rc == SQLITE_OK; i++) {
        ck_vector_check_finite(&pair->arguments[i].operand->vector, pair->names->arguments[i],
                               err);
    }
    return err->rc;
}

const CkFunction ck_functions_vec[] = {
    {"vec_f32", -1, VEC_RETURNS, ck_vec_f32},
    {"vec_f16", -1, VEC_RETURNS, ck_vec_f16},
    {"vec_int8", -1, VEC_RETURNS, ck_vec_int8},
    {"vec_bit", -1, VEC_RETURNS, ck_vec_bit},
    {"vec_length", -1, VEC_READS, ck_vec_length},
    {"vec_type", -1, VEC_READS, ck_vec_type},
    {"vec_to_json", -1, VEC_RETURNS, ck_vec_to_json},
    {"vec_quantize_f16", -1, VEC_RETURNS, ck_vec_quantize_f16},
    {"vec_quantize_i8", -1, VEC_RETURNS, ck_vec_quantize_i8},
    {"vec_scale_i8", -1, VEC_READS, ck_vec_scale_i8},
    {"vec_dequantize_i8", -1, VEC_RETURNS, ck_vec_dequantize_i8},
    {"vec_quantize_binary", -1, VEC_RETURNS, ck_vec_quantize_binary},
    {"vec_add", -1, VEC_RETURNS, ck_vec_add},
    {"vec_sub", -1, VEC_RETURNS, ck_vec_sub},
    {"vec_slice", -1, VEC_RETURNS, ck_vec_slice},
    {"vec_normalize", -1, VEC_RETURNS, ck_vec_normalize},
    {"vec_cosine", -1, VEC_READS, ck_vec_cosine},
    {"vec_dot", -1, VEC_READS, ck_vec_dot},
    {"vec_distance_cosine", -1, VEC_READS, ck_vec_distance_cosine},
    {"vec_distance_l2", -1, VEC_READS, ck_vec_distance_l2},
    {"vec_distance_l1", -1, VEC_READS, ck_vec_distance_l1},
    {"vec_distance_hamming", -1, VEC_READS, ck_vec_distance_hamming},
    {NULL, 0, 0, NULL},
};
