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

/* Sums that wait for a kernel: plain loops, exact for integers. */
static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t n) {
    int32_t sum = 0; /* at most 65,536 * 2^14 */
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static double l2sq_i8(const int8_t *a, const int8_t *b, size_t n) {
    uint32_t sum = 0; /* at most 65,536 * 255^2 < 2^32 */
    for (size_t i = 0; i < n; i++) sum += (uint32_t)((a[i] - b[i]) * (a[i] - b[i]));
    return sum;
}

static int64_t l1_i8(const int8_t *a, const int8_t *b, size_t n) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] < b[i] ? b[i] - a[i] : a[i] - b[i];
    return sum;
}

static double l1_f32(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        float x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        sum += fabs((double)x - (double)y);
    }
    return sum;
}

static uint32_t hamming(const uint8_t *a, const uint8_t *b, size_t n) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (uint32_t)__builtin_popcount(a[i] ^ b[i]);
    return sum;
}

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
        float x, y;
        memcpy(&x, a->data + 4 * i, sizeof x);
        memcpy(&y, b->data + 4 * i, sizeof y);
        double difference = (double)x - (double)y;
        exact->dot += (double)x * y;
        exact->norm_sq[0] += (double)x * x;
        exact->norm_sq[1] += (double)y * y;
        exact->l2_sq += difference * difference;
        exact->l1 += fabs(difference);
    }
    return SQLITE_OK;
}

static const float *floats(const CkVecPair *pair, int i) {
    return (const float *)pair->arguments[i].operand->vector.data;
}

static const int8_t *codes(const CkVecPair *pair, int i) {
    return (const int8_t *)pair->arguments[i].operand->vector.data;
}

static uint32_t dims_of(const CkVecPair *pair) {
    return pair->arguments[0].operand->vector.dims;
}

static CkVectorType type_of(const CkVecPair *pair) {
    return pair->arguments[0].operand->vector.type;
}

/* The sum of a[i] * b[i], and the sums of squares into the operands; one that is kept has its. */
static double dot_and_norms(CkVecPair *pair) {
    const CkKernels *kernels = ck_kernels();
    uint32_t dims = dims_of(pair);
    CkVecOperand *a = pair->arguments[0].operand, *b = pair->arguments[1].operand;
    if (type_of(pair) == CK_VECTOR_I8) {
        const int8_t *x = codes(pair, 0), *y = codes(pair, 1);
        if (a->norm_sq < 0) a->norm_sq = dot_i8(x, x, dims);
        if (b->norm_sq < 0) b->norm_sq = dot_i8(y, y, dims);
        return dot_i8(x, y, dims);
    }
    /* One pass over the operand that is not known. */
    int fresh = b->norm_sq >= 0 ? 0 : 1;
    CkVecOperand *known = pair->arguments[1 - fresh].operand;
    const float *x = floats(pair, 1 - fresh), *y = floats(pair, fresh);
    float norm_sq;
    if (known->norm_sq < 0) known->norm_sq = (double)kernels->dot_f32(x, x, dims);
    double dot = (double)kernels->dot_norm_f32(x, y, dims, &norm_sq);
    pair->arguments[fresh].operand->norm_sq = (double)norm_sq;
    return dot;
}

static int cosine_of(CkVecPair *pair, double *cosine, CkError *err) {
    double dot = dot_and_norms(pair);
    double norm_sq[2];
    for (int i = 0; i < 2; i++) norm_sq[i] = pair->arguments[i].operand->norm_sq;
    if (type_of(pair) != CK_VECTOR_I8 && !(is_safe(norm_sq[0]) && is_safe(norm_sq[1]))) {
        Exact exact;
        if (sum_in_double(pair, &exact, err) != SQLITE_OK) return err->rc;
        dot = exact.dot;
        memcpy(norm_sq, exact.norm_sq, sizeof norm_sq);
    }
    for (int i = 0; i < 2; i++) {
        if (norm_sq[i] > 0) continue;
        char who[CK_VEC_WHO_BYTES];
        return ck_error_set(err, SQLITE_ERROR, "%s: a zero vector has no cosine",
                            ck_vec_who(who, pair->name, i));
    }
    /* The norms' product leaves the range of double no more than the sums do. */
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
    double sum;
    Exact exact;
    if (type_of(pair) == CK_VECTOR_I8) {
        sum = dot_i8(codes(pair, 0), codes(pair, 1), dims_of(pair));
    } else {
        sum = (double)ck_kernels()->dot_f32(floats(pair, 0), floats(pair, 1), dims_of(pair));
        if (!is_safe(fabs(sum))) {
            if (sum_in_double(pair, &exact, err) != SQLITE_OK) return;
            sum = exact.dot;
        }
    }
    sqlite3_result_double(pair->context, sum);
}

