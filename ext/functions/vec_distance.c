/*
** vec_cosine, vec_dot, vec_distance_cosine, _l2, _l1, _hamming: two vectors in, a number out.
**
** The sums are those of the SIMD kernels: exact for int8 and bits, in float32 for floats. Float32
** sums end at 3.4e38 and lose their squares below 1e-38, and a NaN or infinity among the components
** shows in them. So a sum outside a wide safe range, which no ordinary embedding leaves, is not
** believed: the vectors are looked at again, NaN and infinity refused, and the sums taken in
** double, where 65,536 squares of float32 neither over- nor underflow.
**
** vec_distance_* are rounded to float32 as sqlite-vec returns them (and knn); vec_cosine and
** vec_dot, which sqlite-vec does not have, are not.
*/
#include <float.h>
#include <math.h>
#include <string.h>

#include "functions/vec.h"
#include "vector/kernels.h"

/* Whether a sum of squares is far enough from the ends of float32 to be trusted. NaN is not. */
static int is_safe(double sum) {
    return sum > 1e-24 && sum < 1e37;
}

static double as_f32(double x) {
    double magnitude = fabs(x);
    return magnitude >= FLT_MIN && magnitude <= FLT_MAX ? (double)(float)x : x;
}

/* All sums of two float vectors, in double. */
typedef struct Exact {
    double dot, norm_sq[2], l2_sq, l1;
} Exact;

static int sum_in_double(const CkVecPair *pair, Exact *exact, CkError *err) {
    const CkVector *a = &pair->arguments[0].operand->vector;
    const CkVector *b = &pair->arguments[1].operand->vector;
    memset(exact, 0, sizeof *exact);
    if (ck_vec_pair_check_finite(pair, err) != SQLITE_OK) return err->rc;
    for (uint32_t i = 0; i < a->dims; i++) {
        double x = (double)ck_vector_component(a, i), y = (double)ck_vector_component(b, i);
        double difference = x - y;
        exact->dot += x * y;
        exact->norm_sq[0] += x * x;
        exact->norm_sq[1] += y * y;
        exact->l2_sq += difference * difference;
        exact->l1 += fabs(difference);
    }
    return SQLITE_OK;
}

/* The elements of a vector, as the kernels take them. */
#define F32(v) ((const float *)(v)->data)
#define F16(v) ((const uint16_t *)(v)->data)
#define I8(v) ((const int8_t *)(v)->data)

static double dot_of(const CkVector *a, const CkVector *b) {
    const CkKernels *kernels = ck_kernels();
    switch (a->type) {
    case CK_VECTOR_F16: return (double)kernels->dot_f16(F16(a), F16(b), a->dims);
    case CK_VECTOR_I8: return kernels->dot_i8(I8(a), I8(b), a->dims);
    default: return (double)kernels->dot_f32(F32(a), F32(b), a->dims);
    }
}

/* dot_of, and the sum of squares of b. */
static double dot_norm_of(const CkVector *a, const CkVector *b, double *b_norm_sq) {
    const CkKernels *kernels = ck_kernels();
    float norm_sq;
    double dot;
    if (a->type == CK_VECTOR_I8) {
        *b_norm_sq = dot_of(b, b);
        return dot_of(a, b);
    }
    if (a->type == CK_VECTOR_F16) {
        dot = (double)kernels->dot_norm_f16(F16(a), F16(b), a->dims, &norm_sq);
    } else {
        dot = (double)kernels->dot_norm_f32(F32(a), F32(b), a->dims, &norm_sq);
    }
    *b_norm_sq = (double)norm_sq;
    return dot;
}

static double l2sq_of(const CkVector *a, const CkVector *b) {
    const CkKernels *kernels = ck_kernels();
    switch (a->type) {
    case CK_VECTOR_F16: return (double)kernels->l2sq_f16(F16(a), F16(b), a->dims);
    case CK_VECTOR_I8: return kernels->l2sq_i8(I8(a), I8(b), a->dims);
    default: return (double)kernels->l2sq_f32(F32(a), F32(b), a->dims);
    }
}

static double l1_of(const CkVector *a, const CkVector *b) {
    const CkKernels *kernels = ck_kernels();
    switch (a->type) {
    case CK_VECTOR_F16: return (double)kernels->l1_f16(F16(a), F16(b), a->dims);
    case CK_VECTOR_I8: return kernels->l1_i8(I8(a), I8(b), a->dims);
    default: return (double)kernels->l1_f32(F32(a), F32(b), a->dims);
    }
}

/* Sums of integers are exact, and need no second look. */
static int is_exact(const CkVecPair *pair) {
    return pair->arguments[0].operand->given == CK_VECTOR_I8;
}

