/* Which workspace, which base, which store: see place.h. */
#include "place.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "fs.h"
#include "options.h"

/* Behind it, up to the end of .ck/workspace, is the base: a path may have any byte. */
static const char base_begins[] = "\nbase ";

static int is_workspace(CkApp *app, const char *folder) {
    return ck_path_exists(ck_path_join(app, folder, CK_CONFIG_FILE)) ||
           ck_path_exists(ck_path_join(app, folder, CK_WORKSPACE_FILE));
}

static int refuse_link(CkApp *app, const char *path, const char *expected) {
    if (!ck_path_is_link(path)) return 0;
    ck_fail(app, CK_EXIT_ERROR,
            ck_text(app,
                    "It may have come with the repository. Remove it; for a base elsewhere: "
                    "%s init --base DIR",
                    app->program),
            "'%s' is a symbolic link, expected %s", path, expected);
    return 1;
}

int ck_place_is_sound(CkApp *app, const char *folder) {
    return !refuse_link(app, ck_path_join(app, folder, CK_FOLDER), "a folder") &&
           !refuse_link(app, ck_path_join(app, folder, CK_STORE_FILE), "a file");
}

char *ck_place_project_root(CkApp *app, const char *folder) {
    for (char *at = ck_text(app, "%s", folder);; at = ck_path_parent(app, at)) {
        if (is_workspace(app, at) || ck_path_exists(ck_path_join(app, at, ".git"))) return at;
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
    const char *home = getenv("HOME");
    if (base && home && home[0] == '/' && base[0] == '~' && (base[1] == '/' || !base[1])) {
        base = ck_path_join(app, home, base[1] ? base + 2 : "");
    }
    return base ? ck_path_absolute(app, root, base) : NULL;
}

/* What its .ck/workspace does. */
static const char *remembered_base(CkApp *app, const char *root) {
    const char *path = ck_path_join(app, root, CK_WORKSPACE_FILE), *base = NULL;
    char *data = NULL;
    size_t n = 0;
    if (ck_file_read(app, path, 2 * PATH_MAX, &data, &n) != CK_EXIT_OK || !data) return NULL;
    const char *at = strstr(data, base_begins);
    if (at) {
        at += strlen(base_begins);
        size_t length = strlen(at);
        if (length > 0 && at[length - 1] == '\n') length--;
        if (length > 0) base = ck_path_absolute(app, root, ck_text(app, "%.*s", (int)length, at));
    }
    sqlite3_free(data);
    return base;
}

const char *ck_place_base_line(CkApp *app, const char *root) {
    if (!app->place.base) return "";
    return ck_text(app, "%s%s\n", base_begins + 1, ck_place_written_base(app, root));
}

/* The base of another tree of the same repository, if it has its store. */
static const char *base_given_by(CkApp *app, const char *tree) {
    const char *base = named_base(app, tree);
    if (!base) base = remembered_base(app, tree);
    if (!base) base = tree;
    return has_store(app, base) ? base : NULL;
}

/* The base that a linked worktree has by the others. */
static const char *base_of_repository(CkApp *app, const char *root) {
    const char *main = ck_place_main_worktree(app, root);
    const char *base = main ? base_given_by(app, main) : NULL;
    if (base || app->exit_code != CK_EXIT_OK) return base;
    for (char **tree = ck_place_siblings(app, root); *tree && !base; tree++) {
        base = base_given_by(app, *tree);
        /* A base inside a worktree would go away with it; and its mistakes are not ours. */
        if (base && ck_path_within(*tree, base)) base = NULL;
        if (app->exit_code != CK_EXIT_OK) ck_failure_take(app);
    }
    return base;
}

const char *ck_place_base_of(CkApp *app, const char *root) {
    const char *own = named_base(app, root);
    if (!own) own = remembered_base(app, root);
    if (app->exit_code != CK_EXIT_OK || (own && has_store(app, own))) return own;
    const char *given = base_of_repository(app, root);
    if (given) return given;
    for (const char *at = root; !own; at = ck_path_parent(app, at)) {
        if (has_store(app, at)) return at;
        if (!at[1]) return NULL;
    }
    return own;
}

const char *ck_place_written_base(CkApp *app, const char *root) {
    const char *base = app->place.base;
    size_t n = strcspn(root + 1, "/") + 1;
    int apart = strncmp(root, base, n) != 0 || (base[n] && base[n] != '/');
    return apart ? base : ck_path_relative(app, root, base);
}

static int take_workspace(CkApp *app, const char *root) {
    app->place.workspace = root;
    if (!ck_place_is_sound(app, root)) return app->exit_code;
    app->config = ck_config_read(app, ck_path_join(app, root, CK_CONFIG_FILE));
    const char *base = app->config ? ck_place_base_of(app, root) : NULL;
    if (!base) return app->exit_code;
    ck_place_set_base(app, base);
    if (!ck_option_text(app, "store", NULL)) ck_place_is_sound(app, base);
    return app->exit_code;
}

int ck_place_find(CkApp *app) {
    if (find_folder(app) != CK_EXIT_OK) return app->exit_code;
    const char *store = ck_option_text(app, "store", NULL);
    if (store) app->place.store = ck_path_absolute(app, app->place.folder, store);
    for (const char *at = app->place.folder;; at = ck_path_parent(app, at)) {
        if (is_workspace(app, at)) return take_workspace(app, at);
        if (has_store(app, at)) {
            ck_place_set_base(app, at);
            if (!store) ck_place_is_sound(app, at);
            return app->exit_code;
        }
        if (!at[1] || ck_place_is_linked(app, at)) return app->exit_code;
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
