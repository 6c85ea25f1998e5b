/* ck status: what of the workspace is indexed, and what `ck index` would do. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "config.h"
#include "index.h"
#include "json.h"
#include "output.h"
#include "store.h"

#define MAX_BYTES 1048576
#define NAMED 10 /* files that are named without --all */

typedef struct Status {
    CkIndex index;
    CkBuf gone; /* paths, each ended by 0 */
    int64_t n_gone, n_new, n_changed;
    const char *model, *version; /* of the last run; NULL: never */
    int64_t written_at, n_refs;
} Status;

static int is_new(const Status *status, size_t at) {
    return !ck_manifest_find(&status->index.before, ck_index_path(&status->index, at),
                             ck_index_entry(&status->index, at)->n_path);
}

static void count(Status *status) {
    const size_t *work = (const size_t *)(const void *)status->index.work.data;
    for (size_t i = 0; i < status->index.work.n_bytes / sizeof *work; i++) {
        if (is_new(status, work[i])) status->n_new++;
        else status->n_changed++;
    }
    for (size_t i = 0; i < status->gone.n_bytes; i++) status->n_gone += status->gone.data[i] == 0;
}

static void read_last(Status *status) {
    CkApp *app = status->index.app;
    const CkWorkspace *workspace = &status->index.workspace;
    if (!ck_sql_int(app, CK_SQL_INDEX_MANIFEST_EXISTS, 0, "")) return;
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_MANIFEST_GET, "t", workspace->uuid);
    if (ck_sql_step(app, stmt)) {
        status->model = ck_text(app, "%s", ck_column_text(stmt, 0, ""));
        status->version = ck_text(app, "%s", ck_column_text(stmt, 1, ""));
        status->written_at = sqlite3_column_int64(stmt, 4);
    }
    ck_sql_end(stmt);
    status->n_refs = ck_sql_int(app, CK_SQL_INDEX_REFS_COUNT, 0, "tt", workspace->name,
                                workspace->uuid);
}

/* ---- Showing ---- */

static void name_one(CkApp *app, const char *what, const char *path, int64_t *left) {
    if ((*left)-- <= 0) return;
    printf("  %-8s %s\n", what, ck_printable(app, path));
}

static void name_files(const Status *status) {
    const CkIndex *index = &status->index;
    CkApp *app = index->app;
    const size_t *work = (const size_t *)(const void *)index->work.data;
    const char *end = (const char *)status->gone.data + status->gone.n_bytes;
    int64_t n = status->n_new + status->n_changed + status->n_gone;
    int64_t left = ck_option_flag(app, "files") ? n : NAMED;
    int64_t hidden = n - left;
    for (size_t i = 0; i < index->work.n_bytes / sizeof *work; i++) {
        name_one(app, is_new(status, work[i]) ? "new" : "changed", ck_index_path(index, work[i]),
                 &left);
    }
    for (const char *path = (const char *)status->gone.data; path && path < end;
         path += strlen(path) + 1) {
        name_one(app, "gone", path, &left);
    }
    if (hidden > 0) printf("  and %s more (--files shows all)\n", ck_count_text(app, hidden));
}

static void print(const Status *status) {
    const CkIndex *index = &status->index;
    CkApp *app = index->app;
    const CkIndexCounts *counts = &index->counts;
    int64_t n = status->n_new + status->n_changed + status->n_gone;
    printf("workspace  %s%s%s  %s\n", ck_style(app, CK_STYLE_BOLD),
           ck_printable(app, index->workspace.name), ck_style(app, CK_STYLE_NONE),
           ck_printable(app, index->workspace.root));
    printf("base       %s\n", ck_printable(app, app->place.base ? app->place.base : ""));
    if (status->model) {
        printf("indexed    %s, %s, model %s version %s\n",
               ck_ago_text(app, status->written_at, (int64_t)time(NULL)),
               ck_counted(app, status->n_refs, "ref"), ck_printable(app, status->model),
               ck_printable(app, status->version));
    } else {
        printf("indexed    never\n");
    }
    printf("files      %s: %s as indexed, %s changed, %s new, %s gone",
           ck_count_text(app, counts->files), ck_count_text(app, counts->unchanged),
           ck_count_text(app, status->n_changed), ck_count_text(app, status->n_new),
           ck_count_text(app, status->n_gone));
    if (counts->binary > 0) printf(", %s binary", ck_count_text(app, counts->binary));
    if (counts->huge > 0) printf(", %s too large", ck_count_text(app, counts->huge));
    putchar('\n');
    name_files(status);
    if (status->model && index->model.version &&
        (strcmp(status->model, index->model.embed.model) != 0 ||
         strcmp(status->version, index->model.version) != 0)) {
        printf("The settings name another model, %s: everything is to be indexed with it.\n",
               ck_printable(app, index->model.embed.model));
    }
    if (n > 0) printf("Next: %s index\n", app->program);
}

