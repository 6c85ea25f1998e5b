/* A batch of files, read in threads: see index.h. */
#include <string.h>

#include "index.h"
#include "secrets.h"
#include "store.h"

CkScanner *ck_index_scanner(CkIndex *index, int thread, CkError *err) {
    if (!index->scanners[thread]) ck_scanner_open(&index->scanners[thread], err);
    return index->scanners[thread];
}

void ck_index_file_free(CkIndexFile *file) {
    if (!file) return;
    ck_scan_release(&file->scan);
    ck_error_release(&file->err);
    sqlite3_free(file->missing);
    sqlite3_free(file);
}

/* Runs in a thread. */
static void scan_one(void *argument, size_t item, int thread) {
    CkIndexBatch *batch = argument;
    CkIndex *index = batch->index;
    CkIndexFile *file = batch->files[item];
    const CkFileEntry *entry = ck_index_entry(index, file->at);
    CkScanner *scanner = ck_index_scanner(index, thread, &file->err);
    CkScanFile what = {
        .root = index->root,
        .path = ck_index_path(index, file->at),
        .n_path = entry->n_path,
        .max_bytes = index->max_bytes,
    };
    const CkManifestFile *known = NULL;
    if (index->trusts_before && !index->verifies) {
        known = ck_manifest_find(&index->before, what.path, what.n_path);
    }
    if (known && known->kind == CK_MANIFEST_INDEXED) what.known_hash = known->hash;
    if (scanner) ck_scan_file(scanner, &index->scan_model, &what, &file->scan, &file->err);
}

void ck_index_batch_begin(CkIndex *index, CkIndexBatch *batch, size_t *next) {
    const size_t *work = (const size_t *)(const void *)index->work.data;
    size_t n_work = index->work.n_bytes / sizeof *work;
    int64_t n_bytes = 0;
    *batch = (CkIndexBatch){.index = index};
    if (*next < n_work) batch->files = ck_alloc(CK_INDEX_BATCH_FILES * sizeof *batch->files);
    while (*next < n_work && batch->n < CK_INDEX_BATCH_FILES && n_bytes < CK_INDEX_BATCH_BYTES) {
        CkIndexFile *file = ck_alloc(sizeof *file);
        memset(file, 0, sizeof *file);
        file->at = work[(*next)++];
        n_bytes += ck_index_entry(index, file->at)->n_bytes;
        batch->files[batch->n++] = file;
    }
    batch->job = (CkJob){.run = scan_one, .argument = batch, .n_items = batch->n};
    ck_pool_submit(index->pool, &batch->job);
}

/* ---- What came of it ---- */

static void take_status(CkIndexResult *result, const CkScan *scan) {
    result->n_bytes = scan->n_bytes;
    result->ctime_ns = scan->ctime_ns;
    result->mtime_ns = scan->mtime_ns < 0
                           ? -1
                           : ck_manifest_mtime(scan->mtime_ns, scan->ctime_ns, scan->read_ns);
    memcpy(result->hash, scan->hash, sizeof result->hash);
}

static void unreadable(CkIndex *index, CkIndexFile *file) {
    CkApp *app = index->app;
    index->results[file->at].keeps = 1;
    index->counts.unreadable++;
    ck_warn(app, "%s: %s; its refs stay as they are",
            ck_printable(app, ck_index_path(index, file->at)),
            file->scan.message ? file->scan.message : "cannot be read");
}

/* A file with the look of a secret stays here. */
static int is_secret(CkIndex *index, const CkIndexFile *file) {
    if (!index->embedder || !index->embedder->is_remote) return 0;
    const char *what = ck_secret_content((const char *)file->scan.texts.data,
                                         file->scan.texts.n_bytes);
    if (!what) return 0;
    index->counts.secret++;
    ck_warn(index->app, "%s: not sent to %s, it looks like a secret (%s)",
            ck_printable(index->app, ck_index_path(index, file->at)), index->embedder->host, what);
    return 1;
}

/* Has the file refs that must go, for all we know? */
static int may_have_refs(const CkIndex *index, size_t at) {
    const CkFileEntry *entry = ck_index_entry(index, at);
    if (!index->trusts_before || index->verifies) return 1;
    const CkManifestFile *file = ck_manifest_find(&index->before, ck_index_path(index, at),
                                                  entry->n_path);
    return file && file->n_chunks > 0;
}

/* Settles a file that needs no chunks looked up. 0: it does. */
static int settle(CkIndex *index, CkIndexFile *file) {
    CkIndexResult *result = &index->results[file->at];
    const char *path = ck_index_path(index, file->at);
    take_status(result, &file->scan);
    switch (file->scan.result) {
        case CK_SCAN_FAILED:
            unreadable(index, file);
            return 1;
        case CK_SCAN_SAME: {
            const CkManifestFile *before = ck_manifest_find(
                &index->before, path, ck_index_entry(index, file->at)->n_path);
            result->kind = CK_MANIFEST_INDEXED;
            result->n_chunks = before->n_chunks;
            index->counts.unchanged++;
            return 1;
        }
        case CK_SCAN_BINARY:
            index->counts.binary++;
            result->kind = CK_MANIFEST_BINARY;
            break;
        case CK_SCAN_HUGE:
            index->counts.huge++;
            break;
        case CK_SCAN_GONE:
            break;
        case CK_SCAN_READ:
            if (is_secret(index, file)) break;
            index->counts.indexed++;
            index->counts.bytes += file->scan.n_bytes;
            result->n_chunks = (uint32_t)ck_scan_count(&file->scan);
            index->counts.chunks += result->n_chunks;
            if (result->n_chunks > 0) return 0;
            result->kind = CK_MANIFEST_INDEXED;
            break;
    }
    if (may_have_refs(index, file->at)) ck_index_clear(index, path);
    return 1;
}

void ck_index_batch_end(CkIndex *index, CkIndexBatch *batch) {
    size_t n_left = 0;
    ck_index_wait(index, &batch->job);
    for (size_t i = 0; i < batch->n; i++) {
        CkIndexFile *file = batch->files[i];
        index->is_changed = 1;
        if (file->err.rc != SQLITE_OK) {
            ck_fail(index->app, CK_EXIT_ERROR, NULL, "%s: %s",
                    ck_printable(index->app, ck_index_path(index, file->at)),
                    file->err.message ? file->err.message : sqlite3_errstr(file->err.rc));
        }
        if (index->app->exit_code == CK_EXIT_OK && !settle(index, file)) {
            batch->files[n_left++] = file;
        } else {
            index->n_done++;
            ck_index_file_free(file);
        }
    }
    batch->n = n_left;
}
