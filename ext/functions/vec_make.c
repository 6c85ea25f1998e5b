/*
** vec_f32, vec_f16, vec_int8, vec_bit: a vector of that type. vec_length, vec_type, vec_to_json:
** what a vector is.
**
** A constructor types a bare blob or JSON text after checking it; a blob of another type is an
** error, for reading its bytes as something else gives numbers that mean nothing. Only vec_f32 also
** converts, from float16, which is exact.
*/
#include "base/coding.h"
#include "functions/vec.h"
#include "vector/quantize.h"

#define SUBTYPE_JSON 'J' /* what SQLite's own JSON functions return */

void ck_vec_f32(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const char name[] = "vec_f32";
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (ck_vec_check_count(name, n_args, 1, 1, &err) == SQLITE_OK &&
        ck_vec_parse_floats(args[0], name, &v, &err) == SQLITE_OK) {
        ck_vec_result(context, &v);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

static void make(sqlite3_context *context, const char *name, int n_args, sqlite3_value **args,
                 CkVectorType type) {
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (ck_vec_check_count(name, n_args, 1, 1, &err) == SQLITE_OK &&
        ck_vector_parse_as(args[0], type, name, &v, &err) == SQLITE_OK) {
        ck_vec_result(context, &v);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

void ck_vec_f16(sqlite3_context *context, int n_args, sqlite3_value **args) {
    make(context, "vec_f16", n_args, args, CK_VECTOR_F16);
}

void ck_vec_int8(sqlite3_context *context, int n_args, sqlite3_value **args) {
    make(context, "vec_int8", n_args, args, CK_VECTOR_I8);
}

void ck_vec_bit(sqlite3_context *context, int n_args, sqlite3_value **args) {
    make(context, "vec_bit", n_args, args, CK_VECTOR_BIT);
}

void ck_vec_length(sqlite3_context *context, int n_args, sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (ck_vec_parse_only("vec_length", n_args, args, &v, &err) == SQLITE_OK) {
        sqlite3_result_int64(context, v.dims);
    }
    ck_vector_release(&v);
    ck_error_result(&err, context);
}

void ck_vec_type(sqlite3_context *context, int n_args, sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (ck_vec_parse_only("vec_type", n_args, args, &v, &err) == SQLITE_OK) {
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
void ck_vec_to_json(sqlite3_context *context, int n_args, sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVector v = {0};
    if (ck_vec_parse_only("vec_to_json", n_args, args, &v, &err) == SQLITE_OK) {
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
