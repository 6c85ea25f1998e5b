/* Which base may be written: see trust.h. */
#include "trust.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "options.h"
#include "place.h"
#include "store.h"
#include "workspace.h"

/* Is it where it would be without config.toml? */
static int is_natural(CkApp *app, const char *root, const char *base) {
    const char *main = ck_place_main_worktree(app, root);
    if (ck_path_within(root, base) || (main && ck_path_within(main, base))) return 1;
    return ck_path_within(base, root) && ck_path_exists(ck_path_join(app, base, CK_STORE_FILE));
}

static int is_foreign(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && info.st_uid != geteuid();
}

static int is_beside(CkApp *app, const char *root, const char *base) {
    return strcmp(ck_path_parent(app, root), ck_path_parent(app, base)) == 0 &&
           !is_foreign(base) && !is_foreign(ck_path_join(app, base, CK_STORE_FILE));
}

static int knows_tree(CkApp *app, const char *tree) {
    const char *uuid = ck_workspace_uuid(app, tree);
    return uuid && ck_sql_text(app, CK_SQL_WORKSPACE_BY_UUID, "t", uuid) != NULL;
}

/* What is wrong with another tree is not ours to say. */
static int knows_other(CkApp *app, const char *tree) {
    int knows = app->exit_code == CK_EXIT_OK && knows_tree(app, tree);
    if (app->exit_code == CK_EXIT_ERROR) ck_failure_take(app);
    return knows;
}

/* Does the store that is open know the tree, or one that is linked with it? */
static int knows_repository(CkApp *app, const char *root) {
    if (knows_tree(app, root) || app->exit_code != CK_EXIT_OK) return app->exit_code == CK_EXIT_OK;
    const char *main = ck_place_main_worktree(app, root);
    int knows = main && knows_other(app, main);
    for (char **tree = ck_place_siblings(app, root); *tree && !knows; tree++) {
        knows = knows_other(app, *tree);
    }
    return knows;
}

static int refuse(CkApp *app, const char *root, const char *base) {
    const char *hint = ck_text(app,
                               "It may have come with the repository. To use that base: %s init "
                               "--base %s\n"
                               "To have one of its own: %s init --base %s",
                               app->program, base, app->program, root);
    return ck_fail(app, CK_EXIT_ERROR, hint,
                   "the base of '%s' is '%s' by its " CK_FOLDER ", and does not know it", root,
                   base);
}

int ck_trust_store(CkApp *app) {
    const char *root = app->place.workspace, *base = app->place.base;
    if (app->exit_code != CK_EXIT_OK || !root || !base || ck_option_text(app, "store", NULL) ||
        is_natural(app, root, base) || knows_repository(app, root) ||
        app->exit_code != CK_EXIT_OK || ck_place_is_made_here(app, root)) {
        return app->exit_code;
    }
    return refuse(app, root, base);
}

int ck_trust_base(CkApp *app, const char *root, const char *base) {
    const char *file = ck_path_join(app, base, CK_STORE_FILE);
    if (is_natural(app, root, base) || is_beside(app, root, base) ||
        ck_place_is_made_here(app, root)) {
        return app->exit_code;
    }
    int knows = 0;
    if (ck_path_exists(file)) {
        app->place.store = file;
        knows = ck_store_open(app, CK_STORE_READ) == CK_EXIT_OK && knows_repository(app, root);
        ck_store_close(app);
    }
    return knows || app->exit_code != CK_EXIT_OK ? app->exit_code : refuse(app, root, base);
}
