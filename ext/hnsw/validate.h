/*
** Checking a graph.
*/
#ifndef CK_HNSW_VALIDATE_H
#define CK_HNSW_VALIDATE_H

#include "hnsw/graph.h"

typedef struct CkHnswReport {
    uint32_t n_bad_lists;    /* too long, out of range, to itself, or the same link twice */
    uint32_t n_unreachable;  /* nodes that no way leads to from the top level, but for */
    uint32_t n_isolated;     /* without links, though not alone: dead ones still there */
    uint32_t first_bad, first_unreachable; /* examples */
    uint64_t n_links;        /* on level 0 */
} CkHnswReport;

/* Looks at every list and walks from the top level. SQLITE_OK (see the report), SQLITE_NOMEM, or
** what load() returned. */
int ck_hnsw_validate(const CkHnswSource *source, CkHnswReport *report);

#endif
