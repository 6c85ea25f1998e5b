/* The files of a workspace: see files.h. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "fs.h"
#include "utf8.h"

#define IGNORE_FILE_BYTES_MAX 1000000

void ck_files_init(CkFileList *list) {
    memset(list, 0, sizeof *list);
}

void ck_files_release(CkFileList *list) {
    ck_buf_release(&list->entries);
    ck_buf_release(&list->text);
    ck_buf_release(&list->failed);
    ck_buf_release(&list->doubt);
    ck_ignore_release(&list->ignore);
}

int ck_files_is_below(const char *path, const char *folder) {
    size_t n = strlen(folder);
    return n == 0 || (strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0));
}

static size_t add_path(CkFileList *list, const char *path, size_t n) {
    size_t at = list->text.n_bytes;
    ck_path_encode(&list->text, path, n);
    ck_buf_append(&list->text, "", 1);
    return at;
}

void ck_files_add(CkFileList *list, const char *path, size_t n, int tracked) {
    CkFileEntry entry = {.path = add_path(list, path, n), .tracked = (uint8_t)tracked};
    entry.n_path = (uint32_t)(list->text.n_bytes - entry.path - 1);
    ck_buf_append(&list->entries, &entry, sizeof entry);
}

void ck_files_add_failed(CkFileList *list, const char *path, size_t n) {
    size_t at = add_path(list, path, n);
    ck_buf_append(&list->failed, &at, sizeof at);
}

/* FNV-1a of 64 bits: nobody gains by making two lists alike. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
    return hash;
}

uint64_t ck_files_fingerprint(const CkFileList *list, const char *settings) {
    const size_t *failed = (const size_t *)(const void *)list->failed.data;
    uint64_t hash = mix(0xcbf29ce484222325, settings, strlen(settings) + 1);
    for (size_t i = 0; i < ck_files_count(list); i++) {
        const CkFileEntry *entry = ck_files_at(list, i);
        const int64_t status[] = {entry->n_bytes, entry->mtime_ns, entry->ctime_ns, entry->tracked};
        hash = mix(hash, ck_files_path(list, entry), entry->n_path + 1);
        hash = mix(hash, status, sizeof status);
    }
    for (size_t i = 0; i < list->failed.n_bytes / sizeof *failed; i++) {
        const char *path = (const char *)list->text.data + failed[i];
        hash = mix(hash, path, strlen(path) + 1);
    }
    if (list->doubt.n_bytes > 0) hash = mix(hash, list->doubt.data, list->doubt.n_bytes);
    return hash;
}

/* ---- What the options leave out ---- */

static int is_wanted(const char *path, const CkFilesOptions *options) {
    int wanted = options->n_below == 0;
    for (size_t i = 0; i < options->n_below && !wanted; i++) {
        wanted = ck_files_is_below(path, options->below[i]);
    }
    for (size_t i = 0; i < options->n_nested && wanted; i++) {
        wanted = !ck_files_is_below(path, options->nested[i]);
    }
    return wanted;
}

/* Is a folder on the way one of ours or of git's? */
static int is_private(const char *path) {
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, ".ck/", 4) == 0 || strncmp(part, ".git/", 5) == 0) return 1;
    }
    return 0;
}

static int compare_entries(const void *a, const void *b, void *text) {
    const CkFileEntry *left = a, *right = b;
    const char *base = text;
    int order = strcmp(base + left->path, base + right->path);
    return order ? order : (int)right->tracked - (int)left->tracked;
}

/* Sorts, and leaves out what comes twice (a path in conflict has three entries in git's index). */
static void sort(CkFileList *list) {
    CkFileEntry *entries = (CkFileEntry *)(void *)list->entries.data;
    size_t n = ck_files_count(list), n_kept = 0;
    const char *last = NULL;
    if (n == 0) return;
    qsort_r(entries, n, sizeof *entries, compare_entries, list->text.data);
    for (size_t i = 0; i < n; i++) {
        const char *path = ck_files_path(list, &entries[i]);
        if (last && strcmp(last, path) == 0) continue;
        last = path;
        if (entries[i].n_path > CK_PATH_MAX_BYTES || is_private(path)) continue;
        entries[n_kept++] = entries[i];
    }
    list->entries.n_bytes = n_kept * sizeof *entries;
}