/* An operand that is kept brings its norm; one pass over the other finds the rest. */
static int cosine_of(CkVecPair *pair, double *cosine, CkError *err) {
    CkVecOperand *a = pair->arguments[0].operand, *b = pair->arguments[1].operand;
    CkVecOperand *known = b->norm_sq >= 0 ? b : a, *fresh = known == a ? b : a;
    if (known->norm_sq < 0) known->norm_sq = dot_of(&known->vector, &known->vector);
    double dot = dot_norm_of(&known->vector, &fresh->vector, &fresh->norm_sq);
    double norm_sq[2] = {a->norm_sq, b->norm_sq};
    if (!is_exact(pair) && !(is_safe(norm_sq[0]) && is_safe(norm_sq[1]))) {
        Exact exact;
        if (sum_in_double(pair, &exact, err) != SQLITE_OK) return err->rc;
        dot = exact.dot;
        memcpy(norm_sq, exact.norm_sq, sizeof norm_sq);
    }
    for (int i = 0; i < 2; i++) {
        if (norm_sq[i] > 0) continue;
        return ck_error_set(err, SQLITE_ERROR, "%s: a zero vector has no cosine",
                            pair->names->arguments[i]);
    }
    /* The product of the norms stays within double: 1e-90 to 1e82 each. */
    *cosine = dot / sqrt(norm_sq[0] * norm_sq[1]);
    *cosine = *cosine > 1 ? 1 : *cosine < -1 ? -1 : *cosine;
    return SQLITE_OK;
}

static void cosine(CkVecPair *pair, CkError *err) {
    double value = 0;
    if (cosine_of(pair, &value, err) == SQLITE_OK) sqlite3_result_double(pair->context, value);
}

static void distance_cosine(CkVecPair *pair, CkError *err) {
    double value = 0;
    if (cosine_of(pair, &value, err) != SQLITE_OK) return;
    sqlite3_result_double(pair->context, as_f32(1 - value));
}

static void dot(CkVecPair *pair, CkError *err) {
    Exact exact;
    double sum = dot_of(&pair->arguments[0].operand->vector, &pair->arguments[1].operand->vector);
    if (!is_exact(pair) && !is_safe(fabs(sum))) {
        if (sum_in_double(pair, &exact, err) != SQLITE_OK) return;
        sum = exact.dot;
    }
    sqlite3_result_double(pair->context, sum);
}

static void distance_l2(CkVecPair *pair, CkError *err) {
    Exact exact;
    double sum = l2sq_of(&pair->arguments[0].operand->vector, &pair->arguments[1].operand->vector);
    if (!is_exact(pair) && !is_safe(sum)) {
        if (sum_in_double(pair, &exact, err) != SQLITE_OK) return;
        sum = exact.l2_sq;
    }
    sqlite3_result_double(pair->context, as_f32(sqrt(sum)));
}

/* An INTEGER for int8, as sqlite-vec has it. Nothing is squared, so nothing underflows. */
static void distance_l1(CkVecPair *pair, CkError *err) {
    Exact exact;
    double sum = l1_of(&pair->arguments[0].operand->vector, &pair->arguments[1].operand->vector);
    if (is_exact(pair)) {
        sqlite3_result_int64(pair->context, (sqlite3_int64)sum);
        return;
    }
    if (!isfinite(sum)) {
        if (sum_in_double(pair, &exact, err) != SQLITE_OK) return;
        sum = exact.l1;
    }
    sqlite3_result_double(pair->context, sum);
}

static void distance_hamming(CkVecPair *pair, CkError *err) {
    const CkVector *a = &pair->arguments[0].operand->vector;
    const CkVector *b = &pair->arguments[1].operand->vector;
    (void)err;
    sqlite3_result_double(pair->context, ck_kernels()->hamming(a->data, b->data, a->n_bytes));
}

/* One of the functions above as an SQL function, for bit vectors or for all others. */
static void measure(const CkVecNames *names, void (*metric)(CkVecPair *, CkError *), int takes_bits,
                    sqlite3_context *context, int n_args, sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVecPair pair;
    memset(&pair, 0, sizeof pair);
    if (ck_vec_pair_begin(&pair, names, context, n_args, args, &err) == SQLITE_OK) {
        CkVectorType given = pair.arguments[0].operand->given;
        if (takes_bits != (given == CK_VECTOR_BIT)) {
            ck_error_set(&err, SQLITE_ERROR, "%s: expected %s vectors, got %s", names->function,
                         takes_bits ? "bit" : "float32, float16 or int8",
                         ck_vector_type_name(given));
        } else {
            metric(&pair, &err);
        }
    }
    ck_vec_pair_end(&pair, &err);
    ck_error_result(&err, context);
}

void ck_vec_cosine(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const CkVecNames names = CK_VEC_NAMES("vec_cosine");
    measure(&names, cosine, 0, context, n_args, args);
}

void ck_vec_dot(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const CkVecNames names = CK_VEC_NAMES("vec_dot");
    measure(&names, dot, 0, context, n_args, args);
}

void ck_vec_distance_cosine(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const CkVecNames names = CK_VEC_NAMES("vec_distance_cosine");
    measure(&names, distance_cosine, 0, context, n_args, args);
}

void ck_vec_distance_l2(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const CkVecNames names = CK_VEC_NAMES("vec_distance_l2");
    measure(&names, distance_l2, 0, context, n_args, args);
}

void ck_vec_distance_l1(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const CkVecNames names = CK_VEC_NAMES("vec_distance_l1");
    measure(&names, distance_l1, 0, context, n_args, args);
}

void ck_vec_distance_hamming(sqlite3_context *context, int n_args, sqlite3_value **args) {
    static const CkVecNames names = CK_VEC_NAMES("vec_distance_hamming");
    measure(&names, distance_hamming, 1, context, n_args, args);
}
