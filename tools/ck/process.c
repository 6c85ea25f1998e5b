/* Programs: see process.h. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "base/clock.h"

extern char **environ;

#define READ_BYTES 65536
#define WAIT_MS 200     /* between looks at whether Ctrl-C came */
#define GRACE_MS 1000   /* for a program that is to end */
#define IN_C_LOCALE 1   /* how a program is started */
#define OWN_GROUP 2
#define SAFE_DIRECTORY "git config --global --add safe.directory"

/* `git rev-parse --local-env-vars`, as far as they name a repository or its files; and the key of
   an endpoint, which is for no program. */
static const char *const OUR_VARIABLES[] = {
    "GIT_DIR=",           "GIT_WORK_TREE=",     "GIT_INDEX_FILE=",
    "GIT_COMMON_DIR=",    "GIT_PREFIX=",        "GIT_OBJECT_DIRECTORY=",
    "GIT_INTERNAL_SUPER_PREFIX=", "CK_API_KEY=",
};

/* Whose messages we read speaks English. */
static const char *const LOCALE_VARIABLES[] = {"LC_ALL=", "LANGUAGE="};

static int is_one_of(const char *variable, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0) return 1;
    }
    return 0;
}

/* The environment of a program, ended by NULL. */
static int clean_environment(CkBuf *out, int in_c_locale) {
    static char locale[] = "LC_ALL=C";
    static char *const C_LOCALE = locale, *const END = NULL;
    for (char **variable = environ; *variable; variable++) {
        if (is_one_of(*variable, OUR_VARIABLES, sizeof OUR_VARIABLES / sizeof *OUR_VARIABLES) ||
            (in_c_locale && is_one_of(*variable, LOCALE_VARIABLES,
                                      sizeof LOCALE_VARIABLES / sizeof *LOCALE_VARIABLES))) {
            continue;
        }
        ck_buf_append(out, variable, sizeof *variable);
    }
    if (in_c_locale) ck_buf_append(out, &C_LOCALE, sizeof C_LOCALE);
    ck_buf_append(out, &END, sizeof END);
    return out->rc;
}

static void close_pair(int fds[2]) {
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) close(fds[i]);
        fds[i] = -1;
    }
}

/* Our signals are handled by us; a program begins with the defaults. */
static int spawn(CkProcess *process, char *const argv[], const char *folder, const int fds[3],
                 int how) {
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    CkBuf environment;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults, none;
    int failure;
    ck_buf_init(&environment);
    if (clean_environment(&environment, how & IN_C_LOCALE) != SQLITE_OK) {
        ck_buf_release(&environment);
        return ENOMEM;
    }
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, how & OWN_GROUP ? flags | POSIX_SPAWN_SETPGROUP : flags);
    for (int i = 0; i < 3; i++) posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    if (folder) posix_spawn_file_actions_addchdir_np(&actions, folder);
    failure = posix_spawnp(&process->pid, argv[0], &actions, &attributes, argv,
                           (char **)(void *)environment.data);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    ck_buf_release(&environment);
    return failure;
}

static int start(CkProcess *process, char *const argv[], const char *folder, int error_fd, int how,
                 CkError *err) {
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    int failure = 0;
    *process = (CkProcess)CK_PROCESS_NONE;
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) failure = errno;
    if (failure == 0) {
        failure = spawn(process, argv, folder, (int[3]){in[0], out[1], error_fd}, how);
    }
    if (failure != 0) {
        close_pair(in);
        close_pair(out);
        process->pid = 0;
        return ck_error_set(err, SQLITE_CANTOPEN, "%s: cannot be run: %s", argv[0],
                            strerror(failure));
    }
    close(in[0]);
    close(out[1]);
    if (how & OWN_GROUP) {
        process->group = process->pid;
        ck_interrupt_group(process->group);
    }
    process->to = in[1];
    process->from = out[0];
    return SQLITE_OK;
}

int ck_process_start(CkProcess *process, char *const argv[], const char *folder, int error_fd,
                     CkError *err) {
    return start(process, argv, folder, error_fd, OWN_GROUP, err);
}

