/*
** Programs run by their path and arguments, without a shell.
*/
#ifndef CK_TOOL_PROCESS_H
#define CK_TOOL_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

#define CK_PROCESS_STDERR_MAX 65536 /* bytes kept of what a program says on its standard error */
#define CK_PROCESS_ARGUMENTS_MAX 64

typedef struct CkProcess {
    pid_t pid;   /* 0: none */
    pid_t group; /* its process group, when it has one of its own; 0: it is in ours */
    int to;      /* its standard input, or -1 */
    int from;    /* its standard output, or -1 */
} CkProcess;

#define CK_PROCESS_NONE {0, 0, -1, -1}

/*
** Starts argv[0], looked up in PATH; argv ends with NULL. Its input and output are pipes; its
** standard error is `error_fd`. folder: where it runs, or NULL. The variables by which a git hook
** would point git at another repository are not passed on, and CK_API_KEY is not either.
**
** It gets a process group of its own, so that what it starts in turn (a shell's commands) ends with
** it, and whenever a signal ends us (app.h). One such program runs at a time. For the terminal it
** is in the background, and is stopped when it asks something there.
*/
int ck_process_start(CkProcess *process, char *const argv[], const char *folder, int error_fd,
                     CkError *err);

/* Is it stopped because it asked something at the terminal? */
int ck_process_asks_terminal(const CkProcess *process);

/*
** Closes the pipes and waits for its end, a second at most; then ends its group. What it exited
** with, or 128 + the signal it died of; -1: it did not end by itself and was killed.
*/
int ck_process_end(CkProcess *process);

/* Closes the pipes, asks it and its group to stop, and kills what has not within a second. */
void ck_process_kill(CkProcess *process);

/*
** Runs a program in the C locale to its end and appends what it prints to `out`, at most max_bytes,
** and what it says on standard error to `said`, of which CK_PROCESS_STDERR_MAX bytes are kept; said
** may be NULL. An exit code other than 0 is an error with the first line of that, and what git
** advises to run. A signal that we catch ends the program: SQLITE_INTERRUPT. It is in our process
** group: git may have to ask for a passphrase, and Ctrl-C reaches what it has started.
*/
int ck_process_run(char *const argv[], const char *folder, CkBuf *out, size_t max_bytes,
                   CkBuf *said, CkError *err);

/*
** Splits a command into arguments at blanks; '…' and "…" keep blanks, a backslash the next byte.
** Writes pointers into `text`, which must outlive them, and NULL behind the last. SQLITE_MISUSE: it
** is empty, or a quote is not closed.
*/
int ck_process_split(const char *command, CkBuf *text, char *argv[CK_PROCESS_ARGUMENTS_MAX],
                     CkError *err);

#endif
