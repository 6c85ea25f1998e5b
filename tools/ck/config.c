/* .ck/config.toml: see config.h. */
#include "config.h"

#include <string.h>

#include "fs.h"
#include "options.h"

#define CONFIG_BYTES_MAX 65536

/* U+FEFF, with which some editors begin a file in UTF-8. */
static const char byte_order_mark[] = "\xef\xbb\xbf";

typedef enum Kind { KIND_TEXT, KIND_NUMBER, KIND_SWITCH } Kind;

/* All keys; in ck(1), section FILES. */
static const struct Key {
    const char *name;
    Kind kind;
} keys[] = {
    {"base", KIND_TEXT},
    {"model", KIND_TEXT},
    {"endpoint", KIND_TEXT},
    {"embed_cmd", KIND_TEXT},
    {"key_file", KIND_TEXT},
    {"key_env", KIND_TEXT},
    {"dims", KIND_NUMBER},
    {"revision", KIND_TEXT},
    {"model_version", KIND_TEXT},
    {"document_prefix", KIND_TEXT},
    {"query_prefix", KIND_TEXT},
    {"batch", KIND_NUMBER},
    {"in_flight", KIND_NUMBER},
    {"max_file_bytes", KIND_NUMBER},
};

#define N_KEYS (sizeof keys / sizeof *keys)

struct CkConfig {
    const char *path;
    const char *texts[N_KEYS]; /* NULL: not set */
    int64_t numbers[N_KEYS];
};

typedef struct Reader {
    CkApp *app;
    const char *path;
    int line;
    char *at; /* in the line, which ends with 0 */
} Reader;

static int refuse(Reader *reader, const char *what, const char *got) {
    return ck_fail(reader->app, CK_EXIT_USAGE, NULL, "%s:%d: %s '%s'", reader->path, reader->line,
                   what, got);
}

static void skip_blanks(Reader *reader) {
    while (*reader->at == ' ' || *reader->at == '\t') reader->at++;
}

/* Two names that differ by a letter more, less, other or swapped. */
static int is_similar(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (!*a && !*b) return 1;
    if (*a && strcmp(a + 1, b) == 0) return 1;
    if (*b && strcmp(a, b + 1) == 0) return 1;
    if (!*a || !*b) return 0;
    return strcmp(a + 1, b + 1) == 0 ||
           (a[0] == b[1] && a[1] == b[0] && a[1] && strcmp(a + 2, b + 2) == 0);
}

static int find_key(const char *name) {
    for (size_t i = 0; i < N_KEYS; i++) {
        if (strcmp(keys[i].name, name) == 0) return (int)i;
    }
    return -1;
}

static int unknown_key(Reader *reader, const char *name) {
    const char *list = "";
    for (size_t i = 0; i < N_KEYS; i++) {
        if (is_similar(name, keys[i].name)) {
            return ck_fail(reader->app, CK_EXIT_USAGE, NULL,
                           "%s:%d: unknown key '%s', did you mean '%s'?", reader->path,
                           reader->line, name, keys[i].name);
        }
        list = ck_text(reader->app, "%s%s%s", list, i > 0 ? ", " : "", keys[i].name);
    }
    return ck_fail(reader->app, CK_EXIT_USAGE, ck_text(reader->app, "Known keys: %s.", list),
                   "%s:%d: unknown key '%s'", reader->path, reader->line, name);
}

/* A string in quotes at reader->at; within "" \\, \", \n and \t are escapes. */
static char *read_string(Reader *reader) {
    char quote = *reader->at++, *out = reader->at, *text = out;
    while (*reader->at && *reader->at != quote) {
        if (quote == '"' && *reader->at == '\\') {
            const char *escape = strchr("\\\\\"\"n\nt\t", reader->at[1]);
            if (!reader->at[1] || !escape) {
                refuse(reader, "unknown escape in", text);
                return NULL;
            }
            *out++ = escape[1];
            reader->at += 2;
        } else {
            *out++ = *reader->at++;
        }
    }
    if (*reader->at != quote) {
        refuse(reader, "a string without its closing quote:", text);
        return NULL;
    }
    reader->at++;
    *out = '\0';
    return text;
}

static int read_value(Reader *reader, CkConfig *config, int key) {
    const char *name = keys[key].name, *expected = NULL;
    if (*reader->at == '"' || *reader->at == '\'') {
        const char *text = read_string(reader);
        if (!text) return reader->app->exit_code;
        if (keys[key].kind != KIND_TEXT) {
            expected = keys[key].kind == KIND_NUMBER ? "an integer" : "true or false";
        } else if (!text[0]) {
            expected = "a text that is not empty";
        }
        config->texts[key] = text;
    } else {
        char *word = reader->at;
        size_t n = strcspn(word, " \t#");
        char end = word[n];
        word[n] = '\0';
        config->texts[key] = ck_text(reader->app, "%s", word);
        int is_true = strcmp(word, "true") == 0;
        if (keys[key].kind == KIND_TEXT) {
            expected = "a string in quotes";
        } else if (keys[key].kind == KIND_SWITCH) {
            config->numbers[key] = is_true;
            if (!is_true && strcmp(word, "false") != 0) expected = "true or false";
        } else if (!ck_parse_integer(word, &config->numbers[key])) {
            expected = "an integer";
        }
        word[n] = end;
        reader->at += n;
    }
    if (!expected) return CK_EXIT_OK;
    return ck_fail(reader->app, CK_EXIT_USAGE, NULL, "%s:%d: %s must be %s, got '%s'",
                   reader->path, reader->line, name, expected, config->texts[key]);
}

