/*
** Garbage collection: see gc.h.
**
** A run goes through phases: workspaces age by a step, and what expires of sync goes; the refs of
** released workspaces are swept, then the paths nobody uses; garbage is deleted; if the store is
** still above its quota, least recently used embeddings go; the hash entries that all these have
** left are removed; free pages are given back when the file vacuums incrementally. Each phase is
** done in batches.
**
** SQLite's busy handler has no queue: a writer that begins again at once can keep others out for
** as long as they sleep. So between batches the lock stays free for as long as it was held. That
** time is used to find what the next batch is to delete; the batch checks everything again.
*/
#include "store/gc.h"

#include <string.h>

#include "base/clock.h"
#include "store/aging.h"
#include "store/embedding.h"
#include "store/feed.h"
#include "store/hash_sweep.h"
#include "store/hits.h"
#include "store/index_maintain.h"
#include "store/log.h"
#include "store/paths.h"
#include "store/quota.h"
#include "store/transaction.h"
#include "store/value.h"
#include "store/workspace.h"

/* Rows between two looks at the clock. */
#define GC_STRIDE 64

/* Ids from the first to the last that are checked and deleted between two looks at the clock. */
#define GC_SPAN 128

/* Freelist pages that are not worth a transaction. */
#define GC_FREE_PAGES_MIN 64

/* Candidates looked up at a time: more than a batch deletes. */
#define GC_CANDIDATES 8192

typedef enum Phase {
    PHASE_AGE,
    PHASE_SWEEP,
    PHASE_PATHS,
    PHASE_GARBAGE,
    PHASE_QUOTA,
    PHASE_HASHES,
    PHASE_VACUUM,
    PHASE_END
} Phase;

typedef struct Gc {
    CkStore *store;
    Phase phase;
    int64_t started_at;
    int64_t cutoff;       /* garbage is not younger */
    int64_t quota_cutoff; /* neither are the quota's victims */
    CkBuf candidates;     /* ids, from `at` on */
    size_t at;
    int64_t after;   /* ids up to this one were looked at */
    int at_end;      /* and these were all */
    int64_t done_id; /* ids up to this one are done */
    int64_t last_id;
    CkQuota quota;
    int quota_planned;
    size_t quota_at;
    CkHashSweep hashes;
    CkAging aging;
    CkPathSweep paths;
    int64_t n_deleted, n_evicted, n_refs_swept;
    int owned;           /* transactions are our own: stop a batch after CK_GC_BATCH_MS */
    int64_t owed_ms;     /* how long the lock is to stay free before the next batch, … */
    int64_t released_at; /* … and since when it has been */
} Gc;

int ck_gc_grace_from_value(sqlite3_value *value, const char *who, int64_t *grace_s, CkError *err) {
    static const CkRange seconds = {0, (int64_t)100 * 365 * 86400};
    return ck_integer_from_value(value, who, "grace (seconds)", &seconds, grace_s, err);
}

