/* Options of the command line: see options.h. */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "output.h"

const CkOption ck_common_options[] = {
    {.name = "directory", .letter = 'C', .kind = CK_OPTION_TEXT, .argument = "DIR",
     .help = "Act as if called in DIR."},
    {.name = "store", .kind = CK_OPTION_TEXT, .argument = "FILE",
     .help = "Use this store instead of the one of the workspace."},
    {.name = "json", .kind = CK_OPTION_FLAG, .help = "Write JSON to stdout, and errors as JSON."},
    {.name = "explain-sql", .kind = CK_OPTION_FLAG,
     .help = "Print each SQL statement to stderr as it is run."},
    {.name = "color", .kind = CK_OPTION_CHOICE, .argument = "auto|always|never",
     .implied = "always", .help = "Use colors; auto: on a terminal."},
    {.name = "quiet", .letter = 'q', .kind = CK_OPTION_FLAG,
     .help = "Say nothing but results, warnings and errors."},
    {.name = "help", .letter = 'h', .kind = CK_OPTION_FLAG, .help = "Explain the command."},
    {.name = "version", .letter = 'V', .kind = CK_OPTION_FLAG, .help = "Print the version."},
    {.name = NULL},
};

int ck_parse_integer(const char *text, int64_t *number) {
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno) return 0;
    *number = value;
    return 1;
}

/* A number that is not negative, and its unit: one of the letters, or none. */
static int parse_unit(const char *text, const char *letters, const int64_t *factors,
                      int64_t *value) {
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno || number < 0 || *text == '-' || *text == '+') return 0;
    int64_t factor = 1;
    if (*end) {
        const char *letter = strchr(letters, *end);
        if (!letter || end[1]) return 0;
        factor = factors[letter - letters];
    }
    return !__builtin_mul_overflow((int64_t)number, factor, value);
}

int ck_parse_seconds(const char *text, int64_t *seconds) {
    static const int64_t factors[] = {1, 60, 3600, 86400, 604800};
    return parse_unit(text, "smhdw", factors, seconds);
}

int ck_parse_bytes(const char *text, int64_t *bytes) {
    static const int64_t factors[] = {1 << 10, 1 << 20, 1 << 30, 1LL << 40,
                                      1 << 10, 1 << 20, 1 << 30, 1LL << 40};
    return parse_unit(text, "KMGTkmgt", factors, bytes);
}

/* Is value one of the words of "auto|always|never"? */
static int is_choice(const char *words, const char *value) {
    size_t n = strlen(value);
    for (const char *at = words; n > 0 && (at = strstr(at, value)) != NULL; at++) {
        if ((at == words || at[-1] == '|') && (at[n] == '|' || !at[n])) return 1;
    }
    return 0;
}

/* What a value must be, for the message; NULL when it is right. */
static const char *check_value(CkApp *app, const CkOption *option, CkGiven *given) {
    const char *text = given->text;
    int valid = 1;
    const char *expected = "";
    switch (option->kind) {
    case CK_OPTION_FLAG:
    case CK_OPTION_TEXT:
        return text && !text[0] ? "a text" : NULL;
    case CK_OPTION_CHOICE:
        return is_choice(option->argument, text) ? NULL : option->argument;
    case CK_OPTION_INTEGER:
        valid = ck_parse_integer(text, &given->number);
        expected = ck_text(app, "%lld..%lld", (long long)option->min, (long long)option->max);
        break;
    case CK_OPTION_SECONDS:
        valid = ck_parse_seconds(text, &given->number);
        expected = "a time such as 90, 30m, 1h or 2d";
        break;
    case CK_OPTION_BYTES:
        valid = ck_parse_bytes(text, &given->number);
        expected = "a size such as 4096, 64K, 500M or 2G";
        break;
    }
    if (valid && (option->kind == CK_OPTION_INTEGER || option->max > 0)) {
        int in_range = given->number >= option->min && given->number <= option->max;
        if (valid && !in_range && option->kind == CK_OPTION_SECONDS) {
            expected = ck_text(app, "%s to %s", ck_duration_text(app, option->min),
                               ck_duration_text(app, option->max));
        } else if (valid && !in_range && option->kind == CK_OPTION_BYTES) {
            expected = ck_text(app, "%s to %s", ck_bytes_text(app, option->min),
                               ck_bytes_text(app, option->max));
        }
        valid = in_range;
    }
    return valid ? NULL : expected;
}

static const char *usage_hint(CkApp *app) {
    return app->command ? ck_text(app, "Usage: %s\nSee: %s help %s",
                                  ck_command_usage(app, app->command), app->program,
                                  app->command->name)
                        : ck_text(app, "See: %s help", app->program);
}

