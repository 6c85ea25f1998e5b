/* ck help: explains ck or a command, or prints the manual page. */
#include "commands.h"
#include "manual.h"
#include "output.h"

static int help_run(CkApp *app) {
    int n_words = 0;
    const char *manual = ck_option_text(app, "man", NULL);
    if (manual) {
        ck_manual_print(app, manual);
        return CK_EXIT_OK;
    }
    const CkCommand *command =
        app->n_args > 0 ? ck_command_find(app->args, app->n_args, &n_words) : NULL;
    if (command) {
        ck_command_explain(app, command);
    } else if (n_words < app->n_args) {
        return ck_fail(app, CK_EXIT_USAGE, ck_text(app, "See: %s help", app->program),
                       "there is no command '%s'", ck_printable(app, app->args[n_words]));
    } else {
        ck_commands_overview(app, app->n_args > 0 ? app->args[0] : NULL);
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
    .run = help_run,
};
