/* Writes JSON: see json.h. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void ck_json_begin(CkJson *json) {
    json->out = sqlite3_str_new(NULL);
    json->comma = 0;
}

static void string(CkJson *json, const char *text, size_t n) {
    sqlite3_str_appendchar(json->out, 1, '"');
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)text[i];
        size_t length = ck_utf8_length(text + i, n - i);
        if (length == 0) {
            sqlite3_str_appendall(json->out, "\xef\xbf\xbd");
            length = 1;
        } else if (c == '"' || c == '\\') {
            sqlite3_str_appendf(json->out, "\\%c", c);
        } else if (c == '\n') {
            sqlite3_str_appendall(json->out, "\\n");
        } else if (c < 0x20) {
            sqlite3_str_appendf(json->out, "\\u%04x", c);
        } else {
            sqlite3_str_append(json->out, text + i, (int)length);
        }
        i += length;
    }
    sqlite3_str_appendchar(json->out, 1, '"');
}

static void begin_value(CkJson *json, const char *name) {
    if (json->comma) sqlite3_str_appendall(json->out, ", ");
    json->comma = 1;
    if (!name) return;
    string(json, name, strlen(name));
    sqlite3_str_appendall(json->out, ": ");
}

void ck_json_open(CkJson *json, const char *name, char bracket) {
    begin_value(json, name);
    sqlite3_str_appendchar(json->out, 1, bracket);
    json->comma = 0;
}

void ck_json_close(CkJson *json, char bracket) {
    sqlite3_str_appendchar(json->out, 1, bracket);
    json->comma = 1;
}

void ck_json_text(CkJson *json, const char *name, const char *text) {
    if (!text) {
        ck_json_raw(json, name, NULL);
        return;
    }
    begin_value(json, name);
    string(json, text, strlen(text));
}

void ck_json_int(CkJson *json, const char *name, int64_t value) {
    begin_value(json, name);
    sqlite3_str_appendf(json->out, "%lld", (long long)value);
}

void ck_json_real(CkJson *json, const char *name, double value) {
    begin_value(json, name);
    if (isfinite(value)) {
        sqlite3_str_appendf(json->out, "%!.15g", value);
    } else {
        sqlite3_str_appendall(json->out, "null");
    }
}

void ck_json_bool(CkJson *json, const char *name, int value) {
    ck_json_raw(json, name, value ? "true" : "false");
}

void ck_json_raw(CkJson *json, const char *name, const char *text) {
    begin_value(json, name);
    sqlite3_str_appendall(json->out, text ? text : "null");
}

void ck_json_column(CkJson *json, const char *name, sqlite3_stmt *stmt, int column) {
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        ck_json_int(json, name, sqlite3_column_int64(stmt, column));
        break;
    case SQLITE_FLOAT:
        ck_json_real(json, name, sqlite3_column_double(stmt, column));
        break;
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(stmt, column);
        begin_value(json, name);
        string(json, text ? text : "", (size_t)sqlite3_column_bytes(stmt, column));
        break;
    }
    case SQLITE_BLOB: {
        const unsigned char *blob = sqlite3_column_blob(stmt, column);
        begin_value(json, name);
        sqlite3_str_appendchar(json->out, 1, '"');
        for (int i = 0; i < sqlite3_column_bytes(stmt, column); i++) {
            sqlite3_str_appendf(json->out, "%02x", blob[i]);
        }
        sqlite3_str_appendchar(json->out, 1, '"');
        break;
    }
    default:
        ck_json_raw(json, name, NULL);
    }
}

void ck_json_columns(CkJson *json, sqlite3_stmt *stmt) {
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        ck_json_column(json, sqlite3_column_name(stmt, i), stmt, i);
    }
}

char *ck_json_end(CkJson *json) {
    return ck_must(sqlite3_str_finish(json->out));
}

void ck_json_print(CkJson *json) {
    char *text = ck_json_end(json);
    printf("%s\n", text);
    sqlite3_free(text);
}
