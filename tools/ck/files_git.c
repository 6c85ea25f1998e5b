/*
** The files of a git repository: see files.h.
**
** `git ls-files -z -s` prints a record for each entry of the index,
**
**     MODE ' ' OBJECT ' ' STAGE '\t' PATH '\0'
**
** MODE 160000 is a submodule, 120000 a symbolic link. What sparse checkout leaves out is among
** them, and is told by not being there. `git ls-files -z --others --exclude-standard` prints PATH
** '\0' for each untracked file, and a folder, with '/' at its end, for a repository inside. It goes
** on after a folder that it cannot read, exits with 0 and says so only on standard error, with the
** path from the top of the repository:
**
**     warning: could not open directory 'PATH/': Permission denied
*/
#include <string.h>
#include <sys/stat.h>
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

/* said: what git says on standard error, or NULL. */
static int ask(const char *const where[2], char *const arguments[], CkBuf *out, CkBuf *said,
               CkError *err) {
    const char *root = where[0], *folder = where[1];
    CkBuf path;
    ck_buf_init(&path);
    ck_buf_append(&path, root, strlen(root));
    ck_buf_append(&path, "/", 1);
    ck_buf_append(&path, folder, strlen(folder) + 1);
    if (path.rc != SQLITE_OK) ck_error_nomem(err);
    else ck_process_run(arguments, (const char *)path.data, out, OUTPUT_BYTES_MAX, said, err);
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
    char *arguments[] = {"git", "ls-files", "-z", "-s", NULL};
    CkBuf out, path;
    ck_buf_init(&out);
    ck_buf_init(&path);
    ask((const char *[]){root, folder}, arguments, &out, NULL, err);
    const char *at = (const char *)out.data, *end = at + out.n_bytes;
    while (err->rc == SQLITE_OK && at && at < end) {
        const char *stop = memchr(at, 0, (size_t)(end - at));
        const char *tab = stop ? memchr(at, '\t', (size_t)(stop - at)) : NULL;
        if (!tab || tab - at < 6) {
            ck_error_set(err, SQLITE_ERROR, "git ls-files: printed what it never did: %.40s", at);
            break;
        }
        if (join(&path, folder, tab + 1, (size_t)(stop - tab - 1)) != SQLITE_OK) {
            ck_error_nomem(err);
        } else if (memcmp(at, "160000", 6) == 0) {
            submodule(list, root, &path, err);
        } else {
            ck_files_add(list, (const char *)path.data, path.n_bytes - 1, 1);
        }
        at = stop + 1;
    }
    ck_buf_release(&out);
    ck_buf_release(&path);
    return err->rc;
}

/* ---- What it could not read ---- */

/* How the folder is called from the top of its repository: "" or ending with '/'. */
static int prefix_of(const char *root, const char *folder, CkBuf *prefix, CkError *err) {
    char *arguments[] = {"git", "rev-parse", "--show-prefix", NULL};
    ask((const char *[]){root, folder}, arguments, prefix, NULL, err);
    if (prefix->n_bytes > 0) prefix->n_bytes--; /* the newline */
    ck_buf_append(prefix, "", 1);
    if (prefix->rc != SQLITE_OK) ck_error_nomem(err);
    return err->rc;
}

/* Takes a line that names a folder; 0: it does not, or not one that is below `folder`. */
static int take_unread(CkFileList *list, const char *const where[2], const char *prefix,
                       const char *line, size_t n) {
    static const char BEGIN[] = "warning: could not open directory '";
    size_t n_begin = sizeof BEGIN - 1, n_prefix = strlen(prefix);
    char name[2 * CK_PATH_MAX_BYTES];
    struct stat status;
    CkBuf path;
    if (n < n_begin || memcmp(line, BEGIN, n_begin) != 0) return 0;
    line += n_begin;
    n -= n_begin;
    const char *stop = memrchr(line, '\'', n);
    if (!stop || stop == line || stop[-1] != '/') return 0;
    n = (size_t)(stop - line) - 1;
    if (n < n_prefix || memcmp(line, prefix, n_prefix) != 0) return 0;
    ck_buf_init(&path);
    if (join(&path, where[1], line + n_prefix, n - n_prefix) != SQLITE_OK) {
        list->text.rc = path.rc;
    } else {
        /* Git writes '?' for control characters: then there is no such folder. */
        sqlite3_snprintf(sizeof name, name, "%s/%s", where[0], (const char *)path.data);
        if (lstat(name, &status) != 0) n = 0;
        else ck_files_add_failed(list, (const char *)path.data, path.n_bytes - 1);
    }
    ck_buf_release(&path);
    return n > 0;
}

/* Of what git says but we do not understand, no more is certain than that the list may lack
   something: it is kept for people, and nothing is taken for gone. */
static void take_doubt(CkFileList *list, const char *line, size_t n) {
    if (list->doubt.n_bytes == 0) {
        ck_buf_append(&list->doubt, line, n);
        ck_buf_append(&list->doubt, "", 1);
        if (list->doubt.rc != SQLITE_OK) list->text.rc = list->doubt.rc;
    }
}

static int take_said(CkFileList *list, const char *root, const char *folder, const CkBuf *said,
                     CkError *err) {
    const char *const where[] = {root, folder};
    const char *at = (const char *)said->data;
    CkBuf prefix;
    if (said->n_bytes < 2) return err->rc; /* its 0 alone */
    ck_buf_init(&prefix);
    prefix_of(root, folder, &prefix, err);
    int is_cut = said->n_bytes > CK_PROCESS_STDERR_MAX;
    while (err->rc == SQLITE_OK && *at) {
        size_t n = strcspn(at, "\n");
        int is_whole = at[n] != 0 || !is_cut;
        int is_trouble = strncmp(at, "warning: ", 9) == 0 || strncmp(at, "error: ", 7) == 0;
        /* An ignore file that cannot be read makes the list longer, not shorter. */
        int is_harmless = strncmp(at, "warning: unable to access '", 27) == 0;
        if (!is_whole || (is_trouble && !is_harmless &&
                          !take_unread(list, where, (const char *)prefix.data, at, n))) {
            take_doubt(list, at, n);
        }
        at += n + (at[n] != 0);
    }
    ck_buf_release(&prefix);
    return err->rc;
}

static int untracked(CkFileList *list, const char *root, const char *folder, CkError *err) {
    char *arguments[] = {"git", "ls-files", "-z", "--others", "--exclude-standard", NULL};
    CkBuf out, said, path;
    ck_buf_init(&out);
    ck_buf_init(&said);
    ck_buf_init(&path);
    if (ask((const char *[]){root, folder}, arguments, &out, &said, err) == SQLITE_OK) {
        take_said(list, root, folder, &said, err);
    }
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
    ck_buf_release(&said);
    ck_buf_release(&path);
    return err->rc;
}

int ck_files_git(CkFileList *list, const char *root, const char *folder, CkError *err) {
    if (tracked(list, root, folder, err) == SQLITE_OK) untracked(list, root, folder, err);
    return err->rc;
}
