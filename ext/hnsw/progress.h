/*
** How far a long piece of work is, told to the caller's step().
*/
#ifndef CK_HNSW_PROGRESS_H
#define CK_HNSW_PROGRESS_H

#include "base/sqlite.h"

/* The part of the work that is under way: from `begin` to `end` of the whole. */
typedef struct CkHnswProgress {
    int (*step)(void *context, double done);
    void *context;
    double begin, end;
} CkHnswProgress;

/* i of n units of the part are done. SQLITE_OK, or what stops the work. */
static inline int ck_hnsw_step(const CkHnswProgress *progress, size_t i, size_t n) {
    if (!progress->step) return SQLITE_OK;
    double share = n > 0 ? (double)i / (double)n : 1;
    return progress->step(progress->context,
                          progress->begin + (progress->end - progress->begin) * share);
}

/* Goes on to the next part, which ends at `end`. */
static inline void ck_hnsw_next_part(CkHnswProgress *progress, double end) {
    progress->begin = progress->end;
    progress->end = end;
}

#endif
