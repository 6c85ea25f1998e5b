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

/* What was found among the first candidates is enough; for a high recall, among fewer of them. */
static void test_shallow(void) {
    CkPlanInput input = {.n_passing = -1, .n_rows = 100000, .dims = 64, .k = 10, .depth = 400};
    CkPlan now = ck_plan(&input);
    CHECK_INT(ck_plan_is_shallow(&input, &now, 100), 0);
    CHECK_INT(ck_plan_is_shallow(&input, &now, 101), 1);
    input.ef = 10;
    CHECK_INT(ck_plan_is_shallow(&input, &now, 400), 0);
    input.ef = 0;
    input.recall = 0.999;
    now = ck_plan(&input);
    CHECK_INT(now.depth, 800);
    CHECK_INT(ck_plan_is_shallow(&input, &now, 50), 0);
    CHECK_INT(ck_plan_is_shallow(&input, &now, 51), 1);
    now = ck_plan_deepen(&input, &now);
    CHECK_INT(now.path, CK_PATH_INDEX_SCAN);
    CHECK_INT(now.depth, 3200);
    now = ck_plan_deepen(&input, &now);
    now = ck_plan_deepen(&input, &now);
    CHECK_INT(now.path, CK_PATH_EXACT_SCAN);
    /* A graph or cells go on as deep as it takes: what they found is not found again. */
    now = (CkPlan){.path = CK_PATH_GRAPH, .depth = 90000};
    now = ck_plan_deepen(&input, &now);
    CHECK_INT(now.path, CK_PATH_GRAPH);
    CHECK_INT(now.depth, 360000);
}

static void test_shallow_of_few_dims(void) {
    CkPlanInput input = {.n_passing = 2000, .n_rows = 100000, .dims = 7, .k = 10, .depth = 512};
    CkPlan now = {.path = CK_PATH_INDEX_SCAN, .depth = 512};
    CHECK_INT(ck_plan_is_shallow(&input, &now, 1), 1);
    CHECK_INT(ck_plan_deepen(&input, &now).path, CK_PATH_EXACT_LOOKUP);
    input.dims = 8;
    CHECK_INT(ck_plan_is_shallow(&input, &now, 1), 0);
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

static const CkEffort efforts[] = {
    {10, 0.80f, 300}, {20, 0.90f, 500}, {40, 0.95f, 900}, {80, 0.98f, 1600}, {160, 0.996f, 3000},
};

/* A graph of a million, all of it in memory, searched often. */
static CkPlanGraph large_graph(void) {
    return (CkPlanGraph){
        .efforts = efforts,
        .n_efforts = sizeof efforts / sizeof *efforts,
        .ef_search = 64,
        .n_nodes = 1000000,
        .resident = 1,
        .fits = 1,
        .n_queries = 1000,
    };
}

static CkPlanInput large_input(const CkPlanGraph *graph) {
    return (CkPlanInput){.n_passing = -1,
                         .n_rows = 1000000,
                         .dims = 768,
                         .k = 10,
                         .depth = 100,
                         .graph = graph};
}

static void test_graph_efs(void) {
    CkPlanGraph graph = large_graph();
    CkPlanInput input = large_input(&graph);
    CkPlan found = ck_plan(&input);
    CHECK_INT(found.path, CK_PATH_GRAPH);
    CHECK_MSG(found.ef > 80 && found.ef <= 160, "ef %zu by default", found.ef);
    CHECK_INT(found.walk_ef, found.ef);
    static const struct {
        double recall;
        size_t from, to;
    } targets[] = {{0.85, 32, 32}, {0.95, 40, 41}, {0.965, 42, 79},
                 {0.98, 79, 80}, {0.99, 81, 159}};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        input.recall = targets[i].recall;
        found = ck_plan(&input);
        CHECK_INT(found.path, CK_PATH_GRAPH);
        CHECK_MSG(found.ef >= targets[i].from && found.ef <= targets[i].to, "recall %g: ef %zu",
                  targets[i].recall, found.ef);
    }
    input.recall = 0.9999; /* more than was ever measured */
    CHECK_INT(ck_plan(&input).path, CK_PATH_INDEX_SCAN);
    input.recall = 0;
    input.ef = 7;
    CHECK_INT(ck_plan(&input).ef, 10); /* k at least */
    input.ef = 3000;
    CHECK_INT(ck_plan(&input).ef, 3000);
    graph.n_efforts = 0;
    CHECK_INT(ck_plan(&input).path, CK_PATH_GRAPH);
    input.ef = 0;
    CHECK_INT(ck_plan(&input).path, CK_PATH_INDEX_SCAN);
}

static void test_graph_ks(void) {
    CkPlanGraph graph = large_graph();
    CkPlanInput input = large_input(&graph);
    size_t before = 0;
    for (input.k = 1; input.k <= 4096; input.k++) {
        CkPlan found = ck_plan(&input);
        if (found.path != CK_PATH_GRAPH) continue;
        CHECK_MSG(found.ef >= input.k && found.ef >= before, "k %zu: ef %zu", input.k, found.ef);
        CHECK_MSG(found.depth >= input.k, "k %zu: depth %zu", input.k, found.depth);
        before = found.ef;
    }
    CHECK(before > 0);
}

