/*
** The planner: how a search is answered. Everything that chooses between paths is here.
*/
#ifndef CK_STORE_PLANNER_H
#define CK_STORE_PLANNER_H

#include <stdint.h>

typedef enum CkPath {
    CK_PATH_EXACT_SCAN,  /* read every vector of the model in id order */
    CK_PATH_EXACT_LOOKUP /* read the passing vectors one by one */
} CkPath;

/* n_passing ids may be returned, -1 for all; the store holds at most n_rows vectors. */
CkPath ck_plan(int64_t n_passing, int64_t n_rows);

const char *ck_path_name(CkPath path);

#endif
