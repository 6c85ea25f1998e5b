/* `ck index`: the run. See index.h. */
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "fs.h"
#include "place.h"
#include "secrets.h"
#include "store.h"
#include "utf8.h"

#define SWEEP_BATCH 500 /* paths in a transaction */
#define NAMED_MAX 5     /* files that look like secrets and are named one by one */

void ck_index_tick(CkIndex *index) {
    char detail[96];
    int64_t now = ck_clock_ms();
    const CkIndexCounts *counts = &index->counts;
    sqlite3_snprintf(sizeof detail, detail, "%lld hits, %lld embedded", (long long)counts->hits,
                     (long long)counts->embedded);
    ck_progress_show(&index->progress, index->n_done,
                     (int64_t)(index->work.n_bytes / sizeof(size_t)), detail);
    if (index->holds_leases && now - index->renewed_ms > CK_INDEX_RENEW_MS) {
        ck_sql_int(index->app, CK_SQL_INDEX_RENEW, 0, "ti", index->owner,
                   (int64_t)CK_INDEX_LEASE_S);
        index->renewed_ms = now;
    }
}

void ck_index_wait(CkIndex *index, const CkJob *job) {
    while (!ck_pool_wait(index->pool, job, 100)) ck_index_tick(index);
}

/* ---- Beginning ---- */

/* One run at a time over a workspace. The lock ends with the process. */
static int lock(CkIndex *index) {
    CkApp *app = index->app;
    const char *path = ck_path_join(app, index->workspace.root, CK_WORKSPACE_FILE);
    index->lock = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (index->lock >= 0 && flock(index->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        ck_fail(app, CK_EXIT_BUSY, "Try again when it is done.",
                "another '%s index' is at work on '%s'", app->program, index->workspace.root);
    }
    return app->exit_code;
}

/* The folders of workspaces inside this one, relative to it. */
static size_t nested(CkIndex *index, const char ***out) {
    CkApp *app = index->app;
    size_t n = 0, n_root = strlen(index->workspace.root);
    CkBuf list;
    ck_buf_init(&list);
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_NESTED, "t", index->workspace.name);
    while (ck_sql_step(app, stmt)) {
        const char *root = ck_text(app, "%s", ck_column_text(stmt, 0, "") + n_root + (n_root > 1));
        ck_buf_append(&list, &root, sizeof root);
        n++;
    }
    *out = ck_keep(app, (n + 1) * sizeof **out);
    if (list.rc != SQLITE_OK) ck_must(NULL);
    if (n > 0) memcpy(*out, list.data, list.n_bytes);
    ck_buf_release(&list);
    return n;
}