static int give(CkApp *app, const CkOption *option, const char *text) {
    if (app->n_given == CK_GIVEN_MAX) {
        return ck_fail(app, CK_EXIT_USAGE, NULL, "more than %d options", CK_GIVEN_MAX);
    }
    CkGiven *given = &app->given[app->n_given];
    *given = (CkGiven){.option = option, .text = text};
    const char *expected = check_value(app, option, given);
    if (expected) {
        return ck_fail(app, CK_EXIT_USAGE, usage_hint(app), "--%s must be %s, got '%s'",
                       option->name, expected, ck_printable(app, text));
    }
    app->n_given++;
    return CK_EXIT_OK;
}

/* An option of the command or of all commands: by the first n bytes of name, or by its letter. */
static const CkOption *find(const CkApp *app, const char *name, size_t n, char letter) {
    const CkOption *tables[] = {app->command ? app->command->options : NULL, ck_common_options};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (const CkOption *option = tables[i]; option && option->name; option++) {
            if (name && strlen(option->name) == n && memcmp(option->name, name, n) == 0) {
                return option;
            }
            if (letter && option->letter == letter) return option;
        }
    }
    return NULL;
}

/* argv[i] begins with "--". Returns how many words it took. */
static int take_long(CkApp *app, char **argv, int i) {
    const char *name = argv[i] + 2, *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const CkOption *option = find(app, name, n, 0);
    if (!option) {
        ck_fail(app, CK_EXIT_USAGE, usage_hint(app), "unknown option '--%.*s'", (int)n, name);
    } else if (option->kind == CK_OPTION_FLAG) {
        if (equals) {
            ck_fail(app, CK_EXIT_USAGE, usage_hint(app), "--%s takes no value, got '%s'",
                    option->name, equals + 1);
        } else {
            give(app, option, NULL);
        }
    } else if (equals) {
        give(app, option, equals + 1);
    } else if (option->implied) {
        give(app, option, option->implied);
    } else if (!argv[i + 1]) {
        ck_fail(app, CK_EXIT_USAGE, usage_hint(app), "--%s needs a value: %s", option->name,
                option->argument);
    } else {
        give(app, option, argv[i + 1]);
        return 2;
    }
    return 1;
}

/* argv[i] is "-" and letters. Returns how many words it took. */
static int take_short(CkApp *app, char **argv, int i) {
    for (const char *at = argv[i] + 1; *at; at++) {
        const CkOption *option = find(app, NULL, 0, *at);
        if (!option) {
            ck_fail(app, CK_EXIT_USAGE, usage_hint(app), "unknown option '-%c'", *at);
            return 1;
        }
        if (option->kind == CK_OPTION_FLAG) {
            give(app, option, NULL);
        } else if (at[1]) {
            give(app, option, at + 1);
            return 1;
        } else if (!argv[i + 1]) {
            ck_fail(app, CK_EXIT_USAGE, usage_hint(app), "-%c needs a value: %s", *at,
                    option->argument);
            return 1;
        } else {
            give(app, option, argv[i + 1]);
            return 2;
        }
    }
    return 1;
}

int ck_option_flag(const CkApp *app, const char *name) {
    return ck_option_nth(app, name, 0) != NULL;
}

const char *ck_option_nth(const CkApp *app, const char *name, int n) {
    for (int i = 0; i < app->n_given; i++) {
        const CkGiven *given = &app->given[i];
        if (strcmp(given->option->name, name) == 0 && n-- == 0) {
            return given->text ? given->text : "";
        }
    }
    return NULL;
}

static const CkGiven *last_given(const CkApp *app, const char *name) {
    assert(find(app, name, strlen(name), 0));
    for (int i = app->n_given - 1; i >= 0; i--) {
        if (strcmp(app->given[i].option->name, name) == 0) return &app->given[i];
    }
    return NULL;
}

const char *ck_option_text(const CkApp *app, const char *name, const char *otherwise) {
    const CkGiven *given = last_given(app, name);
    return given ? given->text : otherwise;
}

int64_t ck_option_number(const CkApp *app, const char *name, int64_t otherwise) {
    const CkGiven *given = last_given(app, name);
    return given ? given->number : otherwise;
}

