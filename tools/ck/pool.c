/* Threads: see pool.h. */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

struct CkPool {
    pthread_mutex_t mutex; /* guards all of this, and the pool's fields of jobs */
    pthread_cond_t work, done;
    pthread_t threads[CK_POOL_THREADS_MAX];
    int n_threads, n_started;
    int ends;
    CkJob *first, *last; /* those with items that nobody has begun */
};

/* Takes an item of the first job; with the mutex. */
static CkJob *take(CkPool *pool, size_t *item) {
    CkJob *job = pool->first;
    *item = job->next++;
    if (job->next == job->n_items) {
        pool->first = job->later;
        if (!pool->first) pool->last = NULL;
    }
    return job;
}

static void *work(void *argument) {
    CkPool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    int thread = pool->n_started++;
    while (!pool->ends) {
        size_t item;
        if (!pool->first) {
            pthread_cond_wait(&pool->work, &pool->mutex);
            continue;
        }
        CkJob *job = take(pool, &item);
        pthread_mutex_unlock(&pool->mutex);
        job->run(job->argument, item, thread);
        pthread_mutex_lock(&pool->mutex);
        if (++job->n_done == job->n_items) pthread_cond_broadcast(&pool->done);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

/* Signals are the main thread's. */
static int start(CkPool *pool, int n_threads) {
    sigset_t all, before;
    int failure = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->n_threads < n_threads && failure == 0) {
        failure = pthread_create(&pool->threads[pool->n_threads], NULL, work, pool);
        if (failure == 0) pool->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->n_threads > 0 ? 0 : failure;
}

int ck_pool_new(CkPool **out, int n_threads, CkError *err) {
    pthread_condattr_t attributes;
    CkPool *pool = sqlite3_malloc64(sizeof *pool);
    *out = NULL;
    if (!pool) return ck_error_nomem(err);
    memset(pool, 0, sizeof *pool);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work, &attributes);
    pthread_cond_init(&pool->done, &attributes);
    pthread_condattr_destroy(&attributes);
    int failure = start(pool, n_threads);
    if (failure != 0) {
        ck_pool_free(pool);
        return ck_error_set(err, SQLITE_ERROR, "no thread can be started: %s", strerror(failure));
    }
    *out = pool;
    return SQLITE_OK;
}

void ck_pool_free(CkPool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->ends = 1;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->n_threads; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    sqlite3_free(pool);
}

void ck_pool_submit(CkPool *pool, CkJob *job) {
    job->next = job->n_done = 0;
    job->later = NULL;
    if (job->n_items == 0) return;
    pthread_mutex_lock(&pool->mutex);
    if (pool->last) pool->last->later = job;
    else pool->first = job;
    pool->last = job;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

int ck_pool_wait(CkPool *pool, const CkJob *job, int timeout_ms) {
    struct timespec until;
    int failure = 0, done;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&pool->mutex);
    while (job->n_done < job->n_items && failure != ETIMEDOUT) {
        failure = pthread_cond_timedwait(&pool->done, &pool->mutex, &until);
    }
    done = job->n_done == job->n_items;
    pthread_mutex_unlock(&pool->mutex);
    return done;
}

int ck_pool_processors(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > CK_POOL_THREADS_MAX ? CK_POOL_THREADS_MAX : n;
}
