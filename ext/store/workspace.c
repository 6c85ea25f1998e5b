/* Workspaces: see workspace.h. */
#include "store/workspace.h"

#include <string.h>

#include "store/hits.h"
#include "store/mirror.h"
#include "store/ref.h"
#include "store/ref_file.h"

int ck_workspace_find(CkStore *store, const char *name, int64_t *id, int *found, CkError *err) {
    return ck_stmt_ints(store, CK_SQL_WORKSPACE_FIND, err, id, 1, found, "t", name);
}

/* The attributes of a row after defaults: what is written. */
typedef struct Attributes {
    const char *name, *uuid, *root, *host;
    int64_t last_seen, pinned;
    sqlite3_value *expires_at; /* kept as a value: it may be NULL */
} Attributes;

/* TEXT, or NULL to clear. */
static int read_text(sqlite3_value *value, const char *what, const char **text, CkError *err) {
    if (!value || err->rc != SQLITE_OK) return err->rc;
    *text = NULL;
    if (sqlite3_value_type(value) == SQLITE_NULL) return SQLITE_OK;
    return ck_text_from_value(value, "workspaces", what, CK_PATH_MAX_BYTES, text, err);
}

static int read_integer(sqlite3_value *value, const char *what, const CkRange *range, int64_t *to,
                        CkError *err) {
    if (!value || err->rc != SQLITE_OK) return err->rc;
    return ck_integer_from_value(value, "workspaces", what, range, to, err);
}

/* Overwrites the attributes that the row gives. */
static int read_row(const CkWorkspaceRow *row, Attributes *to, CkError *err) {
    static const CkRange any_time = {0, INT64_MAX}, boolean = {0, 1};
    int64_t ignored;
    if (row->name) {
        ck_text_from_value(row->name, "workspaces", "name", CK_NAME_MAX, &to->name, err);
    }
    if (row->uuid && err->rc == SQLITE_OK) {
        ck_text_from_value(row->uuid, "workspaces", "uuid", CK_NAME_MAX, &to->uuid, err);
    }
    read_text(row->root, "root", &to->root, err);
    read_text(row->host, "host", &to->host, err);
    read_integer(row->last_seen, "last_seen", &any_time, &to->last_seen, err);
    read_integer(row->pinned, "pinned", &boolean, &to->pinned, err);
    if (row->expires_at) {
        to->expires_at = row->expires_at;
        if (sqlite3_value_type(row->expires_at) != SQLITE_NULL) {
            read_integer(row->expires_at, "expires_at", &any_time, &ignored, err);
        }
    }
    return err->rc;
}

/* Refuses a name or uuid that another workspace than `id` has; *other is that one, or 0. */
static int check_free(CkStore *store, const Attributes *a, int64_t id, int64_t *other,
                      CkError *err) {
    int found = 0;
    if (ck_workspace_find(store, a->name, other, &found, err) != SQLITE_OK) return err->rc;
    if (found && *other != id) {
        return ck_error_set(err, SQLITE_CONSTRAINT_UNIQUE,
                            "workspaces: '%s' is already registered", a->name);
    }
    ck_stmt_ints(store, CK_SQL_WORKSPACE_FIND_UUID, err, other, 1, &found, "t", a->uuid);
    if (err->rc == SQLITE_OK && found && *other != id) {
        *other = 0;
        ck_error_set(err, SQLITE_CONSTRAINT_UNIQUE,
                     "workspaces: uuid '%s' belongs to another workspace", a->uuid);
    }
    return err->rc;
}

/* The next free id: one above the largest, or the first gap once the ids are used up. */
static int next_id(CkStore *store, int64_t *id, CkError *err) {
    int found = 0;
    ck_stmt_ints(store, CK_SQL_WORKSPACE_MAX_ID, err, id, 1, &found, "");
    if (err->rc != SQLITE_OK || ++*id <= CK_REF_WORKSPACE_MAX) return err->rc;
    ck_stmt_ints(store, CK_SQL_WORKSPACE_GAP_ID, err, id, 1, &found, "");
    if (err->rc == SQLITE_OK && (!found || *id > CK_REF_WORKSPACE_MAX)) {
        ck_error_set(err, SQLITE_FULL, "workspaces: the limit of %d is reached",
                     CK_REF_WORKSPACE_MAX);
    }
    return err->rc;
}

int ck_workspace_insert(CkStore *store, const CkWorkspaceRow *row, int64_t *id, CkError *err) {
    char uuid[CK_UUID_BYTES];
    int64_t now = ck_conn_now(store->conn);
    int exists = 0;
    Attributes a = {.uuid = uuid, .last_seen = now};
    *id = 0;
    ck_uuid_make(uuid);
    if (!row->name) {
        return ck_error_set(err, SQLITE_ERROR, "workspaces: name must be TEXT, got NULL");
    }
    if (read_row(row, &a, err) != SQLITE_OK) return err->rc;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK) return err->rc;
    if (exists && check_free(store, &a, 0, id, err) != SQLITE_OK) return err->rc;
    if (ck_store_open_write(store, err) != SQLITE_OK) return err->rc;
    if (next_id(store, id, err) != SQLITE_OK) return err->rc;
    ck_stmt_run(store, CK_SQL_WORKSPACE_INSERT, err, "ittttiivi", *id, a.name, a.uuid, a.root,
                a.host, now, a.last_seen, a.expires_at, a.pinned);
    return err->rc == SQLITE_OK ? ck_hits_flush_all(store, err) : err->rc;
}

