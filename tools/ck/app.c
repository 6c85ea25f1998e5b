/* One run of the command: see app.h. */
#include "app.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

#define BUSY_SECONDS 30

struct CkMemory {
    CkMemory *next;
    int64_t bytes[]; /* sqlite3_malloc64() aligns to 8 bytes */
};

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define N_SIGNALS (sizeof signals / sizeof *signals)

/* For the signal handler, which gets no argument. */
static volatile sig_atomic_t interrupts;
static sqlite3 *volatile interrupted_db;
static volatile sig_atomic_t process_group;

void ck_app_init(CkApp *app, const char *program) {
    memset(app, 0, sizeof *app);
    app->program = program;
    app->busy_seconds = BUSY_SECONDS;
}

void ck_app_again(CkApp *again, const CkApp *app) {
    *again = *app;
    again->place = (CkPlace){NULL, NULL, NULL, NULL};
    again->config = NULL;
    again->db = NULL;
    again->statements = NULL;
    again->exit_code = CK_EXIT_OK;
    again->error = again->hint = NULL;
    again->memory = NULL;
}

void ck_app_release(CkApp *app) {
    ck_store_close(app);
    while (app->memory) {
        CkMemory *next = app->memory->next;
        sqlite3_free(app->memory);
        app->memory = next;
    }
    sqlite3_free(app->error);
    sqlite3_free(app->hint);
}

int ck_fail(CkApp *app, int code, const char *hint, const char *format, ...) {
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    va_list args;
    va_start(args, format);
    app->error = ck_must(sqlite3_vmprintf(format, args));
    va_end(args);
    if (hint) app->hint = ck_must(sqlite3_mprintf("%s", hint));
    app->exit_code = code;
    return code;
}

char *ck_failure_take(CkApp *app) {
    char *message = ck_text(app, "%s", app->error ? app->error : "");
    sqlite3_free(app->error);
    sqlite3_free(app->hint);
    app->error = app->hint = NULL;
    app->exit_code = CK_EXIT_OK;
    return message;
}

static void kill_group(void) {
    if (process_group > 0) kill(-process_group, SIGKILL);
}

void *ck_must(void *allocated) {
    static const char message[] = "ck: out of memory\n";
    if (!allocated) {
        kill_group();
        ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
        (void)written;
        _exit(CK_EXIT_ERROR);
    }
    return allocated;
}

void *ck_alloc(size_t n_bytes) {
    return ck_must(sqlite3_malloc64(n_bytes ? n_bytes : 1));
}

void *ck_realloc(void *old, size_t n_bytes) {
    return ck_must(sqlite3_realloc64(old, n_bytes ? n_bytes : 1));
}

void *ck_keep(CkApp *app, size_t n_bytes) {
    CkMemory *memory = ck_alloc(sizeof *memory + n_bytes);
    memory->next = app->memory;
    app->memory = memory;
    return memory->bytes;
}

char *ck_text(CkApp *app, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = ck_must(sqlite3_vmprintf(format, args));
    va_end(args);
    size_t n = strlen(text) + 1;
    char *kept = ck_keep(app, n);
    memcpy(kept, text, n);
    sqlite3_free(text);
    return kept;
}

int ck_interrupted(void) {
    return interrupts > 0;
}

void ck_interrupt_clear(void) {
    interrupts = 0;
}

void ck_interrupt_group(pid_t group) {
    process_group = group;
}

/* Signals are let in while it waits alone, so that none comes between the question whether there
   was one and the wait. */
int ck_interrupt_wait(int fd, int64_t ms) {
    struct pollfd poll = {.fd = fd, .events = POLLIN};
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    sigset_t held, before;
    int n = 0;
    sigemptyset(&held);
    for (size_t i = 0; i < N_SIGNALS; i++) sigaddset(&held, signals[i]);
    sigprocmask(SIG_BLOCK, &held, &before);
    if (!ck_interrupted()) n = ppoll(&poll, 1, &time, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return n > 0;
}

static void on_quit(int number) {
    kill_group();
    signal(number, SIG_DFL);
    raise(number);
}

static void on_signal(int number) {
    interrupts++;
    if (interrupts > 1) on_quit(number);
    if (interrupted_db) sqlite3_interrupt(interrupted_db);
}

void ck_interrupt_catch(void) {
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    for (size_t i = 0; i < N_SIGNALS; i++) {
        action.sa_handler = signals[i] == SIGQUIT ? on_quit : on_signal;
        int is_known = sigaction(signals[i], NULL, &before) == 0;
        if (!is_known || before.sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
    }
}

void ck_interrupt_bind(CkApp *app) {
    interrupted_db = app->db;
    if (app->db) ck_interrupt_catch();
}
