/* What people see: see output.h. */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "commands.h"
#include "json.h"
#include "utf8.h"

static const char *const escapes[] = {
    [CK_STYLE_NONE] = "\033[0m",     [CK_STYLE_BOLD] = "\033[1m",   [CK_STYLE_DIM] = "\033[2m",
    [CK_STYLE_RED] = "\033[31m",     [CK_STYLE_GREEN] = "\033[32m", [CK_STYLE_YELLOW] = "\033[33m",
    [CK_STYLE_BLUE] = "\033[34m",    [CK_STYLE_MAGENTA] = "\033[35m", [CK_STYLE_CYAN] = "\033[36m",
};

/* A terminal that can do more than a printer. */
static int is_terminal(int fd) {
    const char *kind = getenv("TERM");
    return isatty(fd) && !(kind && strcmp(kind, "dumb") == 0);
}

void ck_output_init(CkApp *app, const char *when) {
    const char *no_color = getenv("NO_COLOR");
    int may = strcmp(when, "auto") == 0 && !(no_color && no_color[0]);
    app->terminal_err = is_terminal(STDERR_FILENO);
    app->color = strcmp(when, "always") == 0 || (may && is_terminal(STDOUT_FILENO));
    app->color_err = strcmp(when, "always") == 0 || (may && app->terminal_err);
}

const char *ck_style(const CkApp *app, CkStyle style) {
    return app->color ? escapes[style] : "";
}

const char *ck_style_err(const CkApp *app, CkStyle style) {
    return app->color_err ? escapes[style] : "";
}

static void print_line(CkApp *app, const char *format, va_list args) {
    char *text = ck_must(sqlite3_vmprintf(format, args));
    fprintf(stderr, "%s\n", ck_printable_lines(app, text));
    sqlite3_free(text);
}

void ck_note(CkApp *app, const char *format, ...) {
    va_list args;
    if (app->quiet) return;
    fflush(stdout);
    va_start(args, format);
    print_line(app, format, args);
    va_end(args);
}

void ck_warn(CkApp *app, const char *format, ...) {
    va_list args;
    fflush(stdout);
    fprintf(stderr, "%swarning:%s ", ck_style_err(app, CK_STYLE_YELLOW),
            ck_style_err(app, CK_STYLE_NONE));
    va_start(args, format);
    print_line(app, format, args);
    va_end(args);
}

void ck_failure_show(CkApp *app) {
    if (!app->error) return;
    if (app->json) {
        CkJson json;
        ck_json_begin(&json);
        ck_json_open(&json, NULL, '{');
        ck_json_text(&json, "error", app->error);
        ck_json_text(&json, "hint", app->hint);
        ck_json_int(&json, "exit", app->exit_code);
        ck_json_close(&json, '}');
        char *text = ck_json_end(&json);
        fprintf(stderr, "%s\n", text);
        sqlite3_free(text);
        return;
    }
    const char *red = ck_style_err(app, CK_STYLE_RED), *off = ck_style_err(app, CK_STYLE_NONE);
    fprintf(stderr, "%s%s%s%s:%s %s\n", red, app->program, app->command ? " " : "",
            app->command ? app->command->name : "", off, ck_printable(app, app->error));
    if (app->hint) fprintf(stderr, "%s\n", ck_printable_lines(app, app->hint));
}

int ck_output_end(CkApp *app) {
    int failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || errno == EPIPE) return app->exit_code;
    return ck_fail(app, CK_EXIT_ERROR, NULL, "cannot write to stdout: %s", strerror(errno));
}

/* One character at `at`, of n bytes (0: no character), as it may be shown. */
static void show(sqlite3_str *out, const char *at, size_t n, int is_shown) {
    static const char named[] = "\nn\tt\rr";
    const char *name = strchr(named, *at);
    if (is_shown) {
        sqlite3_str_append(out, at, (int)n);
    } else if (name && n == 1) {
        sqlite3_str_appendf(out, "\\%c", name[1]);
    } else {
        for (size_t i = 0; i < (n ? n : 1); i++) {
            sqlite3_str_appendf(out, "\\x%02x", (unsigned char)at[i]);
        }
    }
}

static char *printable(CkApp *app, const char *text, int keep_lines) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    mbstate_t state = {0};
    for (const char *at = text; *at;) {
        wchar_t wide = 0;
        size_t n = mbrtowc(&wide, at, strlen(at), &state);
        if (n == (size_t)-1 || n == (size_t)-2) {
            memset(&state, 0, sizeof state);
            n = 0;
        }
        int is_shown = n > 0 && (wcwidth(wide) >= 0 || (keep_lines && *at == '\n'));
        show(out, at, n, is_shown && !ck_utf8_turns(at, n));
        at += n ? n : 1;
    }
    char *escaped = sqlite3_str_finish(out);
    char *kept = ck_text(app, "%s", escaped ? escaped : "");
    sqlite3_free(escaped);
    return kept;
}

char *ck_printable(CkApp *app, const char *text) {
    return printable(app, text, 0);
}

char *ck_printable_lines(CkApp *app, const char *text) {
    return printable(app, text, 1);
}

int ck_width(const char *text) {
    mbstate_t state = {0};
    int width = 0;
    while (*text) {
        wchar_t wide;
        size_t n = mbrtowc(&wide, text, strlen(text), &state);
        int columns = 1;
        if (n == (size_t)-1 || n == (size_t)-2) {
            memset(&state, 0, sizeof state);
            n = 1;
        } else {
            columns = wcwidth(wide);
        }
        width += columns > 0 ? columns : 0;
        text += n;
    }
    return width;
}

int ck_terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *columns = getenv("COLUMNS");
    long n = columns ? strtol(columns, NULL, 10) : 0;
    return n > 0 && n < 10000 ? (int)n : 80;
}

char *ck_bytes_text(CkApp *app, int64_t bytes) {
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    int unit = 0;
    while ((value >= 999.5 || value <= -999.5) && unit < 5) {
        value /= 1024;
        unit++;
    }
    if (unit == 0) return ck_text(app, "%lld B", (long long)bytes);
    return ck_text(app, value < 9.95 && value > -9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

char *ck_count_text(CkApp *app, int64_t n) {
    return ck_text(app, "%,lld", (long long)n);
}

char *ck_counted(CkApp *app, int64_t n, const char *noun) {
    return ck_text(app, "%,lld %s%s", (long long)n, noun, n == 1 ? "" : "s");
}

char *ck_duration_text(CkApp *app, int64_t seconds) {
    long long s = seconds < 0 ? 0 : seconds;
    if (s < 120) return ck_text(app, "%lld s", s);
    if ((s + 30) / 60 < 120) return ck_text(app, "%lld min", (s + 30) / 60);
    if ((s + 1800) / 3600 < 48) return ck_text(app, "%lld h", (s + 1800) / 3600);
    return ck_text(app, "%lld days", (s + 43200) / 86400);
}

char *ck_ago_text(CkApp *app, int64_t at, int64_t now) {
    if (at > now) return ck_text(app, "in %s", ck_duration_text(app, at - now));
    if (now - at < 2) return ck_text(app, "now");
    return ck_text(app, "%s ago", ck_duration_text(app, now - at));
}

int64_t ck_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
