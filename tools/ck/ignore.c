/*
** The pattern language of .gitignore: see ignore.h.
**
** Matching goes forward through pattern and path at once. A '*' is first taken for nothing and,
** when what follows does not fit, for one byte more; it cannot take a '/', so only the latest '*'
** of a part of the path is ever tried again. "**" and '/' are the same one level up: they take
** whole parts. So a match is at most quadratic in the lengths, whatever the pattern.
*/
#include "ignore.h"

#include <ctype.h>
#include <string.h>

#define NOWHERE ((size_t)-1)

enum { RULE_INCLUDES = 1, RULE_FOLDERS = 2, RULE_LAST_PART = 4 };

typedef struct Rule {
    size_t folder, n_folder;   /* in `text` */
    size_t pattern, n_pattern;
    int flags;
} Rule;

/* A string with its length, and how far it was read. */
typedef struct Text {
    const char *bytes;
    size_t n, at;
} Text;

void ck_ignore_init(CkIgnore *ignore) {
    ck_buf_init(&ignore->rules);
    ck_buf_init(&ignore->text);
}

void ck_ignore_release(CkIgnore *ignore) {
    ck_buf_release(&ignore->rules);
    ck_buf_release(&ignore->text);
}

CkIgnoreMark ck_ignore_mark(const CkIgnore *ignore) {
    return (CkIgnoreMark){ignore->rules.n_bytes, ignore->text.n_bytes};
}

void ck_ignore_pop(CkIgnore *ignore, CkIgnoreMark mark) {
    ignore->rules.n_bytes = mark.rules;
    ignore->text.n_bytes = mark.text;
}

/* ---- Reading rules ---- */

/* Blanks at the end do not count unless a backslash stands before them. */
static size_t without_blanks(const char *line, size_t n) {
    size_t end = 0;
    for (size_t i = 0; i < n; i++) {
        if (line[i] == '\\') i++;
        else if (line[i] == ' ') continue;
        end = i + 1;
    }
    return end < n ? end : n;
}

static void add_rule(CkIgnore *ignore, size_t folder, size_t n_folder, const char *line,
                     size_t n_line) {
    Rule rule = {.folder = folder, .n_folder = n_folder};
    if (n_line > 0 && line[n_line - 1] == '\r') n_line--;
    if (n_line == 0 || line[0] == '#') return;
    n_line = without_blanks(line, n_line);
    if (n_line > 0 && line[0] == '!') {
        rule.flags |= RULE_INCLUDES;
        line++;
        n_line--;
    }
    if (n_line > 0 && line[n_line - 1] == '/') {
        rule.flags |= RULE_FOLDERS;
        n_line--;
    }
    if (n_line == 0) return;
    if (!memchr(line, '/', n_line)) rule.flags |= RULE_LAST_PART;
    if (line[0] == '/') {
        line++;
        n_line--;
    }
    rule.pattern = ignore->text.n_bytes;
    rule.n_pattern = n_line;
    ck_buf_append(&ignore->text, line, n_line);
    ck_buf_append(&ignore->rules, &rule, sizeof rule);
}

