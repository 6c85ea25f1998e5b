/* Syncing: see sync.h. */
#include "store/sync.h"

#include <string.h>

#include "store/stored_vector.h"
#include "store/sync_session.h"

#define PARTS_MAX 4

typedef int (*Part)(CkSyncSession *session, CkError *err);

/* The parts of a session, one after the other, up to the first NULL. */
static int run(CkStore *store, const char *remote, CkSyncUse use, const Part parts[PARTS_MAX],
               CkSyncSummary *summary, CkError *err) {
    CkSyncSession session;
    session.summary = summary;
    ck_sync_session_open(&session, store, remote, use, err);
    for (int i = 0; i < PARTS_MAX && parts[i] && err->rc == SQLITE_OK; i++) parts[i](&session, err);
    return ck_sync_session_close(&session, err);
}

int ck_sync_push(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err) {
    static const Part parts[PARTS_MAX] = {ck_sync_session_push, ck_sync_session_report};
    return run(store, remote, CK_SYNC_PUSHES, parts, summary, err);
}

int ck_sync_pull_all(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err) {
    static const Part parts[PARTS_MAX] = {ck_sync_session_pull};
    return run(store, remote, CK_SYNC_PULLS, parts, summary, err);
}

/* A remote to which nothing is pushed is only pulled from. */
static int push_if_wanted(CkSyncSession *session, CkError *err) {
    return session->remote.push ? ck_sync_session_push(session, err) : SQLITE_OK;
}

/* What was pushed is in the mirror, too. */
static int pull_for_mirror(CkSyncSession *session, CkError *err) {
    return session->remote.mirror && session->changed ? ck_sync_session_pull(session, err)
                                                      : SQLITE_OK;
}

int ck_sync_both(CkStore *store, const char *remote, CkSyncSummary *summary, CkError *err) {
    static const Part parts[PARTS_MAX] = {ck_sync_session_pull, push_if_wanted, pull_for_mirror,
                                          ck_sync_session_report};
    return run(store, remote, CK_SYNC_PULLS_AND_PUSHES, parts, summary, err);
}

int ck_sync_pull_hashes(CkStore *store, const char *remote, CkHashes hashes,
                        CkSyncSummary *summary, CkError *err) {
    CkSyncSession session;
    session.summary = summary;
    if (ck_sync_session_open(&session, store, remote, CK_SYNC_PULLS, err) == SQLITE_OK) {
        ck_sync_session_get(&session, hashes, err);
    }
    return ck_sync_session_close(&session, err);
}

int ck_sync_lacking(CkStore *store, CkBuf *hashes, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int exists = 0;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    if (ck_stmt_take(store, CK_SQL_SYNC_REFERENCED, &stmt, err) != SQLITE_OK) return err->rc;
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        CkStoredVector stored;
        ck_stored_vector_from_row(stmt, 1, &stored);
        if (stored.data && ck_stored_vector_checksum(&stored) == stored.checksum) continue;
        if (sqlite3_column_bytes(stmt, 0) != CK_HASH_BYTES) continue;
        ck_buf_append(hashes, sqlite3_column_blob(stmt, 0), CK_HASH_BYTES);
        if (hashes->rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(store, CK_SQL_SYNC_REFERENCED, stmt);
    return err->rc;
}

/* One remote of several; what it does wrong is written down by its session and forgotten here. */
static int ask(CkStore *store, const char *name, CkHashes hashes, CkSyncSummary *summary,
               CkError *err) {
    CkError own = CK_ERROR_NONE;
    ck_sync_pull_hashes(store, name, hashes, summary, &own);
    if (own.rc == SQLITE_NOMEM || own.rc == SQLITE_INTERRUPT) {
        ck_error_set(err, own.rc, "ck_pull: interrupted");
    } else if (own.rc != SQLITE_OK) {
        summary->unreachable++;
    }
    ck_error_release(&own);
    return err->rc;
}

/* The names of the remotes that may be asked, each terminated. */
static int read_names(CkStore *store, CkBuf *names, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_SYNC_REMOTES, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", ck_conn_now(store->conn));
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        if (name) ck_buf_append(names, name, strlen(name) + 1);
    }
    ck_stmt_give(store, CK_SQL_SYNC_REMOTES, stmt);
    return names->rc == SQLITE_OK ? err->rc : ck_error_nomem(err);
}

int ck_sync_pull_anywhere(CkStore *store, CkHashes hashes, CkSyncSummary *summary, CkError *err) {
    CkBuf names, missing;
    int exists = 0;
    ck_buf_init(&names);
    ck_buf_init(&missing);
    if (ck_store_open_read(store, &exists, err) == SQLITE_OK && exists) {
        read_names(store, &names, err);
    }
    ck_sync_append_unreadable(store, hashes, &missing, err);
    for (size_t at = 0; at < names.n_bytes && missing.n_bytes > 0 && err->rc == SQLITE_OK;) {
        const char *name = (const char *)names.data + at;
        at += strlen(name) + 1;
        if (ask(store, name, hashes, summary, err) != SQLITE_OK) break;
        ck_buf_clear(&missing);
        ck_sync_append_unreadable(store, hashes, &missing, err);
    }
    summary->missing = (int64_t)(missing.n_bytes / CK_HASH_BYTES);
    ck_buf_release(&names);
    ck_buf_release(&missing);
    return err->rc;
}
