/* ck search: the chunks that are most like a query, and where they are. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "fs.h"
#include "index.h"
#include "json.h"
#include "output.h"
#include "place.h"
#include "search.h"
#include "store.h"
#include "workspace.h"

#define LIMIT 10
#define ALSO_SHOWN 3
#define QUERY_WORDS_MAX 1000

typedef struct Search {
    CkApp *app;
    CkWorkspace workspace;
    CkModelSettings model;
    const char *query;
    CkBuf vector;
    CkContext context;
    CkFound *found;
    int n_found;
} Search;

/* ---- The query ---- */

static int embed(Search *search) {
    CkApp *app = search->app;
    CkModelSettings *model = &search->model;
    CkEmbedder *embedder = NULL;
    CkError err = CK_ERROR_NONE;
    if (!model->version) {
        return ck_fail(app, CK_EXIT_NO, ck_text(app, "Run: %s index", app->program),
                       "nothing is indexed with model '%s'", model->embed.model);
    }
    const char *text = ck_text(app, "%s%s", model->query_prefix, search->query);
    CkEmbedItem items[] = {{.text = text, .n_text = strlen(text)},
                           {.text = ck_probe_text, .n_text = strlen(ck_probe_text)}};
    CkBuf probe;
    ck_buf_init(&probe);
    if (!model->is_lexical) ck_probe_get(app, model, &probe);
    int has_probe = probe.n_bytes > 0 && probe.n_bytes == model->dims * sizeof(float);
    if (ck_embedder_open(&embedder, &model->embed, &err) == SQLITE_OK) {
        embedder->dims = model->dims;
        ck_embedder_embed(embedder, items, 1 + (size_t)has_probe, &err);
    }
    if (err.rc == SQLITE_OK && !items[0].vector) {
        ck_error_set(&err, SQLITE_ERROR, "the query cannot be embedded: %s",
                     items[0].error ? items[0].error : "no answer");
    }
    if (err.rc == SQLITE_OK && items[1].vector) {
        ck_probe_check(app, model, &probe, items[1].vector);
    }
    ck_buf_append(&search->vector, items[0].vector,
                  items[0].vector ? model->dims * sizeof(float) : 0);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        sqlite3_free(items[i].vector);
        sqlite3_free(items[i].error);
    }
    ck_buf_release(&probe);
    ck_embedder_close(embedder);
    return err.rc == SQLITE_OK ? app->exit_code : ck_fail_embed(app, model, &err);
}

/* Is the workspace indexed, and with the model that was asked for? */
static int check_model(Search *search) {
    CkApp *app = search->app;
    const CkModelSettings *model = &search->model;
    if (ck_sql_int(app, CK_SQL_INDEX_REFS_COUNT, 0, "tt", search->workspace.name,
                   search->workspace.uuid) == 0) {
        return ck_fail(app, CK_EXIT_NO, ck_text(app, "Run: %s index", app->program),
                       "nothing of workspace '%s' is indexed yet", search->workspace.name);
    }
    if (!ck_sql_int(app, CK_SQL_INDEX_MANIFEST_EXISTS, 0, "")) return app->exit_code;
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_MANIFEST_GET, "t", search->workspace.uuid);
    if (ck_sql_step(app, stmt)) {
        const char *name = ck_column_text(stmt, 0, ""), *version = ck_column_text(stmt, 1, "");
        if (strcmp(name, model->embed.model) != 0) {
            ck_fail(app, CK_EXIT_USAGE,
                    ck_text(app, "Add --model '%s' and where it is, or index with '%s'.", name,
                            model->embed.model),
                    "the workspace is indexed with model '%s', not '%s'", name, model->embed.model);
        } else if (model->version && strcmp(version, model->version) != 0) {
            ck_fail(app, CK_EXIT_USAGE, "Add --model-version, or index again.",
                    "the workspace is indexed with version '%s' of model '%s', not '%s'", version,
                    name, model->version);
        }
    }
    ck_sql_end(stmt);
    return app->exit_code;
}

/* ---- Looking ---- */

