/*
** Which files --path means: see search.h.
**
** What is given may be a pattern, and it may be the name of something: "app/[id]/page.tsx" is both.
** A name that exists where the user is wins; else it is a pattern, and literally a path, too.
*/
#include <string.h>

#include "fs.h"
#include "options.h"
#include "search.h"
#include "utf8.h"

static char *stored(CkApp *app, const char *path) {
    CkBuf out;
    ck_buf_init(&out);
    ck_path_encode(&out, path, strlen(path));
    ck_buf_append(&out, "", 1);
    if (out.rc != SQLITE_OK) ck_must(NULL);
    char *kept = ck_text(app, "%s", (const char *)out.data);
    ck_buf_release(&out);
    return kept;
}

/* A pattern of GLOB that only this text matches. */
static char *literal(CkApp *app, const char *text) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *at = text; *at; at++) {
        int is_special = strchr("*?[", *at) != NULL;
        if (is_special) sqlite3_str_appendchar(out, 1, '[');
        sqlite3_str_appendchar(out, 1, *at);
        if (is_special) sqlite3_str_appendchar(out, 1, ']');
    }
    char *pattern = sqlite3_str_finish(out), *kept = ck_text(app, "%s", pattern ? pattern : "");
    sqlite3_free(pattern);
    return kept;
}

void ck_search_path(CkApp *app, const char *given, CkPathFilter *filter) {
    const char *root = app->place.workspace, *path = given;
    *filter = (CkPathFilter){"*", "*", "*"};
    if (!given) return;
    char *absolute = ck_path_absolute(app, app->place.folder, given);
    int exists = ck_path_exists(absolute);
    int is_placed = given[0] == '/' || (given[0] == '.' && strchr("./", given[1]));
    if (root && ck_path_within(root, absolute) && (exists || is_placed)) {
        path = strcmp(absolute, root) == 0 ? "" : ck_path_relative(app, root, absolute);
        if (!path[0]) return;
    } else {
        size_t n = strlen(given);
        while (n > 1 && given[n - 1] == '/') n--;
        path = ck_text(app, "%.*s", (int)n, given);
        exists = 0;
    }
    const char *text = stored(app, path);
    filter->exact = literal(app, text);
    filter->below = ck_text(app, "%s/*", filter->exact);
    filter->pattern = exists ? filter->exact : text;
}
