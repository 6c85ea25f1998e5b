/*
** Changing a graph: inserting nodes (the paper's algorithm 1) and taking dead ones out.
*/
#ifndef CK_HNSW_INSERT_H
#define CK_HNSW_INSERT_H

#include "hnsw/search.h"

/*
** Links node graph->shape.n[0], whose code is in `codes` already, into the graph and counts it; but
** when a node with the same code is found, only sets *twin_of to it. Else *twin_of is the node
** itself. The graph has room (capacity), else SQLITE_FULL. load() and context make codes resident,
** as in a source. After any other error, here and below, the graph is good for being released only.
*/
typedef struct CkHnswInsert {
    CkHnswGraph *graph;
    const CkHnswRecords *codes;
    const CkIntSpace *space; /* of the codes */
    uint32_t ef_construction;
    int (*load)(void *context, int level, uint32_t block);
    void *context;
    CkHnswScratch *scratch;
} CkHnswInsert;

int ck_hnsw_insert(const CkHnswInsert *insert, uint32_t *twin_of);

/*
** Links what cannot be reached any more: once after a batch of inserts, whose links may have taken
** the place of the only ones to a node, and after ck_hnsw_compact(). No node is dead. Reads every
** list, and the codes near what it finds.
*/
int ck_hnsw_connect(const CkHnswInsert *insert);

/*
** Takes dead nodes (dead[node] != 0) out of all lists: a list that loses links is chosen anew of
** its live neighbours and those of its dead ones (as FreshDiskANN consolidates, Singh et al. 2021).
** Live nodes can be reached afterwards. Dead nodes keep their slots, without links, except entries:
** searches go on beginning there. ck_hnsw_compact() takes them away. step as in build.h.
*/
int ck_hnsw_consolidate(const CkHnswInsert *insert, const uint8_t *dead,
                        int (*step)(void *context, double done), void *step_context);

/*
** Renumbers the live nodes 0, 1, ... in the order they have; new_of[node] becomes the new number of
** each, UINT32_MAX for dead ones. Their lists must be clean (ck_hnsw_consolidate). The codes are
** the caller's to move; then ck_hnsw_connect() links what only dead entries led to.
*/
void ck_hnsw_compact(CkHnswGraph *graph, const uint8_t *dead, uint32_t *new_of);

#endif