static void close_pipes(CkProcess *process) {
    if (process->to >= 0) close(process->to);
    if (process->from >= 0) close(process->from);
    process->to = process->from = -1;
}

/* Has the program ended? */
static int has_ended(CkProcess *process, int *status) {
    if (process->pid != 0 && waitpid(process->pid, status, WNOHANG) != 0) process->pid = 0;
    return process->pid == 0;
}

/* And all that it has started. The number of a group is no other's as long as it has a member. */
static int is_gone(CkProcess *process, int *status) {
    if (!has_ended(process, status)) return 0;
    if (process->group != 0 && kill(-process->group, 0) == 0) return 0;
    if (process->group != 0) ck_interrupt_group(0);
    process->group = 0;
    return 1;
}

/* Waits until it is over, that long at most. 0: it is not. */
static int wait_until(int (*over)(CkProcess *, int *), CkProcess *process, int64_t ms,
                      int *status) {
    struct timespec pause = {.tv_nsec = 100000};
    int64_t until = ck_clock_ms() + ms;
    while (!over(process, status)) {
        if (ck_clock_ms() >= until) return 0;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 10000000) pause.tv_nsec *= 2;
    }
    return 1;
}

static int exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What is stopped notices SIGTERM when it goes on. Who ignores it is killed, and of these only the
** program itself is waited for: the others are no children of ours. */
static void end_all(CkProcess *process, int *status) {
    pid_t whom = process->group != 0 ? -process->group : process->pid;
    kill(whom, SIGTERM);
    kill(whom, SIGCONT);
    if (wait_until(is_gone, process, GRACE_MS, status)) return;
    kill(whom, SIGKILL);
    while (process->pid != 0 && waitpid(process->pid, status, 0) < 0 && errno == EINTR) continue;
    process->pid = process->group = 0;
    ck_interrupt_group(0);
}

void ck_process_kill(CkProcess *process) {
    int status;
    close_pipes(process);
    if (process->pid != 0 || process->group != 0) end_all(process, &status);
}

int ck_process_end(CkProcess *process) {
    int status = 0;
    close_pipes(process);
    if (process->pid == 0) return 0;
    int by_itself = wait_until(has_ended, process, GRACE_MS, &status);
    ck_process_kill(process);
    return by_itself ? exit_code(status) : -1;
}

int ck_process_asks_terminal(const CkProcess *process) {
    siginfo_t info = {.si_pid = 0};
    return process->pid != 0 &&
           waitid(P_PID, (id_t)process->pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == process->pid &&
           (info.si_status == SIGTTIN || info.si_status == SIGTTOU);
}

/* Reads to the end. 0, or what went wrong; EINTR: we are to stop. */
static int read_all(int fd, CkBuf *out, size_t max_bytes) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    for (;;) {
        uint8_t *to = ck_buf_reserve(out, READ_BYTES);
        if (!to) return ENOMEM;
        if (out->n_bytes > max_bytes) return EFBIG;
        if (ck_interrupted()) return EINTR;
        if (poll(&poll_fd, 1, WAIT_MS) <= 0) continue;
        ssize_t n = read(fd, to, READ_BYTES);
        if (n == 0) return 0;
        if (n > 0) out->n_bytes += (size_t)n;
        else if (errno != EINTR) return errno;
    }
}

/* A program that has closed its output may take its time to end; but not when we are to stop. */
static int end_of(CkProcess *process, int *status) {
    while (!wait_until(has_ended, process, WAIT_MS, status)) {
        if (ck_interrupted()) return EINTR;
    }
    return 0;
}

/* What was written to a file that has no name any more, ended by 0. */
static void read_said(int fd, CkBuf *said) {
    uint8_t *to = ck_buf_reserve(said, CK_PROCESS_STDERR_MAX);
    ssize_t n = to ? pread(fd, to, CK_PROCESS_STDERR_MAX, 0) : 0;
    if (n > 0) said->n_bytes += (size_t)n;
    ck_buf_append(said, "", 1);
}

