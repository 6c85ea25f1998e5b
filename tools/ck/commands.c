/* The command table, and help from it: see commands.h. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

/* In the order of help. */
#define COMMANDS(X) \
    X(init) \
    X(index) \
    X(status) \
    X(search) \
    X(workspace_list) \
    X(workspace_show) \
    X(workspace_pin) \
    X(workspace_unpin) \
    X(workspace_remove) \
    X(cache_stats) \
    X(cache_gc) \
    X(cache_remote_add) \
    X(cache_remote_list) \
    X(cache_remote_remove) \
    X(cache_push) \
    X(cache_pull) \
    X(cache_sync) \
    X(cache_export) \
    X(cache_import) \
    X(doctor) \
    X(optimize) \
    X(sql) \
    X(version) \
    X(help) \
    X(completion)

#define DECLARE(name) extern const CkCommand ck_command_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &ck_command_##name,
const CkCommand *const ck_commands[] = {COMMANDS(ENTRY) NULL};

/* How many of the words the name begins with; *complete: it has no more. */
static int match(const char *name, const char **words, int n, int *complete) {
    int i = 0;
    while (i < n) {
        size_t length = strlen(words[i]);
        if (length == 0 || strncmp(name, words[i], length) != 0) break;
        if (name[length] && name[length] != ' ') break;
        i++;
        name += length + (name[length] == ' ');
        if (!*name) break;
    }
    *complete = !*name;
    return i;
}

const CkCommand *ck_command_find(const char **words, int n, int *n_words) {
    *n_words = 0;
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        int complete, n_matched = match((*command)->name, words, n, &complete);
        if (n_matched > *n_words) *n_words = n_matched;
        if (complete) return *command;
    }
    return NULL;
}

const char *ck_command_words(CkApp *app, const char **words, int n) {
    const char *text = n > 0 ? words[0] : NULL;
    for (int i = 1; i < n; i++) text = ck_text(app, "%s %s", text, words[i]);
    return text;
}

char *ck_option_synopsis(CkApp *app, const CkOption *option) {
    char *letter = option->letter ? ck_text(app, "-%c, ", option->letter) : ck_text(app, "");
    if (option->kind == CK_OPTION_FLAG) return ck_text(app, "%s--%s", letter, option->name);
    if (option->implied) {
        return ck_text(app, "%s--%s[=%s]", letter, option->name, option->argument);
    }
    return ck_text(app, "%s--%s %s", letter, option->name, option->argument);
}

char *ck_command_usage(CkApp *app, const CkCommand *command) {
    return ck_text(app, "%s %s%s%s%s", app->program, command->name,
                   command->options ? " [OPTIONS]" : "", command->arguments[0] ? " " : "",
                   command->arguments);
}

static void print_options(CkApp *app, const char *title, const CkOption *options) {
    if (!options) return;
    printf("\n%s%s%s\n", ck_style(app, CK_STYLE_BOLD), title, ck_style(app, CK_STYLE_NONE));
    for (const CkOption *option = options; option->name; option++) {
        const char *synopsis = ck_option_synopsis(app, option);
        if (strlen(synopsis) > 24) {
            printf("  %s\n  %-24s  %s\n", synopsis, "", option->help);
        } else {
            printf("  %-24s  %s\n", synopsis, option->help);
        }
    }
}

void ck_command_explain(CkApp *app, const CkCommand *command) {
    printf("%s%s%s\n\n%s.\n", ck_style(app, CK_STYLE_BOLD), ck_command_usage(app, command),
           ck_style(app, CK_STYLE_NONE), command->summary);
    if (command->description) printf("\n%s\n", command->description);
    print_options(app, "Options", command->options);
    print_options(app, "Options of every command", ck_common_options);
}

void ck_commands_overview(CkApp *app, const char *group) {
    const char *bold = ck_style(app, CK_STYLE_BOLD), *off = ck_style(app, CK_STYLE_NONE);
    size_t n = group ? strlen(group) : 0;
    if (!group) {
        printf("%s COMMAND [OPTIONS] ...: a shared, content-addressed embedding cache.\n\n",
               app->program);
        printf("  cd worktree; %s init; %s index; %s search \"retry with backoff\"\n\n",
               app->program, app->program, app->program);
    }
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        const char *name = (*command)->name;
        if (group && (strncmp(name, group, n) != 0 || (name[n] && name[n] != ' '))) continue;
        printf("  %s%-20s%s  %s\n", bold, name, off, (*command)->summary);
    }
    if (!group) {
        printf("\n%s help COMMAND explains one. Exit codes: 0 done, 1 the answer is no,\n"
               "2 usage, 3 failed, 4 busy, 5 partly done, 130 interrupted.\n",
               app->program);
    }
}
