/*
** The store as a whole: see store.h.
**
** The version is read again at every use, because another connection may have created or
** migrated the store, and a ROLLBACK may have removed it; the read is one step of a cached
** statement on a one-row table.
*/
#include "store/store.h"

#include "store/identity.h"

/*
** Migrations run in order inside the first write transaction that meets an older store:
** element v - 1 brings version v to v + 1. Version 1 is the first, so there are none yet.
*/
static const CkSqlId migrations[CK_SCHEMA_VERSION] = {CK_SQL_COUNT};

static int check_version(CkStore *store, int64_t version, CkError *err) {
    if (version >= 1 && version <= CK_SCHEMA_VERSION) return SQLITE_OK;
    return ck_error_set(err, SQLITE_ERROR,
                        "store '%s': schema version is %lld, this ck knows 1..%d; use a newer ck",
                        store->schema, (long long)version, CK_SCHEMA_VERSION);
}

/*
** A statement on _ck_meta failed. That may mean just that the table is not there, or no longer (a
** rolled-back creation), so the schema table is asked before the error is believed.
*/
static int explain_failure(CkStore *store, const CkError *failure, CkError *err) {
    int64_t one, version = 0;
    int found = 0;
    int primary = failure->rc & 0xff;
    CkError ignored = CK_ERROR_NONE;
    if (primary == SQLITE_ERROR || primary == SQLITE_SCHEMA) {
        ck_stmt_ints(store, CK_SQL_META_EXISTS, &ignored, &one, 1, &found, "");
        if (ignored.rc == SQLITE_OK && !found) return SQLITE_OK;
        if (ignored.rc != SQLITE_OK && (ignored.rc & 0xff) != SQLITE_ERROR) {
            *err = ignored; /* the schema cannot be read at all; the message moves along */
            return err->rc;
        }
        ck_error_release(&ignored);
        /* A newer store may lack what the statement names; then its version is the news. */
        ck_stmt_ints(store, CK_SQL_META_GET, &ignored, &version, 1, &found, "");
        ck_error_release(&ignored);
        if (found && check_version(store, version, err) != SQLITE_OK) return err->rc;
    }
    if (failure->rc == SQLITE_NOMEM) return ck_error_nomem(err);
    if (primary == SQLITE_INTERRUPT) return ck_error_set(err, failure->rc, "%s", failure->message);
    return ck_error_set(err, failure->rc, "store '%s': %s", store->schema, failure->message);
}

int ck_store_query(CkStore *store, CkSqlId id, sqlite3_stmt **stmt, CkError *err,
                   const char *format, ...) {
    CkError failure = CK_ERROR_NONE;
    int rc = ck_stmt_take(store, id, stmt, &failure);
    if (rc == SQLITE_OK) {
        va_list args;
        va_start(args, format);
        ck_stmt_vbind(*stmt, format, args);
        va_end(args);
        rc = ck_stmt_step(store, *stmt, &failure);
    }
    if (rc == SQLITE_DONE) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "store '%s': _ck_meta has no row 1", store->schema);
    } else if (rc == SQLITE_ROW) {
        check_version(store, sqlite3_column_int64(*stmt, 0), err);
    }
    if (rc != SQLITE_ROW || err->rc != SQLITE_OK) {
        ck_stmt_give(store, id, *stmt);
        *stmt = NULL;
    }
    if (failure.rc != SQLITE_OK) explain_failure(store, &failure, err);
    ck_error_release(&failure);
    return err->rc;
}

/* Reads version and seq. *version is 0 when the schema has no store. */
static int read_meta(CkStore *store, int64_t *version, int64_t *seq, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    *version = *seq = 0;
    if (ck_store_query(store, CK_SQL_META_GET, &stmt, err, "") == SQLITE_OK && stmt) {
        *version = sqlite3_column_int64(stmt, 0);
        *seq = sqlite3_column_int64(stmt, 1);
    }
    ck_stmt_give(store, CK_SQL_META_GET, stmt);
    return err->rc;
}

int ck_store_pin(CkStore *store, sqlite3_stmt **pin, int64_t *stamp, CkError *err) {
    *pin = NULL;
    ck_store_query(store, CK_SQL_META_GET, pin, err, "");
    *stamp = *pin ? sqlite3_column_int64(*pin, 2) : 0;
    return err->rc;
}

int ck_store_open_read(CkStore *store, int *exists, CkError *err) {
    int64_t version = 0, seq = 0;
    read_meta(store, &version, &seq, err);
    *exists = version != 0;
    return err->rc;
}

/* Runs a script of several statements, such as the schema. */
static int run_script(CkStore *store, CkSqlId id, CkError *err) {
    sqlite3 *db = store->conn->db;
    char *script = ck_store_sql(store, id);
    if (!script) return ck_error_nomem(err);
    int rc = sqlite3_exec(db, script, NULL, NULL, NULL);
    if (rc != SQLITE_OK) ck_error_db(err, db, rc);
    sqlite3_free(script);
    return err->rc;
}

/* A random (version 4) UUID. */
void ck_uuid_make(char uuid[CK_UUID_BYTES]) {
    uint8_t r[16];
    sqlite3_randomness(sizeof r, r);
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    sqlite3_snprintf(CK_UUID_BYTES, uuid,
                     "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0],
                     r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12],
                     r[13], r[14], r[15]);
}

static int create(CkStore *store, CkError *err) {
    char uuid[CK_UUID_BYTES];
    ck_uuid_make(uuid);
    if (run_script(store, CK_SQL_SCHEMA_CREATE, err) != SQLITE_OK) return err->rc;
    return ck_stmt_run(store, CK_SQL_META_CREATE, err, "itiit", (int64_t)CK_SCHEMA_VERSION, uuid,
                       ck_conn_now(store->conn), ck_identity_inode(store), ck_identity_user());
}

static int migrate(CkStore *store, int64_t version, CkError *err) {
    for (; version < CK_SCHEMA_VERSION; version++) {
        if (run_script(store, migrations[version - 1], err) != SQLITE_OK) return err->rc;
        ck_stmt_run(store, CK_SQL_META_SET_VERSION, err, "i", version + 1);
    }
    return err->rc;
}

int ck_store_open_write(CkStore *store, CkError *err) {
    int64_t version = 0, seq = 0;
    if (read_meta(store, &version, &seq, err) != SQLITE_OK) return err->rc;
    if (version == 0) return create(store, err);
    return migrate(store, version, err);
}

int ck_store_set_seq(CkStore *store, int64_t seq, CkError *err) {
    if (ck_identity_check(store, err) != SQLITE_OK) return err->rc;
    /* At or below its own row: that was rolled back. */
    if (store->writer_seq == 0 || seq <= store->writer_seq) {
        ck_stmt_run(store, CK_SQL_WRITER_ADD, err, "i", seq);
        if (err->rc != SQLITE_OK) return err->rc;
        store->writer_seq = seq;
    }
    return ck_stmt_run(store, CK_SQL_META_SET_SEQ, err, "i", seq);
}
