/*
** ck init: makes a tree a workspace of a base, and the base's store if there is none.
**
** Every step looks whether it was done already, so that the command may be run again, by several
** processes at once, and goes on where one was killed.
*/
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "commands.h"
#include "config.h"
#include "fs.h"
#include "json.h"
#include "output.h"
#include "place.h"
#include "store.h"
#include "trust.h"
#include "workspace.h"

#define STORE_MODE 0600
#define STORE_MODE_SHARED 0660

/* What only its folder's group may do more. */
#define FOLDER_MODE_SHARED 02770

typedef struct Init {
    const char *root, *base;
    int is_new_store;
    CkWorkspace workspace;
} Init;

/* Of a tree that has no base yet: a linked worktree may be removed, and a base in it with it. */
static const char *default_base(CkApp *app, const char *root) {
    const char *main = ck_place_main_worktree(app, root);
    return main && access(main, W_OK) == 0 ? main : root;
}

/*
** The tree is the nearest workspace or git tree, else the folder itself. Its base is the one that
** is named, the one it has (which may be that of the main worktree, or of a folder above), or the
** main worktree or the tree itself.
*/
static int choose(CkApp *app, Init *init) {
    const char *named = ck_option_text(app, "base", NULL), *folder = app->place.folder;
    const char *root = ck_place_project_root(app, folder);
    init->root = root ? root : folder;
    init->base = named ? ck_path_absolute(app, folder, named) : ck_place_base_of(app, init->root);
    if (!init->base) init->base = default_base(app, init->root);
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    if (!named && ck_trust_base(app, init->root, init->base) != CK_EXIT_OK) return app->exit_code;
    if (!ck_path_is_folder(ck_path_parent(app, init->base))) {
        return ck_fail(app, CK_EXIT_ERROR,
                       ck_text(app, "Name another base: %s init --base DIR", app->program),
                       "the base cannot be at '%s': '%s' is not a folder", init->base,
                       ck_path_parent(app, init->base));
    }
    return CK_EXIT_OK;
}

static int refuse_network(CkApp *app, const char *base) {
    const char *kind = ck_fs_network(base);
    if (!kind) return CK_EXIT_OK;
    const char *hint = ck_text(
        app,
        "Keep the base on a local disk, and make a folder there a remote of it:\n"
        "  %s init --base DIR\n"
        "  %s cache remote add team %s/embeddings/",
        app->program, app->program, base);
    return ck_fail(app, CK_EXIT_ERROR, hint,
                   "'%s' is on %s: the store needs a WAL, and SQLite's WAL and locks do not work "
                   "across machines",
                   base, kind);
}

/*
** Gives what is ours the group of the base's folder and the permissions of a shared base. A folder
** with the setgid bit gives its group to what is made in it: -wal and -shm.
*/
static int share(CkApp *app, const char *base, const char *folder, const char *file) {
    struct stat group, info;
    if (stat(base, &group) != 0 || stat(folder, &info) != 0 ||
        chown(folder, (uid_t)-1, group.st_gid) != 0 || chown(file, (uid_t)-1, group.st_gid) != 0 ||
        chmod(folder, info.st_mode | FOLDER_MODE_SHARED) != 0 ||
        chmod(file, STORE_MODE_SHARED) != 0) {
        return ck_fail(app, CK_EXIT_ERROR,
                       "Its owner can, who must be in the group of the base's folder.",
                       "cannot share '%s': %s", folder, strerror(errno));
    }
    return CK_EXIT_OK;
}

/*
** An empty file with the right permissions: SQLite gives those of the database to its -wal and
** -shm, whatever the umask.
*/
static int make_file(CkApp *app, const char *path, int mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0 && errno == EEXIST) return CK_EXIT_OK;
    if (fd < 0 || fchmod(fd, (mode_t)mode) != 0) {
        const char *hint = ck_text(app,
                                   "To share a base its owner runs: %s init --shared\n"
                                   "and who uses it must be in the group of its folder.",
                                   app->program);
        ck_fail(app, CK_EXIT_ERROR, errno == EACCES ? hint : NULL, "cannot make the store '%s': %s",
                path, strerror(errno));
    }
    if (fd >= 0) close(fd);
    return app->exit_code;
}

