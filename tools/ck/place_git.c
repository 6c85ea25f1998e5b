/*
** What git says of a tree: whether it is a linked worktree, of what, and whether it tracks the
** store. Read from git's own files, since every command asks; see gitrepository-layout(5).
**
** The .git of a linked worktree is a file, "gitdir: /src/main/.git/worktrees/feature". In that
** folder the file commondir leads to the one that all worktrees share: .git of the main worktree,
** or a bare repository. There worktrees/NAME/gitdir is the path of the .git file of each of them.
*/
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "fs.h"
#include "options.h"
#include "output.h"
#include "place.h"
#include "process.h"

#define GIT_CONFIG_BYTES_MAX (16 * 1024 * 1024)
#define WORKTREES_MAX 1000
#define LISTED_BYTES_MAX 65536

/* The first line of a small file, or NULL. */
static char *first_line(CkApp *app, const char *path) {
    char *data = NULL, *line = NULL;
    size_t n;
    if (!ck_path_exists(path) || ck_path_is_folder(path)) return NULL;
    if (ck_file_read(app, path, 2 * PATH_MAX, &data, &n) != CK_EXIT_OK || !data) return NULL;
    line = ck_text(app, "%.*s", (int)strcspn(data, "\r\n"), data);
    sqlite3_free(data);
    return line;
}

/* What a .git file names, else NULL. */
static char *git_folder(CkApp *app, const char *root) {
    char *line = first_line(app, ck_path_join(app, root, ".git"));
    if (!line || strncmp(line, "gitdir: ", 8) != 0) return NULL;
    return ck_path_absolute(app, root, line + 8);
}

int ck_place_is_linked(CkApp *app, const char *root) {
    const char *folder = git_folder(app, root);
    return folder && strstr(folder, "/worktrees/") != NULL;
}

/* The folder that the worktrees share when root is a linked one, else NULL. */
static char *common_folder(CkApp *app, const char *root) {
    char *folder = git_folder(app, root);
    char *line = folder ? first_line(app, ck_path_join(app, folder, "commondir")) : NULL;
    return line ? ck_path_absolute(app, folder, line) : NULL;
}

/* Is there a line "bare = true", however it is blanked? */
static int says_bare(CkApp *app, const char *path) {
    char *data = NULL;
    size_t n = 0, n_line = 0;
    char line[16];
    int found = 0;
    if (!ck_path_exists(path)) return 0;
    ck_file_read(app, path, GIT_CONFIG_BYTES_MAX, &data, &n);
    for (size_t i = 0; data && i <= n; i++) {
        if (data[i] == '\n' || !data[i]) {
            line[n_line < sizeof line ? n_line : 0] = '\0';
            found |= strcmp(line, "bare=true") == 0;
            n_line = 0;
        } else if (!strchr(" \t\r", data[i])) {
            if (n_line < sizeof line) line[n_line] = data[i];
            n_line++;
        }
    }
    sqlite3_free(data);
    return found;
}

char *ck_place_main_worktree(CkApp *app, const char *root) {
    char *common = common_folder(app, root);
    if (!common) return NULL;
    char *parent = ck_path_parent(app, common);
    if (strcmp(ck_path_name(common), ".git") == 0) return parent;
    if (!says_bare(app, ck_path_join(app, common, "config")) &&
        !says_bare(app, ck_path_join(app, common, "config.worktree"))) {
        return NULL; /* its main worktree is elsewhere, and git does not keep where */
    }
    return ck_path_exists(ck_path_join(app, parent, ".git")) ? parent : common;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **ck_place_siblings(CkApp *app, const char *root) {
    char **roots = ck_keep(app, sizeof *roots * (WORKTREES_MAX + 1));
    int n = 0;
    char *common = common_folder(app, root);
    const char *list = common ? ck_path_join(app, common, "worktrees") : NULL;
    DIR *folder = list ? opendir(list) : NULL;
    for (struct dirent *entry; folder && n < WORKTREES_MAX && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        const char *own = ck_path_join(app, list, entry->d_name);
        const char *line = first_line(app, ck_path_join(app, own, "gitdir"));
        if (!line) continue;
        char *tree = ck_path_parent(app, ck_path_absolute(app, own, line));
        if (strcmp(tree, root) != 0) roots[n++] = tree;
    }
    if (folder) closedir(folder);
    qsort(roots, (size_t)n, sizeof *roots, compare_paths);
    roots[n] = NULL;
    return roots;
}

/* Does git list something? -1: it cannot be asked. */
static int lists(char *const arguments[], const char *folder) {
    CkError err = CK_ERROR_NONE;
    CkBuf listed;
    ck_buf_init(&listed);
    ck_process_run(arguments, folder, &listed, LISTED_BYTES_MAX, NULL, &err);
    int found = err.rc != SQLITE_OK ? -1 : listed.n_bytes > 0;
    ck_error_release(&err);
    ck_buf_release(&listed);
    return found;
}

/* Where letters are all the same to a file system, .CK/Config.toml is the file, too. */
int ck_place_is_made_here(CkApp *app, const char *root) {
    char *arguments[] = {"git", "ls-files", "--", ":(icase)" CK_CONFIG_FILE,
                         ":(icase)" CK_WORKSPACE_FILE, NULL};
    return ck_path_exists(ck_path_join(app, root, ".git")) && lists(arguments, root) == 0;
}

int ck_place_store_is_tracked(CkApp *app) {
    char *arguments[] = {"git", "ls-files", "--", CK_STORE_FILE, NULL};
    return app->place.base && !ck_option_text(app, "store", NULL) &&
           lists(arguments, app->place.base) == 1;
}

void ck_place_warn_of_tracked_store(CkApp *app) {
    if (app->exit_code != CK_EXIT_OK || !ck_place_store_is_tracked(app)) return;
    ck_warn(app, "git tracks the store '%s': what is in it, its remotes too, came with the "
                 "repository\n"
                 "Have a base of your own: %s init --base DIR. If it is yours: git rm --cached %s",
            app->place.store, app->program, CK_STORE_FILE);
}
