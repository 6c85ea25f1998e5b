/*
** What a search found, and where that is now: a file may have changed since it was indexed, and a
** chunk of it have moved.
*/
#ifndef CK_TOOL_SEARCH_H
#define CK_TOOL_SEARCH_H

#include "app.h"
#include "model_settings.h"
#include "scan.h"

typedef enum CkFoundState {
    CK_FOUND_HERE,    /* the file has the chunk; the lines are those of now */
    CK_FOUND_CHANGED, /* the file has no such chunk any more */
    CK_FOUND_GONE,    /* there is no such file, or it cannot be read */
} CkFoundState;

typedef struct CkFound {
    double similarity;
    const char *workspace, *path; /* path as stored */
    const char *file;             /* in the file system, absolute; NULL: the root is not known */
    int64_t start_line, end_line;
    CkFoundState state;
    int64_t line;       /* of the chunk, the one that looks most like the query */
    const char *text;   /* the lines shown, from first_line on; "" when it is not here */
    int64_t first_line;
    const char **also;  /* other places of the same chunk, "path:line" or "workspace:path:line" */
    int n_also;
    uint8_t key[CK_SCAN_KEY_BYTES];
} CkFound;

/* Which paths, as stored, are meant: those that match one of these patterns of GLOB. */
typedef struct CkPathFilter {
    const char *pattern, *exact, *below;
} CkPathFilter;

/*
** What --path means; NULL: everything. It is relative to the workspace, or to the working folder
** when it exists there or begins with "./" or "../".
*/
void ck_search_path(CkApp *app, const char *given, CkPathFilter *filter);

/* How many lines to show before and behind the line. */
typedef struct CkContext {
    int64_t before, after;
} CkContext;

/*
** Looks where a chunk is now, reading its file; sets state, lines and text. query: its words choose
** the line.
*/
void ck_found_look(CkApp *app, CkScanner *scanner, const CkModelSettings *model, const char *query,
                   CkContext context, CkFound *found);

#endif
