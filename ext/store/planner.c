/* The planner: see planner.h. */
#include "store/planner.h"

/*
** Reading one vector of 768 dims by id costs two to three times what the next one of a scan costs
** (2.1 against 0.8 us with 16 KB pages, warm).
*/
#define LOOKUP_COST 2

CkPath ck_plan(int64_t n_passing, int64_t n_rows) {
    if (n_passing >= 0 && n_passing * LOOKUP_COST < n_rows) return CK_PATH_EXACT_LOOKUP;
    return CK_PATH_EXACT_SCAN;
}

const char *ck_path_name(CkPath path) {
    return path == CK_PATH_EXACT_SCAN ? "exact scan" : "exact lookup";
}
