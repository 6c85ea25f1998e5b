/* The manual page, in man(7): see manual.h. */
#include "manual.h"

#include <ctype.h>
#include <stdio.h>

#include "commands.h"

/* A blank line begins a paragraph, lines that are set in stay as they are. */
static void print_text(const char *text) {
    int at_begin = 1, in_example = 0;
    for (const char *at = text; *at; at++) {
        if (at_begin) {
            if (*at == '\n') {
                printf(in_example ? ".EE\n.PP\n" : ".PP\n");
                in_example = 0;
                continue;
            }
            if (*at == ' ' && !in_example) {
                printf(".EX\n");
                in_example = 1;
            }
            if (*at == '.' || *at == '\'') printf("\\&");
        }
        if (*at == '\\') printf("\\e");
        else if (*at == '-') printf("\\-");
        else putchar(*at);
        at_begin = *at == '\n';
    }
    printf(in_example ? "\n.EE\n" : "\n");
}

static void print_options(CkApp *app, const CkOption *options) {
    for (const CkOption *option = options; option && option->name; option++) {
        printf(".TP\n.B ");
        print_text(ck_option_synopsis(app, option));
        print_text(option->help);
    }
}

static const char exit_status[] =
    ".TP\n.B 0\nDone.\n"
    ".TP\n.B 1\nThe answer is no: nothing was found, or the doctor found errors.\n"
    ".TP\n.B 2\nThe command line or .ck/config.toml is wrong.\n"
    ".TP\n.B 3\nIt could not be done.\n"
    ".TP\n.B 4\nThe store was held by others for too long, or a remote or an endpoint is backing "
    "off.\n"
    ".TP\n.B 5\nDone but for what was named on stderr.\n"
    ".TP\n.B 130\nInterrupted.\n";

static const char files[] =
    ".TP\n.I .ck/embeddings.db\nThe store of a base.\n"
    ".TP\n.I .ck/config.toml\nThe settings of a workspace, lines of\n.IR key \" = \" value :\n"
    ".I base\nis the folder of the base, relative to the workspace. To commit it:\n"
    ".BR \"git add \\-f\" .\n"
    ".TP\n.I .ck/workspace\nThe uuid of the workspace, and its base. Never committed; a\n"
    "copy of a tree gets its own.\n";

static const char environment[] =
    ".TP\n.B CI\nWhere it is set, workspaces are let go after 24 hours.\n"
    ".TP\n.B CK_USER\nWho is named as the origin of embeddings; else\n.BR USER .\n"
    ".TP\n.B NO_COLOR\nNo colors.\n";

void ck_manual_print(CkApp *app, const char *name) {
    app->program = name;
    printf(".\\\" Made by: ck help --man\n");
    char *title = ck_text(app, "%s", name);
    for (char *at = title; *at; at++) *at = (char)toupper((unsigned char)*at);
    printf(".TH %s 1 \"\" \"ck %s\" \"User Commands\"\n", title, CK_VERSION);
    printf(".SH NAME\n%s \\- a shared, content\\-addressed embedding cache\n", name);
    printf(".SH SYNOPSIS\n.B %s\n.I COMMAND\n[\\fIOPTIONS\\fR] \\fR...\n", name);
    printf(".SH DESCRIPTION\n"
           "Finds code by what it says, and embeds the same text only once, in however many\n"
           "worktrees, branches and checkouts it is. A tree is a workspace of a base; the base\n"
           "has the store, an SQLite file.\n");
    printf(".PP\n.EX\ncd worktree\n%s init \\-\\-base ../base\n%s index\n%s search \"retry with "
           "backoff\"\n.EE\n", name, name, name);
    printf(".SH COMMANDS\n");
    for (const CkCommand *const *command = ck_commands; *command; command++) {
        printf(".SS ");
        print_text(ck_command_usage(app, *command));
        printf("%s.\n", (*command)->summary);
        if ((*command)->description) {
            printf(".PP\n");
            print_text((*command)->description);
        }
        print_options(app, (*command)->options);
    }
    printf(".SH OPTIONS\nEvery command takes these.\n");
    print_options(app, ck_common_options);
    printf(".SH EXIT STATUS\n%s.SH FILES\n%s.SH ENVIRONMENT\n%s", exit_status, files, environment);
    printf(".SH SEE ALSO\n.BR git (1),\n.BR sqlite3 (1)\n");
}
