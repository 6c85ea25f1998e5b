/*
** What every workspace uses: see usage.h.
**
** The index on (embedding, id) holds the refs of each embedding together and, an id beginning with
** its workspace, those of a workspace in it together: so the workspaces that share an embedding
** are known when its refs have gone by. Sizes come from a second scan, of embeddings in the order
** of ids, that keeps step with the first.
*/
#include "store/usage.h"

#include <string.h>

typedef struct Pass {
    CkStore *store;
    CkUsage *usage;
    sqlite3_stmt *refs, *sizes;
    CkBuf users;       /* the workspaces of the current embedding, as CkUsageRow * */
    int64_t embedding; /* the current one */
    int64_t size_of, bytes; /* the embedding the second scan is at */
} Pass;

static size_t row_count(const CkUsage *usage) {
    return usage->rows.n_bytes / sizeof(CkUsageRow);
}

CkUsageRow *ck_usage_find(const CkUsage *usage, int64_t workspace) {
    CkUsageRow *rows = (CkUsageRow *)(void *)usage->rows.data;
    size_t low = 0, high = row_count(usage);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].workspace < workspace) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < row_count(usage) && rows[low].workspace == workspace ? rows + low : NULL;
}

static int add_workspaces(CkStore *store, CkUsage *usage, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_WORKSPACE_SCAN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ii", INT64_MIN, INT64_MAX);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        CkUsageRow row = {.workspace = sqlite3_column_int64(stmt, 0)};
        ck_buf_append(&usage->rows, &row, sizeof row);
        if (usage->rows.rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(store, CK_SQL_WORKSPACE_SCAN, stmt);
    return err->rc;
}

/* Moves the second scan up to the current embedding; *found is 0 for a dangling ref. */
static int read_size(Pass *pass, int *found, CkError *err) {
    while (pass->size_of < pass->embedding) {
        int rc = ck_stmt_step(pass->store, pass->sizes, err);
        pass->size_of = rc == SQLITE_ROW ? sqlite3_column_int64(pass->sizes, 0) : INT64_MAX;
        pass->bytes = rc == SQLITE_ROW ? sqlite3_column_int64(pass->sizes, 1) : 0;
    }
    *found = pass->size_of == pass->embedding;
    return err->rc;
}

/* All refs of the current embedding have gone by. */
static int close_embedding(Pass *pass, CkError *err) {
    CkUsageRow **users = (CkUsageRow **)(void *)pass->users.data;
    size_t n = pass->users.n_bytes / sizeof *users;
    int found = 0;
    if (n == 0 || read_size(pass, &found, err) != SQLITE_OK) return err->rc;
    for (size_t i = 0; found && i < n; i++) {
        users[i]->usage.embeddings++;
        users[i]->usage.bytes += pass->bytes;
        if (n > 1) users[i]->usage.shared_bytes += pass->bytes;
    }
    ck_buf_clear(&pass->users);
    return err->rc;
}

static int scan(Pass *pass, CkError *err) {
    CkUsageRow *user = NULL;
    while (ck_stmt_step(pass->store, pass->refs, err) == SQLITE_ROW) {
        int64_t embedding = sqlite3_column_int64(pass->refs, 0);
        int64_t workspace = sqlite3_column_int64(pass->refs, 1);
        int is_next = embedding != pass->embedding;
        if (is_next && close_embedding(pass, err) != SQLITE_OK) return err->rc;
        pass->embedding = embedding;
        if (is_next || !user || user->workspace != workspace) {
            user = ck_usage_find(pass->usage, workspace);
            if (!user) continue; /* released */
            ck_buf_append(&pass->users, &user, sizeof user);
            if (pass->users.rc != SQLITE_OK) return ck_error_nomem(err);
        }
        user->usage.refs++;
    }
    return err->rc == SQLITE_OK ? close_embedding(pass, err) : err->rc;
}

int ck_usage_compute(CkStore *store, CkUsage *usage, CkError *err) {
    Pass pass = {.store = store, .usage = usage, .embedding = INT64_MIN, .size_of = INT64_MIN};
    ck_buf_init(&pass.users);
    ck_buf_clear(&usage->rows);
    add_workspaces(store, usage, err);
    if (err->rc == SQLITE_OK) ck_stmt_take(store, CK_SQL_USAGE_REFS, &pass.refs, err);
    if (err->rc == SQLITE_OK) ck_stmt_take(store, CK_SQL_USAGE_SIZES, &pass.sizes, err);
    if (err->rc == SQLITE_OK) scan(&pass, err);
    ck_stmt_give(store, CK_SQL_USAGE_REFS, pass.refs);
    ck_stmt_give(store, CK_SQL_USAGE_SIZES, pass.sizes);
    ck_buf_release(&pass.users);
    return err->rc;
}
