/*
** What a knn query is given: planning which constraints to take, and reading their values.
*/
#ifndef CK_TABLES_KNN_INPUT_H
#define CK_TABLES_KNN_INPUT_H

#include "base/buf.h"
#include "store/search.h"
#include "vector/vector.h"

/* Columns of knn: results, then hidden inputs. */
enum {
    CK_KNN_HASH,
    CK_KNN_DISTANCE,
    CK_KNN_SIMILARITY,
    CK_KNN_MODEL,
    CK_KNN_VERSION,
    CK_KNN_PLAN,
    CK_KNN_QUERY,
    CK_KNN_K,
    CK_KNN_EF,
    CK_KNN_RECALL,
    CK_KNN_WORKSPACE
};
#define CK_KNN_INPUTS 5
#define CK_KNN_LISTS_MAX 4 /* IN lists applied inside the search; more filter afterwards */

/* A copy of a value. */
typedef struct CkKnnValue {
    int type; /* sqlite3_value_type(); 0: none */
    unsigned subtype;
    int64_t integer;
    double real;
    CkBuf bytes; /* of a BLOB or TEXT */
} CkKnnValue;

typedef struct CkKnnInput {
    sqlite3_value *inputs[CK_KNN_INPUTS]; /* those given by =; valid during xFilter only */
    CkKnnValue kept[CK_KNN_INPUTS];       /* copies of them, for reading them back */
    struct {
        char letter; /* of what, see knn_input.c */
        sqlite3_value *list;
    } lists[CK_KNN_LISTS_MAX]; /* the IN lists; valid during xFilter only */
    int n_lists;
    CkVector query; /* valid during xFilter only */
    size_t k;
    size_t ef;     /* 0: not given */
    double recall; /* 0: not given */
    char *model, *version; /* NULL when not named */
    CkThreshold threshold;
    CkIdSet passing; /* after ck_knn_input_resolve() */
} CkKnnInput;

/* xBestIndex. Returns SQLITE_CONSTRAINT when an input is not usable in this plan. */
int ck_knn_plan(sqlite3_index_info *info, CkError *err);

/* xFilter: reads the arguments that ck_knn_plan() chose, named by letters. */
int ck_knn_input_read(CkKnnInput *input, const char *letters, sqlite3_value **argv, CkError *err);

/* xFilter: looks workspaces, hashes and rowids up and intersects them into `passing`. */
int ck_knn_input_resolve(CkKnnInput *input, CkStore *store, CkError *err);

/* xColumn of an input: its value, or an error when it was not given. */
int ck_knn_input_result(const CkKnnInput *input, int column, sqlite3_context *context,
                        CkError *err);

/* Forgets what was given, and keeps the memory, unless there is much of it, for another query. */
void ck_knn_input_clear(CkKnnInput *input);
void ck_knn_input_release(CkKnnInput *input);

#endif