static int make_store(CkApp *app, Init *init) {
    int is_shared = ck_option_flag(app, "shared");
    const char *folder = ck_path_join(app, init->base, CK_FOLDER);
    const char *file = ck_path_join(app, init->base, CK_STORE_FILE);
    if (ck_folder_make(app, init->base, 0777) != CK_EXIT_OK ||
        !ck_place_is_sound(app, init->base) || !ck_place_is_sound(app, init->root) ||
        refuse_network(app, init->base) != CK_EXIT_OK ||
        ck_folder_make(app, folder, 0777) != CK_EXIT_OK) {
        return app->exit_code;
    }
    make_file(app, file, is_shared ? STORE_MODE_SHARED : STORE_MODE);
    if (is_shared && app->exit_code == CK_EXIT_OK) share(app, init->base, folder, file);
    app->place.base = init->base;
    app->place.store = file;
    if (ck_store_open(app, CK_STORE_CREATE) != CK_EXIT_OK) return app->exit_code;
    struct stat info;
    if (stat(file, &info) == 0 && info.st_size == 0) {
        ck_sql_script(app, CK_SQL_INIT_FILE);
        const char *mode = ck_sql_text(app, CK_SQL_INIT_JOURNAL, "");
        if (mode && strcmp(mode, "wal") != 0) {
            return ck_fail(app, CK_EXIT_ERROR, "Choose a base on a local disk.",
                           "'%s' cannot have a WAL, its journal_mode stays '%s'", file, mode);
        }
    }
    init->is_new_store = (int)ck_sql_int(app, CK_SQL_INIT_STORE, 0, "");
    return app->exit_code;
}

/*
** All of .ck stays out of git. Were config.toml offered to it, "git add ." would commit it, and
** then checking out a branch without it would delete it, and merging one that has it would stop
** in trees where it is not tracked.
*/
static int ignore(CkApp *app, const char *root) {
    const char *path = ck_path_join(app, root, CK_FOLDER "/.gitignore");
    if (ck_path_exists(path)) return CK_EXIT_OK;
    return ck_file_write(app, path, 0666,
                         "# Written by ck. To commit the settings: git add -f .ck/config.toml\n"
                         "*\n");
}

/* The git of everybody who uses a shared base reads it, whatever the umask of who made it. */
static int ignore_base(CkApp *app, const char *base) {
    const char *path = ck_path_join(app, base, CK_FOLDER "/.gitignore");
    if (ignore(app, base) == CK_EXIT_OK && ck_option_flag(app, "shared") &&
        chmod(path, 0644) != 0 && errno != EPERM) {
        ck_fail(app, CK_EXIT_ERROR, NULL, "cannot change the mode of '%s': %s", path,
                strerror(errno));
    }
    return app->exit_code;
}

/*
** Says where the base is, unless that is what is found without it: the tree itself, or what a git
** worktree has by the main one. So the file may be committed, and holds in all worktrees.
*/
static int write_config(CkApp *app, Init *init) {
    const char *path = ck_path_join(app, init->root, CK_CONFIG_FILE);
    const char *found = ck_place_base_of(app, init->root);
    int is_there = ck_path_exists(path), is_found = found && strcmp(found, init->base) == 0;
    if (is_there && is_found) return app->exit_code;
    ck_folder_make(app, ck_path_join(app, init->root, CK_FOLDER), 0777);
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    int is_own = strcmp(init->base, init->root) == 0;
    int is_inherited = !ck_option_text(app, "base", NULL) && ck_place_is_linked(app, init->root);
    if (is_found && !is_there && (is_own || is_inherited)) {
        return ck_file_write(app, path, 0666,
                             is_own ? "# This tree is a workspace of ck, and its own base; "
                                      "worktrees of the repository use it, too.\n"
                                    : "# This tree is a workspace of ck; its base is that of the "
                                      "repository's worktrees.\n");
    }
    return ck_config_set(app, path, "base", ck_place_written_base(app, init->root));
}

