/*
** The files of a folder that is in no git repository: see files.h.
**
** Each folder's .gitignore and .ckignore are read before its entries are looked at, and forgotten
** when it is left. Outside of git nothing is tracked.
*/
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "utf8.h"

typedef struct Walk {
    CkFileList *list;
    CkBuf path; /* of the folder it is in, in bytes of the file system, with '/' at its end */
    CkBuf stored; /* the same path, or an entry's, as stored */
    int depth;
    CkFolderFn *on_folder; /* NULL, or is told of each folder before it is read */
    void *context;
} Walk;

/* The stored form of the first n bytes of the path, as a string. */
static const char *stored(Walk *walk, size_t n) {
    ck_buf_clear(&walk->stored);
    ck_path_encode(&walk->stored, (const char *)walk->path.data, n);
    ck_buf_append(&walk->stored, "", 1);
    return walk->stored.rc == SQLITE_OK ? (const char *)walk->stored.data : "";
}

static void read_rules(Walk *walk, int folder, const char *name) {
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ck_files_rules(walk->list, fd, stored(walk, walk->path.n_bytes));
}

static void folder(Walk *walk, int fd);

/* 'd' a folder, 'f' a file, 'l' a link, 's' another thing, 0 gone. */
static char kind_of(int folder_fd, const struct dirent *entry) {
    struct stat status;
    if (entry->d_type == DT_DIR) return 'd';
    if (entry->d_type == DT_REG) return 'f';
    if (entry->d_type == DT_LNK) return 'l';
    if (entry->d_type != DT_UNKNOWN) return 's';
    if (fstatat(folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    if (S_ISDIR(status.st_mode)) return 'd';
    if (S_ISREG(status.st_mode)) return 'f';
    return S_ISLNK(status.st_mode) ? 'l' : 's';
}

static void enter(Walk *walk, int parent, const char *name) {
    int fd = walk->depth >= CK_FILES_DEPTH_MAX
                 ? -1
                 : openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        if (walk->depth >= CK_FILES_DEPTH_MAX || errno != ENOENT) {
            ck_files_add_failed(walk->list, (const char *)walk->path.data, walk->path.n_bytes);
        }
        return;
    }
    ck_buf_append(&walk->path, "/", 1);
    walk->depth++;
    folder(walk, fd);
    walk->depth--;
}

static void entry_of(Walk *walk, int parent, const struct dirent *entry) {
    const char *name = entry->d_name;
    char kind = kind_of(parent, entry);
    size_t before = walk->path.n_bytes;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0 ||
        strcmp(name, ".ck") == 0) return;
    ck_buf_append(&walk->path, name, strlen(name));
    if (walk->path.rc != SQLITE_OK) return;
    const char *path = stored(walk, walk->path.n_bytes);
    size_t n_path = walk->stored.n_bytes > 0 ? walk->stored.n_bytes - 1 : 0;
    if (kind == 'l') walk->list->n_links++;
    else if (kind == 's') walk->list->n_special++;
    else if (kind && !ck_ignore_entry(&walk->list->ignore, path, n_path, kind == 'd')) {
        if (kind == 'd') enter(walk, parent, name);
        else ck_files_add(walk->list, (const char *)walk->path.data, walk->path.n_bytes, 0);
    }
    walk->path.n_bytes = before;
}

/* Lists one folder, whose descriptor it closes. */
static void folder(Walk *walk, int fd) {
    CkIgnoreMark mark = ck_ignore_mark(&walk->list->ignore);
    size_t before = walk->path.n_bytes;
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    if (walk->on_folder) {
        ck_buf_append(&walk->path, "", 1);
        if (walk->path.rc == SQLITE_OK) {
            walk->on_folder(walk->context, (const char *)walk->path.data);
            walk->path.n_bytes--;
        }
    }
    if (!dir) {
        close(fd);
        ck_files_add_failed(walk->list, (const char *)walk->path.data, before - (before > 0));
        return;
    }
    read_rules(walk, fd, ".gitignore");
    read_rules(walk, fd, ".ckignore");
    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (!entry) break;
        entry_of(walk, fd, entry);
        walk->path.n_bytes = before;
    }
    if (errno != 0) {
        ck_files_add_failed(walk->list, (const char *)walk->path.data, before - (before > 0));
    }
    closedir(dir);
    ck_ignore_pop(&walk->list->ignore, mark);
}

static int walk_all(Walk *walk, const char *root, CkError *err) {
    CkFileList *list = walk->list;
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return ck_error_set(err, SQLITE_CANTOPEN, "%s: cannot be listed: %s", root,
                            strerror(errno));
    }
    folder(walk, fd);
    if (walk->path.rc != SQLITE_OK || walk->stored.rc != SQLITE_OK ||
        list->ignore.rules.rc != SQLITE_OK || list->ignore.text.rc != SQLITE_OK) {
        ck_error_nomem(err);
    }
    ck_buf_release(&walk->path);
    ck_buf_release(&walk->stored);
    return err->rc;
}

int ck_files_walk(CkFileList *list, const char *root, CkError *err) {
    Walk walk = {.list = list};
    return walk_all(&walk, root, err);
}

int ck_files_folders(const char *root, CkFolderFn *on_folder, void *context, CkError *err) {
    CkFileList list;
    Walk walk = {.list = &list, .on_folder = on_folder, .context = context};
    ck_files_init(&list);
    walk_all(&walk, root, err);
    ck_files_release(&list);
    return err->rc;
}
