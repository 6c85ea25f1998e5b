/*
** Threads that work on the items of jobs, in the order the jobs were submitted.
**
** A job is the caller's from its submission to the return of ck_pool_wait(). Its function is called
** once for each item, from several threads at once, with the number of the thread.
*/
#ifndef CK_TOOL_POOL_H
#define CK_TOOL_POOL_H

#include <stddef.h>

#include "base/error.h"

#define CK_POOL_THREADS_MAX 16

typedef struct CkPool CkPool;

typedef struct CkJob {
    void (*run)(void *argument, size_t item, int thread);
    void *argument;
    size_t n_items;
    size_t next, n_done; /* the pool's */
    struct CkJob *later; /* the pool's */
} CkJob;

/* n_threads is 1..CK_POOL_THREADS_MAX. */
int ck_pool_new(CkPool **pool, int n_threads, CkError *err);

/* Waits for what is being worked on, and drops what is not. pool may be NULL. */
void ck_pool_free(CkPool *pool);

void ck_pool_submit(CkPool *pool, CkJob *job);

/* Waits until all items are done, at most that long. Returns 1 when they are. */
int ck_pool_wait(CkPool *pool, const CkJob *job, int timeout_ms);

/* The processors that this process may use, at most CK_POOL_THREADS_MAX. */
int ck_pool_processors(void);

#endif
