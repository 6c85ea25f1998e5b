/* The planner: see planner.h. */
#include "store/planner.h"

/*
** Costs in nanoseconds, at 768 dims, with the file in the page cache. The rows are measured through
** SQL; the others are what the kernels take, rounded up, and for a candidate something between.
*/
#define SCANNED_ROW_NS 800  /* the next vector of a scan */
#define LOOKED_UP_ROW_NS 2100 /* a vector by its id */
#define CODE_NS 8           /* a sign code and its key */
#define FILTERED_SLOT_NS 2  /* to see that a slot does not pass */
#define CANDIDATE_NS 1000   /* from a candidate to a neighbour: 2100 to be read, 100 by int8 code */

/* Queries of up to so many neighbours are answered from the same candidates, so that pages of
** LIMIT and OFFSET fit together. */
#define FIRST_PAGES_K 32

/* The recall that an index's depth is calibrated for; more than it takes twice the candidates. */
#define CALIBRATED_RECALL 0.995

/* Vectors of few components are told apart by calibration, or by comparing most of them. */
#define BEGIN_DEPTH_MAX 512

int ck_plan_depth(uint32_t dims) {
    /* 768 dims reached recall .9996 with 100 candidates, 384 dims .9996 with 150, 128 dims .9988
    ** with 300 (the sets of bge-base, bge-small and SIFT); queries unlike anything stored, .994
    ** with 100 at 768 dims. */
    int depth = 60 + 48000 / (int)dims;
    return depth < BEGIN_DEPTH_MAX ? depth : BEGIN_DEPTH_MAX;
}

/* Candidates to compare for k neighbours: more neighbours need more, but not as many times more. */
static size_t depth_of(const CkPlanInput *input) {
    size_t depth = input->depth, reach = FIRST_PAGES_K;
    while (reach < input->k) reach *= 2;
    if (reach > FIRST_PAGES_K) depth += 2 * reach;
    if (input->recall > CALIBRATED_RECALL) depth *= 2;
    if (input->ef > depth) depth = input->ef;
    return depth;
}

static CkPlan plan_without_index(const CkPlanInput *input) {
    if (input->n_passing >= 0 &&
        input->n_passing * LOOKED_UP_ROW_NS < input->n_rows * SCANNED_ROW_NS) {
        return (CkPlan){CK_PATH_EXACT_LOOKUP, 0};
    }
    return (CkPlan){CK_PATH_EXACT_SCAN, 0};
}

CkPlan ck_plan(const CkPlanInput *input) {
    CkPlan exact = plan_without_index(input);
    if (input->depth == 0 || input->recall >= 1) return exact;
    size_t depth = depth_of(input);
    int64_t n_codes = input->n_passing >= 0 && input->n_passing < input->n_rows ? input->n_passing
                                                                                : input->n_rows;
    int64_t n_read = exact.path == CK_PATH_EXACT_LOOKUP ? input->n_passing : input->n_rows;
    int64_t row_ns = exact.path == CK_PATH_EXACT_LOOKUP ? LOOKED_UP_ROW_NS : SCANNED_ROW_NS;
    int64_t filter_ns = input->n_passing >= 0 ? input->n_rows * FILTERED_SLOT_NS : 0;
    int64_t refine_ns = (int64_t)depth * CANDIDATE_NS;
    if (n_read * row_ns <= n_codes * CODE_NS + filter_ns + refine_ns) return exact;
    return (CkPlan){CK_PATH_INDEX_SCAN, depth};
}

const char *ck_path_name(CkPath path) {
    switch (path) {
    case CK_PATH_EXACT_SCAN:
        return "exact scan";
    case CK_PATH_EXACT_LOOKUP:
        return "exact lookup";
    default:
        return "index scan";
    }
}
