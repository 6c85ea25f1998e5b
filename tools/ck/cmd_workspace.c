/* ck workspace: the workspaces of the store, and letting go of them. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "fs.h"
#include "json.h"
#include "output.h"
#include "place.h"
#include "store.h"
#include "workspace.h"

static int list_run(CkApp *app) {
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, CK_STORE_READ);
    const char *format = "ttpiib-aat--";
    int64_t n = ck_output_rows(app, ck_sql_begin(app, CK_SQL_WORKSPACE_LIST, ""), format);
    if (n == 0 && app->exit_code == CK_EXIT_OK) ck_note(app, "The store has no workspaces.");
    return app->exit_code;
}

/* A workspace of the store: `what` is a name, a uuid or a folder, NULL the one around. */
static int find(CkApp *app, const char *what, CkStoreMode mode, CkWorkspace *workspace) {
    *workspace = (CkWorkspace){.root = NULL};
    if (!what) {
        if (ck_place_need_workspace(app) != CK_EXIT_OK) return app->exit_code;
        ck_store_open(app, mode);
        ck_workspace_open(app, CK_WORKSPACE_READ, workspace);
        if (workspace->name || app->exit_code != CK_EXIT_OK) return app->exit_code;
        return ck_fail(app, CK_EXIT_ERROR, ck_text(app, "Run: %s init", app->program),
                       "the store does not know the workspace at '%s'", app->place.workspace);
    }
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, mode);
    const char *folder = ck_path_absolute(app, app->place.folder, what);
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_WORKSPACE_FIND, "tt", what, folder);
    if (ck_sql_step(app, stmt)) {
        workspace->name = ck_text(app, "%s", ck_column_text(stmt, 0, ""));
        workspace->uuid = ck_text(app, "%s", ck_column_text(stmt, 1, ""));
        workspace->root = ck_text(app, "%s", ck_column_text(stmt, 2, ""));
    }
    ck_sql_end(stmt);
    if (workspace->name || app->exit_code != CK_EXIT_OK) return app->exit_code;
    const char *names = ck_sql_text(app, CK_SQL_WORKSPACE_NAMES, "");
    return ck_fail(app, CK_EXIT_ERROR,
                   names ? ck_text(app, "There are: %s", ck_printable(app, names))
                         : "The store has none.",
                   "there is no workspace '%s'", ck_printable(app, what));
}

static void print_figure(CkApp *app, sqlite3_stmt *stmt, int column, int64_t now) {
    const char *name = sqlite3_column_name(stmt, column), *value;
    size_t n = strlen(name);
    int64_t number = sqlite3_column_int64(stmt, column);
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) {
        value = "-";
    } else if (n >= 5 && strcmp(name + n - 5, "bytes") == 0) {
        value = ck_bytes_text(app, number);
    } else if (strcmp(name, "pinned") == 0) {
        value = number ? "yes" : "no";
    } else if (strcmp(name, "last_seen") == 0 || (n > 3 && strcmp(name + n - 3, "_at") == 0)) {
        value = ck_ago_text(app, number, now);
    } else if (sqlite3_column_type(stmt, column) == SQLITE_INTEGER) {
        value = ck_count_text(app, number);
    } else {
        value = ck_printable(app, ck_column_text(stmt, column, ""));
    }
    char *title = ck_text(app, "%s", name);
    for (char *at = title; *at; at++) {
        if (*at == '_') *at = ' ';
    }
    printf("%s%-16s%s%s\n", ck_style(app, CK_STYLE_DIM), title, ck_style(app, CK_STYLE_NONE),
           value);
}

static int show_run(CkApp *app) {
    CkWorkspace workspace;
    if (find(app, app->n_args > 0 ? app->args[0] : NULL, CK_STORE_READ, &workspace) !=
        CK_EXIT_OK) {
        return app->exit_code;
    }
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_WORKSPACE_FIGURES, "t", workspace.name);
    sqlite3_stmt *models = ck_sql_begin(app, CK_SQL_WORKSPACE_MODELS, "t", workspace.name);
    if (!ck_sql_step(app, stmt)) return app->exit_code;
    if (app->json) {
        CkJson json;
        ck_json_begin(&json);
        ck_json_open(&json, NULL, '{');
        ck_json_columns(&json, stmt);
        ck_json_open(&json, "models", '[');
        while (ck_sql_step(app, models)) {
            ck_json_open(&json, NULL, '{');
            ck_json_columns(&json, models);
            ck_json_close(&json, '}');
        }
        ck_json_close(&json, ']');
        ck_json_close(&json, '}');
        ck_json_print(&json);
    } else {
        int64_t now = (int64_t)time(NULL);
        for (int i = 0; i < sqlite3_column_count(stmt); i++) print_figure(app, stmt, i, now);
        while (ck_sql_step(app, models)) {
            printf("%s%-16s%s%s %s, %s\n", ck_style(app, CK_STYLE_DIM), "model",
                   ck_style(app, CK_STYLE_NONE),
                   ck_printable(app, ck_column_text(models, 0, "")),
                   ck_printable(app, ck_column_text(models, 1, "")),
                   ck_counted(app, sqlite3_column_int64(models, 2), "ref"));
        }
    }
    ck_sql_end(stmt);
    return app->exit_code;
}

