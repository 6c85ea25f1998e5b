/*
** The command table: help, the manual page, completions and the parser all read it.
**
** A command is a file cmd_NAME.c that defines `const CkCommand ck_command_NAME`, and a line in
** commands.c. A name of several words ("cache remote add") is a command of a group.
*/
#ifndef CK_TOOL_COMMANDS_H
#define CK_TOOL_COMMANDS_H

#include "options.h"

typedef struct CkCommand {
    const char *name;
    const char *summary;   /* half a line, without a period */
    const char *arguments; /* "QUERY", "[PATH…]", or "" */
    int min_args, max_args;
    const CkOption *options; /* NULL, or ends with a NULL name */
    const char *description; /* paragraphs for help and the manual, lines of at most 76 columns */
    int (*run)(CkApp *app);  /* returns the exit code; failures go through ck_fail() */
} CkCommand;

/* In the order of help; ends with NULL. */
extern const CkCommand *const ck_commands[];

/*
** The command that begins words[]: the longest name that matches. *n_words is set to how many words
** it takes. NULL: none; *n_words is then how many words of a group matched.
*/
const CkCommand *ck_command_find(const char **words, int n, int *n_words);

/* "cache remote" of n words; NULL of none. */
const char *ck_command_words(CkApp *app, const char **words, int n);

/* "ck cache gc [OPTIONS]", and all that is known of a command, to stdout. */
char *ck_command_usage(CkApp *app, const CkCommand *command);
void ck_command_explain(CkApp *app, const CkCommand *command);

/* The overview: all commands, or those whose name begins with group. */
void ck_commands_overview(CkApp *app, const char *group);

/* "--grace=TIME", "-k, --limit N": how help writes an option. */
char *ck_option_synopsis(CkApp *app, const CkOption *option);

#endif
