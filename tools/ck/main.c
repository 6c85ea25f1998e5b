/*
** ck: the command. Reads the command line, runs the command, reports how it ended.
*/
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "commands.h"
#include "fs.h"
#include "output.h"

/* No command, or the name of a group: what there is. */
static int overview(CkApp *app) {
    if (app->json) {
        return ck_fail(app, CK_EXIT_USAGE, ck_text(app, "See: %s help", app->program),
                       "a command is needed");
    }
    ck_commands_overview(app, ck_command_words(app, app->args, app->n_args));
    return app->n_args > 0 ? CK_EXIT_USAGE : CK_EXIT_OK;
}

int main(int argc, char **argv) {
    CkApp app;
    int help = 0;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    /* Nobody asks SQLite how much memory it uses, and threads need not wait for the count. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    ck_app_init(&app, argc > 0 ? ck_path_name(argv[0]) : "ck");
    int code = ck_options_parse(&app, argc, argv, &help);
    if (code == CK_EXIT_OK && help && app.command) {
        ck_command_explain(&app, app.command);
    } else if (code == CK_EXIT_OK && !app.command) {
        code = overview(&app);
    } else if (code == CK_EXIT_OK) {
        code = app.command->run(&app);
    }
    if (ck_output_end(&app) != CK_EXIT_OK || app.exit_code != CK_EXIT_OK) code = app.exit_code;
    ck_failure_show(&app);
    ck_app_release(&app);
    return code;
}
