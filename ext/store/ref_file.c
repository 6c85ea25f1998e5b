/* The file a ref is in: see ref_file.h. */
#include "store/ref_file.h"

#include <string.h>

#include "store/ref.h"

static int not_registered(const char *workspace, CkError *err) {
    return ck_error_set(err, SQLITE_ERROR,
                        "refs: workspace '%s' is not registered (INSERT INTO workspaces(name))",
                        workspace);
}

int ck_ref_file_find(CkStore *store, const char *workspace, const char *path,
                     CkRefFileIds *ids, CkError *err) {
    const CkRefFile *last = &store->last_file;
    sqlite3_stmt *stmt = NULL;
    if (last->known && workspace && path && strcmp(path, last->path) == 0 &&
        strcmp(workspace, last->workspace) == 0) {
        *ids = last->ids;
        return SQLITE_OK;
    }
    store->last_file.known = 0;
    if (ck_store_query(store, CK_SQL_REF_FILE_FIND, &stmt, err, "tt", workspace, path) !=
        SQLITE_OK) {
        return err->rc;
    }
    if (!stmt) return not_registered(workspace, err);
    if (workspace) {
        ids->workspace = sqlite3_column_int64(stmt, 1);
        if (ids->workspace == 0) not_registered(workspace, err);
    }
    if (path) ids->path = sqlite3_column_int64(stmt, 2);
    ck_stmt_give(store, CK_SQL_REF_FILE_FIND, stmt);
    return err->rc;
}

int ck_ref_file_intern(CkStore *store, const char *path, int64_t *id, CkError *err) {
    sqlite3 *db = store->conn->db;
    int64_t before = sqlite3_last_insert_rowid(db);
    ck_stmt_run(store, CK_SQL_PATH_INSERT, err, "t", path);
    *id = sqlite3_last_insert_rowid(db);
    sqlite3_set_last_insert_rowid(db, before);
    if (err->rc == SQLITE_OK && *id > CK_REF_PATH_MAX) {
        ck_error_set(err, SQLITE_FULL, "refs: the limit of %d paths is reached", CK_REF_PATH_MAX);
    }
    return err->rc;
}

void ck_ref_file_remember(CkStore *store, const char *workspace, const char *path,
                          const CkRefFileIds *ids) {
    CkRefFile *last = &store->last_file;
    if (last->known) return;
    sqlite3_snprintf((int)sizeof last->workspace, last->workspace, "%s", workspace);
    sqlite3_snprintf((int)sizeof last->path, last->path, "%s", path);
    last->ids = *ids;
    last->known = 1;
}

int ck_ref_touch(CkStore *store, int64_t workspace, int64_t other, CkError *err) {
    if (workspace == other && workspace == store->touched_workspace) return SQLITE_OK;
    ck_stmt_run(store, CK_SQL_WORKSPACE_TOUCH, err, "ii", workspace, other);
    store->touched_workspace = err->rc == SQLITE_OK ? workspace : 0;
    return err->rc;
}

void ck_ref_file_forget(CkStore *store) {
    store->last_file.known = 0;
    store->touched_workspace = 0;
}
