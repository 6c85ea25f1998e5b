/*
** What people see: styles, tables, progress. What machines see is json.h.
**
** stdout has results, stderr everything else. Colours and progress only on a terminal, or as
** --color says (NO_COLOR is heeded). Names and paths go through ck_printable(), so that a file
** name cannot steer the terminal; errors, notes and warnings do so by themselves.
*/
#ifndef CK_TOOL_OUTPUT_H
#define CK_TOOL_OUTPUT_H

#include "app.h"

typedef enum CkStyle {
    CK_STYLE_NONE,
    CK_STYLE_BOLD,
    CK_STYLE_DIM,
    CK_STYLE_RED,
    CK_STYLE_GREEN,
    CK_STYLE_YELLOW,
    CK_STYLE_BLUE,
    CK_STYLE_MAGENTA,
    CK_STYLE_CYAN
} CkStyle;

/* Decides about colours: once, when the options are known. */
void ck_output_init(CkApp *app, const char *when);

/* What begins a style on stdout, or on stderr, and ends it (CK_STYLE_NONE); "" without colours. */
const char *ck_style(const CkApp *app, CkStyle style);
const char *ck_style_err(const CkApp *app, CkStyle style);

/* To stderr unless --quiet: what was done, "warning: …" in yellow (also with --quiet). */
void ck_note(CkApp *app, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ck_warn(CkApp *app, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
** A failure, if there is one, to stderr: "ck COMMAND: what went wrong" and, on a line of its own,
** what to do about it; with --json one object, {"error": …, "hint": …, "exit": …}.
*/
void ck_failure_show(CkApp *app);

/* Flushes stdout; a full disk is a failure, a reader that went away is not. */
int ck_output_end(CkApp *app);

/* Text with control characters escaped (\n, \x1b) and invalid UTF-8 as \xff; kept. */
char *ck_printable(CkApp *app, const char *text);
char *ck_printable_lines(CkApp *app, const char *text); /* but for newlines */
int ck_width(const char *text); /* columns on a terminal */
int ck_terminal_columns(void);  /* of stderr or stdout, else COLUMNS, else 80 */

/* "2.4 MB", "1,234,567", "3 min ago" or "in 2 days", "1 h 20 min"; kept. */
char *ck_bytes_text(CkApp *app, int64_t bytes);
char *ck_count_text(CkApp *app, int64_t n);
char *ck_counted(CkApp *app, int64_t n, const char *noun); /* "1 ref", "2 refs" */
char *ck_ago_text(CkApp *app, int64_t at, int64_t now);
char *ck_duration_text(CkApp *app, int64_t seconds);

/*
** Rows of a statement. With --json an array of objects named by the columns (blobs in hex), else a
** table under the columns' names. The statement runs to its end. Returns the number of rows. How
** columns are shown is said by a letter each: t text, i count, b bytes, p yes or no, a a time as
** "3 min ago", - not in the table; columns without any value are left out. NULL: all as they are.
*/
int64_t ck_output_rows(CkApp *app, sqlite3_stmt *stmt, const char *format);

/*
** A line about long work on stderr, on a terminal redrawn at most ten times a second: a bar, the
** rate and the time left. unit "": none; "bytes" are shown as sizes. total 0: not known yet.
** detail is shown behind. Elsewhere nothing.
*/
typedef struct CkProgress {
    CkApp *app;
    const char *label, *unit;
    int64_t begun_ms, drawn_ms;
    int is_drawn;
} CkProgress;

void ck_progress_begin(CkProgress *progress, CkApp *app, const char *label, const char *unit);
void ck_progress_show(CkProgress *progress, int64_t done, int64_t total, const char *detail);
void ck_progress_end(CkProgress *progress); /* removes the line */

int64_t ck_now_ms(void); /* of a clock that only goes forward */

#endif
