/* The transactions of `ck index`: see index.h. */
#include <string.h>

#include "index.h"
#include "store.h"

static int heartbeat(CkIndex *index) {
    CkApp *app = index->app;
    const CkWorkspace *workspace = &index->workspace;
    if (ck_sql_run(app, CK_SQL_INDEX_HEARTBEAT, "tt", workspace->name, workspace->uuid) == 0) {
        ck_fail(app, CK_EXIT_ERROR, "Run the command again: it registers the workspace anew.",
                "workspace '%s' was removed while it was being indexed", workspace->name);
    }
    return app->exit_code;
}

static int put(CkIndex *index, const CkIndexGroup *group) {
    const CkEmbedItem *items = (const CkEmbedItem *)(const void *)group->items.data;
    size_t n = group->items.n_bytes / sizeof *items;
    size_t n_vector = index->model.dims * sizeof(float);
    for (size_t i = 0; i < n; i++) {
        if (!items[i].vector) continue;
        ck_sql_run(index->app, CK_SQL_INDEX_PUT, "bttb",
                   (const void *)(group->keys.data + i * CK_SCAN_KEY_BYTES),
                   (size_t)CK_SCAN_KEY_BYTES, index->model.embed.model, index->model.version,
                   (const void *)items[i].vector, n_vector);
    }
    return index->app->exit_code;
}

/* Asks which chunks of the files are not stored. */
static int look_up(CkIndex *index, CkSqlId sql, CkIndexFile **files, size_t n) {
    CkBuf keys;
    size_t at = 0, file = 0, first = 0;
    ck_buf_init(&keys);
    for (size_t i = 0; i < n; i++) {
        size_t n_chunks = ck_scan_count(&files[i]->scan);
        if (!files[i]->missing) files[i]->missing = ck_alloc(n_chunks);
        memset(files[i]->missing, 0, n_chunks);
        files[i]->n_missing = 0;
        for (size_t j = 0; j < n_chunks; j++) {
            ck_buf_append(&keys, ck_scan_chunk(&files[i]->scan, j)->key, CK_SCAN_KEY_BYTES);
        }
    }
    if (keys.rc != SQLITE_OK) ck_must(NULL);
    sqlite3_stmt *stmt = ck_sql_begin(index->app, sql, "b",
                                      (const void *)(keys.data ? keys.data : (uint8_t *)""),
                                      keys.n_bytes);
    while (ck_sql_step(index->app, stmt)) {
        at = (size_t)sqlite3_column_int64(stmt, 0);
        while (at - first >= ck_scan_count(&files[file]->scan)) {
            first += ck_scan_count(&files[file++]->scan);
        }
        files[file]->missing[at - first] = 1;
        files[file]->n_missing++;
    }
    ck_buf_release(&keys);
    return index->app->exit_code;
}

static int ref(CkIndex *index, CkSqlId sql, const CkIndexFile *file, size_t chunk) {
    const CkScanChunk *what = ck_scan_chunk(&file->scan, chunk);
    ck_sql_run(index->app, sql, "tTiiib", index->workspace.name, ck_index_path(index, file->at),
               (size_t)ck_index_entry(index, file->at)->n_path, (int64_t)chunk,
               (int64_t)what->start_line, (int64_t)what->end_line, (const void *)what->key,
               (size_t)CK_SCAN_KEY_BYTES);
    return index->app->exit_code;
}

/* How many refs the file had; -1: nobody knows. */
static int64_t refs_before(const CkIndex *index, size_t at) {
    if (!index->trusts_before || index->verifies) return -1;
    const CkManifestFile *file = ck_manifest_find(&index->before, ck_index_path(index, at),
                                                  ck_index_entry(index, at)->n_path);
    return file ? (int64_t)file->n_chunks : -1;
}

/* The refs of a file are replaced as a whole, now that all its chunks are stored. */
static void replace(CkIndex *index, const CkIndexFile *file) {
    size_t n = ck_scan_count(&file->scan);
    int64_t before = refs_before(index, file->at);
    for (size_t i = 0; i < n; i++) ref(index, CK_SQL_INDEX_REF, file, i);
    if (before < 0 || before > (int64_t)n) {
        ck_sql_run(index->app, CK_SQL_INDEX_REF_TRIM, "tti", index->workspace.name,
                   ck_index_path(index, file->at), (int64_t)n);
    }
    index->results[file->at].kind = CK_MANIFEST_INDEXED;
}

/* The hits of a new file are held while its misses are embedded. */
static void hold(CkIndex *index, const CkIndexFile *file) {
    int64_t before = refs_before(index, file->at);
    if (before > 0) return;
    if (before < 0 && ck_sql_int(index->app, CK_SQL_INDEX_HAS_REFS, 0, "tt", index->workspace.name,
                                 ck_index_path(index, file->at))) return;
    for (size_t i = 0; i < ck_scan_count(&file->scan); i++) {
        if (!file->missing[i]) ref(index, CK_SQL_INDEX_REF_HOLD, file, i);
    }
}

int ck_index_write(CkIndex *index, const CkIndexGroup *group, CkIndexFile **files, size_t n) {
    CkApp *app = index->app;
    if (app->exit_code != CK_EXIT_OK || (n == 0 && !group)) return app->exit_code;
    ck_transaction_begin(app);
    if (heartbeat(index) == CK_EXIT_OK && group) put(index, group);
    if (n > 0 && app->exit_code == CK_EXIT_OK) {
        look_up(index, group ? CK_SQL_INDEX_STILL_MISSING : CK_SQL_INDEX_MISSING, files, n);
    }
    for (size_t i = 0; i < n && app->exit_code == CK_EXIT_OK; i++) {
        if (files[i]->n_missing == 0) replace(index, files[i]);
        else hold(index, files[i]);
    }
    if (ck_transaction_end(app) != CK_EXIT_OK) return app->exit_code;
    for (size_t i = 0; i < n; i++) {
        if (files[i]->n_missing > 0) continue;
        index->n_done++;
        ck_index_file_free(files[i]);
        files[i] = NULL;
    }
    return app->exit_code;
}

int ck_index_clear(CkIndex *index, const char *path) {
    ck_sql_run(index->app, CK_SQL_INDEX_REF_TRIM, "tti", index->workspace.name, path, (int64_t)0);
    return index->app->exit_code;
}
