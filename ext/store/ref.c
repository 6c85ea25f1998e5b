/* Refs, writing: see ref.h. */
#include "store/ref.h"

#include <string.h>

#include "store/embedding.h"
#include "store/workspace.h"

/* A row after its names were looked up. */
typedef struct Resolved {
    int64_t workspace, path, chunk, embedding;
    int64_t used_at; /* of the embedding; -1 when an update leaves it as it is */
    sqlite3_value *start_line, *end_line;
} Resolved;

int ck_path_find(CkStore *store, const char *path, int64_t *id, int *found, CkError *err) {
    return ck_stmt_ints(store, CK_SQL_PATH_FIND, err, id, 1, found, "t", path);
}

static int intern_path(CkStore *store, const char *path, int64_t *id, CkError *err) {
    int found = 0;
    if (ck_path_find(store, path, id, &found, err) != SQLITE_OK || found) return err->rc;
    ck_stmt_run(store, CK_SQL_PATH_INSERT, err, "t", path);
    *id = sqlite3_last_insert_rowid(store->conn->db);
    if (err->rc == SQLITE_OK && *id > CK_REF_PATH_MAX) {
        ck_error_set(err, SQLITE_FULL, "refs: the limit of %d paths is reached", CK_REF_PATH_MAX);
    }
    return err->rc;
}

static int not_registered(const char *name, CkError *err) {
    return ck_error_set(err, SQLITE_ERROR,
                        "refs: workspace '%s' is not registered (INSERT INTO workspaces(name))",
                        name);
}

/* No store, so no workspace: the error, without creating anything. */
static int refuse_without_store(const CkRefRow *row, CkError *err) {
    const char *name;
    if (ck_text_from_value(row->workspace, "refs", "workspace", CK_NAME_MAX, &name, err)) {
        return err->rc;
    }
    return not_registered(name, err);
}

static int resolve_workspace(CkStore *store, sqlite3_value *value, int64_t *id, CkError *err) {
    const char *name;
    int found = 0;
    if (ck_text_from_value(value, "refs", "workspace", CK_NAME_MAX, &name, err) != SQLITE_OK) {
        return err->rc;
    }
    if (ck_workspace_find(store, name, id, &found, err) != SQLITE_OK) return err->rc;
    return found ? SQLITE_OK : not_registered(name, err);
}

static int resolve_embedding(CkStore *store, sqlite3_value *value, Resolved *to, CkError *err) {
    uint8_t hash[CK_HASH_BYTES];
    int found = 0;
    if (ck_hash_from_value(value, "refs", hash, err) != SQLITE_OK) return err->rc;
    if (ck_embedding_find(store, hash, &to->embedding, &to->used_at, &found, err) != SQLITE_OK) {
        return err->rc;
    }
    if (found) return SQLITE_OK;
    char hex[2 * CK_HASH_BYTES + 1];
    for (int i = 0; i < CK_HASH_BYTES; i++) {
        sqlite3_snprintf(3, hex + 2 * i, "%02x", hash[i]);
    }
    return ck_error_set(err, SQLITE_ERROR, "refs: no embedding with hash %s is stored", hex);
}

static int check_line(sqlite3_value *value, const char *what, CkError *err) {
    static const CkRange lines = {0, INT32_MAX};
    int64_t ignored;
    if (!ck_value_given(value)) return SQLITE_OK;
    return ck_integer_from_value(value, "refs", what, &lines, &ignored, err);
}

static int changed(sqlite3_value *value) {
    return value && !sqlite3_value_nochange(value);
}

