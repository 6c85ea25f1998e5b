/*
** Repairs: see doctor.h.
**
** A repair restores what must hold from what is there; it invents nothing. An embedding whose
** vector is damaged or missing goes with its refs, so that the next index run finds it missing and
** embeds it again.
*/
#include <string.h>

#include "store/doctor.h"
#include "store/embedding.h"
#include "store/idset.h"
#include "store/log.h"
#include "store/ref_file.h"

/* Runs a writing statement and adds the rows it changed. */
static int change(CkStore *store, CkSqlId sql, int64_t argument, int64_t *n, CkError *err) {
    if (err->rc != SQLITE_OK) return err->rc;
    if (ck_stmt_run(store, sql, err, "i", argument) == SQLITE_OK) {
        *n += sqlite3_changes(store->conn->db);
    }
    return err->rc;
}

static int repair_refs(CkStore *store, int64_t *n, CkError *err) {
    return change(store, CK_SQL_REPAIR_REFS, 0, n, err);
}

static int repair_vectors(CkStore *store, int64_t *n, CkError *err) {
    change(store, CK_SQL_REPAIR_VECTORS_REFS, 0, n, err);
    change(store, CK_SQL_REPAIR_VECTORS_EMBEDDINGS, 0, n, err);
    return change(store, CK_SQL_REPAIR_VECTORS_VECTORS, 0, n, err);
}

static int drop_all(CkStore *store, const CkIdSet *ids, int64_t *n, CkError *err) {
    const int64_t *id = ck_idset_ids(ids);
    for (size_t i = 0; i < ck_idset_count(ids) && err->rc == SQLITE_OK; i++) {
        int has_refs = 1;
        if (ck_embedding_drop(store, &id[i], &has_refs, 1, err) == SQLITE_OK) *n += 1;
    }
    return err->rc;
}

/* Ids of the embeddings whose hash is that of another one. */
static int find_double(CkStore *store, CkIdSet *ids, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_REPAIR_HASHES_DOUBLE, &stmt, err) != SQLITE_OK) return err->rc;
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        ck_idset_add(ids, sqlite3_column_int64(stmt, 0), err);
    }
    ck_stmt_give(store, CK_SQL_REPAIR_HASHES_DOUBLE, stmt);
    return err->rc;
}

static int repair_hashes(CkStore *store, int64_t *n, CkError *err) {
    int64_t n_refs = 0;
    CkIdSet ids;
    ck_idset_init(&ids);
    change(store, CK_SQL_REPAIR_HASHES_WRONG, 0, n, err);
    change(store, CK_SQL_REPAIR_HASHES_MISSING, 0, n, err);
    change(store, CK_SQL_REPAIR_HASHES_REFS, 0, &n_refs, err);
    if (err->rc == SQLITE_OK && find_double(store, &ids, err) == SQLITE_OK) {
        drop_all(store, &ids, n, err);
    }
    ck_idset_release(&ids);
    return err->rc;
}

/* Ids of the damaged vectors; read to the end before the first is deleted. */
static int find_damaged(CkStore *store, CkIdSet *ids, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_DOCTOR_CHECKSUMS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", (int64_t)1);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        if (ck_doctor_is_damaged(stmt)) ck_idset_add(ids, id, err);
    }
    ck_stmt_give(store, CK_SQL_DOCTOR_CHECKSUMS, stmt);
    return err->rc;
}

static int repair_checksums(CkStore *store, int64_t *n, CkError *err) {
    CkIdSet ids;
    ck_idset_init(&ids);
    if (find_damaged(store, &ids, err) == SQLITE_OK) drop_all(store, &ids, n, err);
    ck_idset_release(&ids);
    return err->rc;
}

static int repair_bytes(CkStore *store, int64_t *n, CkError *err) {
    return change(store, CK_SQL_REPAIR_BYTES, 0, n, err);
}

static int repair_seq(CkStore *store, int64_t *n, CkError *err) {
    change(store, CK_SQL_REPAIR_SEQ, 0, n, err);
    change(store, CK_SQL_REPAIR_SEQ_TWICE, 0, n, err);
    return change(store, CK_SQL_REPAIR_SEQ, 0, n, err);
}

