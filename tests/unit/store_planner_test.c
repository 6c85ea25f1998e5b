/* store/planner: which way is taken, and how many candidates are compared. */
#include "store/planner.h"

#include "unit.h"

static CkPlan plan(int64_t n_rows, int64_t n_passing, size_t k, size_t depth) {
    CkPlanInput input = {.n_passing = n_passing, .n_rows = n_rows, .k = k, .depth = depth};
    return ck_plan(&input);
}

static void test_paths(void) {
    CHECK_INT(plan(100000, -1, 10, 0).path, CK_PATH_EXACT_SCAN);
    CHECK_INT(plan(100000, 10, 10, 0).path, CK_PATH_EXACT_LOOKUP);
    CHECK_INT(plan(100000, 0, 10, 0).path, CK_PATH_EXACT_LOOKUP);
    CHECK_INT(plan(100000, 90000, 10, 0).path, CK_PATH_EXACT_SCAN);
    CHECK_INT(plan(100000, -1, 10, 100).path, CK_PATH_INDEX_SCAN);
    CHECK_INT(plan(100000, 50000, 10, 100).path, CK_PATH_INDEX_SCAN);
    CHECK_INT(plan(100000, 10, 10, 100).path, CK_PATH_EXACT_LOOKUP);
    CHECK_INT(plan(100000, 0, 10, 100).path, CK_PATH_EXACT_LOOKUP);
    CHECK_INT(plan(50, -1, 10, 100).path, CK_PATH_EXACT_SCAN);
    CHECK_INT(plan(0, -1, 10, 100).path, CK_PATH_EXACT_SCAN);
    /* More ids in the list than the index has. */
    CHECK_INT(plan(2000, 4000000, 10, 100).path, CK_PATH_INDEX_SCAN);
}

static void test_recall_and_ef(void) {
    CkPlanInput input = {.n_passing = -1, .n_rows = 100000, .k = 10, .depth = 100};
    CHECK_INT(ck_plan(&input).depth, 100);
    input.recall = 0.9;
    CHECK_INT(ck_plan(&input).depth, 100);
    input.recall = 0.999;
    CHECK_INT(ck_plan(&input).depth, 200);
    input.ef = 5000;
    CHECK_INT(ck_plan(&input).depth, 5000);
    input.ef = 5;
    CHECK_INT(ck_plan(&input).depth, 200);
    input.recall = 1;
    CHECK_INT(ck_plan(&input).path, CK_PATH_EXACT_SCAN);
    input.n_passing = 100;
    CHECK_INT(ck_plan(&input).path, CK_PATH_EXACT_LOOKUP);
}

/* There are never fewer candidates than rows are wanted; more rows need no fewer; and pages of the
   first 32 come from the same ones. */
static void test_depths(void) {
    size_t before = 0;
    for (size_t k = 1; k <= 4096; k++) {
        size_t depth = plan(100000000, -1, k, 64).depth;
        CHECK_MSG(depth >= k && depth >= before, "k %zu: %zu candidates", k, depth);
        CHECK_MSG(k > 32 || depth == 64, "k %zu: %zu candidates", k, depth);
        before = depth;
    }
    for (uint32_t dims = 1; dims <= 65536; dims = dims < 100 ? dims + 1 : dims * 2) {
        CHECK_MSG(ck_plan_depth(dims) >= 50 && ck_plan_depth(dims) <= 65536, "%u dims: %d", dims,
                  ck_plan_depth(dims));
    }
}

void ck_test_store_planner(void) {
    test_paths();
    test_recall_and_ef();
    test_depths();
}
