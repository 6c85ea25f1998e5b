/* ck cache remote, push, pull, sync: other stores that share their embeddings with this one. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "fs.h"
#include "json.h"
#include "output.h"
#include "place.h"
#include "store.h"
#include "sql_progress.h"

/* A URL without what may be secret in it: user and password, and what stands behind '?'. */
static const char *without_secrets(CkApp *app, const char *url) {
    const char *host = strstr(url, "://");
    if (!host) return url;
    host += 3;
    size_t n_query = strcspn(url, "?#"), n_host = strcspn(host, "/?#");
    const char *at = host;
    for (size_t i = 0; i < n_host; i++) {
        if (host[i] == '@') at = host + i + 1;
    }
    return ck_text(app, "%.*s%s%.*s%s", (int)(host - url), url, at > host ? "...@" : "",
                   (int)(url + n_query - at), at, url[n_query] ? "?..." : "");
}

/*
** Where a remote is: a path or a file: URL. A path with '/' at its end, or of a folder, is a
** folder of packs, any other a store. NULL after a failure.
*/
static const char *url_of(CkApp *app, const char *where) {
    const char *scheme = strstr(where, "://");
    if (strncmp(where, "https:", 6) == 0 || strncmp(where, "http:", 5) == 0) {
        ck_fail(app, CK_EXIT_ERROR,
                "A remote is the path of a store's file, or a folder for packs, such as one on a "
                "network drive.",
                "remotes over https are not built in yet: '%s'", without_secrets(app, where));
        return NULL;
    }
    if (scheme && strncmp(where, "file:", 5) != 0) {
        ck_fail(app, CK_EXIT_USAGE, "Known are file: URLs and paths.", "unknown kind of URL '%s'",
                without_secrets(app, where));
        return NULL;
    }
    if (strncmp(where, "file:/", 6) == 0) return where;
    if (strncmp(where, "file:", 5) == 0) where += 5;
    if (!where[0]) {
        ck_fail(app, CK_EXIT_USAGE, NULL, "the remote has no path");
        return NULL;
    }
    const char *path = ck_path_absolute(app, app->place.folder, where);
    int is_folder = where[strlen(where) - 1] == '/' || ck_path_is_folder(path);
    if (!ck_path_is_folder(ck_path_parent(app, path))) {
        ck_fail(app, CK_EXIT_ERROR, "Make the folder first.",
                "the remote cannot be at '%s': '%s' is not a folder", path,
                ck_path_parent(app, path));
        return NULL;
    }
    if (!is_folder) return ck_path_uri(app, path);
    ck_folder_make(app, path, 0777);
    return app->exit_code == CK_EXIT_OK ? ck_text(app, "%s/", ck_path_uri(app, path)) : NULL;
}

/* A store that is only read gets nothing, and nothing waits for it. */
static int is_read_only(const char *url) {
    const char *query = strchr(url, '?');
    return query && (strstr(query, "mode=ro") || strstr(query, "immutable=1"));
}

/* A name or URL may be taken once. */
static int check_free(CkApp *app, const char *name, const char *url) {
    const char *old = ck_sql_text(app, CK_SQL_REMOTE_URL, "t", name);
    const char *other = ck_sql_text(app, CK_SQL_REMOTE_WITH_URL, "t", url);
    if (old) {
        return ck_fail(app, CK_EXIT_ERROR,
                       ck_text(app, "Run: %s cache remote remove %s", app->program, name),
                       "there is a remote '%s' already, at %s", name, old);
    }
    if (!other) return app->exit_code;
    return ck_fail(app, CK_EXIT_ERROR, NULL, "%s is the remote '%s' already", url, other);
}

static int add_run(CkApp *app) {
    const char *name = app->args[0];
    if (!name[0] || strlen(name) > 200 || strchr(name, '/')) {
        return ck_fail(app, CK_EXIT_USAGE, NULL,
                       "the name of a remote has 1..200 bytes and no '/', got '%s'", name);
    }
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    const char *url = url_of(app, app->args[1]);
    if (!url) return app->exit_code;
    const char *own = ck_path_uri(app, app->place.store);
    if (strcmp(url, own) == 0) {
        return ck_fail(app, CK_EXIT_USAGE, NULL, "'%s' is this store itself", app->place.store);
    }
    int push = !ck_option_flag(app, "no-push") && !is_read_only(url);
    int mirror = ck_option_flag(app, "mirror");
    ck_store_open(app, CK_STORE_WRITE);
    if (check_free(app, name, url) != CK_EXIT_OK) return app->exit_code;
    ck_sql_run(app, CK_SQL_REMOTE_ADD, "ttii", name, url, (int64_t)push, (int64_t)mirror);
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    if (app->json) {
        CkJson json;
        ck_json_begin(&json);
        ck_json_open(&json, NULL, '{');
        ck_json_text(&json, "name", name);
        ck_json_text(&json, "url", url);
        ck_json_bool(&json, "push", push);
        ck_json_bool(&json, "mirror", mirror);
        ck_json_close(&json, '}');
        ck_json_print(&json);
    } else {
        ck_note(app, "%s is %s\nNext: %s cache sync %s", ck_printable(app, name),
                ck_printable(app, url), app->program, ck_printable(app, name));
    }
    return app->exit_code;
}

