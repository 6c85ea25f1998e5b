/* Which workspace, which base, which store: see place.h. */
#include "place.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "fs.h"
#include "options.h"

/* Of a .git file, which is one line: "gitdir: /src/main/.git/worktrees/feature". NULL otherwise. */
static char *linked_git_folder(CkApp *app, const char *root) {
    char *path = ck_path_join(app, root, ".git"), *data = NULL, *folder = NULL;
    size_t n;
    if (!ck_path_exists(path) || ck_path_is_folder(path)) return NULL;
    if (ck_file_read(app, path, 2 * PATH_MAX, &data, &n) != CK_EXIT_OK || !data) return NULL;
    if (strncmp(data, "gitdir: ", 8) == 0) {
        data[strcspn(data, "\r\n")] = '\0';
        folder = ck_path_absolute(app, root, data + 8);
    }
    sqlite3_free(data);
    return folder;
}

static int is_linked_worktree(CkApp *app, const char *root) {
    const char *folder = linked_git_folder(app, root);
    return folder && strstr(folder, "/worktrees/") != NULL;
}

char *ck_place_main_worktree(CkApp *app, const char *root) {
    char *folder = linked_git_folder(app, root);
    char *worktrees = folder ? strstr(folder, "/.git/worktrees/") : NULL;
    if (!worktrees) return NULL;
    *worktrees = '\0';
    return folder;
}

char *ck_place_project_root(CkApp *app, const char *folder) {
    for (char *at = ck_text(app, "%s", folder);; at = ck_path_parent(app, at)) {
        if (ck_path_exists(ck_path_join(app, at, CK_CONFIG_FILE)) ||
            ck_path_exists(ck_path_join(app, at, ".git"))) {
            return at;
        }
        if (!at[1]) return NULL;
    }
}

void ck_place_set_base(CkApp *app, const char *base) {
    app->place.base = base;
    if (!ck_option_text(app, "store", NULL)) {
        app->place.store = ck_path_join(app, base, CK_STORE_FILE);
    }
}

static int find_folder(CkApp *app) {
    char current[PATH_MAX];
    const char *there = ck_option_text(app, "directory", NULL);
    if (!getcwd(current, sizeof current)) {
        return ck_fail(app, CK_EXIT_ERROR, "Change to a folder that exists.",
                       "the working folder is gone: %s", strerror(errno));
    }
    app->place.folder = there ? ck_path_absolute(app, current, there) : ck_text(app, "%s", current);
    if (!ck_path_is_folder(app->place.folder)) {
        return ck_fail(app, CK_EXIT_USAGE, NULL, "-C: '%s' is not a folder", there);
    }
    return CK_EXIT_OK;
}

static int has_store(CkApp *app, const char *base) {
    return ck_path_exists(ck_path_join(app, base, CK_STORE_FILE));
}

/* What the config.toml of a tree says. */
static const char *named_base(CkApp *app, const char *root) {
    const char *path = ck_path_join(app, root, CK_CONFIG_FILE);
    if (!ck_path_exists(path)) return NULL;
    CkConfig *own = app->config;
    app->config = ck_config_read(app, path);
    const char *base = ck_config_text(app, "base", NULL);
    app->config = own;
    return base ? ck_path_absolute(app, root, base) : NULL;
}

const char *ck_place_base_of(CkApp *app, const char *root) {
    const char *named = named_base(app, root);
    const char *main = named && has_store(app, named) ? NULL : ck_place_main_worktree(app, root);
    if (main) {
        const char *its = named_base(app, main);
        if (!its) its = main;
        if (has_store(app, its)) return its;
    }
    for (const char *at = root; !named; at = ck_path_parent(app, at)) {
        if (has_store(app, at)) return at;
        if (!at[1]) return NULL;
    }
    return named;
}

static int take_workspace(CkApp *app, const char *root) {
    app->place.workspace = root;
    app->config = ck_config_read(app, ck_path_join(app, root, CK_CONFIG_FILE));
    const char *base = app->config ? ck_place_base_of(app, root) : NULL;
    if (base) ck_place_set_base(app, base);
    return app->exit_code;
}

int ck_place_find(CkApp *app) {
    if (find_folder(app) != CK_EXIT_OK) return app->exit_code;
    const char *store = ck_option_text(app, "store", NULL);
    if (store) app->place.store = ck_path_absolute(app, app->place.folder, store);
    for (const char *at = app->place.folder;; at = ck_path_parent(app, at)) {
        if (ck_path_exists(ck_path_join(app, at, CK_CONFIG_FILE))) return take_workspace(app, at);
        if (has_store(app, at)) {
            ck_place_set_base(app, at);
            return CK_EXIT_OK;
        }
        if (!at[1] || is_linked_worktree(app, at)) return app->exit_code;
    }
}

int ck_place_need_store(CkApp *app) {
    if (ck_place_find(app) != CK_EXIT_OK) return app->exit_code;
    if (!app->place.store) {
        const char *hint =
            ck_text(app, "Run: %s init, or name a store with --store FILE", app->program);
        return ck_fail(app, CK_EXIT_ERROR, hint,
                       "'%s' belongs to no workspace", app->place.folder);
    }
    if (!ck_path_exists(app->place.store)) {
        const char *hint = ck_text(app, "Run: %s init --base DIR, where DIR has the base or is to "
                                        "have it", app->program);
        return ck_fail(app, CK_EXIT_ERROR, hint, "there is no store at '%s'%s", app->place.store,
                       ck_config_text(app, "base", NULL) && !ck_option_text(app, "store", NULL)
                           ? ck_text(app, ", which is what %s/" CK_CONFIG_FILE " says",
                                     app->place.workspace)
                           : "");
    }
    return CK_EXIT_OK;
}

int ck_place_need_workspace(CkApp *app) {
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    if (app->place.workspace) return CK_EXIT_OK;
    return ck_fail(app, CK_EXIT_ERROR, ck_text(app, "Run: %s init", app->program),
                   "'%s' belongs to no workspace", app->place.folder);
}