/*
** Looks up what the row names; `to` holds the old row of an update and keeps what is unchanged.
** The path is interned last: it is the only write.
*/
static int resolve(CkStore *store, const CkRefRow *row, Resolved *to, CkError *err) {
    static const CkRange chunks = {0, CK_REF_CHUNK_MAX};
    const char *path = NULL;
    if (changed(row->path)) {
        ck_text_from_value(row->path, "refs", "path", CK_PATH_MAX_BYTES, &path, err);
    }
    if (err->rc == SQLITE_OK && changed(row->chunk)) {
        ck_integer_from_value(row->chunk, "refs", "chunk", &chunks, &to->chunk, err);
    }
    if (err->rc == SQLITE_OK) check_line(row->start_line, "start_line", err);
    if (err->rc == SQLITE_OK) check_line(row->end_line, "end_line", err);
    if (changed(row->start_line)) to->start_line = row->start_line;
    if (changed(row->end_line)) to->end_line = row->end_line;
    if (err->rc == SQLITE_OK && changed(row->workspace)) {
        resolve_workspace(store, row->workspace, &to->workspace, err);
    }
    if (err->rc == SQLITE_OK && changed(row->hash)) resolve_embedding(store, row->hash, to, err);
    if (err->rc == SQLITE_OK && path) intern_path(store, path, &to->path, err);
    return err->rc;
}

/* The embedding is in use: garbage collection's grace begins anew. */
static int freshen(CkStore *store, const Resolved *to, CkError *err) {
    int64_t now = ck_conn_now(store->conn);
    if (to->used_at < 0 || to->used_at >= now) return SQLITE_OK;
    return ck_stmt_run(store, CK_SQL_EMBEDDING_TOUCH, err, "ii", to->embedding, now);
}

static int taken(CkError *err) {
    /* The nested statement's own message speaks of a private table. */
    ck_error_release(err);
    return ck_error_set(err, SQLITE_CONSTRAINT_UNIQUE,
                        "refs: this (workspace, path, chunk) already has a ref (OR IGNORE keeps "
                        "it, OR REPLACE replaces it)");
}

int ck_ref_insert(CkStore *store, const CkRefRow *row, int replace, int64_t *id, CkError *err) {
    Resolved to;
    int exists = 0;
    memset(&to, 0, sizeof to);
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK) return err->rc;
    if (!exists) return refuse_without_store(row, err);
    if (resolve(store, row, &to, err) != SQLITE_OK) return err->rc;
    if (ck_ref_scans_detach(store, err) != SQLITE_OK) return err->rc;
    *id = CK_REF_ID(to.workspace, to.path, to.chunk);
    ck_stmt_run(store, replace ? CK_SQL_REF_PUT : CK_SQL_REF_INSERT, err, "iivv", *id,
                to.embedding, to.start_line, to.end_line);
    if ((err->rc & 0xff) == SQLITE_CONSTRAINT) return taken(err);
    if (err->rc == SQLITE_OK) freshen(store, &to, err);
    return err->rc;
}

int ck_ref_update(CkStore *store, int64_t old_id, const CkRefRow *row, int replace, int64_t *id,
                  CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_REF_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", old_id);
    int rc = ck_stmt_step(store, stmt, err);
    if (rc == SQLITE_ROW) {
        Resolved to = {old_id >> 43,
                       old_id >> 18 & CK_REF_PATH_MAX,
                       CK_REF_CHUNK(old_id),
                       sqlite3_column_int64(stmt, 1),
                       -1,
                       sqlite3_column_value(stmt, 2),
                       sqlite3_column_value(stmt, 3)};
        resolve(store, row, &to, err);
        *id = CK_REF_ID(to.workspace, to.path, to.chunk);
        if (err->rc == SQLITE_OK) ck_ref_scans_detach(store, err);
        if (err->rc == SQLITE_OK && replace && *id != old_id) {
            ck_stmt_run(store, CK_SQL_REF_DELETE, err, "i", *id);
        }
        if (err->rc == SQLITE_OK) {
            ck_stmt_run(store, CK_SQL_REF_UPDATE, err, "iiivv", old_id, *id, to.embedding,
                        to.start_line, to.end_line);
        }
        if ((err->rc & 0xff) == SQLITE_CONSTRAINT) taken(err);
        if (err->rc == SQLITE_OK) freshen(store, &to, err);
    } else if (rc == SQLITE_DONE) {
        ck_error_set(err, SQLITE_ERROR, "refs: row %lld is gone", (long long)old_id);
    }
    ck_stmt_give(store, CK_SQL_REF_GET, stmt);
    return err->rc;
}
