/* The workspace as the store knows it: see workspace.h. */
#include "workspace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "fs.h"
#include "output.h"
#include "place.h"
#include "store.h"

#define UUID_LENGTH 36
#define FILE_BYTES_MAX 16384 /* of .ck/workspace */

/* A workspace of CI that nobody prolongs: as ck init --ephemeral without a time. */
#define EPHEMERAL_S 86400

/* Names that are tried: "feature", "feature-2" … */
#define NAMES_MAX 1000

static const char *host_name(CkApp *app) {
    char name[256];
    if (gethostname(name, sizeof name) != 0) return NULL;
    name[sizeof name - 1] = '\0';
    return ck_text(app, "%s", name);
}

static int is_uuid(const char *text) {
    return strlen(text) == UUID_LENGTH && strspn(text, "0123456789abcdef-") == UUID_LENGTH;
}

/* The file is empty where the disk was full. */
const char *ck_workspace_uuid(CkApp *app, const char *root) {
    char *data = NULL;
    size_t n;
    const char *path = ck_path_join(app, root, CK_WORKSPACE_FILE), *uuid = NULL;
    if (ck_file_read(app, path, FILE_BYTES_MAX, &data, &n) != CK_EXIT_OK || !data) return NULL;
    data[strcspn(data, "\r\n")] = '\0';
    if (n == 0) {
        uuid = NULL;
    } else if (is_uuid(data)) {
        uuid = ck_text(app, "%s", data);
    } else {
        ck_fail(app, CK_EXIT_ERROR, "Remove the file; the workspace then gets a new uuid.",
                "%s: its first line must be a uuid, got '%s'", path, ck_printable(app, data));
    }
    sqlite3_free(data);
    return uuid;
}

/* Version 4: random. */
static const char *new_uuid(CkApp *app) {
    unsigned char r[16];
    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r) sqlite3_randomness(sizeof r, r);
    r[6] = (r[6] & 0x0f) | 0x40;
    r[8] = (r[8] & 0x3f) | 0x80;
    char *uuid = ck_text(app, "");
    for (int i = 0; i < 16; i++) {
        const char *dash = i >= 4 && i <= 10 && i % 2 == 0 ? "-" : "";
        uuid = ck_text(app, "%s%s%02x", uuid, dash, r[i]);
    }
    return uuid;
}

/*
** The uuid, and the base: git may take config.toml away, on a branch that does not have it. Nothing
** is written when the file says so already.
*/
static int write_file(CkApp *app, const char *root, const char *uuid) {
    const char *path = ck_path_join(app, root, CK_WORKSPACE_FILE);
    char *old = NULL;
    size_t n = 0;
    const char *text = ck_text(app,
                               "%s\n"
                               "# Which workspace of the store this tree is. Written by ck; not to "
                               "be committed.\n"
                               "%s",
                               uuid, ck_place_base_line(app, root));
    if (ck_file_read(app, path, FILE_BYTES_MAX, &old, &n) != CK_EXIT_OK) return app->exit_code;
    int is_same = old && strcmp(old, text) == 0;
    sqlite3_free(old);
    return is_same ? app->exit_code : ck_file_write(app, path, 0666, text);
}

/* A name that no workspace has yet. Within a transaction. */
static const char *free_name(CkApp *app, const char *root) {
    const char *name = ck_path_name(root);
    if (!name[0]) name = "root";
    for (int i = 1; i <= NAMES_MAX; i++) {
        const char *tried = i == 1 ? name : ck_text(app, "%s-%d", name, i);
        if (ck_sql_int(app, CK_SQL_WORKSPACE_COUNT, 0, "t", tried) == 0) return tried;
    }
    ck_fail(app, CK_EXIT_ERROR,
            ck_text(app, "Give it another one: %s init --name NAME", app->program),
            "%d workspaces are named '%s'", NAMES_MAX, name);
    return NULL;
}

/* A job of continuous integration leaves no workspace for good. */
static int64_t expires_at(const CkRegistration *how) {
    const char *ci = getenv("CI");
    int is_ci = ci && ci[0] && strcmp(ci, "false") != 0 && strcmp(ci, "0") != 0;
    return how->expires_at < 0 && is_ci ? (int64_t)time(NULL) + EPHEMERAL_S : how->expires_at;
}

static void insert(CkApp *app, const CkRegistration *how, CkWorkspace *workspace) {
    const char *name = how->name ? how->name : free_name(app, workspace->root);
    ck_sql_run(app, CK_SQL_WORKSPACE_INSERT, "tttti", name, workspace->uuid, workspace->root,
               host_name(app), expires_at(how));
    workspace->name = name;
    workspace->is_new = 1;
}

/* What the store says of workspace->uuid: its name, or NULL; is it of another tree? */
static void look_up(CkApp *app, CkWorkspace *workspace) {
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_WORKSPACE_BY_UUID, "t", workspace->uuid);
    if (ck_sql_step(app, stmt)) {
        const char *root = ck_column_text(stmt, 1, ""), *host = ck_column_text(stmt, 2, "");
        const char *here = host_name(app);
        workspace->name = ck_text(app, "%s", ck_column_text(stmt, 0, ""));
        /* Of another host the root says nothing. One tree may have two names: a bind mount. */
        int same_host = here && strcmp(here, host) == 0;
        if (!same_host || !ck_path_same(root, workspace->root)) {
            const char *other = same_host ? ck_workspace_uuid(app, ck_text(app, "%s", root)) : NULL;
            workspace->is_copy = other && strcmp(other, workspace->uuid) == 0;
            workspace->is_moved = !workspace->is_copy;
        }
    }
    ck_sql_end(stmt);
}

static int prepare(CkApp *app, CkWorkspace *workspace) {
    *workspace = (CkWorkspace){.root = app->place.workspace};
    workspace->uuid = ck_workspace_uuid(app, workspace->root);
    if (workspace->uuid) look_up(app, workspace);
    return app->exit_code;
}

int ck_workspace_register(CkApp *app, const CkRegistration *how, CkWorkspace *workspace) {
    ck_transaction_begin(app);
    prepare(app, workspace);
    if (!workspace->uuid || workspace->is_copy) {
        workspace->uuid = new_uuid(app);
        workspace->name = NULL;
    }
    if (!workspace->name) {
        insert(app, how, workspace);
    } else {
        ck_sql_run(app, CK_SQL_WORKSPACE_UPDATE, "tttti", workspace->uuid, workspace->root,
                   host_name(app), how->name, expires_at(how));
        if (how->name) workspace->name = how->name;
    }
    /* The file first: a uuid that the store alone knows would be a workspace without a tree. */
    if (app->exit_code == CK_EXIT_OK) write_file(app, workspace->root, workspace->uuid);
    return ck_transaction_end(app);
}

int ck_workspace_open(CkApp *app, CkWorkspaceMode mode, CkWorkspace *workspace) {
    *workspace = (CkWorkspace){.root = NULL};
    if (!app->place.workspace && ck_place_need_workspace(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, mode == CK_WORKSPACE_WRITE ? CK_STORE_WRITE : CK_STORE_READ);
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    prepare(app, workspace);
    if (mode == CK_WORKSPACE_READ || app->exit_code != CK_EXIT_OK) return app->exit_code;
    if (workspace->name && !workspace->is_copy && !workspace->is_moved) return CK_EXIT_OK;
    int was_copy = workspace->is_copy, was_moved = workspace->is_moved;
    const CkRegistration how = {.name = NULL, .expires_at = -1};
    ck_workspace_register(app, &how, workspace);
    workspace->is_copy = was_copy;
    workspace->is_moved = was_moved;
    return app->exit_code;
}
