/* ck cache stats, ck cache gc, ck optimize: looking at the store as a whole, and tending it. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "output.h"
#include "place.h"
#include "store.h"
#include "sql_progress.h"

/* Rows of a statement as an array of objects, or as a table with a title. */
static void add_rows(CkApp *app, CkJson *json, const char *name, sqlite3_stmt *stmt) {
    ck_json_open(json, name, '[');
    while (ck_sql_step(app, stmt)) {
        ck_json_open(json, NULL, '{');
        ck_json_columns(json, stmt);
        ck_json_close(json, '}');
    }
    ck_json_close(json, ']');
}

static void stats_as_json(CkApp *app, sqlite3_stmt *stmt, sqlite3_stmt *models) {
    CkJson json;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '{');
    ck_json_text(&json, "store", app->place.store);
    ck_json_columns(&json, stmt);
    add_rows(app, &json, "models", models);
    ck_json_close(&json, '}');
    ck_json_print(&json);
}

enum { EMBEDDINGS = 2, BYTES, LIVE, LIVE_BYTES, WORKSPACES, REFS, SEQ, FILE_BYTES, FREE_BYTES,
       MAX_BYTES, HITS, MISSES };

static void stats_as_text(CkApp *app, sqlite3_stmt *stmt) {
    const char *dim = ck_style(app, CK_STYLE_DIM), *off = ck_style(app, CK_STYLE_NONE);
    int64_t n[MISSES + 1];
    for (int i = 0; i <= MISSES; i++) n[i] = sqlite3_column_int64(stmt, i);
    int64_t asked = n[HITS] + n[MISSES];
    printf("%sstore%s       %s\n", dim, off, ck_printable(app, app->place.store));
    printf("%sembeddings%s  %s, %s\n", dim, off, ck_count_text(app, n[EMBEDDINGS]),
           ck_bytes_text(app, n[BYTES]));
    printf("%s  in use%s    %s, %s, by %s of %s\n", dim, off, ck_count_text(app, n[LIVE]),
           ck_bytes_text(app, n[LIVE_BYTES]), ck_counted(app, n[REFS], "ref"),
           ck_counted(app, n[WORKSPACES], "workspace"));
    printf("%sfile%s        %s, of that free %s\n", dim, off, ck_bytes_text(app, n[FILE_BYTES]),
           ck_bytes_text(app, n[FREE_BYTES]));
    if (n[MAX_BYTES] > 0) {
        printf("%slimit%s       %s of embeddings\n", dim, off, ck_bytes_text(app, n[MAX_BYTES]));
    }
    if (asked > 0) {
        printf("%shits%s        %s of %s look-ups, %.1f %%\n", dim, off,
               ck_count_text(app, n[HITS]), ck_count_text(app, asked),
               100.0 * (double)n[HITS] / (double)asked);
    }
}

static int stats_run(CkApp *app) {
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, CK_STORE_READ);
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_CACHE_FIGURES, "");
    if (!ck_sql_step(app, stmt)) return app->exit_code;
    sqlite3_stmt *models = ck_sql_begin(app, CK_SQL_CACHE_MODELS, "");
    if (app->json) {
        stats_as_json(app, stmt, models);
    } else {
        stats_as_text(app, stmt);
        if (sqlite3_column_int64(stmt, EMBEDDINGS) > 0) {
            printf("\n");
            ck_output_rows(app, models, "ttittib");
        }
    }
    ck_sql_end(stmt);
    return app->exit_code;
}

/* --dry-run: what there is to delete, and nothing is. */
static int gc_plan(CkApp *app, int64_t grace, int64_t max_bytes) {
    int64_t n = 0, bytes = 0, evicted = 0;
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_GC_PLAN, "ii", grace, max_bytes);
    CkJson json;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '{');
    ck_json_bool(&json, "dry_run", 1);
    ck_json_open(&json, "models", '[');
    while (ck_sql_step(app, stmt)) {
        n += sqlite3_column_int64(stmt, 2);
        bytes += sqlite3_column_int64(stmt, 3);
        evicted += sqlite3_column_int64(stmt, 4);
        ck_json_open(&json, NULL, '{');
        ck_json_columns(&json, stmt);
        ck_json_close(&json, '}');
        if (!app->json) {
            printf("%s %s: %s, %s\n", ck_printable(app, ck_column_text(stmt, 0, "?")),
                   ck_printable(app, ck_column_text(stmt, 1, "?")),
                   ck_counted(app, sqlite3_column_int64(stmt, 2), "embedding"),
                   ck_bytes_text(app, sqlite3_column_int64(stmt, 3)));
        }
    }
    ck_json_close(&json, ']');
    ck_json_int(&json, "embeddings", n);
    ck_json_int(&json, "bytes", bytes);
    ck_json_int(&json, "evicted", evicted);
    ck_json_close(&json, '}');
    if (app->json && app->exit_code == CK_EXIT_OK) {
        ck_json_print(&json);
        return app->exit_code;
    }
    sqlite3_free(ck_json_end(&json));
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    printf("Would delete %s, %s", ck_counted(app, n, "embedding"), ck_bytes_text(app, bytes));
    if (evicted > 0) printf(", of these %s for the limit", ck_count_text(app, evicted));
    printf(".\n");
    return app->exit_code;
}

