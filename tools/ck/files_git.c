/*
** The files of a git repository: see files.h.
**
** `git ls-files -z -s -t` prints a record for each entry of the index,
**
**     TAG ' ' MODE ' ' OBJECT ' ' STAGE '\t' PATH '\0'
**
** TAG is S for what sparse checkout leaves out; MODE 160000 is a submodule, 120000 a symbolic
** link. `git ls-files -z --others --exclude-standard` prints PATH '\0' for each untracked file,
** and a folder, with '/' at its end, for a repository inside.
*/
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "files.h"
#include "process.h"

#define OUTPUT_BYTES_MAX 1000000000

/* The path of a file below the root, as a string in `path`. */
static int join(CkBuf *path, const char *folder, const char *name, size_t n_name) {
    ck_buf_clear(path);
    ck_buf_append(path, folder, strlen(folder));
    ck_buf_append(path, name, n_name);
    ck_buf_append(path, "", 1);
    return path->rc;
}

static int ask(const char *root, const char *folder, char *const arguments[], CkBuf *out,
               CkError *err) {
    CkBuf path;
    ck_buf_init(&path);
    ck_buf_append(&path, root, strlen(root));
    ck_buf_append(&path, "/", 1);
    ck_buf_append(&path, folder, strlen(folder) + 1);
    if (path.rc != SQLITE_OK) ck_error_nomem(err);
    else ck_process_run(arguments, (const char *)path.data, out, OUTPUT_BYTES_MAX, err);
    ck_buf_release(&path);
    return err->rc;
}

static int is_checked_out(const char *root, const char *path) {
    char name[2 * CK_PATH_MAX_BYTES];
    sqlite3_snprintf(sizeof name, name, "%s/%s/.git", root, path);
    return access(name, F_OK) == 0;
}

static int submodule(CkFileList *list, const char *root, CkBuf *path, CkError *err) {
    const char *at = (const char *)path->data;
    size_t depth = 0;
    for (const char *c = at; *c; c++) depth += *c == '/';
    if (!is_checked_out(root, at) || depth > CK_FILES_DEPTH_MAX) return SQLITE_OK;
    path->n_bytes--;
    ck_buf_append(path, "/", 2);
    if (path->rc != SQLITE_OK) return ck_error_nomem(err);
    return ck_files_git(list, root, (const char *)path->data, err);
}

static int tracked(CkFileList *list, const char *root, const char *folder, CkError *err) {
    char *arguments[] = {"git", "ls-files", "-z", "-s", "-t", NULL};
    CkBuf out, path;
    ck_buf_init(&out);
    ck_buf_init(&path);
    ask(root, folder, arguments, &out, err);
    const char *at = (const char *)out.data, *end = at + out.n_bytes;
    while (err->rc == SQLITE_OK && at && at < end) {
        const char *stop = memchr(at, 0, (size_t)(end - at));
        const char *tab = stop ? memchr(at, '\t', (size_t)(stop - at)) : NULL;
        if (!tab || tab - at < 8) {
            ck_error_set(err, SQLITE_ERROR, "git ls-files: printed what it never did: %.40s", at);
            break;
        }
        if (join(&path, folder, tab + 1, (size_t)(stop - tab - 1)) != SQLITE_OK) {
            ck_error_nomem(err);
        } else if (memcmp(at + 2, "160000", 6) == 0) {
            submodule(list, root, &path, err);
        } else if (at[0] != 'S') {
            ck_files_add(list, (const char *)path.data, path.n_bytes - 1, 1);
        }
        at = stop + 1;
    }
    ck_buf_release(&out);
    ck_buf_release(&path);
    return err->rc;
}

static int untracked(CkFileList *list, const char *root, const char *folder, CkError *err) {
    char *arguments[] = {"git", "ls-files", "-z", "--others", "--exclude-standard", NULL};
    CkBuf out, path;
    ck_buf_init(&out);
    ck_buf_init(&path);
    ask(root, folder, arguments, &out, err);
    const char *at = (const char *)out.data, *end = at + out.n_bytes;
    while (err->rc == SQLITE_OK && at && at < end) {
        size_t n = strnlen(at, (size_t)(end - at));
        if (n > 0 && at[n - 1] == '/') {
            list->n_nested++;
        } else if (n > 0) {
            if (join(&path, folder, at, n) != SQLITE_OK) ck_error_nomem(err);
            else ck_files_add(list, (const char *)path.data, path.n_bytes - 1, 0);
        }
        at += n + 1;
    }
    ck_buf_release(&out);
    ck_buf_release(&path);
    return err->rc;
}

int ck_files_git(CkFileList *list, const char *root, const char *folder, CkError *err) {
    if (tracked(list, root, folder, err) == SQLITE_OK) untracked(list, root, folder, err);
    return err->rc;
}