static void report(CkApp *app, const Init *init, int64_t expires_at) {
    const CkWorkspace *workspace = &init->workspace;
    if (app->json) {
        CkJson json;
        ck_json_begin(&json);
        ck_json_open(&json, NULL, '{');
        ck_json_text(&json, "workspace", workspace->name);
        ck_json_text(&json, "uuid", workspace->uuid);
        ck_json_text(&json, "root", workspace->root);
        ck_json_text(&json, "base", init->base);
        ck_json_text(&json, "store", app->place.store);
        ck_json_bool(&json, "new_store", init->is_new_store);
        ck_json_bool(&json, "new_workspace", workspace->is_new);
        if (expires_at > 0) ck_json_int(&json, "expires_at", expires_at);
        else ck_json_raw(&json, "expires_at", NULL);
        ck_json_close(&json, '}');
        ck_json_print(&json);
        return;
    }
    if (app->quiet) return;
    printf("%s%s%s is %s workspace of %s\n", ck_style(app, CK_STYLE_BOLD),
           ck_printable(app, workspace->name), ck_style(app, CK_STYLE_NONE),
           workspace->is_new ? "now a" : "a", ck_printable(app, init->base));
    printf("  root   %s\n", ck_printable(app, workspace->root));
    printf("  store  %s%s\n", ck_printable(app, app->place.store),
           init->is_new_store ? " (new)" : "");
    if (expires_at > 0) {
        printf("  kept   for %s; %s init --ephemeral prolongs that\n",
               ck_duration_text(app, expires_at - (int64_t)time(NULL)), app->program);
    }
    if (workspace->is_new) printf("Next: %s index\n", app->program);
}

static int init_run(CkApp *app) {
    Init init = {.root = NULL};
    CkRegistration how = {.name = ck_option_text(app, "name", NULL), .expires_at = -1};
    int64_t seconds = ck_option_number(app, "ephemeral", -1);
    if (seconds >= 0) how.expires_at = seconds > 0 ? (int64_t)time(NULL) + seconds : 0;
    if (ck_option_text(app, "store", NULL)) {
        return ck_fail(app, CK_EXIT_USAGE, NULL, "--store names a store; say --base DIR for where "
                                                 "the store is to be");
    }
    if (ck_place_find(app) != CK_EXIT_OK || choose(app, &init) != CK_EXIT_OK ||
        make_store(app, &init) != CK_EXIT_OK || write_config(app, &init) != CK_EXIT_OK ||
        ignore(app, init.root) != CK_EXIT_OK || ignore_base(app, init.base) != CK_EXIT_OK) {
        return app->exit_code;
    }
    app->place.workspace = init.root;
    ck_place_warn_of_tracked_store(app);
    ck_workspace_register(app, &how, &init.workspace);
    int64_t expires_at =
        ck_sql_int(app, CK_SQL_INIT_EXPIRES_AT, 0, "t", init.workspace.uuid);
    if (app->exit_code == CK_EXIT_OK) report(app, &init, expires_at);
    return app->exit_code;
}

static const CkOption options[] = {
    {.name = "base", .kind = CK_OPTION_TEXT, .argument = "DIR",
     .help = "The folder that has the store, or is to have it."},
    {.name = "name", .kind = CK_OPTION_TEXT, .argument = "NAME",
     .help = "What the workspace is called; else after its folder."},
    {.name = "ephemeral", .kind = CK_OPTION_SECONDS, .argument = "TIME", .implied = "24h",
     .max = 315360000, .help = "Let it go after TIME (24h); 0: never."},
    {.name = "shared", .kind = CK_OPTION_FLAG,
     .help = "Let the group of the base's folder write the store."},
    {.name = NULL},
};

const CkCommand ck_command_init = {
    .name = "init",
    .summary = "Make this tree a workspace of a base",
    .arguments = "",
    .options = options,
    .description =
        "The tree is the git work tree around the working folder, or the folder itself.\n"
        "Without --base it keeps the base it has; a git worktree has that of the main\n"
        "worktree; else a folder above that has a store is the base, else the tree itself,\n"
        "of a git worktree the main worktree, or the folder of a bare repository.\n"
        "\n"
        "A base that a config.toml names which git tracks, so that it may have come with a\n"
        "stranger's repository, is written only after ck init accepted it, once: in the tree\n"
        "or beside it (../base) without a word, elsewhere with --base DIR. A worktree needs\n"
        "none when the store knows another one of the repository.\n"
        "\n"
        "Writes .ck/config.toml, the settings, and .ck/workspace, which says which workspace\n"
        "the tree is. git ignores all of .ck; to commit the settings, git add -f\n"
        ".ck/config.toml. May be run again at any time.\n"
        "\n"
        "Where the variable CI is set a workspace is let go after 24 hours unless --ephemeral\n"
        "says otherwise. The store is readable for its owner alone unless --shared is given;\n"
        "then make the folder's group the one of all who use it.",
    .run = init_run,
};
