/*
** The embedder that is a program: a line of JSON in for each text, a line of JSON out.
**
**     in    {"index": 0, "text": "int add(int a, int b)"}
**     out   {"index": 0, "embedding": [0.1, 0.2, …]}   or   {"index": 0, "error": "too long"}
**
** The program runs for the whole of `ck index`, and answers in any order; indexes begin at 0 with
** each batch, of which every text is answered before the next one begins. Its standard error is
** ours. A program that says nothing for --timeout, asks at the terminal, or ends before it has
** answered, is an error, and all that it has started ends with it.
*/
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "app.h"
#include "base/clock.h"
#include "embedder.h"
#include "process.h"
#include "utf8.h"

#define WAIT_MS 200
#define READ_BYTES 65536
#define LINE_BYTES_MAX 16777216

typedef struct Command {
    CkEmbedder head;
    CkAnswers *answers;
    CkProcess process;
    char *text; /* as the user gave it */
    char *folder; /* where it runs, or NULL */
    int64_t timeout_s;
    CkBuf in, out;  /* to be written; read and not yet a line */
    size_t n_written;
} Command;

static void close_command(CkEmbedder *head) {
    Command *command = (Command *)head;
    ck_process_kill(&command->process);
    ck_answers_close(command->answers);
    ck_buf_release(&command->in);
    ck_buf_release(&command->out);
    sqlite3_free(command->text);
    sqlite3_free(command->folder);
    sqlite3_free(command);
}

static int start(Command *command, CkError *err) {
    char *argv[CK_PROCESS_ARGUMENTS_MAX];
    CkBuf text;
    ck_buf_init(&text);
    if (ck_process_split(command->text, &text, argv, err) == SQLITE_OK &&
        ck_process_start(&command->process, argv, command->folder, STDERR_FILENO,
                         err) == SQLITE_OK) {
        fcntl(command->process.to, F_SETFL, O_NONBLOCK);
        fcntl(command->process.from, F_SETFL, O_NONBLOCK);
    }
    ck_buf_release(&text);
    return err->rc;
}

static int write_lines(Command *command, const CkEmbedItem *items, size_t n, size_t *n_open,
                       CkError *err) {
    char index[48];
    ck_buf_clear(&command->in);
    command->n_written = *n_open = 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i].vector || items[i].error) continue;
        sqlite3_snprintf(sizeof index, index, "{\"index\":%llu,\"text\":", (unsigned long long)i);
        ck_buf_append(&command->in, index, strlen(index));
        ck_utf8_append_json(&command->in, items[i].text, items[i].n_text);
        ck_buf_append(&command->in, "}\n", 2);
        ++*n_open;
    }
    return command->in.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int ended(Command *command, CkError *err) {
    int status = ck_process_end(&command->process);
    if (status < 0) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: closed its output before it had answered every text",
                            command->text);
    }
    return ck_error_set(err, SQLITE_ERROR,
                        "%s: ended with status %d before it had answered every text",
                        command->text, status);
}

/* Takes the whole lines that were read. */
static int take_lines(Command *command, CkEmbedItem *items, size_t n, size_t *n_open,
                      CkError *err) {
    CkError wrong = CK_ERROR_NONE;
    const char *begin = (const char *)command->out.data, *at = begin;
    const char *end = begin + command->out.n_bytes;
    while (wrong.rc == SQLITE_OK && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) break;
        if (stop > at && *n_open == 0) {
            ck_error_set(&wrong, SQLITE_FORMAT, "it answers more than it was asked");
        } else if (stop > at) {
            ck_answers_line(command->answers, &command->head, at, (size_t)(stop - at), items, n,
                            &wrong);
            --*n_open;
        }
        at = stop + 1;
    }
    if (wrong.rc != SQLITE_OK) {
        ck_error_set(err, wrong.rc, "%s: the answer is wrong: %s", command->text,
                     wrong.message ? wrong.message : sqlite3_errstr(wrong.rc));
    } else if (begin) {
        memmove(command->out.data, at, (size_t)(end - at));
        command->out.n_bytes = (size_t)(end - at);
        if (command->out.n_bytes > LINE_BYTES_MAX) {
            ck_error_set(err, SQLITE_TOOBIG, "%s: a line of more than %d bytes", command->text,
                         LINE_BYTES_MAX);
        }
    }
    ck_error_release(&wrong);
    return err->rc;
}

