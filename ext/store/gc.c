/*
** Garbage collection: see gc.h.
**
** SQLite's busy handler has no queue: a writer that begins again at once can keep others out for
** as long as they sleep. So between batches the lock stays free for as long as it was held.
*/
#include "store/gc.h"

#include <string.h>
#include <time.h>

#include "store/embedding.h"
#include "store/value.h"
#include "store/workspace.h"

/* Rows between two looks at the clock. */
#define GC_STRIDE 64

typedef struct Gc {
    CkStore *store;
    int64_t cutoff;
    int64_t after; /* ids up to this one are done */
    int64_t n_deleted;
    int bounded; /* stop a batch after CK_GC_BATCH_MS */
    int done;
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

/* Deletes up to GC_STRIDE garbage rows. *n is how many there were. */
static int collect_stride(Gc *gc, int *n, CkError *err) {
    int64_t ids[GC_STRIDE];
    sqlite3_stmt *stmt = NULL;
    *n = 0;
    if (ck_stmt_take(gc->store, CK_SQL_GARBAGE_AFTER, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iii", gc->cutoff, gc->after, (int64_t)GC_STRIDE);
    while (*n < GC_STRIDE && ck_stmt_step(gc->store, stmt, err) == SQLITE_ROW) {
        ids[(*n)++] = sqlite3_column_int64(stmt, 0);
    }
    ck_stmt_give(gc->store, CK_SQL_GARBAGE_AFTER, stmt);
    for (int i = 0; i < *n && err->rc == SQLITE_OK; i++) {
        if (ck_embedding_drop(gc->store, ids[i], err) == SQLITE_OK) gc->n_deleted++;
        gc->after = ids[i];
    }
    return err->rc;
}

/* Released refs first, then garbage, until all is done or the time is up. */
static int collect_batch(Gc *gc, CkError *err) {
    int64_t start = monotonic_ms();
    do {
        int64_t n_swept = 0;
        int n = 0;
        ck_workspace_sweep(gc->store, GC_STRIDE * 8, &n_swept, err);
        if (err->rc == SQLITE_OK && n_swept == 0) {
            collect_stride(gc, &n, err);
            if (n < GC_STRIDE) gc->done = 1;
        }
    } while (err->rc == SQLITE_OK && !gc->done &&
             !(gc->bounded && monotonic_ms() - start >= CK_GC_BATCH_MS));
    return err->rc;
}

int ck_gc_run(CkStore *store, int64_t grace_s, int64_t *n_deleted, CkError *err) {
    int exists = 0;
    *n_deleted = 0;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    Gc gc;
    memset(&gc, 0, sizeof gc);
    gc.store = store;
    gc.cutoff = ck_conn_now(store->conn) - grace_s;
    while (err->rc == SQLITE_OK && !gc.done) {
        CkWrite write;
        int64_t start = monotonic_ms();
        if (ck_write_begin(&write, store, err) != SQLITE_OK) break;
        gc.bounded = write.owned;
        collect_batch(&gc, err);
        ck_write_end(&write, err);
        int64_t held_ms = monotonic_ms() - start;
        if (!gc.done && gc.bounded && err->rc == SQLITE_OK) {
            sqlite3_sleep((int)(held_ms < CK_GC_BATCH_MS ? CK_GC_BATCH_MS : held_ms));
        }
    }
    *n_deleted = gc.n_deleted;
    return err->rc;
}
