/* Where a chunk that was found is now: see search.h. */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "output.h"
#include "search.h"
#include "store.h"
#include "utf8.h"

#define MAX_BYTES 100000000
#define WORDS_MAX 32
#define LINE_COLUMNS 160 /* of a line that is shown */

static int is_word(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Counts the query's words in a line; each of them once, longer ones for more. */
static int64_t score(const char *line, size_t n, const char *query) {
    int64_t sum = 0;
    for (int i = 0; i < WORDS_MAX && *query; i++) {
        size_t n_word = 0;
        while (*query && !is_word(*query)) query++;
        while (is_word(query[n_word])) n_word++;
        for (size_t at = 0; n_word > 1 && at + n_word <= n; at++) {
            if (strncasecmp(line + at, query, n_word) != 0) continue;
            sum += (int64_t)n_word;
            break;
        }
        if (n_word == 0) break;
        query += n_word;
    }
    return sum;
}

/* Is there anything on the line but punctuation? */
static int says_something(const char *line, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (is_word(line[i])) return 1;
    }
    return 0;
}

/* The line, from 0, of a chunk's text that looks most like the query. */
static int64_t best_line(const char *text, size_t n, const char *query) {
    int64_t best = -1, best_score = -1, number = 0;
    for (size_t at = 0; at < n; number++) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t n_line = end ? (size_t)(end - text) - at : n - at;
        int64_t line_score = score(text + at, n_line, query);
        if (says_something(text + at, n_line) && line_score > best_score) {
            best = number;
            best_score = line_score;
        }
        at += n_line + 1;
    }
    return best < 0 ? 0 : best;
}

/* The lines to be shown, one after the other, each printable and not too long. */
static char *lines_of(CkApp *app, const char *text, size_t n, int64_t first, int64_t last) {
    CkBuf out;
    int64_t number = 0;
    ck_buf_init(&out);
    for (size_t at = 0; at < n && number <= last; number++) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t n_line = end ? (size_t)(end - text) - at : n - at, n_shown = n_line;
        if (n_shown > 0 && text[at + n_shown - 1] == '\r') n_shown--;
        if (n_shown > LINE_COLUMNS) n_shown = LINE_COLUMNS;
        while (n_shown > 0 && n_shown < n_line && ((uint8_t)text[at + n_shown] & 0xc0) == 0x80) {
            n_shown--;
        }
        if (number >= first) {
            if (number > first) ck_buf_append(&out, "\n", 1);
            ck_utf8_append_line(&out, text + at, n_shown);
            if (n_shown == LINE_COLUMNS) ck_buf_append(&out, "…", strlen("…"));
        }
        at += n_line + 1;
    }
    ck_buf_append(&out, "", 1);
    if (out.rc != SQLITE_OK) ck_must(NULL);
    char *kept = ck_text(app, "%s", (const char *)out.data);
    ck_buf_release(&out);
    return kept;
}

/* Finds the chunk in the file as it is now and chooses its lines. */
static void take_chunk(CkApp *app, const CkScan *scan, const char *query, const char *prefix,
                       CkContext context, CkFound *found) {
    found->state = CK_FOUND_CHANGED;
    for (size_t i = 0; i < ck_scan_count(scan); i++) {
        const CkScanChunk *chunk = ck_scan_chunk(scan, i);
        if (memcmp(chunk->key, found->key, sizeof found->key) != 0) continue;
        const char *text = (const char *)scan->texts.data + chunk->text + strlen(prefix);
        size_t n = chunk->n_text - strlen(prefix);
        int64_t line = best_line(text, n, query);
        int64_t first = line > context.before ? line - context.before : 0;
        /* The same chunk may be twice in a file: the one at the lines that were stored is meant. */
        if (found->state == CK_FOUND_HERE && chunk->start_line != found->start_line) continue;
        found->state = CK_FOUND_HERE;
        found->text = lines_of(app, text, n, first, line + context.after);
        found->first_line = chunk->start_line + first;
        found->line = chunk->start_line + line;
        found->end_line = chunk->end_line;
        if (chunk->start_line == found->start_line) return;
    }
}

void ck_found_look(CkApp *app, CkScanner *scanner, const CkModelSettings *model, const char *query,
                   CkContext context, CkFound *found) {
    CkScanModel scan_model = {model->embed.model, model->version, model->document_prefix,
                              !model->is_lexical};
    CkError err = CK_ERROR_NONE;
    CkScan scan;
    ck_scan_init(&scan);
    found->line = found->start_line;
    found->text = "";
    found->state = CK_FOUND_GONE;
    const char *root = ck_sql_text(app, CK_SQL_SEARCH_ROOT, "t", found->workspace);
    int fd = root ? open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        CkScanFile file = {.root = fd, .path = found->path, .n_path = strlen(found->path),
                           .max_bytes = MAX_BYTES};
        ck_scan_file(scanner, &scan_model, &file, &scan, &err);
        if (err.rc == SQLITE_OK && scan.result == CK_SCAN_READ) {
            take_chunk(app, &scan, query, model->document_prefix, context, found);
        } else if (scan.result != CK_SCAN_GONE && scan.result != CK_SCAN_FAILED) {
            found->state = CK_FOUND_CHANGED;
        }
        CkBuf raw;
        ck_buf_init(&raw);
        ck_path_decode(&raw, found->path, strlen(found->path));
        ck_buf_append(&raw, "", 1);
        if (raw.rc != SQLITE_OK) ck_must(NULL);
        found->file = ck_text(app, "%s/%s", root, (const char *)raw.data);
        ck_buf_release(&raw);
        close(fd);
    }
    ck_error_release(&err);
    ck_scan_release(&scan);
}
