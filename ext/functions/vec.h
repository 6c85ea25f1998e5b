/*
** What the vec_* functions share: reading arguments, keeping constant ones, returning vectors.
**
** The functions themselves, by family:
**
**   vec_make.c      vec_f32 vec_f16 vec_int8 vec_bit, vec_length vec_type vec_to_json
**   vec_quantize.c  vec_quantize_f16 vec_quantize_i8 vec_scale_i8 vec_dequantize_i8
**                   vec_quantize_binary
**   vec_math.c      vec_add vec_sub vec_slice vec_normalize
**   vec_distance.c  vec_cosine vec_dot vec_distance_cosine _l2 _l1 _hamming
**
** Each checks the number of its arguments itself: all are registered with any number of them, so
** that sqlite-vec can be loaded into the same connection afterwards.
*/
#ifndef CK_FUNCTIONS_VEC_H
#define CK_FUNCTIONS_VEC_H

#include "base/error.h"
#include "vector/vector.h"

/* Refuses a number of arguments outside low..high, which are equal or neighbours. */
int ck_vec_check_count(const char *name, int n, int low, int high, CkError *err);

/* Reads the only argument of a function. */
int ck_vec_parse_only(const char *name, int n_args, sqlite3_value **args, CkVector *v,
                      CkError *err);

/* Reads a vector whose components are floats; it comes as f32, aligned and finite. */
int ck_vec_parse_floats(sqlite3_value *value, const char *who, CkVector *v, CkError *err);

/* Returns v as a blob with its subtype, and takes the storage it owns: release it all the same. */
void ck_vec_result(sqlite3_context *context, CkVector *v);

/*
** Operands: vector arguments of functions that have another argument besides.
**
** In `SELECT max(vec_cosine(v, :query)) FROM t` one argument is the same for all rows; SQLite keeps
** what we attach to it (auxiliary data) until the statement is reset, and drops what we attach to
** one that varies after each call. Whether an argument is constant can only be seen by that. A copy
** of every row would be a high price for finding out, so a blob first gets a mark, and is copied
** when the mark is still there in the second call. JSON text, whose parsed form is a copy anyway,
** is kept at once.
*/
typedef struct CkVecOperand {
    CkVectorType given; /* the type of the argument: on big-endian hosts f16 comes as f32 */
    CkVector vector;
    double norm_sq; /* the sum of squares, for whoever computes it, or below 0 */
} CkVecOperand;

/* Fills `given` and `vector` of a zeroed operand; releasing the vector is left to the caller. */
typedef int (*CkVecReader)(sqlite3_value *value, const char *who, CkVecOperand *operand,
                           CkError *err);

typedef struct CkVecArgument {
    CkVecOperand *operand; /* what to use: own, or what is kept */
    CkVecOperand own;
    int is_marked;
} CkVecArgument;

/* Reads argument number arg, or finds it kept. Close it in either case; zero it before. */
int ck_vec_argument_open(CkVecArgument *argument, sqlite3_context *context, int arg,
                         sqlite3_value *value, CkVecReader read, const char *who, CkError *err);
int ck_vec_argument_is_kept(const CkVecArgument *argument);

/* Keeps for the next row what may be constant. Failing to is no error: it only costs time. */
void ck_vec_argument_keep(CkVecArgument *argument, sqlite3_context *context, int arg);
void ck_vec_argument_close(CkVecArgument *argument);

/*
** Two operands of one type and as many components. f32 may be unaligned, and f32 and f16 may hold
** NaN or infinity (ck_vector_view). Begin with zeroed memory and end it in either case;
** on success the end keeps what is constant.
*/
typedef struct CkVecNames {
    const char *function, *arguments[2]; /* what begins messages; formatting them costs as much as
                                            a distance */
} CkVecNames;

#define CK_VEC_NAMES(name) {name, {name ": argument 1", name ": argument 2"}}

typedef struct CkVecPair {
    const CkVecNames *names;
    sqlite3_context *context;
    CkVecArgument arguments[2];
} CkVecPair;

int ck_vec_pair_begin(CkVecPair *pair, const CkVecNames *names, sqlite3_context *context,
                      int n_args, sqlite3_value **args, CkError *err);
void ck_vec_pair_end(CkVecPair *pair, const CkError *err);

/* Refuses a NaN or infinity in either, naming argument and component. */
int ck_vec_pair_check_finite(const CkVecPair *pair, CkError *err);

/* The SQL functions. */
typedef void CkVecFunction(sqlite3_context *context, int n_args, sqlite3_value **args);
CkVecFunction ck_vec_f32, ck_vec_f16, ck_vec_int8, ck_vec_bit, ck_vec_length, ck_vec_type,
    ck_vec_to_json;
CkVecFunction ck_vec_quantize_f16, ck_vec_quantize_i8, ck_vec_scale_i8, ck_vec_dequantize_i8,
    ck_vec_quantize_binary;
CkVecFunction ck_vec_add, ck_vec_sub, ck_vec_slice, ck_vec_normalize;
CkVecFunction ck_vec_cosine, ck_vec_dot, ck_vec_distance_cosine, ck_vec_distance_l2,
    ck_vec_distance_l1, ck_vec_distance_hamming;

#endif
