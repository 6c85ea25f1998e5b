/* Refs, writing: see ref.h. */
#include "store/ref.h"

#include <string.h>

#include "store/hits.h"

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

static int changed(sqlite3_value *value) {
    return value && !sqlite3_value_nochange(value);
}

/* What a row says, checked but not looked up; NULL is what an update leaves as it is. */
typedef struct Names {
    const char *workspace, *path;
    const uint8_t *hash;
    uint8_t hash_bytes[CK_HASH_BYTES];
} Names;

static int check_line(sqlite3_value *value, const char *what, CkError *err) {
    static const CkRange lines = {0, INT32_MAX};
    int64_t ignored;
    if (err->rc != SQLITE_OK || !ck_value_given(value)) return err->rc;
    return ck_integer_from_value(value, "refs", what, &lines, &ignored, err);
}

static int read_row(const CkRefRow *row, Names *names, Resolved *to, CkError *err) {
    static const CkRange chunks = {0, CK_REF_CHUNK_MAX};
    if (changed(row->workspace)) {
        ck_text_from_value(row->workspace, "refs", "workspace", CK_NAME_MAX, &names->workspace,
                           err);
    }
    if (err->rc == SQLITE_OK && changed(row->path)) {
        ck_text_from_value(row->path, "refs", "path", CK_PATH_MAX_BYTES, &names->path, err);
    }
    if (err->rc == SQLITE_OK && changed(row->chunk)) {
        ck_integer_from_value(row->chunk, "refs", "chunk", &chunks, &to->chunk, err);
    }
    check_line(row->start_line, "start_line", err);
    check_line(row->end_line, "end_line", err);
    if (changed(row->start_line)) to->start_line = row->start_line;
    if (changed(row->end_line)) to->end_line = row->end_line;
    if (err->rc == SQLITE_OK && changed(row->hash) &&
        ck_hash_from_value(row->hash, "refs", names->hash_bytes, err) == SQLITE_OK) {
        names->hash = names->hash_bytes;
    }
    return err->rc;
}

static int not_registered(const char *workspace, CkError *err) {
    return ck_error_set(err, SQLITE_ERROR,
                        "refs: workspace '%s' is not registered (INSERT INTO workspaces(name))",
                        workspace);
}

static int not_stored(const uint8_t *hash, CkError *err) {
    char hex[2 * CK_HASH_BYTES + 1];
    for (int i = 0; i < CK_HASH_BYTES; i++) {
        sqlite3_snprintf(3, hex + 2 * i, "%02x", hash[i]);
    }
    return ck_error_set(err, SQLITE_ERROR, "refs: no embedding with hash %s is stored", hex);
}

/*
** Reads a row and looks up what it names; `to` holds the old row of an update and keeps what is
** unchanged. A new path is interned last: it is the only write.
*/
static int resolve(CkStore *store, const CkRefRow *row, Resolved *to, CkError *err) {
    Names names = {0};
    sqlite3_stmt *stmt = NULL;
    int new_path = 0;
    if (read_row(row, &names, to, err) != SQLITE_OK) return err->rc;
    if (ck_store_query(store, CK_SQL_REF_INSERT_READ, &stmt, err, "ttb", names.workspace,
                       names.path, names.hash, CK_HASH_BYTES) != SQLITE_OK) {
        return err->rc;
    }
    if (!stmt) return not_registered(names.workspace, err);
    if (names.workspace) {
        to->workspace = sqlite3_column_int64(stmt, 1);
        if (to->workspace == 0) not_registered(names.workspace, err);
    }
    if (names.path) {
        to->path = sqlite3_column_int64(stmt, 2);
        new_path = to->path == 0;
    }
    if (names.hash) {
        to->embedding = sqlite3_column_int64(stmt, 3);
        to->used_at = sqlite3_column_int64(stmt, 4);
        if (to->embedding == 0) not_stored(names.hash, err);
    }
    ck_stmt_give(store, CK_SQL_REF_INSERT_READ, stmt);
    if (err->rc == SQLITE_OK && new_path) intern_path(store, names.path, &to->path, err);
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
    memset(&to, 0, sizeof to);
    if (resolve(store, row, &to, err) != SQLITE_OK) return err->rc;
    if (ck_ref_scans_detach(store, err) != SQLITE_OK) return err->rc;
    *id = CK_REF_ID(to.workspace, to.path, to.chunk);
    if (replace) {
        ck_stmt_run(store, CK_SQL_REF_SET, err, "iivv", *id, to.embedding, to.start_line,
                    to.end_line);
    }
    if (err->rc == SQLITE_OK && !(replace && sqlite3_changes(store->conn->db) > 0)) {
        ck_stmt_run(store, CK_SQL_REF_INSERT, err, "iivv", *id, to.embedding, to.start_line,
                    to.end_line);
    }
    if ((err->rc & 0xff) == SQLITE_CONSTRAINT) return taken(err);
    if (err->rc == SQLITE_OK) freshen(store, &to, err);
    if (err->rc == SQLITE_OK) ck_hits_flush(store, CK_HITS_BATCH, err);
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
