/*
** Models: name, version, and what makes their vectors comparable.
*/
#ifndef CK_STORE_MODEL_H
#define CK_STORE_MODEL_H

#include "store/store.h"

typedef enum CkMetric { CK_METRIC_COSINE, CK_METRIC_L2, CK_METRIC_DOT } CkMetric;

/* What a model is registered with when the first INSERT into embeddings does it. */
#define CK_MODEL_M 16
#define CK_MODEL_EF_CONSTRUCTION 200
#define CK_MODEL_EF_SEARCH 64

/* The largest deviation of a unit vector's length from 1. */
#define CK_UNIT_TOLERANCE 1e-3f

typedef struct CkModel {
    int64_t id;
    uint32_t dims;
    CkMetric metric;
    int encoding;   /* vector/encoding.h */
    int normalized; /* vectors of any other length than 1 are refused */
    int m;
    int ef_construction;
    int ef_search;
} CkModel;

/* "cosine", "l2", "dot"; -1 for any other name. */
int ck_metric_from_name(const char *name);
const char *ck_metric_name(CkMetric metric);

/*
** Reads (id, dims, metric, encoding, normalized, m, ef_construction, ef_search) from column `first`
** of a row on. SQLITE_CORRUPT_VTAB if malformed.
*/
int ck_model_from_row(sqlite3_stmt *stmt, int first, CkModel *model, CkError *err);

/* Finds a model by name and version. *found is 0 when there is none. */
int ck_model_find(CkStore *store, const char *name, const char *version, CkModel *model,
                  int *found, CkError *err);

/* Fills everything but id and dims with the defaults. */
void ck_model_defaults(CkModel *model);

/* Registers a model that does not exist yet; sets its id. */
int ck_model_register(CkStore *store, const char *name, const char *version, CkModel *model,
                      CkError *err);

#endif
