/*
** The planner: how a search is answered. Everything that chooses between paths is here.
*/
#ifndef CK_STORE_PLANNER_H
#define CK_STORE_PLANNER_H

#include <stddef.h>
#include <stdint.h>

#include "store/graph_format.h"

typedef enum CkPath {
    CK_PATH_EXACT_SCAN,   /* read every vector of the model in id order */
    CK_PATH_EXACT_LOOKUP, /* read the passing vectors one by one */
    CK_PATH_INDEX_SCAN,   /* scan the sign codes, compare the best candidates exactly */
    CK_PATH_PROBE,        /* the same with the codes of the nearest cells, and what is in none */
    CK_PATH_GRAPH         /* walk the graph, scan what it does not know, compare the best exactly */
} CkPath;

/* The graph of the index. */
typedef struct CkPlanGraph {
    const CkEffort *efforts; /* what searches with some ef find and cost, ascending */
    size_t n_efforts;
    size_t ef_search;   /* of the model: the least ef when nothing is asked for */
    int64_t n_nodes;
    int64_t n_beside;   /* slots that it does not know, which must be scanned */
    const CkProbeEffort *probes; /* what probing so many cells finds, ascending */
    size_t n_probes, n_cells;
    int64_t n_uncelled; /* slots that are in no cell, which must be scanned */
    double dead;        /* the share of its embeddings that are stale, about */
    double resident;    /* the share of its blocks that is in memory */
    double fits;        /* the share that the memory for it holds, 1: all */
    int64_t n_queries;  /* of this connection, this one included */
} CkPlanGraph;

typedef struct CkPlanInput {
    int64_t n_passing; /* ids that may be returned, -1 for all */
    int64_t n_rows;    /* about how many vectors there are */
    uint32_t dims;
    size_t k;
    size_t ef;     /* candidates asked for, 0: not said */
    double recall; /* recall asked for, 0: not said; 1 is exact */
    size_t depth;  /* the index's candidates for ten neighbours; 0: there is no index */
    const CkPlanGraph *graph; /* NULL: there is none */
    const char *forced;       /* the path that CK_PLAN names (store/conn.h), or "", or NULL */
} CkPlanInput;

typedef struct CkPlan {
    CkPath path;
    size_t depth; /* candidates to compare of a scan, of all or of what the graph does not know */
    size_t ef, walk_ef; /* for CK_PATH_GRAPH */
    size_t n_cells;     /* to be probed, for CK_PATH_PROBE */
} CkPlan;

CkPlan ck_plan(const CkPlanInput *input);

/*
** Where nothing was calibrated, a search tells by itself whether it compared enough candidates:
** when the k nearest are all among the first of them, by code, there are hardly more behind the
** last. rank: that of the last of the k nearest, from 1 on.
*/
int ck_plan_is_shallow(const CkPlanInput *input, const CkPlan *plan, size_t rank);

/* The plan that goes on from a shallow one: with more candidates, or, if that is dearer, exact. */
CkPlan ck_plan_deepen(const CkPlanInput *input, const CkPlan *plan);

const char *ck_path_name(CkPath path);

/* The candidates for ten neighbours with which an index begins, before it is calibrated. */
int ck_plan_depth(uint32_t dims);

#endif
