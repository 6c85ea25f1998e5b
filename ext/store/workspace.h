/*
** Workspaces: who uses embeddings, and letting go of what they use.
*/
#ifndef CK_STORE_WORKSPACE_H
#define CK_STORE_WORKSPACE_H

#include "store/store.h"
#include "store/value.h"

/* The refs of a workspace up to this many are deleted with it; more are left to ck_gc. */
#define CK_RELEASE_INLINE_REFS 20000

/* One row, as SQL values. A NULL pointer means "not given"; an SQL NULL clears root, host and
** expires_at and is refused for the others. */
typedef struct CkWorkspaceRow {
    sqlite3_value *name, *uuid, *root, *host, *last_seen, *expires_at, *pinned;
} CkWorkspaceRow;

/* Finds a workspace that is not released. */
int ck_workspace_find(CkStore *store, const char *name, int64_t *id, int *found, CkError *err);

/*
** Registers a new workspace; sets *id. SQLITE_CONSTRAINT_UNIQUE when the name or uuid is taken; *id
** is then the workspace of that name, or 0.
*/
int ck_workspace_insert(CkStore *store, const CkWorkspaceRow *row, int64_t *id, CkError *err);

/* Sets what is given; used by UPDATE and by INSERT OR REPLACE. */
int ck_workspace_update(CkStore *store, int64_t id, const CkWorkspaceRow *row, CkError *err);

/*
** Releases it: readers see neither the workspace nor its refs any more. Deletes the refs at once
** when they are at most CK_RELEASE_INLINE_REFS, else leaves them to ck_workspace_sweep().
*/
int ck_workspace_release(CkStore *store, int64_t id, CkError *err);

/* Releases it and leaves its refs, however few, to ck_workspace_sweep(). */
int ck_workspace_mark_released(CkStore *store, int64_t id, CkError *err);

/* Deletes up to max refs of a released workspace, and with the last one the workspace. */
int ck_workspace_sweep(CkStore *store, int64_t max, int64_t *n_swept, int *done, CkError *err);

/* refs, embeddings, bytes, and bytes that other workspaces use too. */
typedef struct CkWorkspaceUsage {
    int64_t refs, embeddings, bytes, shared_bytes;
} CkWorkspaceUsage;

int ck_workspace_usage(CkStore *store, int64_t id, CkWorkspaceUsage *usage, CkError *err);

/* Only the number of refs, which needs no look at the embeddings. */
int ck_workspace_count_refs(CkStore *store, int64_t id, int64_t *n, CkError *err);

#endif
