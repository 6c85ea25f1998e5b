/* The planner: see planner.h. */
#include "store/planner.h"

#include <math.h>
#include <string.h>

/*
** Costs in nanoseconds, at 768 dims, with the file in the page cache. The rows are measured through
** SQL; the others are what the kernels take, rounded up, and for a candidate something between.
*/
#define SCANNED_ROW_NS 800  /* the next vector of a scan */
#define LOOKED_UP_ROW_NS 2100 /* a vector by its id */
#define CODE_NS 8           /* a sign code and its key */
#define FILTERED_SLOT_NS 2  /* to see that a slot does not pass */
#define CANDIDATE_NS 1000   /* from a candidate to a neighbour: 2100 to be read, 100 by int8 code */

/* A code of the graph, met at random, and what is done about it; part of it for each dim. */
#define NODE_NS 20
#define NODE_DIM_NS 0.02
#define FILTERED_NODE_NS 15 /* to see whether a node passes */
#define GRAPH_BLOCK_NS 20000 /* to read a block */
#define CENTRE_NS 100        /* a centre of a cell, and its place among the others */

/* A search meets about one new block for so many distances. Blocks that are read stay, as far as
** they fit, so they are an investment: a connection that has asked n times is taken to ask n times
** more. What does not fit is read by each search. */
#define DISTANCES_PER_BLOCK 4

/* The recall that is meant when nothing is said. */
#define DEFAULT_RECALL 0.99

/* Where no calibration says how many distances an ef takes. */
#define DISTANCES_PER_EF 20

/* Nodes that a filtered search walks from, at most. */
#define WALK_EF_MAX 16384

/* Queries of up to so many neighbours are answered from the same candidates, so that pages of
** LIMIT and OFFSET fit together. */
#define FIRST_PAGES_K 32

/* The recall that an index's depth is calibrated for; more than it takes twice the candidates. */
#define CALIBRATED_RECALL 0.995

/* Vectors of few components are told apart by calibration, or by comparing most of them. */
#define BEGIN_DEPTH_MAX 512

/* Without calibration: so many times as deep as the k nearest were found the candidates must reach,
** and for a recall beyond the calibrated one; and so many times deeper a next try goes. */
#define REACH 4
#define REACH_FAR 16
#define DEEPER 4

/* So few signs say little of any vector, and the vectors are as quick to read. */
#define FEW_DIMS 8

int ck_plan_depth(uint32_t dims) {
    /* 768 dims reached recall .9996 with 100 candidates, 384 dims .9996 with 150, 128 dims .9988
    ** with 300 (the sets of bge-base, bge-small and SIFT); queries unlike anything stored, .994
    ** with 100 at 768 dims. */
    int depth = 60 + 48000 / (int)dims;
    return depth < BEGIN_DEPTH_MAX ? depth : BEGIN_DEPTH_MAX;
}

