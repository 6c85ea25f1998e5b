/*
** Writes JSON: commas, names and escapes are right by themselves. Text that is no UTF-8 (a path)
** has its bad bytes replaced by U+FFFD; a number that JSON cannot hold is null.
**
**     CkJson json;
**     ck_json_begin(&json);
**     ck_json_open(&json, NULL, '{');
**     ck_json_text(&json, "path", path);
**     ck_json_close(&json, '}');
**     ck_json_print(&json);
*/
#ifndef CK_TOOL_JSON_H
#define CK_TOOL_JSON_H

#include "app.h"

typedef struct CkJson {
    sqlite3_str *out;
    int comma; /* is one due before the next value? */
} CkJson;

/* A name of NULL: within an array, or outermost. */
void ck_json_begin(CkJson *json);
void ck_json_open(CkJson *json, const char *name, char bracket); /* '{' or '[' */
void ck_json_close(CkJson *json, char bracket);
void ck_json_text(CkJson *json, const char *name, const char *text); /* NULL is null */
void ck_json_int(CkJson *json, const char *name, int64_t value);
void ck_json_real(CkJson *json, const char *name, double value);
void ck_json_bool(CkJson *json, const char *name, int value);
void ck_json_raw(CkJson *json, const char *name, const char *text); /* is JSON; NULL is null */
void ck_json_column(CkJson *json, const char *name, sqlite3_stmt *stmt, int column);
void ck_json_columns(CkJson *json, sqlite3_stmt *stmt); /* all of a row, by their names */
char *ck_json_end(CkJson *json); /* the text; the caller frees it */
void ck_json_print(CkJson *json); /* a line of stdout; releases it */

#endif
