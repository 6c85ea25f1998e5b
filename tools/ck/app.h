/*
** One run of the command: what it was asked, where it stands, the store it has open, and how it
** ends. Everything else in tools/ck takes a CkApp.
**
** Errors are sticky: the first ck_fail() keeps code, message and advice; after it the calls to the
** store (store.h) do nothing, so that a command may go on to its end and is checked there. main()
** prints them. Running out of memory ends the process: SQLite rolls back what was not committed.
*/
#ifndef CK_TOOL_APP_H
#define CK_TOOL_APP_H

#include <stddef.h>
#include <stdint.h>
#include <sqlite3.h>
#include <sys/types.h>

/* How the process ends; documented in ck help and ck(1). */
enum {
    CK_EXIT_OK = 0,
    CK_EXIT_NO = 1,      /* the answer is no: nothing found, the doctor is not content */
    CK_EXIT_USAGE = 2,   /* the command line or config.toml is wrong */
    CK_EXIT_ERROR = 3,   /* it could not be done */
    CK_EXIT_BUSY = 4,    /* the store is held by others, a remote is backing off: try again */
    CK_EXIT_PARTIAL = 5, /* done but for what stderr names */
    CK_EXIT_INTERRUPTED = 130
};

typedef struct CkApp CkApp;
typedef struct CkMemory CkMemory;

/* An option as it was given: see options.h. */
typedef struct CkGiven {
    const struct CkOption *option;
    const char *text; /* NULL for a flag */
    int64_t number;   /* of an integer, in seconds or in bytes */
} CkGiven;

/* Where the command stands: see place.h. Absolute paths without '/' at the end, NULL: none. */
typedef struct CkPlace {
    const char *folder;    /* the working folder, after -C */
    const char *workspace; /* the root of the workspace that contains it */
    const char *base;      /* the folder that contains .ck/embeddings.db */
    const char *store;     /* the file, whether or not it exists */
} CkPlace;

#define CK_GIVEN_MAX 64

struct CkApp {
    const char *program;              /* what it was called as: "ck" */
    const struct CkCommand *command;  /* NULL until it is known */
    CkGiven given[CK_GIVEN_MAX];
    int n_given;
    const char **args; /* what is not an option, behind the command's name */
    int n_args;

    int json, quiet, explain; /* --json, --quiet, --explain-sql */
    int color;                /* of stdout; color_err of stderr */
    int color_err;
    int terminal_err; /* is stderr a terminal? progress is drawn there */

    CkPlace place;
    struct CkConfig *config; /* of the workspace, when there is one: see config.h */

    sqlite3 *db; /* NULL until ck_store_open() */
    int readonly;
    int busy_seconds; /* that a statement waits for other processes */
    int64_t waits_since_ms;
    sqlite3_stmt **statements; /* by CkSqlId */

    int exit_code;
    char *error, *hint;
    CkMemory *memory; /* of ck_text() and its kin: freed when the run ends */
};

void ck_app_init(CkApp *app, const char *program);

/* Another run of the same command line: it has no place, store, failure and memory yet. */
void ck_app_again(CkApp *again, const CkApp *app);
void ck_app_release(CkApp *app);

/*
** The first failure: exit code (CK_EXIT_…), what to do next (or NULL), and the message, which names
** the object, the value and what was expected. Returns the code now in force.
*/
int ck_fail(CkApp *app, int code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Ends a failure that the command goes on after; its message, kept. */
char *ck_failure_take(CkApp *app);

/*
** Memory that lasts to the end of the run. Never NULL. Formats, of ck_fail() too, are those of
** sqlite3_mprintf(): %q, %Q and %w, but no %zu, whose z would be a string to be freed.
*/
void *ck_keep(CkApp *app, size_t n_bytes);
char *ck_text(CkApp *app, const char *format, ...);

/* Memory that the caller frees with sqlite3_free(). Never NULL; ck_must checks what SQLite gave. */
void *ck_alloc(size_t n_bytes);
void *ck_realloc(void *old, size_t n_bytes);
void *ck_must(void *allocated);

/*
** Has Ctrl-C, SIGTERM or SIGHUP come? Running statements end with SQLITE_INTERRUPT by themselves;
** loops of the command ask. The second signal ends the process at once, and so does SIGQUIT. What
** was ignored when we were started (nohup) still is.
*/
int ck_interrupted(void);
void ck_interrupt_catch(void);          /* from now on; opening the store does it, too */
void ck_interrupt_bind(CkApp *app);
void ck_interrupt_clear(void); /* it was dealt with */

/* The process group that is killed when we are ended at once; 0: none. */
void ck_interrupt_group(pid_t group);

/* Waits until fd can be read, or nothing when it is -1; for ms, or until a signal comes, and not at
   all when one has come. 1: it can be read. */
int ck_interrupt_wait(int fd, int64_t ms);

#endif
