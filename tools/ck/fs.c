/* Paths and files: see fs.h. */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *ck_path_join(CkApp *app, const char *a, const char *b) {
    if (b[0] == '/') return ck_text(app, "%s", b);
    size_t n = strlen(a);
    return ck_text(app, "%s%s%s", a, n > 0 && a[n - 1] == '/' ? "" : "/", b);
}

/* Removes ".", ".." and "//" of an absolute path, in place. */
static void normalize(char *path) {
    char *out = path;
    const char *in = path;
    while (*in) {
        while (*in == '/') in++;
        size_t n = strcspn(in, "/");
        if (n == 2 && in[0] == '.' && in[1] == '.') {
            while (out > path && *--out != '/') {
            }
        } else if (n > 0 && !(n == 1 && in[0] == '.')) {
            *out++ = '/';
            memmove(out, in, n);
            out += n;
        }
        in += n;
    }
    if (out == path) *out++ = '/';
    *out = '\0';
}

char *ck_path_absolute(CkApp *app, const char *folder, const char *path) {
    char *whole = ck_path_join(app, folder, path), real[PATH_MAX];
    size_t end = strlen(whole);
    while (end > 0 && whole[end - 1] == '/') whole[--end] = '\0';
    /* The longest part that exists is resolved by the system, ".." behind a link included. */
    while (end > 0) {
        char saved = whole[end];
        whole[end] = '\0';
        char *found = realpath(whole, real);
        whole[end] = saved;
        if (found) break;
        do {
            end--;
        } while (end > 0 && whole[end] != '/');
    }
    char *joined = end > 0 ? ck_text(app, "%s/%s", real, whole + end) : ck_text(app, "/%s", whole);
    normalize(joined);
    return joined;
}

char *ck_path_relative(CkApp *app, const char *from, const char *to) {
    size_t common = 0;
    for (size_t i = 0;; i++) {
        int from_ends = from[i] == '/' || !from[i], to_ends = to[i] == '/' || !to[i];
        if (from_ends && to_ends) common = i;
        if (!from[i] || from[i] != to[i]) break;
    }
    const char *rest = from + common, *target = to + common;
    while (*rest == '/') rest++;
    while (*target == '/') target++;
    char *path = ck_text(app, "");
    for (const char *at = rest; *at;) {
        path = ck_text(app, "%s../", path);
        at += strcspn(at, "/");
        while (*at == '/') at++;
    }
    path = ck_text(app, "%s%s", path, target);
    size_t n = strlen(path);
    if (n > 1 && path[n - 1] == '/') path[n - 1] = '\0';
    return path[0] ? path : ck_text(app, ".");
}

/* Each byte for which must_escape() is 1 as %41. */
static char *escaped(CkApp *app, const char *path, int (*must_escape)(char)) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *at = path; *at; at++) {
        if (must_escape(*at)) sqlite3_str_appendf(out, "%%%02X", (unsigned char)*at);
        else sqlite3_str_appendchar(out, 1, *at);
    }
    char *text = sqlite3_str_finish(out), *kept = ck_text(app, "%s", text ? text : "");
    sqlite3_free(text);
    return kept;
}

static int means_something(char c) {
    return strchr("%?#", c) != NULL;
}

static int is_reserved(char c) {
    int is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return !is_letter && !strchr("/-._~", c);
}

char *ck_path_uri(CkApp *app, const char *path) {
    return ck_text(app, "file:%s", escaped(app, path, means_something));
}

char *ck_path_percent(CkApp *app, const char *path) {
    return escaped(app, path, is_reserved);
}

char *ck_path_parent(CkApp *app, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) return ck_text(app, "/");
    return ck_text(app, "%.*s", (int)(slash - path), path);
}

const char *ck_path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int ck_path_within(const char *folder, const char *path) {
    size_t n = strlen(folder);
    if (n == 1) return 1; /* "/" */
    return strncmp(folder, path, n) == 0 && (path[n] == '/' || !path[n]);
}

int ck_path_exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

int ck_path_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int ck_path_is_link(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

int ck_path_same(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int ck_file_read(CkApp *app, const char *path, size_t max_bytes, char **data, size_t *n_bytes) {
    struct stat info;
    *data = NULL;
    *n_bytes = 0;
    /* Without O_NONBLOCK a named pipe would wait for somebody to write. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return app->exit_code;
    if (fd < 0 || fstat(fd, &info) != 0) {
        ck_fail(app, CK_EXIT_ERROR, NULL, "cannot read '%s': %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        ck_fail(app, CK_EXIT_ERROR, NULL, "cannot read '%s': it is not a file", path);
    } else if ((uint64_t)info.st_size > max_bytes) {
        ck_fail(app, CK_EXIT_ERROR, NULL, "cannot read '%s': %lld bytes, at most %lld are expected",
                path, (long long)info.st_size, (long long)max_bytes);
    } else {
        size_t size = (size_t)info.st_size;
        char *bytes = ck_alloc(size + 1);
        ssize_t n = 0;
        while (*n_bytes < size && (n = read(fd, bytes + *n_bytes, size - *n_bytes)) > 0) {
            *n_bytes += (size_t)n;
        }
        if (n < 0) {
            ck_fail(app, CK_EXIT_ERROR, NULL, "cannot read '%s': %s", path, strerror(errno));
            sqlite3_free(bytes);
        } else {
            bytes[*n_bytes] = '\0';
            *data = bytes;
        }
    }
    if (fd >= 0) close(fd);
    return app->exit_code;
}

int ck_open_below(int root, const char *path, int flags) {
    int folder = root, fd = -1;
    char name[NAME_MAX + 1];
    for (;;) {
        size_t n = strcspn(path, "/");
        if (!path[n]) {
            fd = openat(folder, path, flags | O_NOFOLLOW);
            break;
        }
        if (n > NAME_MAX) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(name, path, n);
        name[n] = '\0';
        int next = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) break;
        if (folder != root) close(folder);
        folder = next;
        path += n + 1;
    }
    int failure = errno;
    if (folder != root) close(folder);
    errno = failure;
    return fd;
}

int ck_file_write(CkApp *app, const char *path, int mode, const char *text) {
    char *temporary = ck_text(app, "%s.new-%d", path, (int)getpid());
    size_t n = strlen(text), done = 0;
    ssize_t written = 0;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    while (fd >= 0 && done < n && (written = write(fd, text + done, n - done)) > 0) {
        done += (size_t)written;
    }
    int failed = fd < 0 || done < n || fsync(fd) != 0;
    if (fd >= 0 && close(fd) != 0) failed = 1;
    if (!failed && rename(temporary, path) != 0) failed = 1;
    if (failed) {
        ck_fail(app, CK_EXIT_ERROR, NULL, "cannot write '%s': %s", path, strerror(errno));
        if (fd >= 0) unlink(temporary);
    }
    return app->exit_code;
}

int ck_folder_make(CkApp *app, const char *path, int mode) {
    if (mkdir(path, (mode_t)mode) == 0 || (errno == EEXIST && ck_path_is_folder(path))) {
        return app->exit_code;
    }
    return ck_fail(app, CK_EXIT_ERROR, NULL, "cannot make the folder '%s': %s", path,
                   strerror(errno));
}