static int list_run(CkApp *app) {
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, CK_STORE_READ);
    int64_t n = ck_output_rows(app, ck_sql_begin(app, CK_SQL_REMOTE_LIST, ""), "ttppiiiiat-");
    if (n == 0 && app->exit_code == CK_EXIT_OK) {
        ck_note(app, "The store has no remotes. To add one: %s cache remote add NAME PATH",
                app->program);
    }
    return app->exit_code;
}

/* The names given, or all of them; *n is 0 after a failure, too. */
static const char **choose(CkApp *app, int *n) {
    int capacity = 16 + app->n_args;
    const char **names = ck_alloc(sizeof *names * (size_t)capacity);
    *n = 0;
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_REMOTE_NAMES, "");
    while (ck_sql_step(app, stmt)) {
        if (*n == capacity) {
            capacity *= 2;
            names = ck_realloc(names, sizeof *names * (size_t)capacity);
        }
        names[(*n)++] = ck_text(app, "%s", ck_column_text(stmt, 0, ""));
    }
    for (int i = 0; i < app->n_args && app->exit_code == CK_EXIT_OK; i++) {
        int known = 0;
        for (int j = 0; j < *n; j++) known |= strcmp(names[j], app->args[i]) == 0;
        if (!known) {
            ck_fail(app, CK_EXIT_ERROR,
                    ck_text(app, "%s cache remote list shows them.", app->program),
                    "there is no remote '%s'", ck_printable(app, app->args[i]));
        }
    }
    if (*n == 0) {
        ck_fail(app, CK_EXIT_ERROR,
                ck_text(app, "To add one: %s cache remote add NAME PATH", app->program),
                "the store has no remotes");
    }
    if (app->n_args > 0) *n = 0;
    for (int i = 0; i < app->n_args; i++) names[(*n)++] = app->args[i];
    if (app->exit_code != CK_EXIT_OK) *n = 0;
    return names;
}

static int remove_run(CkApp *app) {
    int n = 0;
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, CK_STORE_WRITE);
    const char **names = choose(app, &n);
    for (int i = 0; i < n; i++) {
        ck_sql_run(app, CK_SQL_REMOTE_REMOVE, "t", names[i]);
        if (app->exit_code != CK_EXIT_OK) break;
        ck_note(app, "Removed the remote %s; what it has stays there.",
                ck_printable(app, names[i]));
    }
    if (app->json && app->exit_code == CK_EXIT_OK) {
        CkJson json;
        ck_json_begin(&json);
        ck_json_open(&json, NULL, '[');
        for (int i = 0; i < n; i++) ck_json_text(&json, NULL, names[i]);
        ck_json_close(&json, ']');
        ck_json_print(&json);
    }
    sqlite3_free(names);
    return app->exit_code;
}

static void print_summary(CkApp *app, const char *name, const char *summary) {
    int64_t n[8];
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_REMOTE_SUMMARY, "t", summary);
    if (!ck_sql_step(app, stmt)) return;
    for (int i = 0; i < 8; i++) n[i] = sqlite3_column_int64(stmt, i);
    ck_sql_end(stmt);
    printf("%s: pulled %s, pushed %s", ck_printable(app, name), ck_count_text(app, n[0]),
           ck_count_text(app, n[2]));
    if (n[1] + n[3] > 0) printf(", %s known already", ck_count_text(app, n[1] + n[3]));
    printf(" (%s)\n", ck_bytes_text(app, n[4]));
    if (n[5] > 0) {
        ck_warn(app, "%s: %s: another vector was stored first, perhaps by another model of the "
                "same name (ck_audit has them)", name, ck_counted(app, n[5], "conflict"));
    }
    if (n[6] > 0) {
        ck_warn(app, "%s: %s rejected (ck_acks and ck_audit say why)", name,
                ck_counted(app, n[6], "embedding"));
    }
    if (n[7] > 0) {
        ck_warn(app, "%s: %s missing or damaged there", name, ck_counted(app, n[7], "embedding"));
    }
}