static void read_sizes(CkApp *app, int64_t sizes[2]) {
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_GC_SIZES, "");
    if (!ck_sql_step(app, stmt)) return;
    for (int i = 0; i < 2; i++) sizes[i] = sqlite3_column_int64(stmt, i);
    ck_sql_end(stmt);
}

static int gc_collect(CkApp *app, int64_t grace, int64_t max_bytes) {
    int64_t before[2] = {0, 0}, after[2] = {0, 0};
    if (max_bytes >= 0) ck_sql_int(app, CK_SQL_GC_SET_MAX_BYTES, 0, "i", max_bytes);
    read_sizes(app, before);
    int64_t n = ck_sql_int(app, CK_SQL_GC_RUN, 0, "i", grace);
    read_sizes(app, after);
    int64_t limit = ck_sql_int(app, CK_SQL_GC_MAX_BYTES, 0, "");
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    if (app->json) {
        CkJson json;
        ck_json_begin(&json);
        ck_json_open(&json, NULL, '{');
        ck_json_bool(&json, "dry_run", 0);
        ck_json_int(&json, "embeddings", n);
        ck_json_int(&json, "bytes", before[0] - after[0]);
        ck_json_int(&json, "bytes_left", after[0]);
        ck_json_int(&json, "file_bytes", after[1]);
        ck_json_int(&json, "max_bytes", limit);
        ck_json_close(&json, '}');
        ck_json_print(&json);
    } else {
        printf("Deleted %s, %s; %s are left. The file has %s",
               ck_counted(app, n, "embedding"), ck_bytes_text(app, before[0] - after[0]),
               ck_bytes_text(app, after[0]), ck_bytes_text(app, after[1]));
        printf(after[1] < before[1] ? ", %s less.\n" : ".\n",
               ck_bytes_text(app, before[1] - after[1]));
    }
    if (limit > 0 && after[0] > limit) {
        ck_warn(app, "%s of embeddings are above the limit of %s: the rest is in use, or younger "
                     "than the grace period",
                ck_bytes_text(app, after[0]), ck_bytes_text(app, limit));
    }
    return app->exit_code;
}

static int gc_run(CkApp *app) {
    int64_t grace = ck_option_number(app, "grace", 3600);
    int64_t max_bytes = ck_option_number(app, "max-bytes", -1);
    int is_dry = ck_option_flag(app, "dry-run");
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, is_dry ? CK_STORE_READ : CK_STORE_WRITE);
    if (!is_dry) return gc_collect(app, grace, max_bytes);
    if (max_bytes < 0) max_bytes = ck_sql_int(app, CK_SQL_GC_MAX_BYTES, 0, "");
    return gc_plan(app, grace, max_bytes);
}

static int optimize_run(CkApp *app) {
    CkSqlProgress progress;
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, CK_STORE_WRITE);
    ck_sql_progress_begin(&progress, app, "optimizing", "optimize");
    int64_t n = app->n_args > 0 ? ck_sql_int(app, CK_SQL_OPTIMIZE_MODEL, 0, "t", app->args[0])
                                : ck_sql_int(app, CK_SQL_OPTIMIZE_ALL, 0, "");
    ck_sql_progress_end(&progress);
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    if (app->json) {
        printf("{\"embeddings\": %lld}\n", (long long)n);
    } else if (n == 0) {
        printf("Nothing to do: the search indexes are up to date.\n");
    } else {
        printf("The search indexes of %s are up to date.\n", ck_counted(app, n, "embedding"));
    }
    return app->exit_code;
}

static const CkOption gc_options[] = {
    {.name = "dry-run", .letter = 'n', .kind = CK_OPTION_FLAG,
     .help = "Say what would be deleted; delete nothing."},
    {.name = "grace", .kind = CK_OPTION_SECONDS, .argument = "TIME", .max = 315360000,
     .help = "Spare what was made or used within TIME (1h)."},
    {.name = "max-bytes", .kind = CK_OPTION_BYTES, .argument = "SIZE",
     .help = "Set the limit of the store, for this and later runs; 0: none."},
    {.name = NULL},
};

const CkCommand ck_command_cache_stats = {
    .name = "cache stats",
    .summary = "Show what is in the store",
    .arguments = "",
    .description = "In use is what a workspace refers to; the rest is kept until it is garbage.",
    .run = stats_run,
};

const CkCommand ck_command_cache_gc = {
    .name = "cache gc",
    .summary = "Delete embeddings that nobody uses",
    .arguments = "",
    .options = gc_options,
    .description =
        "Deletes what no workspace refers to, was not used within the grace period, is not\n"
        "being made by somebody, and does not wait for a remote. Above the limit of the\n"
        "store, what is older than an hour goes too, least recently used first. Workspaces\n"
        "that nobody has used for long are let go.\n"
        "\n"
        "Works in small steps; others may go on using the store.",
    .run = gc_run,
};

const CkCommand ck_command_optimize = {
    .name = "optimize",
    .summary = "Bring the search indexes up to date",
    .arguments = "[MODEL]",
    .max_args = 1,
    .description = "Worth it after much was indexed or deleted. Others may search and index while\n"
                   "it runs; when it is interrupted the old index stays.",
    .run = optimize_run,
};