static int repair_clock(CkStore *store, int64_t *n, CkError *err) {
    int64_t now = ck_conn_now(store->conn);
    change(store, CK_SQL_REPAIR_CLOCK_EMBEDDINGS, now, n, err);
    return change(store, CK_SQL_REPAIR_CLOCK_WORKSPACES, now, n, err);
}

static int repair_workspaces(CkStore *store, int64_t *n, CkError *err) {
    return change(store, CK_SQL_REPAIR_NAMELESS, 0, n, err);
}

static int repair_config(CkStore *store, int64_t *n, CkError *err) {
    return change(store, CK_SQL_REPAIR_CONFIG, 0, n, err);
}

static int repair_paths(CkStore *store, int64_t *n, CkError *err) {
    ck_ref_file_forget(store);
    return change(store, CK_SQL_REPAIR_PATHS, 0, n, err);
}

static int repair_progress(CkStore *store, int64_t *n, CkError *err) {
    return change(store, CK_SQL_REPAIR_PROGRESS, ck_conn_now(store->conn) - CK_PROGRESS_DEAD_S, n,
                  err);
}

/* The rebuilding follows in transactions of its own, see ck_repair(). */
static int repair_index(CkStore *store, int64_t *n, CkError *err) {
    change(store, CK_SQL_REPAIR_INDEX, 0, n, err);
    change(store, CK_SQL_REPAIR_INDEX_GRAPHS, 0, n, err);
    change(store, CK_SQL_REPAIR_INDEX_BLOCKS, 0, n, err);
    change(store, CK_SQL_REPAIR_INDEX_DATA, 0, n, err);
    change(store, CK_SQL_REPAIR_INDEX_TAIL, 0, n, err);
    change(store, CK_SQL_REPAIR_INDEX_STALE, 0, n, err);
    return ck_errors_remove(store, "index", "damaged", err);
}

static int repair_schema(CkStore *store, int64_t *n, CkError *err) {
    CkSchemaDiff diff;
    int64_t n_ignored = 0;
    ck_doctor_compare_schema(store, 1, &diff, err);
    *n = diff.n_made;
    /* One of its tables may have been made empty: rather none than an index that lacks a part. */
    if (err->rc == SQLITE_OK && diff.n_made > 0) repair_index(store, &n_ignored, err);
    return err->rc;
}

static const struct {
    const char *check;
    int (*run)(CkStore *store, int64_t *n_fixed, CkError *err);
} repairs[] = {
    {"schema", repair_schema},         {"refs", repair_refs},
    {"vectors", repair_vectors},       {"hashes", repair_hashes},
    {"checksums", repair_checksums},   {"bytes", repair_bytes},
    {"seq", repair_seq},               {"clock", repair_clock},
    {"workspaces", repair_workspaces}, {"config", repair_config},
    {"paths", repair_paths},           {"progress", repair_progress},
    {"index", repair_index},
};

int ck_doctor_repair(CkStore *store, const char *check, int64_t *n_fixed, CkError *err) {
    *n_fixed = 0;
    for (size_t i = 0; i < sizeof repairs / sizeof *repairs; i++) {
        if (strcmp(repairs[i].check, check) != 0) continue;
        if (repairs[i].run(store, n_fixed, err) != SQLITE_OK) return err->rc;
        /* What connections remember of the store may be of rows that are no more. */
        ck_ref_file_forget(store);
        ck_stmt_run(store, CK_SQL_META_TOUCH, err, "");
        if (ck_stmt_run(store, CK_SQL_WORKSPACE_TOUCH_ALL, err, "") != SQLITE_OK) return err->rc;
        return ck_audit_add(store, "repair", err, "{\"check\":\"%s\",\"rows\":%lld}", check,
                            (long long)*n_fixed);
    }
    return ck_error_set(err, SQLITE_ERROR,
                        "ck_repair: '%s' cannot be repaired; 'schema', 'refs', 'vectors', "
                        "'hashes', 'checksums', 'bytes', 'seq', 'clock', 'workspaces', 'config', "
                        "'index', 'paths' and 'progress' can",
                        check);
}
