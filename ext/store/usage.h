/*
** What every workspace uses, in one pass over the store.
**
** One workspace alone is cheaper asked by ck_workspace_usage(); all of them would meet each shared
** embedding again for every workspace.
*/
#ifndef CK_STORE_USAGE_H
#define CK_STORE_USAGE_H

#include "store/workspace.h"

typedef struct CkUsageRow {
    int64_t workspace; /* its id */
    CkWorkspaceUsage usage;
} CkUsageRow;

/* CkUsageRows in the order of ids. */
typedef struct CkUsage {
    CkBuf rows;
} CkUsage;

/* Computes the usage of all live workspaces; usage->rows must be an initialised buffer. */
int ck_usage_compute(CkStore *store, CkUsage *usage, CkError *err);

/* The row of a workspace, or NULL when it was registered later. */
CkUsageRow *ck_usage_find(const CkUsage *usage, int64_t workspace);

#endif
