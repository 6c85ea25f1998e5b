/* ck help: explains ck or a command. */
#include "commands.h"

static int help_run(CkApp *app) {
    int n_words = 0;
    const CkCommand *command =
        app->n_args > 0 ? ck_command_find(app->args, app->n_args, &n_words) : NULL;
    if (command) {
        ck_command_explain(app, command);
    } else if (n_words < app->n_args) {
        return ck_fail(app, CK_EXIT_USAGE, NULL, "there is no command '%s'", app->args[n_words]);
    } else {
        ck_commands_overview(app, app->n_args > 0 ? app->args[0] : NULL);
    }
    return CK_EXIT_OK;
}

const CkCommand ck_command_help = {
    .name = "help",
    .summary = "Explain ck or a command",
    .arguments = "[COMMAND]",
    .max_args = 3,
    .run = help_run,
};
