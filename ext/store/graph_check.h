/*
** The doctor's check of a graph.
*/
#ifndef CK_STORE_GRAPH_CHECK_H
#define CK_STORE_GRAPH_CHECK_H

#include "store/index.h"

typedef struct CkGraphReport {
    int64_t n_lacking;     /* embeddings in its scan blocks that it, or its cells, have not */
    int64_t n_extra;       /* embeddings they have that are not in these, or twice */
    int64_t n_bad_lists;   /* hnsw/validate.h */
    int64_t n_unreachable;
} CkGraphReport;

/*
** Reads all of the graph of an open index from the file, and counts what is wrong with it up in
** `report`. What does not read back is SQLITE_CORRUPT_VTAB.
*/
int ck_graph_check(CkIndex *index, CkGraphReport *report, CkError *err);

#endif