/* Writes and reads what is possible just now. Returns 1 when something was. */
static int transfer(Command *command, CkError *err) {
    struct pollfd fds[2] = {{.fd = command->process.from, .events = POLLIN},
                            {.fd = -1, .events = POLLOUT}};
    int moved = 0;
    if (command->n_written < command->in.n_bytes) fds[1].fd = command->process.to;
    if (poll(fds, 2, WAIT_MS) <= 0) return 0;
    if (fds[1].revents) {
        ssize_t n = write(command->process.to, command->in.data + command->n_written,
                          command->in.n_bytes - command->n_written);
        if (n > 0) command->n_written += (size_t)n;
        moved |= n > 0;
        /* What it has said before it closed its input is still to be read. */
        if (n < 0 && errno != EAGAIN && errno != EINTR) command->n_written = command->in.n_bytes;
    }
    if (fds[0].revents) {
        uint8_t *to = ck_buf_reserve(&command->out, READ_BYTES);
        ssize_t n = to ? read(command->process.from, to, READ_BYTES) : -1;
        if (!to) ck_error_nomem(err);
        else if (n > 0) command->out.n_bytes += (size_t)n;
        else if (n == 0) ended(command, err);
        moved |= n > 0;
    }
    return moved;
}

static int embed(CkEmbedder *head, CkEmbedItem *items, size_t n, CkError *err) {
    Command *command = (Command *)head;
    size_t n_open;
    if (command->process.pid == 0 && start(command, err) != SQLITE_OK) return err->rc;
    if (write_lines(command, items, n, &n_open, err) != SQLITE_OK) return err->rc;
    head->n_requests++;
    int64_t heard_ms = ck_clock_ms();
    while (n_open > 0 && err->rc == SQLITE_OK) {
        if (ck_interrupted()) return ck_error_set(err, SQLITE_INTERRUPT, "interrupted");
        if (transfer(command, err)) heard_ms = ck_clock_ms();
        else if (ck_process_asks_terminal(&command->process)) {
            ck_error_set(err, SQLITE_ERROR,
                         "%s: was stopped, since it asks something at the terminal, which it "
                         "cannot do from here",
                         command->text);
        } else if (ck_clock_ms() - heard_ms > command->timeout_s * 1000) {
            ck_error_set(err, SQLITE_ERROR, "%s: no answer within %lld seconds", command->text,
                         (long long)command->timeout_s);
        }
        if (err->rc == SQLITE_OK) take_lines(command, items, n, &n_open, err);
    }
    return err->rc;
}

int ck_embed_command_open(CkEmbedder **embedder, const CkEmbedSettings *settings, CkError *err) {
    Command *command = sqlite3_malloc64(sizeof *command);
    if (!command) return ck_error_nomem(err);
    memset(command, 0, sizeof *command);
    command->head = (CkEmbedder){.embed = embed, .close = close_command, .needs_utf8 = 1};
    command->head.dims = (uint32_t)settings->dims;
    command->process = (CkProcess)CK_PROCESS_NONE;
    command->timeout_s = settings->timeout_s;
    command->text = sqlite3_mprintf("%s", settings->command);
    if (settings->folder) command->folder = sqlite3_mprintf("%s", settings->folder);
    if (!command->text || (settings->folder && !command->folder)) ck_error_nomem(err);
    if (err->rc == SQLITE_OK) ck_answers_open(&command->answers, err);
    if (err->rc == SQLITE_OK) *embedder = &command->head;
    else close_command(&command->head);
    return err->rc;
}
