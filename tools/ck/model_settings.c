/* Which model is meant, and where it is: see model_settings.h. */
#include "model_settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "curl_load.h"
#include "endpoint.h"
#include "fs.h"
#include "place.h"
#include "store.h"

#define BATCH_ITEMS 64
#define BATCH_BYTES 262144
#define IN_FLIGHT 4
#define TIMEOUT_S 300

/* What a run of git or of a hostile repository may not decide. */
static const char *const PERSONAL[] = {"embed_cmd", "key_file", "key_env"};

/* The user's own settings; NULL when there are none. */
static CkConfig *own_config(CkApp *app) {
    const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const char *path = NULL;
    struct stat status;
    if (folder && folder[0] == '/') path = ck_text(app, "%s/ck/config.toml", folder);
    else if (home && home[0] == '/') path = ck_text(app, "%s/.config/ck/config.toml", home);
    if (!path || stat(path, &status) != 0) return NULL;
    if ((status.st_uid != geteuid() && status.st_uid != 0) || (status.st_mode & 022) != 0) {
        ck_fail(app, CK_EXIT_USAGE, ck_text(app, "Run: chmod go-w '%s'", path),
                "%s: others may write it, so it is not read", path);
        return NULL;
    }
    return ck_config_read(app, path);
}

static int is_personal(const char *key) {
    for (size_t i = 0; i < sizeof PERSONAL / sizeof *PERSONAL; i++) {
        if (strcmp(PERSONAL[i], key) == 0) return 1;
    }
    return 0;
}

typedef struct Source {
    CkApp *app;
    CkConfig *workspace, *own;
} Source;

static const char *from_config(const Source *source, CkConfig *config, const char *key) {
    source->app->config = config;
    const char *text = config ? ck_config_text(source->app, key, NULL) : NULL;
    source->app->config = source->workspace;
    return text;
}

/* option and variable may be NULL. */
static const char *text_of(const Source *source, const char *option, const char *variable,
                           const char *key, const char *otherwise) {
    CkApp *app = source->app;
    const char *text = option ? ck_option_text(app, option, NULL) : NULL;
    if (!text && variable) text = getenv(variable);
    if (text && text[0]) return text;
    text = from_config(source, source->workspace, key);
    if (text && is_personal(key)) {
        ck_fail(app, CK_EXIT_USAGE,
                "A workspace may have come with a repository. Put it into ~/.config/ck/config.toml "
                "or on the command line.",
                "%s/%s: '%s' is not taken from a workspace", app->place.workspace, CK_CONFIG_FILE,
                key);
        return otherwise;
    }
    if (!text) text = from_config(source, source->own, key);
    return text ? text : otherwise;
}

static int64_t number_of(const Source *source, const char *option, const char *key, int64_t min,
                         int64_t max, int64_t otherwise) {
    CkApp *app = source->app;
    int64_t number = 0;
    const char *text = text_of(source, NULL, NULL, key, NULL);
    if (option && ck_option_number(app, option, 0) > 0) return ck_option_number(app, option, 0);
    if (!text) return otherwise;
    if (!ck_parse_integer(text, &number) || number < min || number > max) {
        ck_fail(app, CK_EXIT_USAGE, NULL, "config.toml: %s must be %lld..%lld, got %s", key,
                (long long)min, (long long)max, text);
    }
    return number;
}

/* The endpoint of a workspace's config.toml may only be on this machine, and gets a key only when
   the command line names it. */
static void check_endpoint(const Source *source, CkEmbedSettings *embed) {
    CkApp *app = source->app;
    const char *text = from_config(source, source->workspace, "endpoint");
    CkError err = CK_ERROR_NONE;
    CkEndpoint parsed = {0};
    if (!embed->endpoint || !text || strcmp(text, embed->endpoint) != 0) return;
    if (ck_option_text(app, "endpoint", NULL) || getenv("CK_ENDPOINT")) return;
    const CkCurl *curl = ck_curl_load(&err);
    if (curl && ck_endpoint_init(&parsed, curl, text, &err) == SQLITE_OK && !parsed.is_loopback) {
        ck_fail(app, CK_EXIT_USAGE,
                "If you trust it: export CK_ENDPOINT=URL, or put it into "
                "~/.config/ck/config.toml.",
                "%s/%s: an endpoint elsewhere (%s) is not taken from a workspace, which may have "
                "come with a repository",
                app->place.workspace, CK_CONFIG_FILE, parsed.host);
    }
    embed->key_file = ck_option_text(app, "key-file", NULL);
    embed->key_env = ck_option_text(app, "key-env", NULL);
    ck_endpoint_release(&parsed);
    ck_error_release(&err);
}

