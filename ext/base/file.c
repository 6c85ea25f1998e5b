/* Files: see file.h. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(CkError *err, int rc, const char *path) {
    if (errno == ENOMEM) return ck_error_nomem(err);
    return ck_error_set(err, errno == ENOSPC ? SQLITE_FULL : rc, "%s: %s", path, strerror(errno));
}

static int open_file(CkFile *file, const char *path, int flags, CkError *err) {
    file->path = path;
    do {
        file->fd = open(path, flags | O_CLOEXEC, 0666);
    } while (file->fd < 0 && errno == EINTR);
    return file->fd < 0 ? fail(err, SQLITE_CANTOPEN, path) : SQLITE_OK;
}

int ck_file_open(CkFile *file, const char *path, CkError *err) {
    struct stat info;
    /* Without O_NONBLOCK a pipe would be waited for. */
    if (open_file(file, path, O_RDONLY | O_NONBLOCK, err) != SQLITE_OK) return err->rc;
    if (fstat(file->fd, &info) != 0) return fail(err, SQLITE_IOERR_FSTAT, path);
    if (S_ISREG(info.st_mode)) return SQLITE_OK;
    return ck_error_set(err, SQLITE_CANTOPEN, "%s: it is not a file", path);
}

int ck_file_create(CkFile *file, const char *path, CkError *err) {
    return open_file(file, path, O_WRONLY | O_CREAT | O_EXCL, err);
}

int ck_file_make_folder(const char *folder, CkError *err) {
    return mkdir(folder, 0777) == 0 || errno == EEXIST ? SQLITE_OK
                                                       : fail(err, SQLITE_CANTOPEN, folder);
}

void ck_file_close(CkFile *file) {
    if (file->fd >= 0) close(file->fd);
    file->fd = -1;
}

int ck_file_read(CkFile *file, void *to, size_t n, size_t *n_read, CkError *err) {
    *n_read = 0;
    while (*n_read < n) {
        ssize_t part = read(file->fd, (char *)to + *n_read, n - *n_read);
        if (part == 0) break;
        if (part > 0) *n_read += (size_t)part;
        else if (errno != EINTR) return fail(err, SQLITE_IOERR_READ, file->path);
    }
    return SQLITE_OK;
}

int ck_file_write(CkFile *file, const void *from, size_t n, CkError *err) {
    size_t done = 0;
    while (done < n) {
        ssize_t part = write(file->fd, (const char *)from + done, n - done);
        if (part >= 0) done += (size_t)part;
        else if (errno != EINTR) return fail(err, SQLITE_IOERR_WRITE, file->path);
    }
    return SQLITE_OK;
}

/* The folder's entries; a file system that cannot do so has no need of it, or no way. */
static void sync_folder(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

int ck_file_publish(CkFile *file, const char *folder, const char *path, CkError *err) {
    if (fsync(file->fd) != 0) return fail(err, SQLITE_IOERR_FSYNC, file->path);
    /* A network file system may report only here that it has no room. */
    int fd = file->fd;
    file->fd = -1;
    if (close(fd) != 0) return fail(err, SQLITE_IOERR_CLOSE, file->path);
    if (rename(file->path, path) != 0) return fail(err, SQLITE_IOERR_WRITE, path);
    sync_folder(folder);
    return SQLITE_OK;
}

void ck_file_remove(const char *path) {
    unlink(path);
}

int ck_file_exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

int ck_file_written_at(const char *path, int64_t *at) {
    struct stat info;
    if (stat(path, &info) != 0) return 0;
    *at = (int64_t)info.st_mtime;
    return 1;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const CkFileName *)a)->name, ((const CkFileName *)b)->name);
}

int ck_file_list(const char *folder, const char *prefix, const char *suffix, CkBuf *names,
                 CkError *err) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t n_prefix = strlen(prefix), n_suffix = strlen(suffix);
    if (!dir) return fail(err, SQLITE_CANTOPEN, folder);
    while ((entry = readdir(dir)) != NULL) {
        CkFileName name;
        size_t n = strlen(entry->d_name);
        if (n < n_prefix + n_suffix || n >= sizeof name.name) continue;
        if (n_prefix == 0 && entry->d_name[0] == '.') continue;
        if (memcmp(entry->d_name, prefix, n_prefix) != 0) continue;
        if (strcmp(entry->d_name + n - n_suffix, suffix) != 0) continue;
        memset(&name, 0, sizeof name);
        memcpy(name.name, entry->d_name, n);
        ck_buf_append(names, &name, sizeof name);
    }
    closedir(dir);
    if (names->rc != SQLITE_OK) return ck_error_nomem(err);
    if (names->n_bytes > 0) {
        qsort(names->data, names->n_bytes / sizeof(CkFileName), sizeof(CkFileName), compare_names);
    }
    return SQLITE_OK;
}
