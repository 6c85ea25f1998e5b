/*
** Garbage collection: deletes what no workspace references and nobody used within the grace
** period (gc.sql holds the one predicate).
*/
#ifndef CK_STORE_GC_H
#define CK_STORE_GC_H

#include "store/store.h"

/* What young embeddings are spared by default: an index run puts before it refs. Seconds. */
#define CK_GC_GRACE_S 3600

/* A batch holds the write lock about this long, then leaves it free as long. Milliseconds. */
#define CK_GC_BATCH_MS 20

/* Reads a grace period: a number of seconds from 0 on. */
int ck_gc_grace_from_value(sqlite3_value *value, const char *who, int64_t *grace_s, CkError *err);

/*
** Collects. In autocommit mode it works in batches with transactions of its own, each checking
** the whole predicate anew; else it does everything in the caller's transaction. *n_deleted
** counts embeddings. Also sweeps the refs that released workspaces left.
*/
int ck_gc_run(CkStore *store, int64_t grace_s, int64_t *n_deleted, CkError *err);

#endif
