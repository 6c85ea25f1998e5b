/* ck index: makes the refs of the workspace those of its files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "config.h"
#include "base/clock.h"
#include "fs.h"
#include "index.h"
#include "json.h"
#include "place.h"
#include "store.h"
#include "utf8.h"

#define MAX_BYTES 1048576

/* What is neither there nor was is a typing error. While --watch waits files come and go. */
static void check_path(CkIndex *index, const char *given, const char *path, const char *stored) {
    CkApp *app = index->app;
    if (index->round && !index->round->is_first) return;
    if (ck_path_exists(path) || (errno != ENOENT && errno != ENOTDIR)) return;
    if (ck_sql_int(app, CK_SQL_INDEX_REFS_BELOW, 0, "tt", index->workspace.name, stored)) return;
    ck_fail(app, CK_EXIT_USAGE, NULL, "there is no file '%s', and none was indexed",
            ck_printable(app, given));
}

/* The paths given, relative to the workspace and as stored. */
static int read_paths(CkIndex *index) {
    CkApp *app = index->app;
    const char *root = index->workspace.root;
    index->below = ck_keep(app, ((size_t)app->n_args + 1) * sizeof *index->below);
    for (int i = 0; i < app->n_args && app->exit_code == CK_EXIT_OK; i++) {
        const char *path = ck_path_absolute(app, app->place.folder, app->args[i]);
        if (!ck_path_within(root, path)) {
            ck_fail(app, CK_EXIT_USAGE, NULL, "'%s' is not in the workspace '%s'",
                    ck_printable(app, app->args[i]), root);
        } else {
            CkBuf stored;
            const char *relative = strcmp(path, root) == 0 ? "" : ck_path_relative(app, root, path);
            ck_buf_init(&stored);
            ck_path_encode(&stored, relative, strlen(relative));
            ck_buf_append(&stored, "", 1);
            if (stored.rc != SQLITE_OK) ck_must(NULL);
            const char *below = ck_text(app, "%s", (const char *)stored.data);
            ck_buf_release(&stored);
            check_path(index, app->args[i], path, below);
            index->below[index->n_below++] = below;
        }
    }
    for (size_t i = 0; i < index->n_below; i++) {
        if (!index->below[i][0]) index->n_below = 0; /* the root is everything */
    }
    return app->exit_code;
}

static void add_skipped(CkApp *app, const char **text, int64_t n, const char *what) {
    if (n > 0) {
        *text = ck_text(app, "%s%s%s %s", *text, (*text)[0] ? ", " : "", ck_count_text(app, n),
                        what);
    }
}

static void say(CkIndex *index, double seconds) {
    CkApp *app = index->app;
    const CkIndexCounts *counts = &index->counts;
    const char *skipped = "", *pulled = "";
    if (counts->pulled > 0) {
        pulled = ck_text(app, ", %s pulled", ck_count_text(app, counts->pulled));
    }
    if (index->work.n_bytes == 0 && counts->swept == 0) {
        ck_note(app, "%s, nothing changed (%.2f s)", ck_counted(app, counts->files, "file"),
                seconds);
    } else {
        ck_note(app, "%s: %s indexed (%s: %s, %s embedded%s), %s unchanged, %s "
                "gone (%.2f s)",
                ck_counted(app, counts->files, "file"), ck_count_text(app, counts->indexed),
                ck_counted(app, counts->chunks, "chunk"), ck_counted(app, counts->hits, "hit"),
                ck_count_text(app, counts->embedded),
                pulled, ck_count_text(app, counts->unchanged), ck_count_text(app, counts->swept),
                seconds);
    }
    add_skipped(app, &skipped, counts->binary, "binary");
    add_skipped(app, &skipped, counts->huge,
                ck_text(app, "larger than %s", ck_bytes_text(app, index->max_bytes)));
    add_skipped(app, &skipped, (int64_t)index->list.n_links,
                index->list.n_links == 1 ? "symbolic link" : "symbolic links");
    add_skipped(app, &skipped, (int64_t)index->list.n_nested,
                index->list.n_nested == 1 ? "repository inside" : "repositories inside");
    add_skipped(app, &skipped, counts->untracked, "not tracked by git");
    add_skipped(app, &skipped, counts->secret,
                counts->secret == 1 ? "that looks like a secret" : "that look like secrets");
    add_skipped(app, &skipped, counts->unreadable, "unreadable");
    if (skipped[0] && (!index->round || index->round->is_first)) {
        ck_note(app, "left out: %s", skipped);
    }
}

