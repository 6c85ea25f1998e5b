/* Connection state and statements: see conn.h. */
#include "store/conn.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/index.h"
#include "store/model_list.h"
#include "store/workspace_set.h"

int ck_conn_new(sqlite3 *db, CkConn **out, CkError *err) {
    CkConn *conn = sqlite3_malloc64(sizeof *conn);
    *out = NULL;
    if (!conn) return ck_error_nomem(err);
    memset(conn, 0, sizeof *conn);
    conn->db = db;
    conn->n_refs = 1;
    ck_buf_init(&conn->scratch);
    ck_key_hasher_init(&conn->hasher);
    if (ck_codec_new(&conn->codec, err) != SQLITE_OK) {
        ck_conn_release(conn);
        return err->rc;
    }
    const char *plan = getenv(CK_PLAN_VARIABLE);
    sqlite3_snprintf(sizeof conn->plan, conn->plan, "%s", plan ? plan : "");
    sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &conn->vfs);
    if (!conn->vfs) conn->vfs = sqlite3_vfs_find(NULL);
    *out = conn;
    return SQLITE_OK;
}

CkConn *ck_conn_retain(CkConn *conn) {
    conn->n_refs++;
    return conn;
}

void ck_conn_release(void *arg) {
    CkConn *conn = arg;
    if (!conn || --conn->n_refs > 0) return;
    ck_conn_unanchor(conn);
    while (conn->stores) {
        CkStore *store = conn->stores;
        conn->stores = store->next;
        ck_index_free_all(store);
        ck_model_list_free(store);
        ck_workspace_sets_free(store);
        sqlite3_free(store->schema);
        sqlite3_free(store);
    }
    ck_codec_free(conn->codec);
    ck_buf_release(&conn->scratch);
    sqlite3_free(conn);
}

void ck_conn_unanchor(CkConn *conn) {
    conn->anchored = 0;
    for (CkStore *store = conn->stores; store; store = store->next) {
        for (int i = 0; i < CK_SQL_COUNT; i++) {
            sqlite3_finalize(store->idle[i]);
            store->idle[i] = NULL;
        }
    }
}

int64_t ck_conn_now(CkConn *conn) {
    sqlite3_int64 ms = 0; /* since noon of 24 November 4714 BC, the Julian day epoch */
    if (conn->vfs->iVersion >= 2 && conn->vfs->xCurrentTimeInt64) {
        conn->vfs->xCurrentTimeInt64(conn->vfs, &ms);
    } else {
        double days = 0;
        conn->vfs->xCurrentTime(conn->vfs, &days);
        ms = (sqlite3_int64)(days * 86400000.0);
    }
    return ms / 1000 - 210866760000;
}

CkStore *ck_conn_store(CkConn *conn, const char *schema) {
    for (CkStore *store = conn->stores; store; store = store->next) {
        if (sqlite3_stricmp(store->schema, schema) == 0) return store;
    }
    CkStore *store = sqlite3_malloc64(sizeof *store);
    if (!store) return NULL;
    memset(store, 0, sizeof *store);
    store->conn = conn;
    store->schema = sqlite3_mprintf("%s", schema);
    if (!store->schema) {
        sqlite3_free(store);
        return NULL;
    }
    store->next = conn->stores;
    conn->stores = store;
    return store;
}

/* Connects the anchor table, so that SQLite tells us when the connection is being closed. */
static int anchor(CkConn *conn, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(conn->db, "SELECT 1 FROM _ck_anchor", -1, &stmt, NULL);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK) return ck_error_db(err, conn->db, rc);
    conn->anchored = 1;
    return SQLITE_OK;
}

char *ck_store_sql(const CkStore *store, CkSqlId id) {
    const char *text = ck_sql[id].text;
    sqlite3_str *out = sqlite3_str_new(store->conn->db);
    const char *at;
    while ((at = strstr(text, "main.")) != NULL) {
        sqlite3_str_append(out, text, (int)(at - text));
        sqlite3_str_appendf(out, "\"%w\".", store->schema);
        text = at + 5;
    }
    sqlite3_str_appendall(out, text);
    return sqlite3_str_finish(out);
}

