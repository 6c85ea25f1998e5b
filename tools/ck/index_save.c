/* The manifest of a workspace in the store: see index.h and manifest.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "index.h"
#include "store.h"
#include "utf8.h"

int ck_index_load(CkIndex *index) {
    CkApp *app = index->app;
    const CkModelSettings *model = &index->model;
    int rc = SQLITE_NOTFOUND;
    if (!ck_sql_int(app, CK_SQL_INDEX_MANIFEST_EXISTS, 0, "")) return app->exit_code;
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_MANIFEST_GET, "t", index->workspace.uuid);
    if (ck_sql_step(app, stmt) && strcmp(ck_column_text(stmt, 0, ""), model->embed.model) == 0 &&
        strcmp(ck_column_text(stmt, 1, ""), model->version) == 0 &&
        strcmp(ck_column_text(stmt, 2, ""), model->document_prefix) == 0) {
        rc = ck_manifest_read(&index->before, sqlite3_column_blob(stmt, 5),
                              (size_t)sqlite3_column_bytes(stmt, 5));
    }
    ck_sql_end(stmt);
    if (rc == SQLITE_NOMEM) ck_must(NULL);
    if (rc == SQLITE_CORRUPT) ck_warn(app, "the manifest is damaged; all files are read again");
    int64_t n_refs = ck_sql_int(app, CK_SQL_INDEX_REFS_COUNT, -1, "tt", index->workspace.name,
                                index->workspace.uuid);
    index->trusts_before = rc == SQLITE_OK && n_refs == (int64_t)index->before.n_refs;
    return app->exit_code;
}

/* Does the run say nothing of this path, so that what was known of it holds? */
static int is_beyond(const CkIndex *index, const CkManifestFile *file) {
    CkBuf path;
    int beyond = index->n_below > 0;
    if (!index->is_swept || index->list.doubt.n_bytes > 0) return 1;
    ck_buf_init(&path);
    ck_buf_append(&path, file->path, file->n_path);
    ck_buf_append(&path, "", 1);
    if (path.rc != SQLITE_OK) ck_must(NULL);
    for (size_t i = 0; i < index->n_below && beyond; i++) {
        beyond = !ck_files_is_below((const char *)path.data, index->below[i]);
    }
    const size_t *failed = (const size_t *)(const void *)index->list.failed.data;
    for (size_t i = 0; i < index->list.failed.n_bytes / sizeof *failed && !beyond; i++) {
        beyond = ck_files_is_below((const char *)path.data,
                                   (const char *)index->list.text.data + failed[i]);
    }
    ck_buf_release(&path);
    return beyond;
}

/* No content has this hash, as far as anybody knows. */
static const uint8_t no_content[CK_MANIFEST_HASH_BYTES];

static void add_result(const CkIndex *index, CkBuf *out, size_t at, const CkManifestFile *before) {
    const CkIndexResult *result = &index->results[at];
    CkManifestFile file = {
        .path = ck_index_path(index, at),
        .n_path = (uint16_t)ck_index_entry(index, at)->n_path,
        .kind = result->kind,
        .n_bytes = result->n_bytes,
        .mtime_ns = result->mtime_ns,
        .ctime_ns = result->ctime_ns,
        .n_chunks = result->n_chunks,
        .hash = result->hash,
    };
    if (result->kind != 0) {
        ck_manifest_add(out, &file);
    } else if (result->keeps) {
        /* It is read again the next time; until then somebody must know that it may have refs. */
        file.kind = CK_MANIFEST_INDEXED;
        file.n_chunks = CK_MANIFEST_CHUNKS_UNKNOWN;
        file.hash = no_content;
        if (before) file = *before;
        file.mtime_ns = -1;
        ck_manifest_add(out, &file);
    }
}

/*
** Where there is no manifest to go by, the paths that have refs take its place, with nothing known
** of them. The next run trusts what is written now: a path that this one has not come to must be in
** it, or its refs would stay when its file is gone.
*/
static void load_paths(CkIndex *index) {
    CkManifest *before = &index->before;
    ck_buf_clear(&before->raw);
    ck_buf_clear(&before->files);
    sqlite3_stmt *stmt = ck_sql_begin(index->app, CK_SQL_INDEX_PATHS, "t", index->workspace.name);
    while (ck_sql_step(index->app, stmt)) {
        const char *path = ck_column_text(stmt, 0, "");
        ck_buf_append(&before->raw, path, strlen(path) + 1);
    }
    const char *at = (const char *)before->raw.data, *end = at + before->raw.n_bytes;
    for (; before->raw.rc == SQLITE_OK && at && at < end; at += strlen(at) + 1) {
        CkManifestFile file = {.path = at, .n_path = (uint16_t)strlen(at), .hash = no_content,
                               .mtime_ns = -1, .kind = CK_MANIFEST_INDEXED,
                               .n_chunks = CK_MANIFEST_CHUNKS_UNKNOWN};
        if (strlen(at) <= UINT16_MAX) ck_buf_append(&before->files, &file, sizeof file);
    }
    if (before->raw.rc != SQLITE_OK || before->files.rc != SQLITE_OK) ck_must(NULL);
}