/* Does it matter that the folder could not be listed? */
static int is_missed(const CkFileList *list, const char *path, const CkFilesOptions *options) {
    size_t n = strlen(path);
    int missed = is_wanted(path, options);
    for (size_t i = 0; i < options->n_below && !missed; i++) {
        missed = ck_files_is_below(options->below[i], path);
    }
    return missed && !(list->from_git && (ck_ignore_file(&list->ignore, path, n) ||
                                          ck_ignore_entry(&list->ignore, path, n, 1)));
}

/* After the ignore files were read: those that count may lie above what is wanted. */
static void keep_wanted(CkFileList *list, const CkFilesOptions *options) {
    size_t *failed = (size_t *)(void *)list->failed.data;
    size_t n_failed = list->failed.n_bytes / sizeof *failed, n_missed = 0;
    CkFileEntry *entries = (CkFileEntry *)(void *)list->entries.data;
    size_t n = ck_files_count(list), n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_wanted(ck_files_path(list, &entries[i]), options)) entries[n_kept++] = entries[i];
    }
    list->entries.n_bytes = n_kept * sizeof *entries;
    for (size_t i = 0; i < n_failed; i++) {
        const char *path = (const char *)list->text.data + failed[i];
        if (is_missed(list, path, options)) failed[n_missed++] = failed[i];
    }
    list->failed.n_bytes = n_missed * sizeof *failed;
}

/* ---- Ignore files ---- */

void ck_files_rules(CkFileList *list, int fd, const char *folder) {
    struct stat status;
    CkBuf lines;
    if (fd < 0) return;
    ck_buf_init(&lines);
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size <= IGNORE_FILE_BYTES_MAX) {
        uint8_t *to = ck_buf_reserve(&lines, (size_t)status.st_size);
        ssize_t n = to ? read(fd, to, (size_t)status.st_size) : -1;
        if (!to) list->ignore.text.rc = SQLITE_NOMEM;
        if (n > 0) ck_ignore_push(&list->ignore, folder, (const char *)to, (size_t)n);
    }
    close(fd);
    ck_buf_release(&lines);
}