static int list_files(CkIndex *index) {
    CkApp *app = index->app;
    const char **inside = NULL;
    CkError err = CK_ERROR_NONE;
    CkFilesOptions options = {.root = index->workspace.root, .below = index->below,
                              .n_below = index->n_below};
    options.n_nested = nested(index, &inside);
    options.nested = inside;
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    index->root = open(options.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (index->root < 0 || ck_files_list(&index->list, &options, &err) != SQLITE_OK) {
        ck_fail(app, err.rc == SQLITE_INTERRUPT ? CK_EXIT_INTERRUPTED : CK_EXIT_ERROR, NULL,
                "%s: %s", options.root, err.message ? err.message : strerror(errno));
        ck_error_release(&err);
    }
    return app->exit_code;
}

/* ---- What changed ---- */

/* Is the file not to be sent? */
static int is_held_back(CkIndex *index, const CkFileEntry *entry) {
    const char *path = ck_files_path(&index->list, entry);
    if (!index->embedder || !index->embedder->is_remote) return 0;
    if (!entry->tracked && !index->sends_untracked) {
        index->counts.untracked++;
        return 1;
    }
    if (!ck_secret_path(path)) return 0;
    if (index->counts.secret++ < NAMED_MAX) {
        ck_warn(index->app, "%s: not sent to %s, it looks like a secret (its name)",
                ck_printable(index->app, path), index->embedder->host);
    }
    return 1;
}

/* Takes what is known of a file that did not change; 0: it is to be read. */
static int is_unchanged(CkIndex *index, size_t at, const CkManifestFile *file) {
    const CkFileEntry *entry = ck_index_entry(index, at);
    CkIndexResult *result = &index->results[at];
    if (!file || index->verifies || !index->trusts_before) return 0;
    if (file->n_bytes != entry->n_bytes || file->mtime_ns != entry->mtime_ns ||
        file->ctime_ns != entry->ctime_ns) return 0;
    result->kind = file->kind;
    result->n_bytes = file->n_bytes;
    result->mtime_ns = file->mtime_ns;
    result->ctime_ns = file->ctime_ns;
    result->n_chunks = file->n_chunks;
    memcpy(result->hash, file->hash, sizeof result->hash);
    index->counts.unchanged += file->kind == CK_MANIFEST_INDEXED;
    index->counts.binary += file->kind == CK_MANIFEST_BINARY;
    return 1;
}

static void compare(CkIndex *index) {
    size_t n = ck_files_count(&index->list), next = 0, n_before;
    n_before = ck_manifest_count(&index->before);
    index->results = ck_alloc((n + 1) * sizeof *index->results);
    memset(index->results, 0, (n + 1) * sizeof *index->results);
    for (size_t i = 0; i < n; i++) {
        const CkFileEntry *entry = ck_index_entry(index, i);
        const CkManifestFile *file = NULL;
        int order = 1;
        /* Both lists are in the order of paths. */
        while (next < n_before && order > 0) {
            file = ck_manifest_at(&index->before, next);
            order = ck_manifest_compare(ck_index_path(index, i), entry->n_path, file->path,
                                        file->n_path);
            next += order > 0;
        }
        if (is_held_back(index, entry)) continue;
        if (entry->n_bytes > index->max_bytes) {
            index->counts.huge++;
        } else if (!is_unchanged(index, i, order == 0 ? file : NULL)) {
            ck_buf_append(&index->work, &i, sizeof i);
        }
    }
    if (index->work.rc != SQLITE_OK) ck_must(NULL);
    index->counts.files = (int64_t)n;
}

/* ---- The sweep ---- */

/* The file of the list with this path, or -1. */
static int64_t find(const CkIndex *index, const char *path, size_t n_path) {
    size_t low = 0, high = ck_files_count(&index->list);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = ck_manifest_compare(path, n_path, ck_index_path(index, middle),
                                        ck_index_entry(index, middle)->n_path);
        if (order == 0) return (int64_t)middle;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return -1;
}

/* Is it certain that the path is not to have refs? */
static int is_gone(const CkIndex *index, const char *path) {
    int64_t at = find(index, path, strlen(path));
    const size_t *failed = (const size_t *)(const void *)index->list.failed.data;
    int in_scope = index->n_below == 0;
    if (at >= 0) return index->results[at].kind == 0 && !index->results[at].keeps;
    if (index->list.doubt.n_bytes > 0) return 0;
    for (size_t i = 0; i < index->n_below && !in_scope; i++) {
        in_scope = ck_files_is_below(path, index->below[i]);
    }
    for (size_t i = 0; i < index->list.failed.n_bytes / sizeof *failed && in_scope; i++) {
        in_scope = !ck_files_is_below(path, (const char *)index->list.text.data + failed[i]);
    }
    return in_scope;
}

static void add_gone(const CkIndex *index, CkBuf *gone, const char *path) {
    if (is_gone(index, path)) ck_buf_append(gone, path, strlen(path) + 1);
}

/* The paths that have refs and are gone, each ended by 0. */
static void collect_gone(CkIndex *index, CkBuf *gone) {
    CkApp *app = index->app;
    if (index->trusts_before && !index->verifies) {
        for (size_t i = 0; i < ck_manifest_count(&index->before); i++) {
            const CkManifestFile *file = ck_manifest_at(&index->before, i);
            char path[UINT16_MAX + 1];
            memcpy(path, file->path, file->n_path);
            path[file->n_path] = 0;
            add_gone(index, gone, path);
        }
        return;
    }
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_PATHS, "t", index->workspace.name);
    while (ck_sql_step(app, stmt)) add_gone(index, gone, ck_column_text(stmt, 0, ""));
}