/*
** The command is known only when its words are, and an option before them may take a value: so the
** words of the command are looked for first, with the common options alone.
*/
static void find_command(CkApp *app, int argc, char **argv) {
    const char **words = ck_keep(app, sizeof *words * (size_t)(argc + 1));
    int n = 0, n_used = 0, n_behind = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--") == 0) {
            n_behind = argc - i - 1;
            break;
        }
        if (word[0] != '-' || !word[1]) {
            words[n++] = word;
            continue;
        }
        const char *name = word[1] == '-' ? word + 2 : NULL;
        const CkOption *option = find(app, name, name ? strlen(name) : 0, name ? 0 : word[1]);
        if (option && option->kind != CK_OPTION_FLAG && !option->implied && (name || !word[2])) i++;
    }
    app->command = ck_command_find(words, n, &n_used);
    if (!app->command && n > n_used) {
        const char *group = n_used > 0 ? ck_command_words(app, words, n_used) : "";
        ck_fail(app, CK_EXIT_USAGE,
                ck_text(app, "See: %s help%s%s", app->program, group[0] ? " " : "", group),
                "there is no command '%s'",
                ck_printable(app, ck_command_words(app, words, n_used + 1)));
    } else if (!app->command && n_behind > 0) {
        ck_fail(app, CK_EXIT_USAGE, ck_text(app, "See: %s help", app->program),
                "a command is needed before '--'");
    }
}

/* "--ephemeral 2h": a value that is optional must stand behind '='. */
static const char *value_hint(CkApp *app, const char *word) {
    for (int i = 0; i < app->n_given; i++) {
        const CkOption *option = app->given[i].option;
        CkGiven given = {.option = option, .text = word};
        if (!option->implied || app->given[i].text != option->implied) continue;
        if (check_value(app, option, &given) != NULL) continue;
        return ck_text(app, "If it is the value of --%s: --%s=%s", option->name, option->name,
                       ck_printable(app, word));
    }
    return NULL;
}

/* The arguments, without the words of the command; and are there as many as it takes? */
static int check_args(CkApp *app) {
    const CkCommand *command = app->command;
    if (!command) return app->exit_code;
    for (const char *at = command->name; at; at = strchr(at + 1, ' ')) {
        app->args++;
        app->n_args--;
    }
    if (ck_option_flag(app, "help")) return app->exit_code;
    if (app->n_args < command->min_args) {
        return ck_fail(app, CK_EXIT_USAGE, usage_hint(app), "it needs %s", command->arguments);
    }
    /* An unset variable of a script must not become "the one around" or "all of it". */
    for (int i = 0; i < app->n_args && i < command->max_args; i++) {
        if (app->args[i][0]) continue;
        return ck_fail(app, CK_EXIT_USAGE, usage_hint(app),
                       "argument %d of '%s' must not be empty", i + 1, command->name);
    }
    if (app->n_args <= command->max_args) return app->exit_code;
    if (strstr(command->arguments, "...")) {
        return ck_fail(app, CK_EXIT_USAGE, usage_hint(app), "%s arguments, at most %s are taken",
                       ck_count_text(app, app->n_args), ck_count_text(app, command->max_args));
    }
    const char *extra = app->args[command->max_args], *hint = value_hint(app, extra);
    return ck_fail(app, CK_EXIT_USAGE, hint ? hint : usage_hint(app), "unexpected argument '%s'",
                   ck_printable(app, extra));
}

/* --version is as the command. */
static int take_version(CkApp *app) {
    const char *word = "version";
    int n_words;
    app->command = ck_command_find(&word, 1, &n_words);
    app->n_args = 0;
    return app->exit_code;
}

int ck_options_parse(CkApp *app, int argc, char **argv, int *help) {
    /* What is wrong with the command line is said as it asks for, too. */
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) app->json = 1;
    }
    ck_output_init(app, "auto");
    find_command(app, argc, argv);
    app->args = ck_keep(app, sizeof *app->args * (size_t)(argc + 1));
    for (int i = 1; i < argc && app->exit_code == CK_EXIT_OK;) {
        const char *word = argv[i];
        if (strcmp(word, "--") == 0) {
            while (++i < argc) app->args[app->n_args++] = argv[i];
        } else if (word[0] == '-' && word[1] == '-') {
            i += take_long(app, argv, i);
        } else if (word[0] == '-' && word[1]) {
            i += take_short(app, argv, i);
        } else {
            app->args[app->n_args++] = word;
            i++;
        }
    }
    app->quiet = ck_option_flag(app, "quiet");
    app->explain = ck_option_flag(app, "explain-sql");
    *help = ck_option_flag(app, "help");
    ck_output_init(app, ck_option_text(app, "color", "auto"));
    if (app->exit_code == CK_EXIT_OK && ck_option_flag(app, "version")) return take_version(app);
    return check_args(app);
}