static void distance_l2(CkVecPair *pair, CkError *err) {
    double sum;
    Exact exact;
    if (type_of(pair) == CK_VECTOR_I8) {
        sum = l2sq_i8(codes(pair, 0), codes(pair, 1), dims_of(pair));
    } else {
        sum = (double)ck_kernels()->l2sq_f32(floats(pair, 0), floats(pair, 1), dims_of(pair));
        if (!is_safe(sum)) {
            if (sum_in_double(pair, &exact, err) != SQLITE_OK) return;
            sum = exact.l2_sq;
        }
    }
    sqlite3_result_double(pair->context, as_f32(sqrt(sum)));
}

/* An INTEGER for int8, as sqlite-vec has it. */
static void distance_l1(CkVecPair *pair, CkError *err) {
    Exact exact;
    if (type_of(pair) == CK_VECTOR_I8) {
        sqlite3_result_int64(pair->context,
                             l1_i8(codes(pair, 0), codes(pair, 1), dims_of(pair)));
        return;
    }
    double sum = l1_f32(floats(pair, 0), floats(pair, 1), dims_of(pair));
    if (!isfinite(sum)) {
        if (sum_in_double(pair, &exact, err) != SQLITE_OK) return;
        sum = exact.l1;
    }
    sqlite3_result_double(pair->context, sum);
}

static void distance_hamming(CkVecPair *pair, CkError *err) {
    (void)err;
    const CkVector *a = &pair->arguments[0].operand->vector;
    const CkVector *b = &pair->arguments[1].operand->vector;
    sqlite3_result_double(pair->context, (double)hamming(a->data, b->data, a->n_bytes));
}

/* One of the functions above as an SQL function, for bit vectors or for all others. */
static void measure(const char *name, void (*metric)(CkVecPair *, CkError *), int takes_bits,
                    sqlite3_context *context, int n_args, sqlite3_value **args) {
    CkError err = CK_ERROR_NONE;
    CkVecPair pair;
    memset(&pair, 0, sizeof pair);
    if (ck_vec_pair_begin(&pair, name, context, n_args, args, &err) == SQLITE_OK) {
        CkVectorType given = pair.arguments[0].operand->given;
        if (takes_bits != (given == CK_VECTOR_BIT)) {
            ck_error_set(&err, SQLITE_ERROR, "%s: expected %s vectors, got %s", name,
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
    measure("vec_cosine", cosine, 0, context, n_args, args);
}

void ck_vec_dot(sqlite3_context *context, int n_args, sqlite3_value **args) {
    measure("vec_dot", dot, 0, context, n_args, args);
}

void ck_vec_distance_cosine(sqlite3_context *context, int n_args, sqlite3_value **args) {
    measure("vec_distance_cosine", distance_cosine, 0, context, n_args, args);
}

void ck_vec_distance_l2(sqlite3_context *context, int n_args, sqlite3_value **args) {
    measure("vec_distance_l2", distance_l2, 0, context, n_args, args);
}

void ck_vec_distance_l1(sqlite3_context *context, int n_args, sqlite3_value **args) {
    measure("vec_distance_l1", distance_l1, 0, context, n_args, args);
}

void ck_vec_distance_hamming(sqlite3_context *context, int n_args, sqlite3_value **args) {
    measure("vec_distance_hamming", distance_hamming, 1, context, n_args, args);
}
