/*
** Garbage collection: see gc.h.
**
** A run goes through phases: workspaces age by a step; the refs of released ones are swept, then
** the paths nobody uses; garbage is deleted; if the store is still above its quota, least recently
** used embeddings go; free pages are given back when the file vacuums incrementally. Each phase is
** done in batches.
**
** SQLite's busy handler has no queue: a writer that begins again at once can keep others out for
** as long as they sleep. So between batches the lock stays free for as long as it was held.
*/
#include "store/gc.h"

#include <string.h>
#include <time.h>

#include "store/aging.h"
#include "store/embedding.h"
#include "store/hits.h"
#include "store/log.h"
#include "store/paths.h"
#include "store/quota.h"
#include "store/value.h"
#include "store/workspace.h"

/* Rows between two looks at the clock. */
#define GC_STRIDE 64

/* Freelist pages that are not worth a transaction. */
#define GC_FREE_PAGES_MIN 64

typedef enum Phase {
    PHASE_AGE,
    PHASE_SWEEP,
    PHASE_PATHS,
    PHASE_GARBAGE,
    PHASE_QUOTA, /* begins a transaction of its own: the victims are chosen before, unlocked */
    PHASE_VACUUM,
    PHASE_END
} Phase;

typedef struct Gc {
    CkStore *store;
    Phase phase;
    int64_t started_at;
    int64_t cutoff;       /* garbage is not younger */
    int64_t quota_cutoff; /* neither are the quota's victims */
    int64_t after;        /* garbage ids up to this one are done */
    int64_t last_id;
    CkQuota quota;
    size_t quota_at;
    CkAging aging;
    CkPathSweep paths;
    int64_t n_deleted, n_evicted, n_refs_swept;
    int owned; /* transactions are our own: stop a batch after CK_GC_BATCH_MS */
} Gc;

int ck_gc_grace_from_value(sqlite3_value *value, const char *who, int64_t *grace_s, CkError *err) {
    static const CkRange seconds = {0, (int64_t)100 * 365 * 86400};
    return ck_integer_from_value(value, who, "grace (seconds)", &seconds, grace_s, err);
}

static int64_t monotonic_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int age_workspaces(Gc *gc, CkError *err) {
    ck_hits_flush(gc->store, 1, err);
    if (err->rc == SQLITE_OK) ck_workspaces_age(gc->store, &gc->aging, err);
    gc->phase = PHASE_SWEEP;
    return err->rc;
}

static int sweep_refs(Gc *gc, CkError *err) {
    int64_t n = 0;
    int done = 0;
    ck_workspace_sweep(gc->store, GC_STRIDE * 8, &n, &done, err);
    gc->n_refs_swept += n;
    if (done) gc->phase = PHASE_PATHS;
    return err->rc;
}

static int sweep_paths(Gc *gc, CkError *err) {
    gc->paths.extra = gc->n_refs_swept;
    ck_paths_sweep(gc->store, &gc->paths, err);
    if (gc->paths.done) gc->phase = PHASE_GARBAGE;
    return err->rc;
}