int ck_stmt_take(CkStore *store, CkSqlId id, sqlite3_stmt **stmt, CkError *err) {
    *stmt = store->idle[id];
    store->idle[id] = NULL;
    if (*stmt) return SQLITE_OK;
    CkConn *conn = store->conn;
    if (!conn->anchored && anchor(conn, err) != SQLITE_OK) return err->rc;
    char *text = ck_store_sql(store, id);
    if (!text) return ck_error_nomem(err);
    int rc = sqlite3_prepare_v3(conn->db, text, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    sqlite3_free(text);
    if (rc != SQLITE_OK) return ck_error_db(err, conn->db, rc);
    return SQLITE_OK;
}

int ck_stmt_prepare(CkStore *store, const CkSqlId *ids, size_t n, CkError *err) {
    for (size_t i = 0; i < n; i++) {
        sqlite3_stmt *stmt = NULL;
        if (ck_stmt_take(store, ids[i], &stmt, err) != SQLITE_OK) return err->rc;
        ck_stmt_give(store, ids[i], stmt);
    }
    return SQLITE_OK;
}

void ck_stmt_give(CkStore *store, CkSqlId id, sqlite3_stmt *stmt) {
    if (!stmt) return;
    sqlite3_reset(stmt);
    if (store->idle[id] || !store->conn->anchored) {
        sqlite3_finalize(stmt);
        return;
    }
    sqlite3_clear_bindings(stmt);
    store->idle[id] = stmt;
}

void ck_stmt_vbind(sqlite3_stmt *stmt, const char *format, va_list args) {
    for (int i = 1; format[i - 1]; i++) {
        switch (format[i - 1]) {
        case 'i':
            sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
            break;
        case 't':
            sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1, SQLITE_STATIC);
            break;
        case 'b': {
            const void *bytes = va_arg(args, const void *);
            sqlite3_bind_blob(stmt, i, bytes, va_arg(args, int), SQLITE_STATIC);
            break;
        }
        case 'v': {
            sqlite3_value *value = va_arg(args, sqlite3_value *);
            if (value) sqlite3_bind_value(stmt, i, value);
            break; /* unbound parameters are NULL */
        }
        }
    }
}

void ck_stmt_bind(sqlite3_stmt *stmt, const char *format, ...) {
    va_list args;
    va_start(args, format);
    ck_stmt_vbind(stmt, format, args);
    va_end(args);
}

int ck_stmt_step(CkStore *store, sqlite3_stmt *stmt, CkError *err) {
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) return rc;
    return ck_error_db(err, store->conn->db, rc);
}

int ck_stmt_run(CkStore *store, CkSqlId id, CkError *err, const char *format, ...) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, id, &stmt, err) != SQLITE_OK) return err->rc;
    va_list args;
    va_start(args, format);
    ck_stmt_vbind(stmt, format, args);
    va_end(args);
    int rc;
    do {
        rc = ck_stmt_step(store, stmt, err);
    } while (rc == SQLITE_ROW);
    ck_stmt_give(store, id, stmt);
    return err->rc;
}

int ck_stmt_ints(CkStore *store, CkSqlId id, CkError *err, int64_t *out, int n_out, int *found,
                 const char *format, ...) {
    sqlite3_stmt *stmt = NULL;
    *found = 0;
    if (ck_stmt_take(store, id, &stmt, err) != SQLITE_OK) return err->rc;
    va_list args;
    va_start(args, format);
    ck_stmt_vbind(stmt, format, args);
    va_end(args);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        *found = 1;
        for (int i = 0; i < n_out; i++) out[i] = sqlite3_column_int64(stmt, i);
    }
    ck_stmt_give(store, id, stmt);
    return err->rc;
}
