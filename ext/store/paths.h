/*
** Interned paths that no ref uses any more: a phase of garbage collection.
**
** Nothing counts the refs of a path (a counter would cost every insert of a ref a second write), so
** paths have to be looked at: is there a workspace with a ref to it? That is a probe of the refs
** per workspace, and usually the first one answers. A collection goes on where the last one of the
** connection stopped; a new connection begins anywhere, so that short-lived ones get round the
** store, too. A position on disk would make every collection write. It stops after `patience` paths
** in a row that are all in use: where there is one to drop there are mostly more, so what a large
** release leaves goes in one run, and a run with nothing to do is short.
*/
#ifndef CK_STORE_PATHS_H
#define CK_STORE_PATHS_H

#include "store/store.h"

typedef struct CkPathSweep {
    int64_t extra;    /* patience beyond the usual: as many as refs were swept before */
    int64_t n_dropped;
    int begun, wrapped, done;
    int64_t start;    /* ids up to this one are looked at last */
    int64_t n_step;   /* paths to look at in one step */
    int64_t patience, n_in_use;
} CkPathSweep;

/*
** Takes a step, bounded to some milliseconds, in a write transaction: what it finds unused cannot
** come into use before it is deleted. Sets done after the last one. Begin with a sweep of zeros.
*/
int ck_paths_sweep(CkStore *store, CkPathSweep *sweep, CkError *err);

#endif