/* Merges what was known with what is known now, in the order of paths. */
static void merge(CkIndex *index, CkBuf *out) {
    size_t n = ck_files_count(&index->list), i = 0, j = 0;
    int is_whole = index->is_swept && index->n_below == 0 && index->list.failed.n_bytes == 0 &&
                   index->list.doubt.n_bytes == 0;
    if (!index->trusts_before && !is_whole) load_paths(index);
    size_t n_before = index->trusts_before || !is_whole ? ck_manifest_count(&index->before) : 0;
    while (i < n || j < n_before) {
        const CkManifestFile *file = j < n_before ? ck_manifest_at(&index->before, j) : NULL;
        int order = i == n ? 1 : !file ? -1
                                       : ck_manifest_compare(ck_index_path(index, i),
                                                             ck_index_entry(index, i)->n_path,
                                                             file->path, file->n_path);
        if (order <= 0) add_result(index, out, i, order == 0 ? file : NULL);
        else if (is_beyond(index, file)) ck_manifest_add(out, file);
        i += order <= 0;
        j += order >= 0;
    }
}

int ck_index_save(CkIndex *index) {
    CkApp *app = index->app;
    const CkModelSettings *model = &index->model;
    CkError err = CK_ERROR_NONE;
    CkBuf blob;
    ck_buf_init(&blob);
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    ck_manifest_begin(&blob);
    merge(index, &blob);
    ck_sql_script(app, CK_SQL_INDEX_TABLES);
    ck_transaction_begin(app);
    ck_sql_run(app, CK_SQL_INDEX_HEARTBEAT, "tt", index->workspace.name, index->workspace.uuid);
    int64_t n_refs = ck_sql_int(app, CK_SQL_INDEX_REFS_COUNT, 0, "tt", index->workspace.name,
                                index->workspace.uuid);
    int64_t n_files = (int64_t)ck_manifest_written(&blob);
    if (ck_manifest_end(&blob, (uint64_t)n_refs, &err) != SQLITE_OK) ck_must(NULL);
    ck_sql_run(app, CK_SQL_INDEX_MANIFEST_PUT, "ttttib", index->workspace.uuid, model->embed.model,
               model->version, model->document_prefix, n_files, (const void *)blob.data,
               blob.n_bytes);
    ck_sql_run(app, CK_SQL_INDEX_MANIFEST_SWEEP, "");
    ck_transaction_end(app);
    ck_buf_release(&blob);
    return app->exit_code;
}

/* ---- Exporting ---- */

/* One line: {"path": …, "size": …, "mtime": …, "blake3": …, "chunks": [hashes]}. */
static void export_file(FILE *out, const CkManifest *manifest, sqlite3_stmt *row, CkBuf *line) {
    const char *path = ck_column_text(row, 0, "");
    const CkManifestFile *file = ck_manifest_find(manifest, path, strlen(path));
    ck_buf_clear(line);
    ck_buf_append(line, "{\"path\":", 8);
    ck_utf8_append_json(line, path, strlen(path));
    if (line->rc != SQLITE_OK) ck_must(NULL);
    fwrite(line->data, 1, line->n_bytes, out);
    if (file) {
        fprintf(out, ",\"size\":%lld,\"mtime_ns\":%lld,\"blake3\":\"", (long long)file->n_bytes,
                (long long)file->mtime_ns);
        for (int i = 0; i < CK_MANIFEST_HASH_BYTES; i++) fprintf(out, "%02x", file->hash[i]);
        fputc('"', out);
    }
    fprintf(out, ",\"chunks\":%s}\n", ck_column_text(row, 2, "[]"));
}

static void export_files(CkApp *app, const CkWorkspace *workspace, FILE *out) {
    CkManifest manifest;
    CkBuf line;
    ck_manifest_init(&manifest);
    ck_buf_init(&line);
    sqlite3_stmt *stmt = NULL;
    if (ck_sql_int(app, CK_SQL_INDEX_MANIFEST_EXISTS, 0, "")) {
        stmt = ck_sql_begin(app, CK_SQL_INDEX_MANIFEST_GET, "t", workspace->uuid);
        if (ck_sql_step(app, stmt)) {
            ck_manifest_read(&manifest, sqlite3_column_blob(stmt, 5),
                             (size_t)sqlite3_column_bytes(stmt, 5));
        }
        ck_sql_end(stmt);
    }
    stmt = ck_sql_begin(app, CK_SQL_INDEX_EXPORT, "t", workspace->name);
    while (ck_sql_step(app, stmt)) export_file(out, &manifest, stmt, &line);
    ck_buf_release(&line);
    ck_manifest_release(&manifest);
}

/* To a file that then gets the name; what is there and no file (a pipe) is written to. */
int ck_index_export(CkApp *app, const CkWorkspace *workspace, const char *path) {
    int to_stdout = strcmp(path, "-") == 0;
    const char *name = to_stdout ? "-" : ck_path_absolute(app, app->place.folder, path);
    struct stat status;
    int is_new = !to_stdout && (stat(name, &status) != 0 || S_ISREG(status.st_mode));
    const char *temporary = is_new ? ck_text(app, "%s.new-%d", name, (int)getpid()) : name;
    FILE *out = to_stdout ? stdout : fopen(temporary, "we");
    if (!out) {
        return ck_fail(app, CK_EXIT_ERROR, NULL, "cannot write '%s': %s", path, strerror(errno));
    }
    export_files(app, workspace, out);
    errno = 0;
    int failed = fflush(out) | ferror(out);
    failed |= to_stdout ? 0 : fclose(out);
    if (!failed && is_new && app->exit_code == CK_EXIT_OK) failed = rename(temporary, name);
    if (failed) {
        ck_fail(app, CK_EXIT_ERROR, NULL, "cannot write '%s': %s", path,
                errno ? strerror(errno) : "an error before");
    }
    if (is_new && app->exit_code != CK_EXIT_OK) unlink(temporary);
    return app->exit_code;
}