/* The first line, and the command that git advises where a repository belongs to somebody else. */
static void ended_badly(const char *program, int status, const char *said, CkError *err) {
    const char *advice = strstr(said, SAFE_DIRECTORY);
    ck_error_set(err, SQLITE_ERROR, "%s: ended with status %d: %.*s%s%.*s", program, status,
                 (int)strcspn(said, "\r\n"), said, advice ? "; if you trust it, run: " : "",
                 advice ? (int)strcspn(advice, "\r\n") : 0, advice ? advice : "");
}

static int run(CkProcess *process, char *const argv[], CkBuf *out, size_t max_bytes, int *status,
               CkError *err) {
    close(process->to);
    process->to = -1;
    int failure = read_all(process->from, out, max_bytes);
    if (failure == 0) failure = end_of(process, status);
    ck_process_kill(process);
    if (failure == EINTR) return ck_error_set(err, SQLITE_INTERRUPT, "interrupted");
    if (failure == EFBIG) {
        return ck_error_set(err, SQLITE_TOOBIG, "%s: printed more than %llu bytes", argv[0],
                            (unsigned long long)max_bytes);
    }
    if (failure == 0) return SQLITE_OK;
    return ck_error_set(err, SQLITE_IOERR, "%s: %s", argv[0], strerror(failure));
}

int ck_process_run(char *const argv[], const char *folder, CkBuf *out, size_t max_bytes,
                   CkBuf *said, CkError *err) {
    CkProcess process;
    CkBuf own;
    int status = 0, errors = memfd_create("stderr", MFD_CLOEXEC);
    if (errors < 0) {
        return ck_error_set(err, SQLITE_CANTOPEN, "%s: no file for its errors: %s", argv[0],
                            strerror(errno));
    }
    ck_buf_init(&own);
    if (!said) said = &own;
    ck_buf_clear(said);
    if (start(&process, argv, folder, errors, IN_C_LOCALE, err) == SQLITE_OK &&
        run(&process, argv, out, max_bytes, &status, err) == SQLITE_OK) {
        read_said(errors, said);
        if (said->rc != SQLITE_OK) ck_error_nomem(err);
        else if (exit_code(status) != 0) {
            ended_badly(argv[0], exit_code(status), (const char *)said->data, err);
        }
    }
    ck_buf_release(&own);
    close(errors);
    return err->rc;
}

/* ---- Splitting a command ---- */

/* Copies one argument, from *at to the blank behind it. 0 when a quote is not closed. */
static int split_argument(const char **at, CkBuf *text) {
    char quote = 0;
    for (; **at && (quote || (**at != ' ' && **at != '\t')); ++*at) {
        if (quote && **at == quote) quote = 0;
        else if (!quote && (**at == '\'' || **at == '"')) quote = **at;
        else if (**at == '\\' && quote != '\'' && (*at)[1]) ck_buf_append(text, ++*at, 1);
        else ck_buf_append(text, *at, 1);
    }
    ck_buf_append(text, "", 1);
    return quote == 0;
}

int ck_process_split(const char *command, CkBuf *text, char *argv[CK_PROCESS_ARGUMENTS_MAX],
                     CkError *err) {
    size_t offsets[CK_PROCESS_ARGUMENTS_MAX];
    int n = 0;
    const char *at = command;
    for (;;) {
        at += strspn(at, " \t");
        if (!*at) break;
        if (n == CK_PROCESS_ARGUMENTS_MAX - 1) {
            return ck_error_set(err, SQLITE_MISUSE, "the command has more than %d arguments: %s",
                                CK_PROCESS_ARGUMENTS_MAX - 1, command);
        }
        offsets[n++] = text->n_bytes;
        if (!split_argument(&at, text)) {
            return ck_error_set(err, SQLITE_MISUSE, "a quote is not closed: %s", command);
        }
    }
    if (n == 0) return ck_error_set(err, SQLITE_MISUSE, "the command is empty");
    if (text->rc != SQLITE_OK) return ck_error_nomem(err);
    for (int i = 0; i < n; i++) argv[i] = (char *)text->data + offsets[i];
    argv[n] = NULL;
    return SQLITE_OK;
}