/* With --json: what it was done to. */
static void print_names(CkApp *app, const char **names, int n) {
    CkJson json;
    if (!app->json || app->exit_code != CK_EXIT_OK) return;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '[');
    for (int i = 0; i < n; i++) ck_json_text(&json, NULL, names[i]);
    ck_json_close(&json, ']');
    ck_json_print(&json);
}

/* The one around when none is named. */
static int set_pinned(CkApp *app, int64_t pinned) {
    const char **names = ck_keep(app, sizeof *names * (size_t)(app->n_args + 1));
    int n = 0;
    for (int i = 0; i < app->n_args || i == 0; i++) {
        CkWorkspace workspace;
        if (find(app, app->n_args > 0 ? app->args[i] : NULL, CK_STORE_WRITE, &workspace) !=
            CK_EXIT_OK) {
            break;
        }
        ck_sql_run(app, CK_SQL_WORKSPACE_SET_PINNED, "ti", workspace.name, pinned);
        if (app->exit_code != CK_EXIT_OK) break;
        names[n++] = workspace.name;
        ck_note(app, pinned ? "%s stays whether or not it is used."
                            : "%s is let go when nobody has used it for long.",
                ck_printable(app, workspace.name));
    }
    print_names(app, names, n);
    return app->exit_code;
}

static int pin_run(CkApp *app) {
    return set_pinned(app, 1);
}

static int unpin_run(CkApp *app) {
    return set_pinned(app, 0);
}

/* The tree's .ck/workspace, if it is of this workspace: the tree would come back as it. */
static void forget_tree(CkApp *app, const CkWorkspace *workspace) {
    char *data = NULL;
    size_t n;
    if (!workspace->root || !workspace->root[0]) return;
    const char *path = ck_path_join(app, workspace->root, CK_WORKSPACE_FILE);
    if (!ck_path_exists(path) || ck_file_read(app, path, 16384, &data, &n) != CK_EXIT_OK) return;
    if (data && strncmp(data, workspace->uuid, strlen(workspace->uuid)) == 0) unlink(path);
    sqlite3_free(data);
}

static int remove_run(CkApp *app) {
    const char **names = ck_keep(app, sizeof *names * (size_t)app->n_args);
    int n = 0;
    for (int i = 0; i < app->n_args; i++) {
        CkWorkspace workspace;
        if (find(app, app->args[i], CK_STORE_WRITE, &workspace) != CK_EXIT_OK) break;
        ck_sql_run(app, CK_SQL_WORKSPACE_REMOVE, "t", workspace.name);
        if (app->exit_code != CK_EXIT_OK) break;
        forget_tree(app, &workspace);
        names[n++] = workspace.name;
        ck_note(app, "Removed %s. What only it used is garbage for %s cache gc.",
                ck_printable(app, workspace.name), app->program);
    }
    print_names(app, names, n);
    return app->exit_code;
}

#define NAMES_MAX 1000

const CkCommand ck_command_workspace_list = {
    .name = "workspace list",
    .summary = "List the workspaces of the store",
    .arguments = "",
    .run = list_run,
};

const CkCommand ck_command_workspace_show = {
    .name = "workspace show",
    .summary = "Show what a workspace uses",
    .arguments = "[NAME]",
    .max_args = 1,
    .description = "NAME is a name, a uuid or a folder; without it the workspace around the\n"
                   "working folder is meant. Exclusive bytes are those that no other workspace\n"
                   "uses.",
    .run = show_run,
};

const CkCommand ck_command_workspace_pin = {
    .name = "workspace pin",
    .summary = "Keep a workspace however long nobody uses it",
    .arguments = "[NAME...]",
    .max_args = NAMES_MAX,
    .description = "Without NAME the workspace around the working folder is meant.",
    .run = pin_run,
};

const CkCommand ck_command_workspace_unpin = {
    .name = "workspace unpin",
    .summary = "Let a workspace go again when nobody uses it",
    .arguments = "[NAME...]",
    .max_args = NAMES_MAX,
    .description = "Without NAME the workspace around the working folder is meant. A workspace\n"
                   "that nobody has used for 30 days is stale, after 90 days it is let go; one\n"
                   "whose folder is gone, after a day.",
    .run = unpin_run,
};

const CkCommand ck_command_workspace_remove = {
    .name = "workspace remove",
    .summary = "Remove workspaces from the store",
    .arguments = "NAME...",
    .min_args = 1,
    .max_args = NAMES_MAX,
    .description = "Releases what they use; the files of their trees stay as they are. What no\n"
                   "other workspace uses is deleted by ck cache gc, an hour later at the\n"
                   "earliest.",
    .run = remove_run,
};