static sqlite3_stmt *begin(Search *search, int64_t k) {
    CkApp *app = search->app;
    const CkModelSettings *model = &search->model;
    const char *glob = ck_option_text(app, "path", NULL), *name = search->workspace.name;
    const void *vector = search->vector.data;
    size_t n_vector = search->vector.n_bytes;
    CkPathFilter filter;
    ck_search_path(app, glob, &filter);
    if (ck_option_flag(app, "all-workspaces")) {
        return ck_sql_begin(app, CK_SQL_SEARCH_ALL, "bitttttt", vector, n_vector, k,
                            model->embed.model, model->version, name ? name : "", filter.pattern,
                            filter.exact, filter.below);
    }
    if (glob) {
        return ck_sql_begin(app, CK_SQL_SEARCH_WORKSPACE_PATH, "bitttttt", vector, n_vector, k,
                            model->embed.model, model->version, name, filter.pattern, filter.exact,
                            filter.below);
    }
    return ck_sql_begin(app, CK_SQL_SEARCH_WORKSPACE, "bittt", vector, n_vector, k,
                        model->embed.model, model->version, name);
}

static void add_also(Search *search, CkFound *found, sqlite3_stmt *row) {
    CkApp *app = search->app;
    const char *workspace = ck_column_text(row, 2, "");
    const char *name = search->workspace.name;
    const char **also = ck_keep(app, (size_t)(found->n_also + 1) * sizeof *also);
    if (found->n_also > 0) memcpy(also, found->also, (size_t)found->n_also * sizeof *also);
    int is_ours = name && strcmp(workspace, name) == 0;
    also[found->n_also++] = ck_text(app, "%s%s%s:%lld", is_ours ? "" : workspace,
                                    is_ours ? "" : ":", ck_column_text(row, 3, ""),
                                    (long long)sqlite3_column_int64(row, 5));
    found->also = also;
}

/* A chunk is shown once, with its other places behind it. */
static void collect(Search *search, int64_t k) {
    CkApp *app = search->app;
    sqlite3_stmt *stmt = begin(search, k);
    search->found = ck_keep(app, (size_t)(k + 1) * sizeof *search->found);
    while (ck_sql_step(app, stmt)) {
        const void *key = sqlite3_column_blob(stmt, 0);
        /* The nearest first. A lexical similarity of 0 or less: no word in common. */
        if (search->model.is_lexical && sqlite3_column_double(stmt, 1) <= 0) break;
        CkFound *last = search->n_found > 0 ? &search->found[search->n_found - 1] : NULL;
        if (sqlite3_column_bytes(stmt, 0) != CK_SCAN_KEY_BYTES) continue;
        if (last && memcmp(last->key, key, sizeof last->key) == 0) {
            add_also(search, last, stmt);
            continue;
        }
        if (search->n_found == k) break;
        CkFound *found = &search->found[search->n_found++];
        memset(found, 0, sizeof *found);
        memcpy(found->key, key, sizeof found->key);
        found->similarity = sqlite3_column_double(stmt, 1);
        found->workspace = ck_text(app, "%s", ck_column_text(stmt, 2, ""));
        found->path = ck_text(app, "%s", ck_column_text(stmt, 3, ""));
        found->start_line = sqlite3_column_int64(stmt, 5);
        found->end_line = sqlite3_column_int64(stmt, 6);
    }
    ck_sql_end(stmt);
}

static void look(Search *search) {
    CkError err = CK_ERROR_NONE;
    CkScanner *scanner = NULL;
    if (search->n_found == 0 || search->app->exit_code != CK_EXIT_OK) return;
    if (ck_scanner_open(&scanner, &err) != SQLITE_OK) {
        ck_fail(search->app, CK_EXIT_ERROR, NULL, "%s", err.message ? err.message : "no memory");
    }
    for (int i = 0; i < search->n_found && scanner; i++) {
        ck_found_look(search->app, scanner, &search->model, search->query, search->context,
                      &search->found[i]);
    }
    ck_scanner_close(scanner);
    ck_error_release(&err);
}

/* ---- Showing ---- */