static void print_json(CkIndex *index, double seconds) {
    const CkIndexCounts *counts = &index->counts;
    CkJson json;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '{');
    ck_json_text(&json, "workspace", index->workspace.name);
    ck_json_text(&json, "model", index->model.embed.model);
    ck_json_text(&json, "version", index->model.version);
    ck_json_int(&json, "files", counts->files);
    ck_json_int(&json, "indexed", counts->indexed);
    ck_json_int(&json, "unchanged", counts->unchanged);
    ck_json_int(&json, "gone", counts->swept);
    ck_json_int(&json, "chunks", counts->chunks);
    ck_json_int(&json, "hits", counts->hits);
    ck_json_int(&json, "pulled", counts->pulled);
    ck_json_int(&json, "embedded", counts->embedded);
    ck_json_int(&json, "failed", counts->failed);
    ck_json_int(&json, "requests", (int64_t)index->embedder->n_requests);
    ck_json_int(&json, "retries", (int64_t)index->embedder->n_retries);
    ck_json_int(&json, "bytes", counts->bytes);
    ck_json_int(&json, "binary", counts->binary);
    ck_json_int(&json, "huge", counts->huge);
    ck_json_int(&json, "links", (int64_t)index->list.n_links);
    ck_json_int(&json, "nested", (int64_t)index->list.n_nested);
    ck_json_int(&json, "untracked", counts->untracked);
    ck_json_int(&json, "secret", counts->secret);
    ck_json_int(&json, "unreadable", counts->unreadable);
    ck_json_int(&json, "incomplete", counts->incomplete);
    ck_json_real(&json, "seconds", seconds);
    ck_json_close(&json, '}');
    ck_json_print(&json);
}

static void warn_of_folders(CkIndex *index) {
    CkApp *app = index->app;
    const size_t *failed = (const size_t *)(const void *)index->list.failed.data;
    for (size_t i = 0; i < index->list.failed.n_bytes / sizeof *failed; i++) {
        ck_warn(app, "%s: cannot be listed; refs below it stay as they are",
                ck_printable(app, (const char *)index->list.text.data + failed[i]));
    }
    if (index->list.doubt.n_bytes > 0) {
        ck_warn(app, "git said '%s'; refs of what it did not list stay as they are",
                ck_printable(app, (const char *)index->list.doubt.data));
    }
}

/* Of a round after the first only what it did is worth a word. */
static int is_idle(const CkIndex *index) {
    const CkIndexCounts *counts = &index->counts;
    return index->round && !index->round->is_first &&
           counts->indexed + counts->swept + counts->embedded + counts->failed == 0;
}

static int report(CkIndex *index) {
    CkApp *app = index->app;
    const CkIndexCounts *counts = &index->counts;
    double seconds = (double)(ck_clock_ms() - index->begun_ms) / 1000;
    const char *manifest = ck_option_text(app, "manifest", NULL);
    warn_of_folders(index);
    if (app->json && !is_idle(index)) print_json(index, seconds);
    else if (!is_idle(index)) say(index, seconds);
    if (manifest) ck_index_export(app, &index->workspace, manifest);
    if (app->exit_code == CK_EXIT_OK &&
        (counts->unreadable > 0 || counts->incomplete > 0 || index->list.failed.n_bytes > 0 ||
         index->list.doubt.n_bytes > 0)) {
        return CK_EXIT_PARTIAL;
    }
    return app->exit_code;
}

/* One run. round is NULL when it is the only one. */
static int once(CkApp *app, CkIndexRound *round) {
    CkIndex index;
    int code = CK_EXIT_ERROR;
    memset(&index, 0, sizeof index);
    index.app = app;
    index.round = round;
    index.root = index.lock = -1;
    index.verifies = ck_option_flag(app, "verify") && (!round || round->is_first);
    index.sends_untracked = ck_option_flag(app, "untracked");
    if (ck_workspace_open(app, CK_WORKSPACE_WRITE, &index.workspace) == CK_EXIT_OK &&
        ck_model_settings_read(app, &index.model) == CK_EXIT_OK &&
        read_paths(&index) == CK_EXIT_OK) {
        index.max_bytes = ck_option_number(app, "max-file-bytes",
                                           ck_config_number(app, "max_file_bytes", MAX_BYTES));
        if (!round || round->is_first) ck_place_warn_of_tracked_store(app);
        if (round) round->is_set_up = 1;
        if (ck_index_run(&index) == CK_EXIT_OK) {
            code = round && round->is_same ? CK_EXIT_OK : report(&index);
            if (round) ck_index_round_end(&index);
        }
    }
    ck_index_release(&index);
    return app->exit_code != CK_EXIT_OK ? app->exit_code : code;
}

