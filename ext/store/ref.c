/* Refs, writing: see ref.h. */
#include "store/ref.h"

#include <string.h>

#include "store/hits.h"
#include "store/ref_file.h"

/* What writing a ref says of its embedding: nothing, that it is still used, or used anew. */
typedef enum Use { NO_USE, SAME_USE, NEW_USE } Use;

/* A row after its names were looked up. */
typedef struct Resolved {
    CkRefFileIds file;
    int64_t chunk, embedding;
    Use use;
    sqlite3_value *start_line, *end_line;
} Resolved;

int ck_path_find(CkStore *store, const char *path, int64_t *id, int *found, CkError *err) {
    return ck_stmt_ints(store, CK_SQL_PATH_FIND, err, id, 1, found, "t", path);
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

static int not_stored(const uint8_t *hash, CkError *err) {
    char hex[2 * CK_HASH_BYTES + 1];
    for (int i = 0; i < CK_HASH_BYTES; i++) {
        sqlite3_snprintf(3, hex + 2 * i, "%02x", hash[i]);
    }
    return ck_error_set(err, SQLITE_ERROR, "refs: no embedding with hash %s is stored", hex);
}

/* Looks an embedding up by its hash. */
static int find_embedding(CkStore *store, const uint8_t *hash, Resolved *to, CkError *err) {
    int found = 0;
    ck_stmt_ints(store, CK_SQL_EMBEDDING_FIND_ID, err, &to->embedding, 1, &found, "b", hash,
                 CK_HASH_BYTES);
    to->use = NEW_USE;
    return err->rc != SQLITE_OK || found ? err->rc : not_stored(hash, err);
}

/*
** Reads the row of an update and looks up what it names; `to` holds the old row and keeps what is
** unchanged. A new path is interned last: it is the only write.
*/
static int resolve_update(CkStore *store, const CkRefRow *row, Resolved *to, CkError *err) {
    Names names = {0};
    if (read_row(row, &names, to, err) != SQLITE_OK) return err->rc;
    if ((names.workspace || names.path) &&
        ck_ref_file_find(store, names.workspace, names.path, &to->file, err) != SQLITE_OK) {
        return err->rc;
    }
    if (names.hash && find_embedding(store, names.hash, to, err) != SQLITE_OK) return err->rc;
    if (names.path && to->file.path == 0) {
        ck_ref_file_intern(store, names.path, &to->file.path, err);
    }
    return err->rc;
}

/*
** The embedding is in use: garbage collection's grace begins anew. For a ref that used it already
** a used_at of the last minute will do: what is indexed again and again is not written each time.
*/
static int freshen(CkStore *store, const Resolved *to, CkError *err) {
    int64_t now = ck_conn_now(store->conn);
    if (to->use == NO_USE) return SQLITE_OK;
    return ck_stmt_run(store, CK_SQL_EMBEDDING_FRESHEN, err, "iii", to->embedding, now,
                       to->use == NEW_USE ? now : now - CK_REF_FRESH_S);
}

static int taken(CkError *err) {
    /* The nested statement's own message speaks of a private table. */
    ck_error_release(err);
    return ck_error_set(err, SQLITE_CONSTRAINT_UNIQUE,
                        "refs: this (workspace, path, chunk) already has a ref (OR IGNORE keeps "
                        "it, OR REPLACE replaces it)");
}

/* What there is to know of the ref that OR REPLACE meets. */
typedef enum Present { ABSENT, OTHER, SAME } Present;

static int same_line(sqlite3_value *given, sqlite3_stmt *stmt, int column) {
    int type = sqlite3_column_type(stmt, column);
    if (!given || sqlite3_value_type(given) == SQLITE_NULL) return type == SQLITE_NULL;
    return type == SQLITE_INTEGER && sqlite3_column_int64(stmt, column) ==
                                         sqlite3_value_int64(given);
}

/*
** Reads the ref that has this id. If it is to the same hash, its embedding need not be looked up:
** hashes are random, and the neighbours of this ref's embedding are those of the last one's.
*/
static int read_present(CkStore *store, int64_t id, const uint8_t *hash, Resolved *to,
                        Present *present, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    *present = ABSENT;
    if (ck_stmt_take(store, CK_SQL_REF_PRESENT, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", id);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        *present = OTHER;
        if (sqlite3_column_bytes(stmt, 3) == CK_HASH_BYTES &&
            memcmp(sqlite3_column_blob(stmt, 3), hash, CK_HASH_BYTES) == 0) {
            to->embedding = sqlite3_column_int64(stmt, 0);
            to->use = SAME_USE;
            if (same_line(to->start_line, stmt, 1) && same_line(to->end_line, stmt, 2)) {
                *present = SAME;
            }
        }
    }
    ck_stmt_give(store, CK_SQL_REF_PRESENT, stmt);
    return err->rc;
}

/*
** OR REPLACE is an UPDATE or an INSERT: INSERT OR REPLACE into a table with an index opens a
** savepoint for every row, which journals the touched pages again (870 MB for 100K rows, not 14).
*/
static int write_ref(CkStore *store, int64_t id, const Resolved *to, Present present,
                     CkError *err) {
    if (present == SAME) return SQLITE_OK;
    return ck_stmt_run(store, present == OTHER ? CK_SQL_REF_SET : CK_SQL_REF_INSERT, err, "iivv",
                       id, to->embedding, to->start_line, to->end_line);
}

int ck_ref_insert(CkStore *store, const CkRefRow *row, int replace, int64_t *id, CkError *err) {
    Resolved to = {0};
    Names names = {0};
    Present present = ABSENT;
    if (read_row(row, &names, &to, err) != SQLITE_OK) return err->rc;
    ck_ref_file_find(store, names.workspace, names.path, &to.file, err);
    if (err->rc == SQLITE_OK && replace && to.file.path != 0) {
        *id = CK_REF_ID(to.file.workspace, to.file.path, to.chunk);
        read_present(store, *id, names.hash, &to, &present, err);
    }
    if (err->rc == SQLITE_OK && to.embedding == 0) find_embedding(store, names.hash, &to, err);
    if (err->rc == SQLITE_OK) ck_ref_scans_detach(store, err);
    if (err->rc == SQLITE_OK && to.file.path == 0) {
        ck_ref_file_intern(store, names.path, &to.file.path, err);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    ck_ref_file_remember(store, names.workspace, names.path, &to.file);
    *id = CK_REF_ID(to.file.workspace, to.file.path, to.chunk);
    write_ref(store, *id, &to, present, err);
    if (err->rc == SQLITE_OK && present != SAME) {
        ck_ref_touch(store, to.file.workspace, to.file.workspace, err);
    }
    if ((err->rc & 0xff) == SQLITE_CONSTRAINT) return taken(err);
    if (err->rc == SQLITE_OK) freshen(store, &to, err);
    if (err->rc == SQLITE_OK) ck_hits_flush(store, err);
    return err->rc;
}

int ck_ref_delete(CkStore *store, int64_t id, CkError *err) {
    ck_stmt_run(store, CK_SQL_REF_DELETE, err, "i", id);
    return err->rc == SQLITE_OK ? ck_ref_touch(store, id >> 43, id >> 43, err) : err->rc;
}

int ck_ref_update(CkStore *store, int64_t old_id, const CkRefRow *row, int replace, int64_t *id,
                  CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_REF_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", old_id);
    int rc = ck_stmt_step(store, stmt, err);
    if (rc == SQLITE_ROW) {
        Resolved to = {.file = {old_id >> 43, old_id >> 18 & CK_REF_PATH_MAX},
                       .chunk = CK_REF_CHUNK(old_id),
                       .embedding = sqlite3_column_int64(stmt, 1),
                       .start_line = sqlite3_column_value(stmt, 2),
                       .end_line = sqlite3_column_value(stmt, 3)};
        resolve_update(store, row, &to, err);
        *id = CK_REF_ID(to.file.workspace, to.file.path, to.chunk);
        if (err->rc == SQLITE_OK) ck_ref_scans_detach(store, err);
        if (err->rc == SQLITE_OK && replace && *id != old_id) {
            ck_stmt_run(store, CK_SQL_REF_DELETE, err, "i", *id);
        }
        if (err->rc == SQLITE_OK) {
            ck_stmt_run(store, CK_SQL_REF_UPDATE, err, "iiivv", old_id, *id, to.embedding,
                        to.start_line, to.end_line);
        }
        if ((err->rc & 0xff) == SQLITE_CONSTRAINT) taken(err);
        if (err->rc == SQLITE_OK) ck_ref_touch(store, old_id >> 43, to.file.workspace, err);
        if (err->rc == SQLITE_OK) freshen(store, &to, err);
    } else if (rc == SQLITE_DONE) {
        ck_error_set(err, SQLITE_ERROR, "refs: row %lld is gone", (long long)old_id);
    }
    ck_stmt_give(store, CK_SQL_REF_GET, stmt);
    return err->rc;
}