static int age_workspaces(Gc *gc, CkError *err) {
    ck_hits_flush_all(gc->store, err);
    if (err->rc == SQLITE_OK) ck_workspaces_age(gc->store, &gc->aging, err);
    if (err->rc == SQLITE_OK) ck_feed_expire(gc->store, err);
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

static size_t n_candidates(const Gc *gc) {
    return gc->candidates.n_bytes / sizeof(int64_t) - gc->at;
}

/* Tops the candidates up. */
static int find_garbage(Gc *gc, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    CkBuf *ids = &gc->candidates;
    size_t n = n_candidates(gc);
    if (gc->at_end || n > GC_CANDIDATES / 2) return SQLITE_OK;
    if (n > 0) memmove(ids->data, ids->data + gc->at * sizeof(int64_t), n * sizeof(int64_t));
    ids->n_bytes = n * sizeof(int64_t);
    gc->at = 0;
    if (ck_stmt_take(gc->store, CK_SQL_GARBAGE_AFTER, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iii", gc->cutoff, gc->after, (int64_t)(GC_CANDIDATES - n));
    while (err->rc == SQLITE_OK && ck_stmt_step(gc->store, stmt, err) == SQLITE_ROW) {
        gc->after = sqlite3_column_int64(stmt, 0);
        ck_buf_append(ids, &gc->after, sizeof gc->after);
        if (ids->rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(gc->store, CK_SQL_GARBAGE_AFTER, stmt);
    gc->at_end = n_candidates(gc) < GC_CANDIDATES;
    return err->rc;
}

/* Deletes what is garbage of ids first .. last: what was found to be may not be any more. */
static int drop_between(Gc *gc, int64_t cutoff, const int64_t range[2], int64_t *n, CkError *err) {
    int64_t ids[GC_SPAN];
    int has_refs[GC_SPAN], n_ids = 0;
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(gc->store, CK_SQL_GARBAGE_BETWEEN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iii", cutoff, range[0], range[1]);
    while (n_ids < GC_SPAN && ck_stmt_step(gc->store, stmt, err) == SQLITE_ROW) {
        ids[n_ids] = sqlite3_column_int64(stmt, 0);
        has_refs[n_ids++] = sqlite3_column_int(stmt, 1);
    }
    ck_stmt_give(gc->store, CK_SQL_GARBAGE_BETWEEN, stmt);
    if (err->rc == SQLITE_OK &&
        ck_embedding_drop(gc->store, ids, has_refs, (size_t)n_ids, err) == SQLITE_OK) {
        *n += n_ids;
    }
    return err->rc;
}

/* Candidates that lie close together are checked in one scan. */
static int delete_garbage(Gc *gc, CkError *err) {
    const int64_t *ids = (const int64_t *)(const void *)gc->candidates.data + gc->at;
    size_t n = 1, n_ids = n_candidates(gc);
    while (n < n_ids && ids[n] - ids[0] < GC_SPAN) n++;
    gc->at += n;
    const int64_t range[2] = {ids[0], ids[n - 1]};
    gc->done_id = range[1];
    return drop_between(gc, gc->cutoff, range, &gc->n_deleted, err);
}

static int evict(Gc *gc, CkError *err) {
    const int64_t *ids = (const int64_t *)(const void *)gc->quota.victims.data;
    size_t n = ck_quota_count(&gc->quota);
    for (int i = 0; i < GC_STRIDE && gc->quota_at < n && err->rc == SQLITE_OK; i++) {
        const int64_t range[2] = {ids[gc->quota_at], ids[gc->quota_at]};
        drop_between(gc, gc->quota_cutoff, range, &gc->n_evicted, err);
        gc->quota_at++;
    }
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

static int plan_quota(Gc *gc, CkError *err) {
    if (gc->quota_planned) return SQLITE_OK;
    gc->quota_planned = 1;
    return ck_quota_plan(gc->store, gc->quota_cutoff, &gc->quota, err);
}

static int has_work(const Gc *gc) {
    switch (gc->phase) {
    case PHASE_GARBAGE:
        return n_candidates(gc) > 0;
    case PHASE_QUOTA:
        return gc->quota_at < ck_quota_count(&gc->quota);
    case PHASE_HASHES:
        return ck_hash_sweep_waiting(&gc->hashes) > 0;
    default:
        return 1;
    }
}

/* Finds out what the next batch has to do: everything that needs no write lock. */
static int prepare(Gc *gc, CkError *err) {
    while (err->rc == SQLITE_OK) {
        if (gc->phase == PHASE_GARBAGE) find_garbage(gc, err);
        if (gc->phase == PHASE_QUOTA) plan_quota(gc, err);
        if (gc->phase == PHASE_HASHES) ck_hash_sweep_find(&gc->hashes, gc->store, err);
        if (err->rc != SQLITE_OK || has_work(gc)) break;
        gc->phase++;
    }
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
    case PHASE_HASHES:
        return ck_hash_sweep_remove(&gc->hashes, gc->store, GC_STRIDE, err);
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

/* Leaves the lock free for as long as the last batch held it; what was done since then counts. */
static void leave_room(const Gc *gc) {
    int64_t ms = gc->owed_ms - (ck_clock_ms() - gc->released_at);
    if (ms > 0) sqlite3_sleep((int)ms);
}

/* One transaction of the run. */
static int run_batch(Gc *gc, CkError *err) {
    CkWrite write;
    if (prepare(gc, err) != SQLITE_OK) return err->rc;
    leave_room(gc);
    int64_t start = ck_clock_ms();
    if (ck_write_begin(&write, gc->store, err) != SQLITE_OK) return err->rc;
    gc->owned = write.owned;
    int out_of_time = 0;
    while (err->rc == SQLITE_OK && gc->phase != PHASE_END) {
        step(gc, err);
        if (err->rc == SQLITE_OK && !has_work(gc)) {
            if (gc->owned) break;
            prepare(gc, err);
        }
        out_of_time = gc->owned && ck_clock_ms() - start >= CK_GC_BATCH_MS;
        if (out_of_time) break;
    }
    if (err->rc == SQLITE_OK && gc->phase == PHASE_END) {
        report(gc, err);
    } else if (err->rc == SQLITE_OK && out_of_time) {
        CkProgress progress = {"gc", gc->started_at, gc->done_id, gc->last_id};
        ck_progress_set(gc->store, &progress, err);
    }
    ck_write_end(&write, err);
    gc->released_at = ck_clock_ms();
    gc->owed_ms = gc->owned ? gc->released_at - start : 0;
    return err->rc;
}

int ck_gc_run(CkStore *store, int64_t grace_s, int64_t *n_deleted, CkError *err) {
    int exists = 0, found;
    *n_deleted = 0;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    int64_t now = ck_conn_now(store->conn);
    Gc gc = {.store = store, .phase = PHASE_AGE, .started_at = now, .cutoff = now - grace_s};
    gc.quota_cutoff = now - (grace_s < CK_GC_GRACE_S ? grace_s : CK_GC_GRACE_S);
    ck_buf_init(&gc.candidates);
    ck_hash_sweep_init(&gc.hashes);
    ck_aging_begin(store, now - gc.quota_cutoff, &gc.aging, err);
    if (err->rc == SQLITE_OK) {
        ck_stmt_ints(store, CK_SQL_EMBEDDING_MAX_ID, err, &gc.last_id, 1, &found, "");
    }
    while (err->rc == SQLITE_OK && gc.phase != PHASE_END) run_batch(&gc, err);
    ck_buf_release(&gc.candidates);
    ck_quota_release(&gc.quota);
    ck_hash_sweep_release(&gc.hashes);
    ck_aging_release(&gc.aging);
    if (err->rc == SQLITE_OK && gc.owned) {
        int64_t n_indexed;
        ck_index_merge(store, NULL, CK_MERGE_IF_BAD, &n_indexed, err);
    }
    *n_deleted = gc.n_deleted + gc.n_evicted;
    return err->rc;
}
