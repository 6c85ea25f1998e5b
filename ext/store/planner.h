/*
** The planner: how a search is answered. Everything that chooses between paths is here.
*/
#ifndef CK_STORE_PLANNER_H
#define CK_STORE_PLANNER_H

#include <stddef.h>
#include <stdint.h>

typedef enum CkPath {
    CK_PATH_EXACT_SCAN,   /* read every vector of the model in id order */
    CK_PATH_EXACT_LOOKUP, /* read the passing vectors one by one */
    CK_PATH_INDEX_SCAN    /* scan the sign codes, compare the best candidates exactly */
} CkPath;

typedef struct CkPlanInput {
    int64_t n_passing; /* ids that may be returned, -1 for all */
    int64_t n_rows;    /* about how many vectors there are */
    size_t k;
    size_t ef;     /* candidates asked for, 0: not said */
    double recall; /* recall asked for, 0: not said; 1 is exact */
    size_t depth;  /* the index's candidates for ten neighbours; 0: there is no index */
} CkPlanInput;

typedef struct CkPlan {
    CkPath path;
    size_t depth; /* candidates to compare, for CK_PATH_INDEX_SCAN */
} CkPlan;

CkPlan ck_plan(const CkPlanInput *input);

const char *ck_path_name(CkPath path);

/* The candidates for ten neighbours with which an index begins, before it is calibrated. */
int ck_plan_depth(uint32_t dims);

#endif