static void print_json(const Status *status) {
    const CkIndex *index = &status->index;
    const CkIndexCounts *counts = &index->counts;
    const char *end = (const char *)status->gone.data + status->gone.n_bytes;
    const size_t *work = (const size_t *)(const void *)index->work.data;
    CkJson json;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '{');
    ck_json_text(&json, "workspace", index->workspace.name);
    ck_json_text(&json, "uuid", index->workspace.uuid);
    ck_json_text(&json, "root", index->workspace.root);
    ck_json_text(&json, "base", index->app->place.base);
    ck_json_text(&json, "store", index->app->place.store);
    ck_json_text(&json, "model", status->model);
    ck_json_text(&json, "version", status->version);
    if (status->model) ck_json_int(&json, "indexed_at", status->written_at);
    else ck_json_raw(&json, "indexed_at", NULL);
    ck_json_int(&json, "refs", status->n_refs);
    ck_json_int(&json, "files", counts->files);
    ck_json_int(&json, "unchanged", counts->unchanged);
    ck_json_int(&json, "binary", counts->binary);
    ck_json_int(&json, "huge", counts->huge);
    for (int new = 0; new < 2; new++) {
        ck_json_open(&json, new ? "new" : "changed", '[');
        for (size_t i = 0; i < index->work.n_bytes / sizeof *work; i++) {
            if (is_new(status, work[i]) == new) {
                ck_json_text(&json, NULL, ck_index_path(index, work[i]));
            }
        }
        ck_json_close(&json, ']');
    }
    ck_json_open(&json, "gone", '[');
    for (const char *path = (const char *)status->gone.data; path && path < end;
         path += strlen(path) + 1) {
        ck_json_text(&json, NULL, path);
    }
    ck_json_close(&json, ']');
    ck_json_close(&json, '}');
    ck_json_print(&json);
}

static int run(CkApp *app) {
    Status status;
    CkIndex *index = &status.index;
    memset(&status, 0, sizeof status);
    index->app = app;
    index->root = index->lock = -1;
    ck_workspace_open(app, CK_WORKSPACE_READ, &index->workspace);
    if (app->exit_code == CK_EXIT_OK && !index->workspace.name) {
        ck_fail(app, CK_EXIT_NO, ck_text(app, "Run: %s index", app->program),
                "the store does not know this workspace yet");
    }
    if (app->exit_code == CK_EXIT_OK) {
        index->max_bytes = ck_config_number(app, "max_file_bytes", MAX_BYTES);
        ck_model_settings_read(app, &index->model);
        read_last(&status);
        if (app->exit_code == CK_EXIT_OK && ck_index_look(index, &status.gone) == CK_EXIT_OK) {
            count(&status);
            if (app->json) print_json(&status);
            else print(&status);
        }
    }
    ck_buf_release(&status.gone);
    ck_index_release(index);
    return app->exit_code;
}

static const CkOption options[] = {
    {.name = "files", .kind = CK_OPTION_FLAG, .help = "Name every file that is not as indexed."},
    CK_MODEL_OPTIONS,
    {.name = NULL},
};

const CkCommand ck_command_status = {
    .name = "status",
    .summary = "Show what is indexed, and what is not",
    .arguments = "",
    .options = options,
    .description =
        "Compares the files' sizes and times with those of the last run, and reads none\n"
        "of them; nothing is written.",
    .run = run,
};
