/*
** Options of the command line, from the table of each command and the ones all commands take.
**
** --name VALUE, --name=VALUE, -n VALUE, -nVALUE; flags of one letter may be joined; -- ends
** options. Options may stand before, between and behind the arguments. A value is checked as it is
** read, and the message names the option: "ck cache gc: --grace must be a time such as 90, 30m, 1h
** or 2d, got '1x'".
*/
#ifndef CK_TOOL_OPTIONS_H
#define CK_TOOL_OPTIONS_H

#include "app.h"

typedef enum CkOptionKind {
    CK_OPTION_FLAG,
    CK_OPTION_TEXT,
    CK_OPTION_CHOICE,  /* argument lists the words: "auto|always|never" */
    CK_OPTION_INTEGER, /* within min and max */
    CK_OPTION_SECONDS, /* 90, 30m, 1h, 2d: seconds without a unit */
    CK_OPTION_BYTES    /* 4096, 64K, 500M, 2G: powers of 1024 */
} CkOptionKind;

typedef struct CkOption {
    const char *name; /* NULL ends a table */
    char letter;      /* 0: none */
    CkOptionKind kind;
    const char *argument; /* what help calls the value */
    const char *implied;  /* not NULL: the value is optional, given with '=' only, else this */
    int64_t min, max;     /* of an integer; of seconds and bytes when max is not 0 */
    const char *help;     /* one sentence */
} CkOption;

/* What every command takes. */
extern const CkOption ck_common_options[];

/*
** Reads the command line: sets app->command, given, args and the common settings. CK_EXIT_USAGE
** with a message when something is wrong; *help is set when -h or --help was there.
*/
int ck_options_parse(CkApp *app, int argc, char **argv, int *help);

/* The last value given, or what stands behind. The name must be in the command's table. */
int ck_option_flag(const CkApp *app, const char *name);
const char *ck_option_text(const CkApp *app, const char *name, const char *otherwise);
int64_t ck_option_number(const CkApp *app, const char *name, int64_t otherwise);

/* The i-th value of an option that was given several times, or NULL when there is none. */
const char *ck_option_nth(const CkApp *app, const char *name, int i);

/* The same readers for values from elsewhere (config.toml). 0 when text is no such value. */
int ck_parse_seconds(const char *text, int64_t *seconds);
int ck_parse_bytes(const char *text, int64_t *bytes);
int ck_parse_integer(const char *text, int64_t *number);

#endif