/* `key = value`, then nothing or a comment. */
static int read_line(Reader *reader, CkConfig *config) {
    skip_blanks(reader);
    if (!*reader->at || *reader->at == '#') return CK_EXIT_OK;
    if (*reader->at == '[') return refuse(reader, "tables are not understood:", reader->at);
    char *name = reader->at;
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    reader->at += n;
    skip_blanks(reader);
    if (n == 0 || *reader->at != '=') return refuse(reader, "expected `key = value`, got", name);
    reader->at++;
    name[n] = '\0';
    int key = find_key(name);
    if (key < 0) return unknown_key(reader, name);
    if (config->texts[key]) return refuse(reader, "given twice:", name);
    skip_blanks(reader);
    if (!*reader->at || *reader->at == '#') return refuse(reader, "no value for", name);
    if (read_value(reader, config, key) != CK_EXIT_OK) return reader->app->exit_code;
    skip_blanks(reader);
    if (*reader->at && *reader->at != '#') return refuse(reader, "left over:", reader->at);
    return CK_EXIT_OK;
}

CkConfig *ck_config_read(CkApp *app, const char *path) {
    char *data = NULL;
    size_t n = 0;
    if (ck_file_read(app, path, CONFIG_BYTES_MAX, &data, &n) != CK_EXIT_OK) return NULL;
    CkConfig *config = ck_keep(app, sizeof *config);
    memset(config, 0, sizeof *config);
    config->path = path;
    Reader reader = {.app = app, .path = path, .line = 0};
    char *text = ck_text(app, "%s", data ? data : "");
    size_t n_text = strlen(text);
    if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0) {
        text += strlen(byte_order_mark);
    }
    if (n_text < n) {
        ck_fail(app, CK_EXIT_USAGE, NULL, "%s: it is not a text file", path);
    }
    sqlite3_free(data);
    for (char *line = text; line && app->exit_code == CK_EXIT_OK;) {
        char *end = strchr(line, '\n');
        if (end) *end = '\0';
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r') line[length - 1] = '\0';
        reader.line++;
        reader.at = line;
        read_line(&reader, config);
        line = end ? end + 1 : NULL;
    }
    return app->exit_code == CK_EXIT_OK ? config : NULL;
}

const char *ck_config_text(const CkApp *app, const char *key, const char *otherwise) {
    int i = find_key(key);
    const char *text = app->config && i >= 0 ? app->config->texts[i] : NULL;
    return text ? text : otherwise;
}

int64_t ck_config_number(const CkApp *app, const char *key, int64_t otherwise) {
    int i = find_key(key);
    return app->config && i >= 0 && app->config->texts[i] ? app->config->numbers[i] : otherwise;
}

/* Does the line set this key? */
static int sets(const char *line, const char *key) {
    line += strspn(line, " \t");
    size_t n = strlen(key);
    return strncmp(line, key, n) == 0 && line[n + strspn(line + n, " \t")] == '=';
}

int ck_config_set(CkApp *app, const char *path, const char *key, const char *value) {
    char *data = NULL;
    size_t n = 0;
    if (ck_file_read(app, path, CONFIG_BYTES_MAX, &data, &n) != CK_EXIT_OK) return app->exit_code;
    sqlite3_str *out = sqlite3_str_new(NULL), *quoted = sqlite3_str_new(NULL);
    for (const char *at = value; *at; at++) {
        char escape = *at == '\n' ? 'n' : *at == '\t' ? 't' : strchr("\"\\", *at) ? *at : '\0';
        if (escape) sqlite3_str_appendchar(quoted, 1, '\\');
        sqlite3_str_appendchar(quoted, 1, escape ? escape : *at);
    }
    char *line_text = sqlite3_str_finish(quoted);
    int is_set = 0;
    for (const char *line = data; line && *line;) {
        size_t length = strcspn(line, "\n");
        if (sets(line, key)) {
            sqlite3_str_appendf(out, "%s = \"%s\"\n", key, line_text);
            is_set = 1;
        } else {
            sqlite3_str_append(out, line, (int)length);
            sqlite3_str_appendchar(out, 1, '\n');
        }
        line += length + (line[length] == '\n');
    }
    if (!is_set) sqlite3_str_appendf(out, "%s = \"%s\"\n", key, line_text);
    char *text = ck_must(sqlite3_str_finish(out));
    ck_file_write(app, path, 0666, text);
    sqlite3_free(text);
    sqlite3_free(line_text);
    sqlite3_free(data);
    return app->exit_code;
}