static int delete_garbage(Gc *gc, CkError *err) {
    int64_t ids[GC_STRIDE];
    sqlite3_stmt *stmt = NULL;
    int n = 0;
    if (ck_stmt_take(gc->store, CK_SQL_GARBAGE_AFTER, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iii", gc->cutoff, gc->after, (int64_t)GC_STRIDE);
    while (n < GC_STRIDE && ck_stmt_step(gc->store, stmt, err) == SQLITE_ROW) {
        ids[n++] = sqlite3_column_int64(stmt, 0);
    }
    ck_stmt_give(gc->store, CK_SQL_GARBAGE_AFTER, stmt);
    for (int i = 0; i < n && err->rc == SQLITE_OK; i++) {
        if (ck_embedding_drop(gc->store, ids[i], err) == SQLITE_OK) gc->n_deleted++;
        gc->after = ids[i];
    }
    if (n < GC_STRIDE) gc->phase = PHASE_QUOTA;
    return err->rc;
}

static int evict(Gc *gc, CkError *err) {
    const int64_t *ids = (const int64_t *)(const void *)gc->quota.victims.data;
    size_t n = ck_quota_count(&gc->quota);
    for (int i = 0; i < GC_STRIDE && gc->quota_at < n && err->rc == SQLITE_OK; i++) {
        int64_t one, id = ids[gc->quota_at++];
        int garbage = 0;
        ck_stmt_ints(gc->store, CK_SQL_GARBAGE_CHECK, err, &one, 1, &garbage, "ii",
                     gc->quota_cutoff, id);
        if (garbage && ck_embedding_drop(gc->store, id, err) == SQLITE_OK) gc->n_evicted++;
    }
    if (gc->quota_at == n) gc->phase = PHASE_VACUUM;
    return err->rc;
}

/* Gives free pages back to the file system, if the file is set up for it. */
static int vacuum(Gc *gc, CkError *err) {
    int64_t mode = 0, n_free = 0;
    int found;
    ck_stmt_ints(gc->store, CK_SQL_AUTO_VACUUM_MODE, err, &mode, 1, &found, "");
    if (err->rc == SQLITE_OK && mode == 2) {
        ck_stmt_ints(gc->store, CK_SQL_STATS_FREELIST_COUNT, err, &n_free, 1, &found, "");
    }
    if (err->rc == SQLITE_OK && n_free >= GC_FREE_PAGES_MIN) {
        return ck_stmt_run(gc->store, CK_SQL_VACUUM_STEP, err, "");
    }
    gc->phase = PHASE_END;
    return err->rc;
}

static int step(Gc *gc, CkError *err) {
    switch (gc->phase) {
    case PHASE_AGE:
        return age_workspaces(gc, err);
    case PHASE_SWEEP:
        return sweep_refs(gc, err);
    case PHASE_PATHS:
        return sweep_paths(gc, err);
    case PHASE_GARBAGE:
        return delete_garbage(gc, err);
    case PHASE_QUOTA:
        return evict(gc, err);
    default:
        return vacuum(gc, err);
    }
}

/* What the run did, in ck_audit; and whether the quota holds, in ck_errors. */
static int report(Gc *gc, CkError *err) {
    CkStore *store = gc->store;
    int64_t totals[2] = {0, 0};
    int found;
    if (gc->n_deleted + gc->n_evicted + gc->n_refs_swept + gc->paths.n_dropped > 0) {
        ck_audit_add(store, "gc", err,
                     "{\"deleted\":%lld,\"evicted\":%lld,\"refs_swept\":%lld,"
                     "\"paths_dropped\":%lld,\"workspaces_released\":%lld,\"seconds\":%lld}",
                     (long long)gc->n_deleted, (long long)gc->n_evicted,
                     (long long)gc->n_refs_swept, (long long)gc->paths.n_dropped,
                     (long long)gc->aging.n_released,
                     (long long)(ck_conn_now(store->conn) - gc->started_at));
    }
    ck_progress_clear(store, "gc", err);
    if (err->rc == SQLITE_OK && gc->quota.max_bytes > 0) {
        ck_stmt_ints(store, CK_SQL_STATS_EMBEDDINGS, err, totals, 2, &found, "");
    }
    if (err->rc != SQLITE_OK) return err->rc;
    if (totals[1] <= gc->quota.max_bytes) return ck_errors_remove(store, "gc", "quota", err);
    return ck_errors_add(store, "gc", "quota", err,
                         "the store holds %lld bytes of embeddings that are referenced or young, "
                         "max_bytes is %lld",
                         (long long)totals[1], (long long)gc->quota.max_bytes);
}

/* One transaction of the run. */
static int run_batch(Gc *gc, CkError *err) {
    CkWrite write;
    int64_t start = monotonic_ms();
    if (ck_write_begin(&write, gc->store, err) != SQLITE_OK) return err->rc;
    gc->owned = write.owned;
    int before_quota = gc->phase < PHASE_QUOTA, out_of_time = 0;
    while (err->rc == SQLITE_OK && gc->phase != PHASE_END) {
        step(gc, err);
        if (before_quota && gc->phase == PHASE_QUOTA) break;
        out_of_time = gc->owned && monotonic_ms() - start >= CK_GC_BATCH_MS;
        if (out_of_time) break;
    }
    if (err->rc == SQLITE_OK && gc->phase == PHASE_END) {
        report(gc, err);
    } else if (err->rc == SQLITE_OK && out_of_time) {
        CkProgress progress = {"gc", gc->started_at, gc->after, gc->last_id};
        ck_progress_set(gc->store, &progress, err);
    }
    ck_write_end(&write, err);
    if (err->rc == SQLITE_OK && out_of_time) sqlite3_sleep((int)(monotonic_ms() - start));
    return err->rc;
}

int ck_gc_run(CkStore *store, int64_t grace_s, int64_t *n_deleted, CkError *err) {
    int exists = 0, found;
    *n_deleted = 0;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    int64_t now = ck_conn_now(store->conn);
    Gc gc = {.store = store, .phase = PHASE_AGE, .started_at = now, .cutoff = now - grace_s};
    gc.quota_cutoff = now - (grace_s < CK_GC_GRACE_S ? grace_s : CK_GC_GRACE_S);
    ck_aging_begin(store, now - gc.quota_cutoff, &gc.aging, err);
    if (err->rc == SQLITE_OK) {
        ck_stmt_ints(store, CK_SQL_EMBEDDING_MAX_ID, err, &gc.last_id, 1, &found, "");
    }
    while (err->rc == SQLITE_OK && gc.phase != PHASE_END) {
        Phase phase = gc.phase;
        run_batch(&gc, err);
        if (err->rc == SQLITE_OK && gc.phase == PHASE_QUOTA && phase != PHASE_QUOTA) {
            ck_quota_plan(store, gc.quota_cutoff, &gc.quota, err);
        }
    }
    ck_quota_release(&gc.quota);
    ck_aging_release(&gc.aging);
    *n_deleted = gc.n_deleted + gc.n_evicted;
    return err->rc;
}
