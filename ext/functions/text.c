/*
** SQL functions on text: ck_embed(text [, dims]).
**
** The result is a vector of the built-in lexical embedder: dims components, f32 little-endian, with
** the subtype of an f32 vector. TEXT is embedded as UTF-8 whatever the database encoding, a BLOB as
** the bytes it holds, a number as its text. NULL gives NULL.
*/
#include "base/coding.h"
#include "base/error.h"
#include "base/limits.h"
#include "functions/functions.h"
#include "text/lexical.h"
#include "vector/vector.h"

/* Writes the second argument to *dims if there is one. */
static int read_dims(int argc, sqlite3_value **argv, uint32_t *dims, CkError *err) {
    *dims = CK_LEXICAL_DIMS_DEFAULT;
    if (argc < 2) return SQLITE_OK;
    int type = sqlite3_value_type(argv[1]);
    if (type != SQLITE_INTEGER) {
        const char *name = type == SQLITE_FLOAT  ? "REAL"
                           : type == SQLITE_TEXT ? "TEXT"
                           : type == SQLITE_BLOB ? "BLOB"
                                                 : "NULL";
        return ck_error_set(err, SQLITE_ERROR, "ck_embed: dims must be an integer %d..%d, got %s",
                            CK_LEXICAL_DIMS_MIN, CK_DIMS_MAX, name);
    }
    sqlite3_int64 value = sqlite3_value_int64(argv[1]);
    if (value < CK_LEXICAL_DIMS_MIN || value > CK_DIMS_MAX) {
        return ck_error_set(err, SQLITE_ERROR, "ck_embed: dims must be %d..%d, got %lld",
                            CK_LEXICAL_DIMS_MIN, CK_DIMS_MAX, value);
    }
    *dims = (uint32_t)value;
    return SQLITE_OK;
}

static int embed(sqlite3_context *context, sqlite3_value *value, uint32_t dims, CkError *err) {
    int is_blob = sqlite3_value_type(value) == SQLITE_BLOB;
    const void *text = is_blob ? sqlite3_value_blob(value) : sqlite3_value_text(value);
    int n = sqlite3_value_bytes(value);
    if (!text && (n > 0 || !is_blob)) return ck_error_nomem(err);
    float *out = sqlite3_malloc64(dims * sizeof *out);
    if (!out) return ck_error_nomem(err);
    ck_lexical_embed(text, (size_t)n, dims, out);
    for (uint32_t i = 0; i < dims; i++) ck_store_f32(&out[i], out[i]);
    sqlite3_result_blob64(context, out, dims * sizeof *out, sqlite3_free);
    sqlite3_result_subtype(context, CK_VECTOR_F32);
    return SQLITE_OK;
}

static void embed_call(sqlite3_context *context, int argc, sqlite3_value **argv) {
    CkError err = CK_ERROR_NONE;
    uint32_t dims;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return;
    if (read_dims(argc, argv, &dims, &err) == SQLITE_OK) embed(context, argv[0], dims, &err);
    ck_error_result(&err, context);
}

const CkFunction ck_functions_text[] = {
    {"ck_embed", 1, CK_FUNCTION_PURE | SQLITE_RESULT_SUBTYPE, embed_call},
    {"ck_embed", 2, CK_FUNCTION_PURE | SQLITE_RESULT_SUBTYPE, embed_call},
    {NULL, 0, 0, NULL},
};
