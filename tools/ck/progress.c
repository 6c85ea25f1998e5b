/* A line about long work: see output.h. */
#include <stdio.h>
#include <string.h>

#include "output.h"

#define PROGRESS_EVERY_MS 100

/* Nothing is said of work that is done before anybody looks. */
#define PROGRESS_FIRST_MS 250
#define PROGRESS_BAR 20

void ck_progress_begin(CkProgress *progress, CkApp *app, const char *label, const char *unit) {
    *progress = (CkProgress){.app = app, .label = label, .unit = unit, .begun_ms = ck_now_ms()};
}

/* "[########            ]  40 %", or nothing while the total is not known. */
static char *bar(int64_t done, int64_t total) {
    char cells[PROGRESS_BAR + 1];
    if (total <= 0) return ck_must(sqlite3_mprintf("%s", ""));
    double part = done >= total ? 1 : (double)done / (double)total;
    memset(cells, ' ', PROGRESS_BAR);
    memset(cells, '#', (size_t)(part * PROGRESS_BAR));
    cells[PROGRESS_BAR] = '\0';
    return ck_must(sqlite3_mprintf("[%s] %3d %% ", cells, (int)(part * 100)));
}

static int counts_bytes(const CkProgress *progress) {
    return strcmp(progress->unit, "bytes") == 0;
}

static void append_amount(sqlite3_str *line, const CkProgress *progress, int64_t n) {
    if (counts_bytes(progress)) {
        sqlite3_str_appendall(line, ck_bytes_text(progress->app, n));
    } else {
        sqlite3_str_appendf(line, "%,lld", (long long)n);
    }
}

void ck_progress_show(CkProgress *progress, int64_t done, int64_t total, const char *detail) {
    CkApp *app = progress->app;
    int64_t now = ck_now_ms(), elapsed = now - progress->begun_ms;
    if (!app->terminal_err || app->quiet || app->json) return;
    if (elapsed < PROGRESS_FIRST_MS || now - progress->drawn_ms < PROGRESS_EVERY_MS) return;
    double rate = (double)done * 1000 / (double)elapsed;
    char *cells = bar(done, total);
    sqlite3_str *line = sqlite3_str_new(NULL);
    sqlite3_str_appendf(line, "%s %s", progress->label, cells);
    append_amount(line, progress, done);
    if (total > 0) {
        sqlite3_str_appendall(line, "/");
        append_amount(line, progress, total);
    }
    if (progress->unit[0] && !counts_bytes(progress)) {
        sqlite3_str_appendf(line, " %s", progress->unit);
    }
    sqlite3_str_appendall(line, ", ");
    append_amount(line, progress, (int64_t)rate);
    sqlite3_str_appendall(line, "/s");
    if (total > done && rate > 0) {
        int64_t left = (int64_t)((double)(total - done) / rate);
        sqlite3_str_appendf(line, ", %lld:%02lld left", (long long)(left / 60),
                            (long long)(left % 60));
    }
    if (detail && detail[0]) sqlite3_str_appendf(line, ", %s", detail);
    char *text = ck_must(sqlite3_str_finish(line));
    int columns = ck_terminal_columns() - 1;
    if ((int)strlen(text) > columns) {
        while (columns > 0 && (text[columns] & 0xc0) == 0x80) columns--; /* a whole character */
        text[columns] = '\0';
    }
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    progress->drawn_ms = now;
    progress->is_drawn = 1;
    sqlite3_free(text);
    sqlite3_free(cells);
}

void ck_progress_end(CkProgress *progress) {
    if (progress->is_drawn) fputs("\r\033[K", stderr);
    progress->is_drawn = 0;
}
