/* Workspaces that nobody tends any more: see aging.h for the rules. */
#include "store/aging.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "store/log.h"
#include "store/workspace.h"

#define HOST_MAX 256

/* Columns of workspace_scan. */
enum { ROW_ID, ROW_NAME, ROW_ROOT = 3, ROW_HOST, ROW_LAST_SEEN = 6, ROW_EXPIRES_AT, ROW_PINNED,
       ROW_STATE, ROW_STALE_AT };

typedef enum Step { STEP_NONE, STEP_STALE, STEP_RELEASE, STEP_REVIVE } Step;

static int is_absent(const char *path) {
    struct stat info;
    return stat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/*
** The folder is absent, but the one it would be in is there. An empty one says nothing: it may be
** the mount point of a disk that is not mounted.
*/
static int root_is_gone(const char *root) {
    char parent[CK_PATH_MAX_BYTES + 1];
    size_t n = strlen(root);
    if (n == 0 || n > CK_PATH_MAX_BYTES || root[0] != '/') return 0;
    while (n > 1 && root[n - 1] == '/') n--;
    while (n > 1 && root[n - 1] != '/') n--;
    memcpy(parent, root, n);
    parent[n] = 0;
    return is_absent(root) && ck_fs_has_entries(parent);
}

/* Why it should age, or NULL. */
static const char *reason_to_age(sqlite3_stmt *row, const char *host, int64_t now, int is_stale) {
    const char *root = (const char *)sqlite3_column_text(row, ROW_ROOT);
    const char *its_host = (const char *)sqlite3_column_text(row, ROW_HOST);
    int64_t idle_s = now - sqlite3_column_int64(row, ROW_LAST_SEEN);
    if (sqlite3_column_type(row, ROW_EXPIRES_AT) != SQLITE_NULL &&
        sqlite3_column_int64(row, ROW_EXPIRES_AT) <= now) {
        return "expired";
    }
    if (idle_s > (is_stale ? CK_RELEASE_S : CK_STALE_S)) return "not seen";
    if (idle_s > CK_GONE_S && root && its_host && strcmp(its_host, host) == 0 &&
        root_is_gone(root)) {
        return "root is gone";
    }
    return NULL;
}

/* Was it stale when the run began? Asked in the order of ids. */
static int was_stale(CkAging *aging, int64_t id) {
    const int64_t *ids = (const int64_t *)(const void *)aging->stale.data;
    size_t n = aging->stale.n_bytes / sizeof *ids;
    while (aging->stale_at < n && ids[aging->stale_at] < id) aging->stale_at++;
    return aging->stale_at < n && ids[aging->stale_at] == id;
}

/* May this stale one be released? One without a stamp was made stale by hand: it may. */
static int is_due(CkAging *aging, sqlite3_stmt *row, int64_t now) {
    return was_stale(aging, sqlite3_column_int64(row, ROW_ID)) &&
           now - sqlite3_column_int64(row, ROW_STALE_AT) >= aging->dwell_s;
}

static Step next_step(CkAging *aging, sqlite3_stmt *row, const char *host, int64_t now,
                      const char **reason) {
    const char *state = (const char *)sqlite3_column_text(row, ROW_STATE);
    int is_stale = state && strcmp(state, "stale") == 0;
    *reason = NULL;
    if (sqlite3_column_int(row, ROW_PINNED)) {
        *reason = "pinned";
        return is_stale ? STEP_REVIVE : STEP_NONE;
    }
    *reason = reason_to_age(row, host, now, is_stale);
    if (*reason && !is_stale) return STEP_STALE;
    if (*reason) return is_due(aging, row, now) ? STEP_RELEASE : STEP_NONE;
    *reason = "seen";
    /* Between 30 and 90 days a stale workspace stays stale. */
    return is_stale && now - sqlite3_column_int64(row, ROW_LAST_SEEN) <= CK_STALE_S ? STEP_REVIVE
                                                                                    : STEP_NONE;
}

static int take_step(CkStore *store, int64_t id, Step step, CkAging *aging, CkError *err) {
    switch (step) {
    case STEP_STALE:
        aging->n_stale++;
        return ck_stmt_run(store, CK_SQL_WORKSPACE_SET_STALE, err, "ii", id,
                           ck_conn_now(store->conn));
    case STEP_REVIVE:
        aging->n_revived++;
        return ck_stmt_run(store, CK_SQL_WORKSPACE_SET_LIVE, err, "i", id);
    case STEP_RELEASE:
        aging->n_released++;
        /* The same run sweeps its refs in batches: many may age at once. */
        return ck_workspace_mark_released(store, id, err);
    default:
        return SQLITE_OK;
    }
}

int ck_aging_begin(CkStore *store, int64_t dwell_s, CkAging *aging, CkError *err) {
    sqlite3_stmt *row = NULL;
    memset(aging, 0, sizeof *aging);
    ck_buf_init(&aging->stale);
    aging->dwell_s = dwell_s;
    if (ck_stmt_take(store, CK_SQL_WORKSPACE_STALE, &row, err) != SQLITE_OK) return err->rc;
    while (err->rc == SQLITE_OK && ck_stmt_step(store, row, err) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(row, 0);
        ck_buf_append(&aging->stale, &id, sizeof id);
        if (aging->stale.rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(store, CK_SQL_WORKSPACE_STALE, row);
    return err->rc;
}

void ck_aging_release(CkAging *aging) {
    ck_buf_release(&aging->stale);
}

int ck_workspaces_age(CkStore *store, CkAging *aging, CkError *err) {
    static const char *const actions[] = {"", "workspace stale", "workspace released",
                                          "workspace revived"};
    char host[HOST_MAX] = "";
    int64_t now = ck_conn_now(store->conn), last = 0;
    int found;
    sqlite3_stmt *row = NULL;
    gethostname(host, sizeof host - 1);
    ck_stmt_ints(store, CK_SQL_WORKSPACE_MAX_ID, err, &last, 1, &found, "");
    if (err->rc != SQLITE_OK || ck_stmt_take(store, CK_SQL_WORKSPACE_SCAN, &row, err)) {
        return err->rc;
    }
    ck_stmt_bind(row, "ii", INT64_MIN, last);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, row, err) == SQLITE_ROW) {
        const char *reason;
        Step step = next_step(aging, row, host, now, &reason);
        if (step == STEP_NONE) continue;
        ck_audit_add(store, actions[step], err, "{\"workspace\":%lld,\"reason\":\"%s\"}",
                     (long long)sqlite3_column_int64(row, ROW_ID), reason);
        if (err->rc == SQLITE_OK) {
            take_step(store, sqlite3_column_int64(row, ROW_ID), step, aging, err);
        }
    }
    ck_stmt_give(store, CK_SQL_WORKSPACE_SCAN, row);
    return err->rc;
}