int ck_ignore_push(CkIgnore *ignore, const char *folder, const char *lines, size_t n_lines) {
    size_t at = ignore->text.n_bytes, n_folder = strlen(folder);
    ck_buf_append(&ignore->text, folder, n_folder);
    if (n_lines >= 3 && memcmp(lines, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        lines += 3;
        n_lines -= 3;
    }
    while (n_lines > 0) {
        const char *end = memchr(lines, '\n', n_lines);
        size_t n_line = end ? (size_t)(end - lines) : n_lines;
        add_rule(ignore, at, n_folder, lines, n_line);
        if (!end) break;
        lines = end + 1;
        n_lines -= n_line + 1;
    }
    return ignore->text.rc != SQLITE_OK ? ignore->text.rc : ignore->rules.rc;
}

/* ---- Matching ---- */

static int is_in_named_class(const char *name, size_t n, int c) {
    static const struct {
        const char *name;
        int (*is)(int);
    } CLASSES[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
                   {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
                   {"punct", ispunct}, {"space", isspace}, {"upper", isupper},
                   {"xdigit", isxdigit}};
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++) {
        if (strlen(CLASSES[i].name) == n && memcmp(CLASSES[i].name, name, n) == 0) {
            return c < 0x80 && CLASSES[i].is(c) != 0;
        }
    }
    return -1;
}

/* Where "[:name:]" at `at` ends, or NOWHERE. */
static size_t named_class_end(const Text *pattern, size_t at) {
    if (at + 1 >= pattern->n || pattern->bytes[at + 1] != ':') return NOWHERE;
    for (size_t i = at + 2; i < pattern->n; i++) {
        if (pattern->bytes[i] != ']') continue;
        return i > at + 2 && pattern->bytes[i - 1] == ':' ? i + 1 : NOWHERE;
    }
    return NOWHERE;
}

/* Reads one byte of a set, which a backslash may precede. -1 at the end of the pattern. */
static int set_byte(Text *pattern) {
    if (pattern->at < pattern->n && pattern->bytes[pattern->at] == '\\') pattern->at++;
    if (pattern->at >= pattern->n) return -1;
    return (uint8_t)pattern->bytes[pattern->at++];
}

/* Is c in the set whose '[' is at pattern->at? Moves behind the ']'. -1: there is none. */
static int match_set(Text *pattern, int c) {
    const char *p = pattern->bytes;
    int negated, found = 0, first = 1;
    pattern->at++;
    negated = pattern->at < pattern->n && (p[pattern->at] == '!' || p[pattern->at] == '^');
    pattern->at += (size_t)negated;
    for (;; first = 0) {
        if (pattern->at >= pattern->n) return -1;
        size_t end = p[pattern->at] == '[' ? named_class_end(pattern, pattern->at) : NOWHERE;
        if (p[pattern->at] == ']' && !first) break;
        if (end != NOWHERE) {
            int in = is_in_named_class(p + pattern->at + 2, end - pattern->at - 4, c);
            if (in < 0) return -1;
            found |= in;
            pattern->at = end;
            continue;
        }
        int low = set_byte(pattern), high = low;
        if (pattern->at + 1 < pattern->n && p[pattern->at] == '-' && p[pattern->at + 1] != ']') {
            pattern->at++;
            high = set_byte(pattern);
        }
        if (low < 0 || high < 0) return -1;
        /* Git takes the first byte of a range for itself, even where the range is empty. */
        found |= c == low || (low <= c && c <= high);
    }
    pattern->at++;
    return found != negated && c != '/';
}

/* Compares one byte of the path with what is at pattern->at, which is no '*'. */
static int match_one(Text *pattern, int c) {
    switch (pattern->bytes[pattern->at]) {
        case '?':
            pattern->at++;
            return c != '/';
        case '[':
            return match_set(pattern, c) == 1;
        case '\\':
            pattern->at++;
            if (pattern->at == pattern->n) return 0;
            break;
    }
    return (uint8_t)pattern->bytes[pattern->at++] == c;
}

/*
** Do the stars from `at` to `end` stand for whole parts of the path? They do between slashes and
** the ends. Git compares what precedes the first wildcard separately, and then takes "ab**" + "/"
** for stars at the beginning; so do we.
*/
static int are_deep(const Text *pattern, size_t at, size_t end) {
    size_t before = at;
    if (end - at < 2 || (end < pattern->n && pattern->bytes[end] != '/')) return 0;
    if (at == 0 || pattern->bytes[at - 1] == '/') return 1;
    while (before > 0 && !strchr("*?[\\", pattern->bytes[before - 1])) before--;
    return before == 0;
}

static int match(const char *bytes, size_t n, const char *path, size_t n_path) {
    Text pattern = {bytes, n, 0};
    size_t at = 0, star = NOWHERE, star_at = 0, deep = NOWHERE, deep_at = 0;
    for (;;) {
        if (pattern.at < n && bytes[pattern.at] == '*') {
            size_t end = pattern.at;
            while (end < n && bytes[end] == '*') end++;
            int is_deep = are_deep(&pattern, pattern.at, end);
            if (is_deep && end == n) return 1;
            pattern.at = is_deep ? end + 1 : end;
            star = is_deep ? NOWHERE : end;
            star_at = at;
            if (is_deep) {
                deep = pattern.at;
                deep_at = at;
            }
            continue;
        }
        if (pattern.at == n && at == n_path) return 1;
        if (pattern.at < n && at < n_path && match_one(&pattern, (uint8_t)path[at])) {
            at++;
            continue;
        }
        if (star != NOWHERE && star_at < n_path && path[star_at] != '/') {
            pattern.at = star;
            at = ++star_at;
            continue;
        }
        const char *slash = deep == NOWHERE ? NULL : memchr(path + deep_at, '/', n_path - deep_at);
        if (!slash) return 0;
        at = deep_at = (size_t)(slash - path) + 1;
        pattern.at = deep;
        star = NOWHERE;
    }
}

static int rule_matches(const CkIgnore *ignore, const Rule *rule, const char *path, size_t n_path,
                        int is_folder) {
    const char *text = (const char *)ignore->text.data;
    if ((rule->flags & RULE_FOLDERS) && !is_folder) return 0;
    if (n_path <= rule->n_folder) return 0;
    if (memcmp(path, text + rule->folder, rule->n_folder) != 0) return 0;
    path += rule->n_folder;
    n_path -= rule->n_folder;
    if (rule->flags & RULE_LAST_PART) {
        const char *slash = memrchr(path, '/', n_path);
        if (slash) {
            n_path -= (size_t)(slash + 1 - path);
            path = slash + 1;
        }
    }
    return match(text + rule->pattern, rule->n_pattern, path, n_path);
}

int ck_ignore_entry(const CkIgnore *ignore, const char *path, size_t n_path, int is_folder) {
    const Rule *rules = (const Rule *)(const void *)ignore->rules.data;
    for (size_t i = ignore->rules.n_bytes / sizeof *rules; i > 0; i--) {
        if (rule_matches(ignore, &rules[i - 1], path, n_path, is_folder)) {
            return !(rules[i - 1].flags & RULE_INCLUDES);
        }
    }
    return 0;
}

int ck_ignore_file(const CkIgnore *ignore, const char *path, size_t n_path) {
    if (ignore->rules.n_bytes == 0) return 0;
    for (size_t i = 1; i < n_path; i++) {
        if (path[i] == '/' && ck_ignore_entry(ignore, path, i, 1)) return 1;
    }
    return ck_ignore_entry(ignore, path, n_path, 0);
}
