/* Programs: see process.h. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define READ_BYTES 65536

/* `git rev-parse --local-env-vars`, as far as they name a repository or its files. */
static const char *const GIT_VARIABLES[] = {
    "GIT_DIR=",           "GIT_WORK_TREE=",     "GIT_INDEX_FILE=",
    "GIT_COMMON_DIR=",    "GIT_PREFIX=",        "GIT_OBJECT_DIRECTORY=",
    "GIT_INTERNAL_SUPER_PREFIX=",
};

static int is_git_variable(const char *variable) {
    for (size_t i = 0; i < sizeof GIT_VARIABLES / sizeof *GIT_VARIABLES; i++) {
        if (strncmp(variable, GIT_VARIABLES[i], strlen(GIT_VARIABLES[i])) == 0) return 1;
    }
    return 0;
}

/* The environment without what names a git repository, ended by NULL. */
static int clean_environment(CkBuf *out) {
    static char *const END = NULL;
    for (char **variable = environ; *variable; variable++) {
        if (!is_git_variable(*variable)) ck_buf_append(out, variable, sizeof *variable);
    }
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
static int spawn(CkProcess *process, char *const argv[], const char *folder, int fds[3]) {
    CkBuf environment;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults, none;
    int failure;
    ck_buf_init(&environment);
    if (clean_environment(&environment) != SQLITE_OK) {
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
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    for (int i = 0; i < 3; i++) posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    if (folder) posix_spawn_file_actions_addchdir_np(&actions, folder);
    failure = posix_spawnp(&process->pid, argv[0], &actions, &attributes, argv,
                           (char **)(void *)environment.data);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    ck_buf_release(&environment);
    return failure;
}

int ck_process_start(CkProcess *process, char *const argv[], const char *folder, int error_fd,
                     CkError *err) {
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    int failure = 0;
    *process = (CkProcess)CK_PROCESS_NONE;
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) failure = errno;
    if (failure == 0) failure = spawn(process, argv, folder, (int[3]){in[0], out[1], error_fd});
    if (failure != 0) {
        close_pair(in);
        close_pair(out);
        process->pid = 0;
        return ck_error_set(err, SQLITE_CANTOPEN, "%s: cannot be run: %s", argv[0],
                            strerror(failure));
    }
    close(in[0]);
    close(out[1]);
    process->to = in[1];
    process->from = out[0];
    return SQLITE_OK;
}

static void close_pipes(CkProcess *process) {
    if (process->to >= 0) close(process->to);
    if (process->from >= 0) close(process->from);
    process->to = process->from = -1;
}

int ck_process_end(CkProcess *process) {
    int status = 0;
    close_pipes(process);
    if (process->pid == 0) return 0;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) continue;
    process->pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void ck_process_kill(CkProcess *process) {
    const struct timespec pause = {.tv_nsec = 10000000};
    close_pipes(process);
    if (process->pid == 0) return;
    kill(process->pid, SIGTERM);
    for (int i = 0; i < 100; i++) {
        if (waitpid(process->pid, NULL, WNOHANG) != 0) {
            process->pid = 0;
            return;
        }
        nanosleep(&pause, NULL);
    }
    kill(process->pid, SIGKILL);
    ck_process_end(process);
}

static int read_all(int fd, CkBuf *out, size_t max_bytes) {
    for (;;) {
        uint8_t *to = ck_buf_reserve(out, READ_BYTES);
        if (!to) return ENOMEM;
        if (out->n_bytes > max_bytes) return EFBIG;
        ssize_t n = read(fd, to, READ_BYTES);
        if (n == 0) return 0;
        if (n > 0) out->n_bytes += (size_t)n;
        else if (errno != EINTR) return errno;
    }
}

/* The first line of what was written to a file that has no name any more. */
static void first_line(int fd, char *line, size_t n_line) {
    ssize_t n = pread(fd, line, n_line - 1, 0);
    line[n > 0 ? n : 0] = 0;
    line[strcspn(line, "\r\n")] = 0;
}

int ck_process_run(char *const argv[], const char *folder, CkBuf *out, size_t max_bytes,
                   CkError *err) {
    CkProcess process;
    char line[CK_PROCESS_STDERR_MAX];
    int failure = 0, status;
    int errors = memfd_create("stderr", MFD_CLOEXEC);
    if (errors < 0) {
        return ck_error_set(err, SQLITE_CANTOPEN, "%s: no file for its errors: %s", argv[0],
                            strerror(errno));
    }
    if (ck_process_start(&process, argv, folder, errors, err) == SQLITE_OK) {
        close(process.to);
        process.to = -1;
        failure = read_all(process.from, out, max_bytes);
        status = ck_process_end(&process);
        first_line(errors, line, sizeof line);
        if (failure == EFBIG) {
            ck_error_set(err, SQLITE_TOOBIG, "%s: printed more than %llu bytes", argv[0],
                         (unsigned long long)max_bytes);
        } else if (failure != 0) {
            ck_error_set(err, SQLITE_IOERR, "%s: %s", argv[0], strerror(failure));
        } else if (status != 0) {
            ck_error_set(err, SQLITE_ERROR, "%s: ended with status %d: %s", argv[0], status, line);
        }
    }
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
            return ck_error_set(err, SQLITE_ERROR, "the command has more than %d arguments: %s",
                                CK_PROCESS_ARGUMENTS_MAX - 1, command);
        }
        offsets[n++] = text->n_bytes;
        if (!split_argument(&at, text)) {
            return ck_error_set(err, SQLITE_ERROR, "a quote is not closed: %s", command);
        }
    }
    if (n == 0) return ck_error_set(err, SQLITE_ERROR, "the command is empty");
    if (text->rc != SQLITE_OK) return ck_error_nomem(err);
    for (int i = 0; i < n; i++) argv[i] = (char *)text->data + offsets[i];
    argv[n] = NULL;
    return SQLITE_OK;
}