static void sweep(CkIndex *index) {
    CkApp *app = index->app;
    CkBuf gone;
    size_t in_batch = 0;
    if (ck_files_count(&index->list) == 0 && index->n_below == 0) {
        ck_note(app, "no files in %s: refs of earlier runs are kept", index->workspace.root);
        return;
    }
    ck_buf_init(&gone);
    collect_gone(index, &gone);
    if (gone.rc != SQLITE_OK) ck_must(NULL);
    const char *end = (const char *)gone.data + gone.n_bytes;
    for (const char *path = (const char *)gone.data; path && path < end; path += strlen(path) + 1) {
        if (in_batch == 0) ck_transaction_begin(app);
        ck_index_clear(index, path);
        index->counts.swept++;
        index->is_changed = 1;
        if (++in_batch == SWEEP_BATCH) {
            ck_transaction_end(app);
            in_batch = 0;
        }
    }
    if (in_batch > 0) ck_transaction_end(app);
    index->is_swept = app->exit_code == CK_EXIT_OK;
    ck_buf_release(&gone);
}

/* ---- The run ---- */

/* Looks up a batch that was read; what is not complete waits for its group. */
static void write_batch(CkIndex *index, CkIndexBatch *batch) {
    int64_t n_chunks = 0, n_missing = 0;
    for (size_t i = 0; i < batch->n; i++) {
        n_chunks += (int64_t)ck_scan_count(&batch->files[i]->scan);
    }
    ck_index_write(index, NULL, batch->files, batch->n);
    for (size_t i = 0; i < batch->n; i++) {
        if (!batch->files[i]) continue;
        n_missing += (int64_t)batch->files[i]->n_missing;
        ck_index_pend(index, batch->files[i]);
    }
    index->counts.hits += n_chunks - n_missing;
    sqlite3_free(batch->files);
    batch->files = NULL;
}

static void work(CkIndex *index) {
    CkIndexBatch batches[2];
    size_t next = 0;
    int now = 0;
    ck_progress_begin(&index->progress, index->app, "indexing", "files");
    ck_index_batch_begin(index, &batches[0], &next);
    while (batches[now].n > 0 && !ck_index_stops(index)) {
        ck_index_batch_begin(index, &batches[1 - now], &next);
        ck_index_batch_end(index, &batches[now]);
        write_batch(index, &batches[now]);
        ck_index_embed(index, 0);
        ck_index_tick(index);
        now = 1 - now;
    }
    /* A batch that was begun is waited for: its threads use it. */
    ck_index_wait(index, &batches[now].job);
    for (size_t i = 0; i < batches[now].n; i++) ck_index_file_free(batches[now].files[i]);
    sqlite3_free(batches[now].files);
    ck_index_embed(index, 1);
    ck_index_abandon(index);
    ck_progress_end(&index->progress);
}

/* Files that were not come to: their refs stay, and the next run reads them. */
static void keep_the_rest(CkIndex *index) {
    const size_t *list = (const size_t *)(const void *)index->work.data;
    for (size_t i = 0; i < index->work.n_bytes / sizeof *list; i++) {
        CkIndexResult *result = &index->results[list[i]];
        if (result->kind == 0) result->keeps = 1;
    }
}

/* Also after a failure: others would wait for what nobody computes. */
static void release_leases(CkIndex *index) {
    CkApp *app = index->app;
    int code = app->exit_code;
    const char *hint = app->hint ? ck_text(app, "%s", app->hint) : NULL;
    const char *message = code != CK_EXIT_OK ? ck_failure_take(app) : NULL;
    if (index->holds_leases) ck_sql_int(app, CK_SQL_INDEX_RELEASE, 0, "t", index->owner);
    if (!message) return;
    if (app->exit_code != CK_EXIT_OK) ck_failure_take(app);
    ck_fail(app, code, hint, "%s", message);
}