/* Whether the environment wants this path: the first word of its name is said. */
static int is_forced(const CkPlanInput *input, CkPath path) {
    const char *name = ck_path_name(path);
    size_t n = strcspn(name, " ");
    return input->forced && strlen(input->forced) == n && !strncmp(input->forced, name, n);
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

/* The cheaper way to compare all exactly, and its cost. */
static double plan_exact(const CkPlanInput *input, CkPlan *plan) {
    double scan_ns = (double)input->n_rows * SCANNED_ROW_NS;
    double look_up_ns = (double)input->n_passing * LOOKED_UP_ROW_NS;
    int looks_up = input->n_passing >= 0 && look_up_ns < scan_ns;
    *plan = (CkPlan){.path = looks_up ? CK_PATH_EXACT_LOOKUP : CK_PATH_EXACT_SCAN};
    return looks_up ? look_up_ns : scan_ns;
}

/* The least ef that was measured to give a recall; 0 when none was. Between two measured ones it is
** interpolated, in proportion to the recall. */
static size_t ef_for(const CkPlanGraph *graph, double recall) {
    for (size_t i = 0; i < graph->n_efforts; i++) {
        const CkEffort *at = &graph->efforts[i], *below = at - 1;
        if ((double)at->recall < recall) continue;
        if (i == 0 || at->recall <= below->recall) return at->ef;
        double part = (recall - (double)below->recall) / (double)(at->recall - below->recall);
        return below->ef + (size_t)ceil(part * (at->ef - below->ef));
    }
    return 0;
}

static double distances_for(const CkPlanGraph *graph, size_t ef) {
    for (size_t i = 0; i < graph->n_efforts; i++) {
        const CkEffort *at = &graph->efforts[i];
        if (at->ef >= ef) return (double)at->n_distances;
    }
    if (graph->n_efforts == 0) return (double)ef * DISTANCES_PER_EF;
    const CkEffort *last = &graph->efforts[graph->n_efforts - 1];
    return (double)last->n_distances * (double)ef / last->ef;
}

/* The ef of a search, 0 when the graph cannot give what is asked for. */
static size_t ef_of(const CkPlanInput *input) {
    const CkPlanGraph *graph = input->graph;
    size_t ef = input->ef;
    if (input->recall > 0) {
        ef = ef_for(graph, input->recall);
    } else if (ef == 0) {
        ef = ef_for(graph, DEFAULT_RECALL);
        if (ef > 0 && ef < graph->ef_search) ef = graph->ef_search;
    }
    if (ef == 0) return 0;
    if (input->ef == 0 && ef < FIRST_PAGES_K) ef = FIRST_PAGES_K;
    if (input->ef == 0 && input->k > FIRST_PAGES_K) ef += 2 * (input->k - FIRST_PAGES_K);
    return ef > input->k ? ef : input->k;
}

/* The share of the graph's embeddings that may be returned. */
static double share_of(const CkPlanInput *input) {
    double passing = input->n_passing >= 0 ? (double)input->n_passing : (double)input->n_rows;
    double share = fmin(1, passing / fmax(1, (double)input->n_rows));
    return share * (1 - fmin(1, input->graph->dead));
}

/* What an ef was measured to give. */
static double recall_of(const CkPlanGraph *graph, size_t ef) {
    double recall = 0;
    for (size_t i = 0; i < graph->n_efforts && graph->efforts[i].ef <= ef; i++) {
        recall = (double)graph->efforts[i].recall;
    }
    return recall;
}

/* The cells to be probed, 0 when that cannot give what is asked for. Where few pass, or many
** neighbours are wanted, these are farther off: in more cells, up to all. */
static size_t cells_for(const CkPlanInput *input) {
    const CkPlanGraph *graph = input->graph;
    double recall = input->recall > 0 ? input->recall : DEFAULT_RECALL;
    if (input->recall <= 0 && input->ef > 0) recall = recall_of(graph, input->ef);
    for (size_t i = 0; i < graph->n_probes; i++) {
        if ((double)graph->probes[i].recall < recall) continue;
        double n = graph->probes[i].n / fmax(share_of(input), 1.0 / (double)graph->n_cells);
        if (input->k > FIRST_PAGES_K) n *= cbrt((double)input->k / FIRST_PAGES_K);
        return (size_t)fmin(ceil(n), (double)graph->n_cells);
    }
    return 0;
}

/* Plans the probing of cells; its cost, or infinity when there are none. */
static double plan_probe(const CkPlanInput *input, CkPlan *plan) {
    const CkPlanGraph *graph = input->graph;
    size_t n = graph ? cells_for(input) : 0;
    if (n == 0) return INFINITY;
    *plan = (CkPlan){.path = CK_PATH_PROBE, .depth = depth_of(input), .n_cells = n};
    double n_celled = fmax(0, (double)(input->n_rows - graph->n_uncelled));
    double n_codes = n_celled * (double)n / (double)graph->n_cells + (double)graph->n_uncelled;
    double code_ns = CODE_NS + (input->n_passing >= 0 ? FILTERED_SLOT_NS : 0);
    return n_codes * code_ns + (double)graph->n_cells * CENTRE_NS +
           (double)plan->depth * CANDIDATE_NS;
}

/* Plans the graph's path; its cost, or infinity when there is none. */
static double plan_graph(const CkPlanInput *input, CkPlan *plan) {
    const CkPlanGraph *graph = input->graph;
    size_t ef = graph && input->n_passing != 0 ? ef_of(input) : 0;
    if (ef == 0) return INFINITY;
    double share = share_of(input);
    double walk_ef = ceil((double)ef / fmax(share, 1.0 / WALK_EF_MAX));
    walk_ef = fmin(walk_ef, fmax((double)ef, (double)graph->n_nodes));
    if (walk_ef > WALK_EF_MAX && walk_ef > (double)ef) return INFINITY;
    *plan = (CkPlan){
        .path = CK_PATH_GRAPH, .depth = depth_of(input), .ef = ef, .walk_ef = (size_t)walk_ef};
    double n_distances = fmin(distances_for(graph, plan->walk_ef), (double)graph->n_nodes);
    double node_ns = NODE_NS + NODE_DIM_NS * input->dims;
    if (input->n_passing >= 0 || graph->dead > 0) node_ns += FILTERED_NODE_NS;
    double again = 1 - graph->fits, once = fmax(0, graph->fits - graph->resident);
    double n_reads = n_distances / DISTANCES_PER_BLOCK *
                     (again + once / fmax(1, (double)graph->n_queries));
    return n_distances * node_ns + n_reads * GRAPH_BLOCK_NS + (double)graph->n_beside * CODE_NS +
           (double)(input->k + (graph->n_beside > 0 ? plan->depth : 0)) * CANDIDATE_NS;
}

/* What the cheaper of the ways without a graph is, and costs. */
static double plan_scan(const CkPlanInput *input, CkPlan *plan) {
    double exact_ns = plan_exact(input, plan);
    if (input->depth == 0 || input->recall >= 1) return exact_ns;
    size_t depth = depth_of(input);
    int64_t n_codes = input->n_passing >= 0 && input->n_passing < input->n_rows ? input->n_passing
                                                                                : input->n_rows;
    int64_t filter_ns = input->n_passing >= 0 ? input->n_rows * FILTERED_SLOT_NS : 0;
    double scan_ns = (double)(n_codes * CODE_NS + filter_ns + (int64_t)depth * CANDIDATE_NS);
    if (exact_ns <= scan_ns && !is_forced(input, CK_PATH_INDEX_SCAN)) return exact_ns;
    *plan = (CkPlan){.path = CK_PATH_INDEX_SCAN, .depth = depth};
    return scan_ns;
}

CkPlan ck_plan(const CkPlanInput *input) {
    CkPlan scan, probe, graph;
    double scan_ns = plan_scan(input, &scan);
    if (input->recall >= 1 || input->depth == 0) return scan;
    if (is_forced(input, CK_PATH_EXACT_SCAN)) {
        plan_exact(input, &scan);
        return scan;
    }
    if (is_forced(input, CK_PATH_INDEX_SCAN)) return scan;
    double probe_ns = plan_probe(input, &probe), graph_ns = plan_graph(input, &graph);
    if (is_forced(input, CK_PATH_PROBE)) return isinf(probe_ns) ? scan : probe;
    if (probe_ns < scan_ns) {
        scan = probe;
        scan_ns = probe_ns;
    }
    if (isinf(graph_ns)) return scan;
    return graph_ns < scan_ns || is_forced(input, CK_PATH_GRAPH) ? graph : scan;
}

int ck_plan_is_shallow(const CkPlanInput *input, const CkPlan *plan, size_t rank) {
    size_t reach = input->recall > CALIBRATED_RECALL ? REACH_FAR : REACH;
    return input->ef == 0 && (input->dims < FEW_DIMS || rank > plan->depth / reach);
}

CkPlan ck_plan_deepen(const CkPlanInput *input, const CkPlan *plan) {
    CkPlan exact, deeper = *plan;
    double exact_ns = plan_exact(input, &exact);
    deeper.depth *= DEEPER;
    double deeper_ns = (double)deeper.depth * LOOKED_UP_ROW_NS;
    int may_be_exact = plan->path == CK_PATH_INDEX_SCAN && !is_forced(input, CK_PATH_INDEX_SCAN);
    return may_be_exact && exact_ns <= deeper_ns ? exact : deeper;
}

const char *ck_path_name(CkPath path) {
    switch (path) {
    case CK_PATH_EXACT_SCAN:
        return "exact scan";
    case CK_PATH_EXACT_LOOKUP:
        return "exact lookup";
    case CK_PATH_INDEX_SCAN:
        return "index scan";
    case CK_PATH_PROBE:
        return "probe";
    default:
        return "graph";
    }
}