static const char *const STATES[] = {"here", "changed", "gone"};

/* As it can be opened from where the user is: relative when it is in the same workspace. */
static const char *shown_path(const Search *search, const CkFound *found) {
    CkApp *app = search->app;
    const char *root = app->place.workspace;
    if (!found->file) return ck_printable(app, found->path);
    if (root && ck_path_within(root, found->file)) {
        return ck_printable(app, ck_path_relative(app, app->place.folder, found->file));
    }
    return ck_printable(app, found->file);
}

static void print_place(const Search *search, const CkFound *found) {
    CkApp *app = search->app;
    const char *off = ck_style(app, CK_STYLE_NONE), *path = shown_path(search, found);
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    /* A link, for terminals that know them: OSC 8. */
    int links = app->color && found->file;
    if (links) printf("\033]8;;file://%s%s\033\\", host, ck_path_percent(app, found->file));
    printf("%s%s%s:%s%lld%s", ck_style(app, CK_STYLE_MAGENTA), path, off,
           ck_style(app, CK_STYLE_GREEN), (long long)found->line, off);
    if (links) printf("\033]8;;\033\\");
    printf("  %s%.3f%s", ck_style(app, CK_STYLE_BOLD), found->similarity, off);
    if (found->state == CK_FOUND_CHANGED) {
        printf("  %schanged since it was indexed%s", ck_style(app, CK_STYLE_YELLOW), off);
    } else if (found->state == CK_FOUND_GONE) {
        printf("  %sthe file is gone%s", ck_style(app, CK_STYLE_YELLOW), off);
    }
    putchar('\n');
}

static void print_also(CkApp *app, const CkFound *found) {
    if (found->n_also == 0) return;
    printf("  %salso ", ck_style(app, CK_STYLE_DIM));
    for (int i = 0; i < found->n_also && i < ALSO_SHOWN; i++) {
        printf("%s%s", i > 0 ? ", " : "", ck_printable(app, found->also[i]));
    }
    if (found->n_also > ALSO_SHOWN) printf(" and %d more", found->n_also - ALSO_SHOWN);
    printf("%s\n", ck_style(app, CK_STYLE_NONE));
}

static void print(const Search *search) {
    CkApp *app = search->app;
    int n_stale = 0;
    for (int i = 0; i < search->n_found; i++) {
        const CkFound *found = &search->found[i];
        int64_t number = found->first_line;
        if (i > 0) putchar('\n');
        print_place(search, found);
        for (const char *line = found->text; *line; number++) {
            size_t n = strcspn(line, "\n");
            printf("%s%5lld%s%s %.*s\n", ck_style(app, CK_STYLE_DIM), (long long)number,
                   number == found->line ? ":" : "-", ck_style(app, CK_STYLE_NONE), (int)n, line);
            line += n + (line[n] == '\n');
        }
        print_also(app, found);
        n_stale += found->state != CK_FOUND_HERE;
    }
    if (n_stale > 0) {
        ck_note(app, "%d of %d results changed since they were indexed; run: %s index", n_stale,
                search->n_found, app->program);
    }
}

static void print_json(const Search *search) {
    CkJson json;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '[');
    for (int i = 0; i < search->n_found; i++) {
        const CkFound *found = &search->found[i];
        ck_json_open(&json, NULL, '{');
        ck_json_text(&json, "path", found->path);
        ck_json_int(&json, "line", found->line);
        ck_json_int(&json, "start_line", found->start_line);
        ck_json_int(&json, "end_line", found->end_line);
        ck_json_real(&json, "similarity", found->similarity);
        ck_json_text(&json, "workspace", found->workspace);
        ck_json_text(&json, "file", found->file);
        ck_json_text(&json, "state", STATES[found->state]);
        ck_json_text(&json, "text", found->text);
        ck_json_int(&json, "text_line", found->first_line);
        ck_json_open(&json, "also", '[');
        for (int j = 0; j < found->n_also; j++) ck_json_text(&json, NULL, found->also[j]);
        ck_json_close(&json, ']');
        ck_json_close(&json, '}');
    }
    ck_json_close(&json, ']');
    ck_json_print(&json);
}