/* A URL as it may be printed; kept. */
static const char *public_url(CkApp *app, const char *url) {
    char *text = ck_must(ck_endpoint_public(url));
    const char *kept = ck_text(app, "%s", text);
    sqlite3_free(text);
    return kept;
}

static void check(CkApp *app, const CkModelSettings *settings) {
    const CkEmbedSettings *embed = &settings->embed;
    if (embed->endpoint && embed->command) {
        ck_fail(app, CK_EXIT_USAGE, NULL, "both an endpoint (%s) and a program (%s) are given",
                public_url(app, embed->endpoint), embed->command);
    } else if ((embed->endpoint || embed->command) &&
               (!embed->model || strcmp(embed->model, CK_MODEL_LEXICAL) == 0)) {
        ck_fail(app, CK_EXIT_USAGE, "Name it: --model NAME", "%s needs the name of a model",
                embed->endpoint ? "an endpoint" : "a program that embeds");
    } else if (!embed->endpoint && !embed->command && embed->model &&
               strcmp(embed->model, CK_MODEL_LEXICAL) != 0) {
        ck_fail(app, CK_EXIT_USAGE,
                "Say where it is: --endpoint URL or --embed-cmd PROGRAM; to keep it, CK_ENDPOINT "
                "or endpoint = \"URL\" in ~/.config/ck/config.toml.",
                "model '%s' is not built in", embed->model);
    }
}

/* Those of a config.toml are another model's when the built-in one was chosen over that. */
static void check_lexical_dims(const Source *source, int64_t dims) {
    CkApp *app = source->app;
    const char *model = text_of(source, NULL, NULL, "model", CK_MODEL_LEXICAL);
    if (dims == 0 || dims == CK_MODEL_LEXICAL_DIMS) return;
    if (ck_option_number(app, "dims", 0) == 0 && strcmp(model, CK_MODEL_LEXICAL) != 0) return;
    ck_fail(app, CK_EXIT_USAGE, "Leave dims out, or name another model: --model NAME.",
            "the built-in model has %d dims, got %lld", CK_MODEL_LEXICAL_DIMS, (long long)dims);
}

int ck_model_settings_read(CkApp *app, CkModelSettings *settings) {
    Source source = {.app = app, .workspace = app->config};
    CkEmbedSettings *embed = &settings->embed;
    memset(settings, 0, sizeof *settings);
    source.own = own_config(app);
    embed->model = text_of(&source, "model", "CK_MODEL", "model", NULL);
    int named_lexical = embed->model && strcmp(embed->model, CK_MODEL_LEXICAL) == 0;
    if (!named_lexical) {
        embed->command = ck_option_text(app, "embed-cmd", NULL);
        embed->endpoint = embed->command ? ck_option_text(app, "endpoint", NULL)
                                         : text_of(&source, "endpoint", "CK_ENDPOINT", "endpoint",
                                                   NULL);
        if (!embed->command && !embed->endpoint) {
            embed->command = text_of(&source, NULL, "CK_EMBED_CMD", "embed_cmd", NULL);
        }
    }
    embed->key_file = text_of(&source, "key-file", "CK_KEY_FILE", "key_file", NULL);
    embed->key_env = text_of(&source, "key-env", NULL, "key_env", "CK_API_KEY");
    check_endpoint(&source, embed);
    if (embed->key_file && app->place.folder) {
        embed->key_file = ck_path_join(app, app->place.folder, embed->key_file);
    }
    embed->folder = app->place.folder;
    embed->dims = number_of(&source, "dims", "dims", 1, 65536, 0);
    embed->batch_items = number_of(&source, NULL, "batch", 1, CK_EMBED_BATCH_MAX, BATCH_ITEMS);
    embed->in_flight = number_of(&source, NULL, "in_flight", 1, CK_EMBED_IN_FLIGHT_MAX, IN_FLIGHT);
    embed->batch_bytes = BATCH_BYTES;
    embed->timeout_s = ck_option_number(app, "timeout", TIMEOUT_S);
    settings->revision = text_of(&source, "revision", NULL, "revision", "-");
    settings->version = text_of(&source, "model-version", NULL, "model_version", NULL);
    settings->document_prefix = text_of(&source, NULL, NULL, "document_prefix", "");
    settings->query_prefix = text_of(&source, NULL, NULL, "query_prefix", "");
    settings->dims = (uint32_t)embed->dims;
    check(app, settings);
    settings->is_lexical = !embed->endpoint && !embed->command;
    if (settings->is_lexical) {
        check_lexical_dims(&source, embed->dims);
        embed->model = CK_MODEL_LEXICAL;
        settings->version = CK_MODEL_LEXICAL_VERSION;
        settings->dims = CK_MODEL_LEXICAL_DIMS;
        settings->document_prefix = settings->query_prefix = "";
    }
    return app->exit_code;
}