static int run(CkApp *app) {
    int watches = strcmp(ck_option_text(app, "watch", "no"), "no") != 0;
    if ((app->json || watches) && strcmp(ck_option_text(app, "manifest", ""), "-") == 0) {
        return ck_fail(app, CK_EXIT_USAGE,
                       ck_text(app, "Give --manifest a file, or leave --%s out.",
                               watches ? "watch" : "json"),
                       "--%s and --manifest - both write to stdout", watches ? "watch" : "json");
    }
    return watches ? ck_index_watch(app, once) : once(app, NULL);
}

static const CkOption options[] = {
    CK_MODEL_OPTIONS,
    {.name = "max-file-bytes", .kind = CK_OPTION_BYTES, .argument = "SIZE", .min = 1,
     .max = 1000000000, .help = "Leave larger files out (1M)."},
    {.name = "untracked", .kind = CK_OPTION_FLAG,
     .help = "Send an endpoint elsewhere also what git does not track."},
    {.name = "verify", .kind = CK_OPTION_FLAG,
     .help = "Read every file, whatever its size and time say."},
    {.name = "manifest", .kind = CK_OPTION_TEXT, .argument = "FILE",
     .help = "Write files and chunks as JSON lines, - to stdout."},
    {.name = "watch", .kind = CK_OPTION_CHOICE, .argument = "yes|no|poll", .implied = "yes",
     .help = "Stay, and index what changes; poll: look every few seconds."},
    {.name = NULL},
};

const CkCommand ck_command_index = {
    .name = "index",
    .summary = "Index the files of the workspace, or those below PATH",
    .arguments = "[PATH...]",
    .max_args = 1000,
    .options = options,
    .description =
        "Files that git tracks, or neither tracks nor ignores, are cut into chunks, and\n"
        "what the base does not have of these is embedded. Without git, .gitignore is\n"
        "honoured; .ckignore, in the same language, always. Files that did not change\n"
        "since the last run (size, times) are not read. Binary files, symbolic links and\n"
        "large files are left out. What is interrupted goes on with the next run.\n"
        "\n"
        "The model is the built-in lexical one, or --model of an --endpoint or an\n"
        "--embed-cmd. An endpoint is a server with POST /v1/embeddings: Ollama,\n"
        "llama.cpp, TEI, OpenAI and many others. Its key is in CK_API_KEY, in the\n"
        "variable that --key-env names, or in --key-file. To one on another machine only\n"
        "tracked files are sent, and none that looks like a secret.\n"
        "\n"
        "A program gets lines {\"index\": 0, \"text\": \"...\"} and answers each with a line\n"
        "{\"index\": 0, \"embedding\": [...]} or {\"index\": 0, \"error\": \"...\"}, and writes\n"
        "nothing else to stdout.\n"
        "\n"
        "With --watch it stays, and indexes what is saved, deleted or checked out within\n"
        "about a second; a line, or with --json an object on a line of its own, says what\n"
        "was done. It ends with Ctrl-C or SIGTERM, and then exits with 0. What fails (a\n"
        "store held by others, an endpoint that is away) is said once and tried again,\n"
        "after a second at first and half a minute at most. Where changes are not told (a\n"
        "network drive, the limits of inotify) it looks every few seconds.\n"
        "\n"
        "To keep settings: model, document_prefix, query_prefix, revision, dims,\n"
        "max_file_bytes in .ck/config.toml; these and endpoint, embed_cmd, key_file,\n"
        "key_env, batch, in_flight in ~/.config/ck/config.toml; or CK_MODEL,\n"
        "CK_ENDPOINT, CK_EMBED_CMD, CK_KEY_FILE in the environment.",
    .run = run,
};
