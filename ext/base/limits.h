/*
** Every limit of ck, by name. README.md lists the ones a user can meet.
*/
#ifndef CK_BASE_LIMITS_H
#define CK_BASE_LIMITS_H

#define CK_HASH_BYTES 32           /* a BLAKE3 digest */
#define CK_DIMS_MAX 65536          /* components of a vector */
#define CK_K_MAX 4096              /* neighbours one knn query may return */
#define CK_M_MIN 2                 /* HNSW links per node and level */
#define CK_M_MAX 128
#define CK_EF_MAX 65536            /* HNSW candidate list */
#define CK_NAME_MAX 1024           /* bytes of a model name, model version or workspace name */
#define CK_PATH_MAX_BYTES 4096     /* bytes of a path in refs */
#define CK_ORIGIN_MAX 256          /* bytes of an origin */
#define CK_LENGTH_SQ_MAX 0x1p124f  /* of a vector: what is computed of two stays within float32 */
#define CK_JSON_MAX_BYTES 10000000 /* bytes of a vector written as JSON text */

#endif