static void version_of(CkApp *app, CkModelSettings *settings, uint32_t dims) {
    settings->dims = dims;
    settings->version = ck_text(app, "%s;%u;-;-;-", settings->revision, dims);
}

int ck_model_resolve(CkApp *app, CkModelSettings *settings) {
    if (settings->is_lexical || app->exit_code != CK_EXIT_OK) return app->exit_code;
    if (settings->version) {
        int64_t dims = ck_sql_int(app, CK_SQL_INDEX_DIMS, 0, "tt", settings->embed.model,
                                  settings->version);
        if (dims > 0) settings->dims = (uint32_t)dims;
        return app->exit_code;
    }
    if (settings->dims > 0) {
        version_of(app, settings, settings->dims);
        return app->exit_code;
    }
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_VERSIONS, "tt", settings->embed.model,
                                      ck_text(app, "%s;*;-;-;-", settings->revision));
    int n = 0;
    const char *list = "";
    while (ck_sql_step(app, stmt)) {
        const char *version = ck_column_text(stmt, 0, "");
        list = ck_text(app, "%s%s%s", list, n++ > 0 ? ", " : "", version);
        version_of(app, settings, (uint32_t)sqlite3_column_int64(stmt, 1));
    }
    if (n > 1) {
        settings->version = NULL;
        return ck_fail(app, CK_EXIT_USAGE, "Say which one is meant: --dims N",
                       "model '%s' is stored with different dims: %s", settings->embed.model, list);
    }
    return app->exit_code;
}

int ck_model_decide(CkApp *app, CkModelSettings *settings, uint32_t dims) {
    if (!settings->version) version_of(app, settings, dims);
    settings->dims = dims;
    return app->exit_code;
}

/* Which key a server did not accept. */
static const char *key_hint(CkApp *app, const CkEmbedSettings *embed) {
    const char *value = embed->key_env ? getenv(embed->key_env) : NULL;
    if (embed->key_file) {
        return ck_text(app, "The key is that of the file '%s'. Is it the right one for this "
                            "server and model?", embed->key_file);
    }
    if (value && value[0]) {
        return ck_text(app, "The key is that of the variable %s. Is it the right one for this "
                            "server and model?", embed->key_env);
    }
    return ck_text(app, "No key was sent: there is none in the variable %s, and no --key-file was "
                        "given.", embed->key_env ? embed->key_env : "CK_API_KEY");
}

int ck_fail_embed(CkApp *app, const CkModelSettings *settings, CkError *err) {
    static const char kept[] = "What was embedded so far is stored; the next run goes on from "
                               "there.";
    const CkEmbedSettings *embed = &settings->embed;
    const char *hint = NULL, *message = err->message ? err->message : sqlite3_errstr(err->rc);
    int code = CK_EXIT_ERROR;
    switch (err->rc) {
        case SQLITE_NOMEM:
            ck_must(NULL);
            break;
        case SQLITE_INTERRUPT:
            code = CK_EXIT_INTERRUPTED;
            break;
        case SQLITE_MISUSE: /* the settings are wrong: the message says how */
            code = CK_EXIT_USAGE;
            break;
        case SQLITE_CANTOPEN: /* there is no such program, or no libcurl */
            break;
        case SQLITE_AUTH:
            hint = key_hint(app, embed);
            break;
        case SQLITE_BUSY:
            code = CK_EXIT_BUSY;
            hint = kept;
            break;
        default:
            if (strstr(message, "dims, expected")) {
                hint = "Another model answers under this name. If it was replaced on purpose, give "
                       "the new one a version of its own: --revision REV.";
            } else if (embed->endpoint) {
                hint = ck_text(app, "%s Is the server running, and has it this model?", kept);
            } else if (embed->command) {
                hint = kept;
            }
    }
    ck_fail(app, code, hint, "%s", message);
    ck_error_release(err);
    return app->exit_code;
}