/* Reads the .ckignore of a folder, "" or ending with '/'. */
static void read_ckignore(CkFileList *list, int root, const char *folder, size_t n, CkBuf *name) {
    ck_buf_clear(name);
    ck_path_decode(name, folder, n);
    ck_buf_append(name, ".ckignore", sizeof ".ckignore");
    if (name->rc != SQLITE_OK) return;
    int fd = ck_open_below(root, (const char *)name->data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return;
    ck_buf_clear(name);
    ck_buf_append(name, folder, n);
    ck_buf_append(name, "", 1);
    ck_files_rules(list, fd, name->rc == SQLITE_OK ? (const char *)name->data : "");
}

/* Every folder that has a file is looked at, once, parents first: what is in a folder stands
   together in the order of paths. Git's list will not do, since git may ignore a .ckignore. */
static int honour_ckignore(CkFileList *list, int root, CkError *err) {
    CkFileEntry *entries = (CkFileEntry *)(void *)list->entries.data;
    size_t n = ck_files_count(list), n_kept = 0;
    const char *before = "";
    CkBuf name;
    ck_buf_init(&name);
    read_ckignore(list, root, "", 0, &name);
    for (size_t i = 0; i < n; i++) {
        const char *path = ck_files_path(list, &entries[i]);
        int same = 1;
        for (size_t at = 0; path[at]; at++) {
            same = same && path[at] == before[at];
            if (path[at] == '/' && !same) read_ckignore(list, root, path, at + 1, &name);
        }
        before = path;
    }
    for (size_t i = 0; i < n && list->ignore.rules.n_bytes > 0; i++) {
        const char *path = ck_files_path(list, &entries[i]);
        if (!ck_ignore_file(&list->ignore, path, entries[i].n_path)) entries[n_kept++] = entries[i];
    }
    if (list->ignore.rules.n_bytes > 0) list->entries.n_bytes = n_kept * sizeof *entries;
    int rc = name.rc;
    ck_buf_release(&name);
    if (rc == SQLITE_OK) rc = list->ignore.text.rc | list->ignore.rules.rc;
    return rc != SQLITE_OK ? ck_error_nomem(err) : SQLITE_OK;
}

/* ---- Looking at each ---- */

static int64_t nanoseconds(struct timespec time) {
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Is a folder on the way to the path a symbolic link? Those on the way to `before` are none. */
static int is_behind_link(int root, char *path, const char *before) {
    struct stat status;
    int same = 1;
    for (char *c = path; *c; c++) {
        if (same) same = *c == *before++;
        if (*c != '/' || same) continue;
        *c = 0;
        int is_link = fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISLNK(status.st_mode);
        *c = '/';
        if (is_link) return 1;
    }
    return 0;
}

/* Fills in one entry. 0: it is not to be listed. before: the path looked at last, or "". */
static int look_at(CkFileList *list, CkFileEntry *entry, int root, CkBuf *raw, CkBuf *before) {
    struct stat status;
    const char *path = ck_files_path(list, entry);
    ck_buf_clear(raw);
    ck_path_decode(raw, path, entry->n_path);
    ck_buf_append(raw, "", 1);
    if (raw->rc != SQLITE_OK) return 0;
    /* Git takes what is behind such a link for deleted, and so do we. */
    if (is_behind_link(root, (char *)raw->data, (const char *)before->data)) return 0;
    ck_buf_clear(before);
    ck_buf_append(before, raw->data, raw->n_bytes);
    if (fstatat(root, (const char *)raw->data, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        /* It is gone, or sparse checkout left it out; else it is there and its refs stay. */
        if (errno == ENOENT || errno == ENOTDIR) return 0;
        ck_buf_append(&list->failed, &entry->path, sizeof entry->path);
        return 0;
    }
    if (!S_ISREG(status.st_mode)) {
        if (S_ISLNK(status.st_mode)) list->n_links++;
        else if (!S_ISDIR(status.st_mode)) list->n_special++;
        return 0;
    }
    entry->n_bytes = status.st_size;
    entry->mtime_ns = nanoseconds(status.st_mtim);
    entry->ctime_ns = nanoseconds(status.st_ctim);
    return 1;
}

static int look_at_all(CkFileList *list, int root, CkError *err) {
    CkFileEntry *entries = (CkFileEntry *)(void *)list->entries.data;
    size_t n = ck_files_count(list), n_kept = 0;
    CkBuf raw, before;
    ck_buf_init(&raw);
    ck_buf_init(&before);
    ck_buf_append(&before, "", 1);
    for (size_t i = 0; i < n && raw.rc == SQLITE_OK && before.rc == SQLITE_OK; i++) {
        if (look_at(list, &entries[i], root, &raw, &before)) entries[n_kept++] = entries[i];
    }
    list->entries.n_bytes = n_kept * sizeof *entries;
    if (raw.rc != SQLITE_OK || before.rc != SQLITE_OK || list->failed.rc != SQLITE_OK) {
        ck_error_nomem(err);
    }
    ck_buf_release(&raw);
    ck_buf_release(&before);
    return err->rc;
}

/* Is the folder in a git repository? One above it counts, and so does a broken one. */
static int is_in_git(const char *root) {
    char path[CK_PATH_MAX_BYTES + 8];
    size_t n = strlen(root);
    if (n > CK_PATH_MAX_BYTES) return 0;
    memcpy(path, root, n + 1);
    for (;;) {
        memcpy(path + n, "/.git", 6);
        if (access(path, F_OK) == 0) return 1;
        path[n] = 0;
        char *slash = strrchr(path, '/');
        if (!slash) return 0;
        n = (size_t)(slash - path);
    }
}

int ck_files_list(CkFileList *list, const CkFilesOptions *options, CkError *err) {
    int root = open(options->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        return ck_error_set(err, SQLITE_CANTOPEN, "%s: cannot be listed: %s", options->root,
                            strerror(errno));
    }
    list->from_git = is_in_git(options->root);
    if (list->from_git) ck_files_git(list, options->root, "", err);
    else ck_files_walk(list, options->root, err);
    if (list->text.rc != SQLITE_OK || list->entries.rc != SQLITE_OK) ck_error_nomem(err);
    if (err->rc == SQLITE_OK) {
        sort(list);
        if (!list->from_git || honour_ckignore(list, root, err) == SQLITE_OK) {
            keep_wanted(list, options);
            look_at_all(list, root, err);
        }
    }
    close(root);
    return err->rc;
}