static int check_query(CkApp *app) {
    const char *words = app->args[0];
    if (!words[strspn(words, " \t\r\n")]) {
        return ck_fail(app, CK_EXIT_USAGE, NULL, "the query must have a word, got '%s'", words);
    }
    if (app->n_args == 1) return CK_EXIT_OK;
    for (int i = 1; i < app->n_args; i++) words = ck_text(app, "%s %s", words, app->args[i]);
    return ck_fail(app, CK_EXIT_USAGE,
                   ck_text(app, "Quote the query: %s search '%s'", app->program, words),
                   "unexpected argument '%s'", app->args[1]);
}

static int run(CkApp *app) {
    Search search = {.app = app, .query = app->args[0]};
    int64_t k = ck_option_number(app, "limit", LIMIT);
    search.context.after = ck_option_number(app, "after", 2);
    search.context.before = ck_option_number(app, "before", 0);
    if (check_query(app) != CK_EXIT_OK) return app->exit_code;
    if (ck_option_flag(app, "all-workspaces") && !app->place.workspace) {
        if (ck_place_need_store(app) == CK_EXIT_OK) ck_store_open(app, CK_STORE_READ);
    }
    if (!app->db && app->exit_code == CK_EXIT_OK) {
        ck_workspace_open(app, CK_WORKSPACE_READ, &search.workspace);
        if (app->exit_code == CK_EXIT_OK && !search.workspace.name) {
            ck_fail(app, CK_EXIT_NO, ck_text(app, "Run: %s index", app->program),
                    "the workspace is not indexed yet");
        }
    }
    ck_model_settings_read(app, &search.model);
    if (!ck_option_flag(app, "all-workspaces") && app->exit_code == CK_EXIT_OK) {
        check_model(&search);
    }
    if (ck_model_resolve(app, &search.model) == CK_EXIT_OK && embed(&search) == CK_EXIT_OK) {
        collect(&search, k);
        look(&search);
        if (app->exit_code == CK_EXIT_OK && app->json) print_json(&search);
        else if (app->exit_code == CK_EXIT_OK) print(&search);
    }
    ck_buf_release(&search.vector);
    if (app->exit_code == CK_EXIT_OK && search.n_found == 0) {
        if (!app->json) ck_note(app, "nothing found");
        return CK_EXIT_NO;
    }
    return app->exit_code;
}

static const CkOption options[] = {
    {.name = "limit", .letter = 'k', .kind = CK_OPTION_INTEGER, .argument = "N", .min = 1,
     .max = 4096, .help = "How many chunks to show (10)."},
    {.name = "path", .letter = 'p', .kind = CK_OPTION_TEXT, .argument = "GLOB",
     .help = "Only files whose path in the workspace matches, or is this or below it."},
    {.name = "all-workspaces", .letter = 'a', .kind = CK_OPTION_FLAG,
     .help = "Search every workspace of the base."},
    {.name = "after", .letter = 'A', .kind = CK_OPTION_INTEGER, .argument = "N", .min = 0,
     .max = 1000, .help = "Lines to show behind the one that fits best (2)."},
    {.name = "before", .letter = 'B', .kind = CK_OPTION_INTEGER, .argument = "N", .min = 0,
     .max = 1000, .help = "Lines to show before it (0)."},
    CK_MODEL_OPTIONS,
    {.name = NULL},
};

const CkCommand ck_command_search = {
    .name = "search",
    .summary = "Find the chunks that are most like QUERY",
    .arguments = "QUERY",
    .min_args = 1,
    .max_args = QUERY_WORDS_MAX, /* refused with better advice than other commands have */
    .options = options,
    .description =
        "Prints path:line and similarity, then the line of the chunk that has most of\n"
        "the query's words, and what is around it. Files are read as they are now: a\n"
        "chunk that moved is shown where it is, one that is no longer there is said to\n"
        "have changed. A chunk that is in several places is shown once. Exit code 1:\n"
        "nothing was found.",
    .run = run,
};