/* A session with each remote. One that fails does not keep the others back. */
static int sessions(CkApp *app, CkSqlId sql, const char *label) {
    int n = 0, n_failed = 0, code = CK_EXIT_OK;
    CkJson json;
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_place_warn_of_tracked_store(app);
    ck_store_open(app, CK_STORE_WRITE);
    const char **names = choose(app, &n);
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '[');
    for (int i = 0; i < n && !ck_interrupted(); i++) {
        CkSqlProgress progress;
        ck_sql_progress_begin(&progress, app, ck_text(app, "%s %s", label, names[i]),
                              ck_text(app, "sync:%s", names[i]));
        const char *summary = ck_sql_text(app, sql, "t", names[i]);
        ck_sql_progress_end(&progress);
        ck_json_open(&json, NULL, '{');
        ck_json_text(&json, "remote", names[i]);
        if (summary) {
            ck_json_raw(&json, "summary", summary);
            if (!app->json) print_summary(app, names[i], summary);
        } else if (app->exit_code != CK_EXIT_INTERRUPTED) {
            code = app->exit_code;
            const char *message = ck_failure_take(app);
            ck_json_text(&json, "error", message);
            if (n > 1) ck_warn(app, "%s", message);
            if (n == 1) ck_fail(app, code, NULL, "%s", message);
            n_failed++;
        }
        ck_json_close(&json, '}');
    }
    ck_json_close(&json, ']');
    char *text = ck_json_end(&json);
    if (app->json && n > 0) printf("%s\n", text);
    sqlite3_free(text);
    sqlite3_free(names);
    if (n_failed > 0 && n > 1) {
        ck_fail(app, n_failed < n ? CK_EXIT_PARTIAL : code, NULL, "%d of %d remotes failed",
                n_failed, n);
    }
    return app->exit_code;
}

static int push_run(CkApp *app) {
    return sessions(app, CK_SQL_REMOTE_PUSH, "pushing to");
}

static int pull_run(CkApp *app) {
    int lost = ck_option_flag(app, "lost");
    return sessions(app, lost ? CK_SQL_REMOTE_PULL_WORKSPACES : CK_SQL_REMOTE_PULL,
                    "pulling from");
}

static int sync_run(CkApp *app) {
    return sessions(app, CK_SQL_REMOTE_SYNC, "syncing with");
}

#define REMOTES_MAX 1000

static const CkOption add_options[] = {
    {.name = "no-push", .kind = CK_OPTION_FLAG, .help = "Never send anything there."},
    {.name = "mirror", .kind = CK_OPTION_FLAG,
     .help = "Keep all of it here; else what nobody here uses is garbage."},
    {.name = NULL},
};

static const CkOption pull_options[] = {
    {.name = "lost", .kind = CK_OPTION_FLAG,
     .help = "Only what workspaces use and is lost or damaged here."},
    {.name = NULL},
};

const CkCommand ck_command_cache_remote_add = {
    .name = "cache remote add",
    .summary = "Add another store, or a folder of packs, to sync with",
    .arguments = "NAME PATH",
    .min_args = 2,
    .max_args = 2,
    .options = add_options,
    .description =
        "PATH is the file of another store, or a folder for packs if it is one or ends with\n"
        "'/': that is for network drives, where SQLite's locks do not work, and for what is\n"
        "kept between CI jobs. A file: URL is the same; with ?mode=ro behind it a store is\n"
        "only read, as with --no-push. Else what is embedded here waits until it is there.",
    .run = add_run,
};

const CkCommand ck_command_cache_remote_list = {
    .name = "cache remote list",
    .summary = "List the remotes, and what waits for them",
    .arguments = "",
    .run = list_run,
};

const CkCommand ck_command_cache_remote_remove = {
    .name = "cache remote remove",
    .summary = "Remove remotes; what they have stays there",
    .arguments = "NAME...",
    .min_args = 1,
    .max_args = REMOTES_MAX,
    .run = remove_run,
};

const CkCommand ck_command_cache_push = {
    .name = "cache push",
    .summary = "Send what is new to remotes",
    .arguments = "[NAME...]",
    .max_args = REMOTES_MAX,
    .description = "Without NAME to all of them.",
    .run = push_run,
};

const CkCommand ck_command_cache_pull = {
    .name = "cache pull",
    .summary = "Get what remotes have",
    .arguments = "[NAME...]",
    .max_args = REMOTES_MAX,
    .options = pull_options,
    .description = "Without NAME from all of them.",
    .run = pull_run,
};

const CkCommand ck_command_cache_sync = {
    .name = "cache sync",
    .summary = "Pull from remotes, then push to them",
    .arguments = "[NAME...]",
    .max_args = REMOTES_MAX,
    .description = "Without NAME with all of them. What was cut short is gone on with next time.",
    .run = sync_run,
};
