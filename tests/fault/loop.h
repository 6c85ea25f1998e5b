/*
** The fault loop of one scenario.
*/
#ifndef CK_TESTS_FAULT_LOOP_H
#define CK_TESTS_FAULT_LOOP_H

#include "inject.h"
#include "scenario.h"

typedef struct LoopOptions {
    const char *path; /* of a database file that the loop may overwrite and remove */
    int full;         /* every N, not a sample of them */
    int only_kind;    /* a FaultKind, or -1 for all */
    int only_n;       /* one N, with a stack trace of its fault; 0 for all */
} LoopOptions;

typedef struct LoopResult {
    int n_runs;    /* runs in which something failed on purpose */
    int n_wrong;   /* findings, printed to stdout, the first few in full */
} LoopResult;

/* Runs the scenario with a fault at N = 1, 2, … of every kind, or at a sample of these, until a run
   meets none. */
LoopResult loop_run(const Scenario *scenario, const LoopOptions *options);

#endif