/* Few that pass, much that is dead, a cold cache, much beside the graph: all make it dearer. */
static void test_graph_costs(void) {
    CkPlanGraph graph = large_graph();
    CkPlanInput input = large_input(&graph);
    const size_t ef = ck_plan(&input).ef;
    graph.dead = 0.5;
    CHECK_INT(ck_plan(&input).path, CK_PATH_GRAPH);
    CHECK_INT(ck_plan(&input).walk_ef, 2 * ef);
    for (double dead = 0; dead <= 2; dead += 0.25) { /* and nothing divides by 0 */
        graph.dead = dead;
        CkPlan found = ck_plan(&input);
        CHECK(found.path == CK_PATH_GRAPH ? found.walk_ef >= found.ef : dead > 0.5);
    }
    graph.dead = 0;
    input.n_passing = 900000;
    CHECK_INT(ck_plan(&input).path, CK_PATH_GRAPH);
    input.n_passing = 20000;
    CHECK_INT(ck_plan(&input).path, CK_PATH_INDEX_SCAN);
    input.n_passing = 3;
    CHECK_INT(ck_plan(&input).path, CK_PATH_EXACT_LOOKUP);
    input.n_passing = 0;
    CHECK(ck_plan(&input).path != CK_PATH_GRAPH);
    input.n_passing = -1;
    graph.n_beside = 2000000;
    CHECK_INT(ck_plan(&input).path, CK_PATH_INDEX_SCAN);
    graph.n_beside = 0;
    graph.resident = graph.fits = 0.4;
    input.n_rows = graph.n_nodes = 100000;
    CHECK_INT(ck_plan(&input).path, CK_PATH_INDEX_SCAN);
    graph.fits = 1;
    CHECK_INT(ck_plan(&input).path, CK_PATH_GRAPH);
    input.n_rows = graph.n_nodes = 20000;
    graph.resident = 0;
    graph.n_queries = 1;
    CHECK_INT(ck_plan(&input).path, CK_PATH_INDEX_SCAN);
    graph.n_nodes = 1;
    input.ef = 65536;
    graph.dead = 0.1;
    input.forced = "graph";
    CHECK_INT(ck_plan(&input).path, CK_PATH_GRAPH);
    CHECK_INT(ck_plan(&input).walk_ef, 65536);
}

static const CkProbeEffort probes[] = {{20, 0.8f}, {60, 0.95f}, {100, 0.99f}, {1000, 1}};

/* A graph of which nothing is in memory, with cells. */
static CkPlanGraph cold_graph(void) {
    CkPlanGraph graph = large_graph();
    graph.resident = 0;
    graph.n_queries = 1;
    graph.probes = probes;
    graph.n_probes = sizeof probes / sizeof *probes;
    graph.n_cells = 1000;
    return graph;
}

static void check_probe(const CkPlanInput *input, size_t n_cells) {
    CkPlan found = ck_plan(input);
    CHECK_INT(found.path, CK_PATH_PROBE);
    CHECK_INT(found.n_cells, n_cells);
    CHECK(found.depth >= input->k);
}

/* Cells are for connections that are new, or whose graph does not fit into memory. */
static void test_probes(void) {
    CkPlanGraph graph = cold_graph();
    CkPlanInput input = large_input(&graph);
    check_probe(&input, 100);
    input.recall = 0.8;
    check_probe(&input, 20);
    input.recall = 0.96;
    check_probe(&input, 100);
    input.recall = 0;
    input.ef = 40; /* which gives .95 */
    check_probe(&input, 60);
    input.ef = 0;
    input.k = 32;
    check_probe(&input, 100);
    input.k = 256;
    check_probe(&input, 200);
    input.k = 10;
    input.n_passing = 800000;
    check_probe(&input, 125);
    input.n_passing = 5000;
    CHECK_INT(ck_plan(&input).path, CK_PATH_INDEX_SCAN);
    input.n_passing = -1;
    graph.n_queries = 1000000;
    CHECK_INT(ck_plan(&input).path, CK_PATH_GRAPH);
    graph.fits = 0.3;
    check_probe(&input, 100);
    graph.n_uncelled = 1000000;
    CHECK_INT(ck_plan(&input).path, CK_PATH_INDEX_SCAN);
    graph.n_uncelled = 0;
    input.forced = "probe";
    input.n_passing = 1;
    check_probe(&input, 1000);
    graph.n_probes = 0;
    CHECK(ck_plan(&input).path != CK_PATH_PROBE);
    input.graph = NULL;
    CHECK(ck_plan(&input).path != CK_PATH_PROBE);
}

static void test_forced(void) {
    CkPlanGraph graph = large_graph();
    CkPlanInput input = large_input(&graph);
    static const struct {
        const char *forced;
        CkPath path;
    } all[] = {{"", CK_PATH_GRAPH},
               {"gr", CK_PATH_GRAPH},
               {"graph scan", CK_PATH_GRAPH},
               {"exact", CK_PATH_EXACT_SCAN},
               {"index", CK_PATH_INDEX_SCAN},
               {"graph", CK_PATH_GRAPH}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        input.forced = all[i].forced;
        CHECK_INT(ck_plan(&input).path, all[i].path);
    }
    input.n_rows = 100;
    CHECK_INT(ck_plan(&input).path, CK_PATH_GRAPH);
    input.recall = 1;
    CHECK_INT(ck_plan(&input).path, CK_PATH_EXACT_SCAN);
    input.recall = 0;
    input.graph = NULL;
    CHECK(ck_plan(&input).path != CK_PATH_GRAPH);
    input.depth = 0;
    CHECK_INT(ck_plan(&input).path, CK_PATH_EXACT_SCAN);
}

void ck_test_store_planner(void) {
    test_paths();
    test_recall_and_ef();
    test_shallow();
    test_shallow_of_few_dims();
    test_depths();
    test_graph_efs();
    test_graph_ks();
    test_graph_costs();
    test_probes();
    test_forced();
}