static void end(CkIndex *index) {
    CkApp *app = index->app;
    /* A statement that Ctrl-C ended was rolled back; what was done before is worth saving. */
    if (app->exit_code == CK_EXIT_INTERRUPTED) ck_failure_take(app);
    int is_complete = !ck_index_stops(index);
    if (is_complete) sweep(index);
    else keep_the_rest(index);
    if (index->is_changed || !index->trusts_before) ck_index_save(index);
    else ck_sql_run(app, CK_SQL_INDEX_HEARTBEAT, "tt", index->workspace.name,
                    index->workspace.uuid);
    release_leases(index);
    if (index->failure.rc != SQLITE_OK) ck_fail_embed(app, &index->model, &index->failure);
    if (ck_interrupted()) {
        ck_fail(app, CK_EXIT_INTERRUPTED, "What is done is kept; the next run goes on from there.",
                "interrupted after %lld of %lld files", (long long)index->n_done,
                (long long)(index->work.n_bytes / sizeof(size_t)));
    }
}

int ck_index_run(CkIndex *index) {
    CkApp *app = index->app;
    CkError err = CK_ERROR_NONE;
    char host[65] = "";
    uint64_t random;
    index->begun_ms = index->renewed_ms = ck_clock_ms();
    gethostname(host, sizeof host - 1);
    sqlite3_randomness(sizeof random, &random);
    index->host = ck_text(app, "%s", host);
    index->owner = ck_text(app, "index:%s:%d:%llx", host, (int)getpid(),
                           (unsigned long long)random);
    if (lock(index) != CK_EXIT_OK || list_files(index) != CK_EXIT_OK) return app->exit_code;
    if (ck_index_is_seen(index)) return app->exit_code;
    if (ck_index_open_embedder(index) != CK_EXIT_OK) return app->exit_code;
    index->scan_model = (CkScanModel){index->model.embed.model, index->model.version,
                                      index->model.document_prefix, index->embedder->needs_utf8};
    index->has_remotes = ck_sql_int(app, CK_SQL_INDEX_HAS_REMOTES, 0, "") != 0;
    if (ck_index_load(index) != CK_EXIT_OK) return app->exit_code;
    compare(index);
    ck_sql_script(app, CK_SQL_INDEX_SETTINGS);
    /* One thread more than processors: one may be waiting for a server. */
    int n_threads = ck_pool_processors() + !index->model.is_lexical;
    if (n_threads > CK_POOL_THREADS_MAX) n_threads = CK_POOL_THREADS_MAX;
    if (index->work.n_bytes > 0) {
        if (ck_pool_new(&index->pool, n_threads, &err) != SQLITE_OK) {
            ck_fail(app, CK_EXIT_ERROR, NULL, "%s", err.message ? err.message : "no threads");
            ck_error_release(&err);
            return app->exit_code;
        }
        work(index);
    }
    end(index);
    return app->exit_code;
}

int ck_index_look(CkIndex *index, CkBuf *gone) {
    CkApp *app = index->app;
    if (list_files(index) != CK_EXIT_OK) return app->exit_code;
    ck_model_resolve(app, &index->model);
    if (index->model.version) ck_index_load(index);
    compare(index);
    keep_the_rest(index);
    collect_gone(index, gone);
    return app->exit_code;
}

void ck_index_release(CkIndex *index) {
    ck_pool_free(index->pool);
    for (int i = 0; i < CK_POOL_THREADS_MAX; i++) ck_scanner_close(index->scanners[i]);
    ck_embedder_close(index->embedder);
    ck_files_release(&index->list);
    ck_manifest_release(&index->before);
    ck_buf_release(&index->work);
    ck_buf_release(&index->pending);
    ck_error_release(&index->failure);
    sqlite3_free(index->results);
    sqlite3_free(index->probe);
    if (index->root >= 0) close(index->root);
    if (index->lock >= 0) close(index->lock);
}
