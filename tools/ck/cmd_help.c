/* ck help: explains ck or a command, or prints the manual page. */
#include "commands.h"
#include "json.h"
#include "manual.h"
#include "output.h"

/* The command table, for tools that call ck. */
static void print_table(void) {
    CkJson json;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '[');
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        ck_json_open(&json, NULL, '{');
        ck_json_text(&json, "name", (*command)->name);
        ck_json_text(&json, "summary", (*command)->summary);
        ck_json_text(&json, "arguments", (*command)->arguments);
        ck_json_open(&json, "options", '[');
        for (const CkOption *option = (*command)->options; option && option->name; option++) {
            ck_json_open(&json, NULL, '{');
            ck_json_text(&json, "name", option->name);
            ck_json_text(&json, "value", option->argument);
            ck_json_text(&json, "help", option->help);
            ck_json_close(&json, '}');
        }
        ck_json_close(&json, ']');
        ck_json_close(&json, '}');
    }
    ck_json_close(&json, ']');
    ck_json_print(&json);
}

static int help_run(CkApp *app) {
    int n_words = 0;
    const char *manual = ck_option_text(app, "man", NULL);
    if (manual) {
        ck_manual_print(app, manual);
        return CK_EXIT_OK;
    }
    if (app->json) {
        print_table();
        return CK_EXIT_OK;
    }
    const CkCommand *command =
        app->n_args > 0 ? ck_command_find(app->args, app->n_args, &n_words) : NULL;
    if (command && n_words == app->n_args) {
        ck_command_explain(app, command);
    } else if (n_words < app->n_args) {
        return ck_fail(app, CK_EXIT_USAGE, ck_text(app, "See: %s help", app->program),
                       "there is no command '%s'",
                       ck_printable(app, ck_command_words(app, app->args, n_words + 1)));
    } else {
        ck_commands_overview(app, ck_command_words(app, app->args, app->n_args));
    }
    return CK_EXIT_OK;
}

static const CkOption options[] = {
    {.name = "man", .kind = CK_OPTION_TEXT, .argument = "NAME", .implied = "ck",
     .help = "Print the manual page, in which the command is called NAME."},
    {.name = NULL},
};

const CkCommand ck_command_help = {
    .name = "help",
    .summary = "Explain ck or a command",
    .arguments = "[COMMAND]",
    .max_args = 3,
    .options = options,
    .description = "With --json all commands and their options.",
    .run = help_run,
};
