/*
** Which model is meant, where it is, and under which version its embeddings are stored.
**
** Settings come from, in this order: the command line; the environment (CK_MODEL, CK_ENDPOINT,
** CK_EMBED_CMD, CK_KEY_FILE; the key itself in CK_API_KEY); .ck/config.toml of the workspace; the
** user's own config.toml in $XDG_CONFIG_HOME/ck or ~/.config/ck. The workspace's may have come
** with a repository, so it may say which model, but not which program to run, which key to use,
** or which endpoint elsewhere gets the files.
**
** A version is `rev;dims;quant;pool;norm`, '-' for what nobody said. The lexical embedder is model
** 'lexical' version '1'.
*/
#ifndef CK_TOOL_MODEL_SETTINGS_H
#define CK_TOOL_MODEL_SETTINGS_H

#include "app.h"
#include "base/error.h"
#include "embedder.h"
#include "options.h"

#define CK_MODEL_LEXICAL "lexical"
#define CK_MODEL_LEXICAL_VERSION "1"
#define CK_MODEL_LEXICAL_DIMS 384

typedef struct CkModelSettings {
    CkEmbedSettings embed;
    const char *version; /* NULL until ck_model_resolve() found it out */
    const char *revision;
    const char *document_prefix, *query_prefix; /* never NULL */
    uint32_t dims;       /* 0 as long as they are unknown */
    int is_lexical;
} CkModelSettings;

/* Options that commands with a model take, to be repeated in their tables. */
#define CK_MODEL_OPTIONS                                                                           \
    {.name = "model", .letter = 'm', .kind = CK_OPTION_TEXT, .argument = "NAME",                   \
     .help = "The model; without it the built-in lexical one."},                                   \
    {.name = "endpoint", .kind = CK_OPTION_TEXT, .argument = "URL",                                \
     .help = "Where it is: a server with POST /v1/embeddings."},          \
    {.name = "embed-cmd", .kind = CK_OPTION_TEXT, .argument = "PROGRAM",                           \
     .help = "A program that embeds: JSON lines in and out."},                                     \
    {.name = "key-file", .kind = CK_OPTION_TEXT, .argument = "FILE",                               \
     .help = "The key for the endpoint, in a file of mode 0600."},                                 \
    {.name = "key-env", .kind = CK_OPTION_TEXT, .argument = "NAME",                                \
     .help = "The variable that holds the key (CK_API_KEY)."},                                     \
    {.name = "dims", .kind = CK_OPTION_INTEGER, .argument = "N", .min = 1, .max = 65536,           \
     .help = "Dimensions to ask the model for."},                                                  \
    {.name = "revision", .kind = CK_OPTION_TEXT, .argument = "REV",                                \
     .help = "Which revision of the model it is; part of its version."},                           \
    {.name = "model-version", .kind = CK_OPTION_TEXT, .argument = "VERSION",                       \
     .help = "The version to store under: rev;dims;quant;pool;norm."},                \
    {.name = "timeout", .kind = CK_OPTION_SECONDS, .argument = "TIME", .min = 1, .max = 86400,     \
     .help = "How long one request may take (5m)."}

int ck_model_settings_read(CkApp *app, CkModelSettings *settings);

/*
** Finds version and dims: as given, or as the store knows the model. They stay NULL and 0 when the
** store knows no embedding of it: ck_model_decide() sets them when the dims are known.
*/
int ck_model_resolve(CkApp *app, CkModelSettings *settings);
int ck_model_decide(CkApp *app, CkModelSettings *settings, uint32_t dims);

/* Ends what failed with a CkError: ck_fail(), with advice about endpoints and models. */
int ck_fail_embed(CkApp *app, const CkModelSettings *settings, CkError *err);

#endif
