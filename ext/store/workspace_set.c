/* Sets of what workspaces refer to: see workspace_set.h. */
#include "store/workspace_set.h"

#include <string.h>

#include "store/ref.h"
#include "store/ref_file.h"

typedef struct CkWorkspaceSet {
    int64_t workspace; /* 0: the place is free */
    int64_t stamp;
    int64_t last_used;
    CkIdSet ids;
} CkWorkspaceSet;

void ck_workspace_sets_free(CkStore *store) {
    CkWorkspaceSet *sets = store->workspace_sets.sets;
    if (!sets) return;
    for (int i = 0; i < CK_WORKSPACE_SETS; i++) ck_idset_release(&sets[i].ids);
    sqlite3_free(sets);
    store->workspace_sets.sets = NULL;
}

/* The place of a workspace: its own, or that of the one not used for longest, emptied. */
static CkWorkspaceSet *place_of(CkStore *store, int64_t workspace, CkError *err) {
    CkWorkspaceSets *all = &store->workspace_sets;
    if (!all->sets) {
        all->sets = sqlite3_malloc64(CK_WORKSPACE_SETS * sizeof *all->sets);
        if (!all->sets) {
            ck_error_nomem(err);
            return NULL;
        }
        memset(all->sets, 0, CK_WORKSPACE_SETS * sizeof *all->sets);
    }
    CkWorkspaceSet *oldest = &all->sets[0];
    for (int i = 0; i < CK_WORKSPACE_SETS; i++) {
        if (all->sets[i].workspace == workspace) return &all->sets[i];
        if (all->sets[i].last_used < oldest->last_used) oldest = &all->sets[i];
    }
    oldest->workspace = 0;
    return oldest;
}

static int read_ids(CkStore *store, int64_t workspace, CkIdSet *ids, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    ck_buf_clear(&ids->buf);
    if (ck_stmt_take(store, CK_SQL_REF_EMBEDDINGS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ii", CK_REF_FIRST(workspace), CK_REF_LAST(workspace));
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        ck_idset_add(ids, sqlite3_column_int64(stmt, 0), err);
    }
    ck_stmt_give(store, CK_SQL_REF_EMBEDDINGS, stmt);
    ck_idset_seal(ids);
    return err->rc;
}

/* With the statement at the workspace's row: that read keeps stamp and refs of one state. */
static int get(CkStore *store, sqlite3_stmt *stmt, const CkIdSet **set, CkError *err) {
    int64_t workspace = sqlite3_column_int64(stmt, 0), stamp = sqlite3_column_int64(stmt, 1);
    CkWorkspaceSet *place = place_of(store, workspace, err);
    if (!place) return err->rc;
    if (place->workspace != workspace || place->stamp != stamp) {
        place->workspace = 0;
        if (read_ids(store, workspace, &place->ids, err) != SQLITE_OK) return err->rc;
        place->workspace = workspace;
        place->stamp = stamp;
        /* The next ref that this connection writes needs another stamp. */
        ck_ref_file_forget(store);
    }
    place->last_used = ++store->workspace_sets.n_uses;
    *set = &place->ids;
    return SQLITE_OK;
}

int ck_workspace_set_get(CkStore *store, const char *name, const CkIdSet **set, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    *set = NULL;
    if (ck_stmt_take(store, CK_SQL_WORKSPACE_STAMP, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "t", name);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) get(store, stmt, set, err);
    ck_stmt_give(store, CK_SQL_WORKSPACE_STAMP, stmt);
    return err->rc;
}
