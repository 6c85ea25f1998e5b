/* The mirror: see mirror.h. */
#include "store/mirror.h"

#include "store/ref.h"

/* Refs that one sweep deletes. */
#define SWEEP_ROWS 10000

/* Longer than any path of the mirror: a remote's name has up to 200 characters of 4 bytes. */
#define PATH_BYTES 900

static int open_workspace(CkStore *store, CkMirror *mirror, CkError *err) {
    int found = 0;
    ck_stmt_ints(store, CK_SQL_MIRROR_FIND, err, &mirror->workspace, 1, &found, "");
    if (err->rc == SQLITE_OK && !found) {
        ck_stmt_run(store, CK_SQL_MIRROR_CREATE, err, "i", ck_conn_now(store->conn));
        if (err->rc != SQLITE_OK) return err->rc;
        ck_stmt_ints(store, CK_SQL_MIRROR_FIND, err, &mirror->workspace, 1, &found, "");
    }
    if (err->rc == SQLITE_OK && mirror->workspace > CK_REF_WORKSPACE_MAX) {
        return ck_error_set(err, SQLITE_FULL, "sync: there are too many workspaces for a mirror");
    }
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_MIRROR_TOUCH, err, "");
}

static int open_path(CkStore *store, CkMirror *mirror, const CkRemote *remote, CkError *err) {
    char path[PATH_BYTES];
    int found;
    sqlite3_snprintf(sizeof path, path, "%s/%lld/%lld", remote->name, (long long)remote->listing,
                     (long long)mirror->group);
    ck_stmt_run(store, CK_SQL_MIRROR_PATH_ADD, err, "t", path);
    if (err->rc == SQLITE_OK) ck_path_find(store, path, &mirror->path, &found, err);
    if (err->rc == SQLITE_OK && mirror->path > CK_REF_PATH_MAX) {
        return ck_error_set(err, SQLITE_FULL, "sync: there are too many paths for a mirror");
    }
    return err->rc;
}

int ck_mirror_add(CkStore *store, CkMirror *mirror, const CkRemote *remote, int64_t id,
                  CkError *err) {
    int64_t group = id >> 18;
    if (mirror->workspace == 0 && open_workspace(store, mirror, err) != SQLITE_OK) return err->rc;
    if (mirror->path == 0 || mirror->group != group) {
        mirror->group = group;
        if (open_path(store, mirror, remote, err) != SQLITE_OK) return err->rc;
    }
    return ck_stmt_run(store, CK_SQL_MIRROR_REF, err, "ii",
                       CK_REF_ID(mirror->workspace, mirror->path, id & CK_REF_CHUNK_MAX), id);
}

/* The first remote after `name` that the embedding put for a retired hash is held for; its name
** takes the place of the one before. */
static int find_holder(CkStore *store, const uint8_t *hash, char name[PATH_BYTES],
                       int64_t *listing, int *found, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    *found = 0;
    if (ck_stmt_take(store, CK_SQL_MIRROR_HOLDER, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "tb", name, hash, CK_HASH_BYTES);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        sqlite3_snprintf(PATH_BYTES, name, "%s", text ? text : "");
        *listing = sqlite3_column_int64(stmt, 1);
        *found = text != NULL;
    }
    ck_stmt_give(store, CK_SQL_MIRROR_HOLDER, stmt);
    return err->rc;
}

int ck_mirror_hold(CkStore *store, const uint8_t hash[CK_HASH_BYTES], int64_t id, CkError *err) {
    char name[PATH_BYTES] = "";
    CkRemote remote = {.name = name};
    int found;
    while (find_holder(store, hash, name, &remote.listing, &found, err) == SQLITE_OK && found) {
        CkMirror mirror = {0, 0, 0};
        if (ck_mirror_add(store, &mirror, &remote, id, err) != SQLITE_OK) break;
    }
    return err->rc;
}

int ck_mirror_lose(CkStore *store, int64_t id, CkError *err) {
    ck_stmt_run(store, CK_SQL_MIRROR_RELIST, err, "i", id);
    if (err->rc != SQLITE_OK || sqlite3_changes(store->conn->db) == 0) return err->rc;
    return ck_stmt_run(store, CK_SQL_MIRROR_FORGET_SEGMENTS, err, "");
}

int ck_mirror_sweep(CkStore *store, const CkRemote *remote, int *done, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    char first[PATH_BYTES], end[PATH_BYTES], kept[PATH_BYTES];
    int64_t workspace = 0;
    int found, n = 0;
    *done = 1;
    ck_stmt_ints(store, CK_SQL_MIRROR_FIND, err, &workspace, 1, &found, "");
    if (err->rc != SQLITE_OK || !found) return err->rc;
    sqlite3_snprintf(sizeof first, first, "%s/", remote->name);
    sqlite3_snprintf(sizeof end, end, "%s0", remote->name); /* '0' follows '/' */
    sqlite3_snprintf(sizeof kept, kept, "%s/%lld/", remote->name, (long long)remote->listing);
    if (ck_stmt_take(store, CK_SQL_MIRROR_SWEEP, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ittit", workspace, first, end, (int64_t)SWEEP_ROWS, kept);
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) n++;
    ck_stmt_give(store, CK_SQL_MIRROR_SWEEP, stmt);
    *done = n < SWEEP_ROWS;
    if (err->rc != SQLITE_OK || n == 0) return err->rc;
    return ck_stmt_run(store, CK_SQL_MIRROR_TOUCH, err, "");
}