/* The stored attributes; the texts live as long as the statement is not stepped. */
static int current(sqlite3_stmt *stmt, Attributes *a) {
    a->name = (const char *)sqlite3_column_text(stmt, 1);
    a->uuid = (const char *)sqlite3_column_text(stmt, 2);
    a->root = (const char *)sqlite3_column_text(stmt, 3);
    a->host = (const char *)sqlite3_column_text(stmt, 4);
    a->last_seen = sqlite3_column_int64(stmt, 6);
    a->expires_at = sqlite3_column_value(stmt, 7);
    a->pinned = sqlite3_column_int64(stmt, 8);
    return a->name && a->uuid;
}

int ck_workspace_update(CkStore *store, int64_t id, const CkWorkspaceRow *row, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int64_t other;
    Attributes a = {0};
    if (ck_stmt_take(store, CK_SQL_WORKSPACE_SCAN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ii", id, id);
    int rc = ck_stmt_step(store, stmt, err);
    if (rc == SQLITE_DONE) {
        ck_error_set(err, SQLITE_ERROR, "workspaces: row %lld is gone", (long long)id);
    } else if (rc == SQLITE_ROW && !current(stmt, &a)) {
        ck_error_nomem(err);
    }
    if (err->rc == SQLITE_OK && read_row(row, &a, err) == SQLITE_OK &&
        check_free(store, &a, id, &other, err) == SQLITE_OK) {
        if (row->name) ck_ref_file_forget(store);
        ck_stmt_run(store, CK_SQL_WORKSPACE_UPDATE, err, "ittttivii", id, a.name, a.uuid, a.root,
                    a.host, a.last_seen, a.expires_at, a.pinned,
                    (int64_t)(row->last_seen != NULL));
        if (err->rc == SQLITE_OK) ck_hits_flush_all(store, err);
    }
    ck_stmt_give(store, CK_SQL_WORKSPACE_SCAN, stmt);
    return err->rc;
}

int ck_workspace_count_refs(CkStore *store, int64_t id, int64_t *n, CkError *err) {
    int found;
    *n = 0;
    return ck_stmt_ints(store, CK_SQL_WORKSPACE_REFS, err, n, 1, &found, "ii",
                        CK_REF_FIRST(id), CK_REF_LAST(id));
}

int ck_workspace_release(CkStore *store, int64_t id, CkError *err) {
    const int64_t max = CK_RELEASE_INLINE_REFS;
    int64_t one;
    int has_more = 0;
    ck_stmt_ints(store, CK_SQL_WORKSPACE_HAS_MORE_REFS, err, &one, 1, &has_more, "iii",
                 CK_REF_FIRST(id), CK_REF_LAST(id), max);
    if (err->rc != SQLITE_OK) return err->rc;
    if (has_more) return ck_workspace_mark_released(store, id, err);
    ck_ref_file_forget(store);
    if (ck_mirror_lose(store, id, err) != SQLITE_OK) return err->rc;
    ck_stmt_run(store, CK_SQL_REF_SWEEP, err, "iii", CK_REF_FIRST(id), CK_REF_LAST(id), max);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_WORKSPACE_DELETE, err, "i", id);
    return err->rc;
}

int ck_workspace_mark_released(CkStore *store, int64_t id, CkError *err) {
    ck_ref_file_forget(store);
    if (ck_mirror_lose(store, id, err) != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_WORKSPACE_RELEASE, err, "i", id);
}

int ck_workspace_sweep(CkStore *store, int64_t max, int64_t *n_swept, int *done, CkError *err) {
    int64_t id;
    int found = 0;
    *n_swept = 0;
    ck_stmt_ints(store, CK_SQL_WORKSPACE_RELEASED, err, &id, 1, &found, "");
    *done = !found;
    if (err->rc != SQLITE_OK || !found) return err->rc;
    ck_stmt_run(store, CK_SQL_REF_SWEEP, err, "iii", CK_REF_FIRST(id), CK_REF_LAST(id), max);
    if (err->rc != SQLITE_OK) return err->rc;
    *n_swept = sqlite3_changes(store->conn->db);
    if (*n_swept == max) return SQLITE_OK;
    return ck_stmt_run(store, CK_SQL_WORKSPACE_DELETE, err, "i", id);
}

int ck_workspace_usage(CkStore *store, int64_t id, CkWorkspaceUsage *usage, CkError *err) {
    int64_t row[3] = {0, 0, 0};
    int found = 0;
    if (ck_workspace_count_refs(store, id, &usage->refs, err) != SQLITE_OK) return err->rc;
    ck_stmt_ints(store, CK_SQL_WORKSPACE_USAGE, err, row, 3, &found, "ii", CK_REF_FIRST(id),
                 CK_REF_LAST(id));
    usage->embeddings = row[0];
    usage->bytes = row[1];
    usage->shared_bytes = row[2];
    return err->rc;
}
