/*
** What maintenance says of itself, as rows any SQL can read: ck_audit (what was done), ck_errors
** (what failed, one row per kind), ck_progress (what is under way). Written inside the transaction
** of the work they speak of.
*/
#ifndef CK_STORE_LOG_H
#define CK_STORE_LOG_H

#include "store/store.h"

/* Rows kept in ck_audit, and for how long (ck_gc looks). */
#define CK_AUDIT_ROWS 10000
#define CK_AUDIT_TTL_S (365 * 86400)

/* Adds a row; detail is a JSON object made from the format. */
int ck_audit_add(CkStore *store, const char *action, CkError *err, const char *format, ...)
    CK_PRINTF(4, 5);

/* One batch that went to or came from another store. */
typedef struct CkAuditSync {
    const char *remote; /* by name, when it is one of ours; or NULL */
    const char *peer;   /* the uuid of the store that pushed it, or NULL */
    int64_t created, conflicts, rejected;
    int64_t retired; /* tombstones */
} CkAuditSync;
int ck_audit_sync(CkStore *store, const char *action, const CkAuditSync *sync, CkError *err);

/* Counts a failure of one kind (source, code); the newest message is kept. */
int ck_errors_add(CkStore *store, const char *source, const char *code, CkError *err,
                  const char *format, ...) CK_PRINTF(5, 6);

/* The failure is over. */
int ck_errors_remove(CkStore *store, const char *source, const char *code, CkError *err);

/*
** Ends a run of background work outside any transaction: a failure becomes a row (source,
** 'failed'), a success removes it. What is over by itself (a lock, an interrupt) or cannot be
** written (no memory, a read-only file) is no row. The outcome stays as it is, also when the row
** cannot be written.
*/
void ck_errors_settle(CkStore *store, const char *source, const CkError *outcome);

/* Progress that has not moved for so long was left by a process that died. Seconds. */
#define CK_PROGRESS_DEAD_S 600

/* Work of `task` that began at started_at has done `done` of `total`. */
typedef struct CkProgress {
    const char *task;
    int64_t started_at;
    int64_t done, total;
} CkProgress;

int ck_progress_set(CkStore *store, const CkProgress *progress, CkError *err);
int ck_progress_clear(CkStore *store, const char *task, CkError *err);

#endif
