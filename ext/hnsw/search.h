/*
** Searching the graph: the paper's algorithms 2 and 5.
*/
#ifndef CK_HNSW_SEARCH_H
#define CK_HNSW_SEARCH_H

#include "hnsw/graph.h"
#include "vector/intcode.h"

typedef struct CkHnswHit {
    float distance;
    uint32_t node;
} CkHnswHit;

/* Which nodes may be in the result; the search walks over the others all the same. */
typedef struct CkHnswFilter {
    int (*passes)(void *context, uint32_t node);
    void *context;
} CkHnswFilter;

/* What a search works with, kept from one to the next so that a warm one allocates nothing. */
typedef struct CkHnswScratch CkHnswScratch;

CkHnswScratch *ck_hnsw_scratch_new(void); /* NULL: no memory */
void ck_hnsw_scratch_free(CkHnswScratch *scratch);

/* Bytes it holds. */
size_t ck_hnsw_scratch_bytes(const CkHnswScratch *scratch);

typedef struct CkHnswSearch {
    CkIntQuery query;
    size_t ef;                  /* results wanted; the more, the better the first of them */
    size_t walk_ef;             /* nodes that are walked from, with a filter; at least ef */
    const CkHnswFilter *filter; /* NULL: all pass */
} CkHnswSearch;

/* Hits in order of distance, then node. They are the scratch's, until its next search. */
typedef struct CkHnswFound {
    const CkHnswHit *hits;
    size_t n;            /* at most ef */
    int64_t n_distances; /* computed on the way, or estimated: of long codes most */
} CkHnswFound;

/* SQLITE_OK, SQLITE_NOMEM, or what the source's load() returned. */
int ck_hnsw_search(const CkHnswSource *source, const CkHnswSearch *search, CkHnswScratch *scratch,
                   CkHnswFound *found);

/* The same by comparing with every node: ground truth. */
int ck_hnsw_exact(const CkHnswSource *source, const CkHnswSearch *search, CkHnswScratch *scratch,
                  CkHnswFound *found);

#endif
