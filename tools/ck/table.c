/* Rows of a statement, as a table or as JSON: see output.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "output.h"
#include "store.h"

/* Of a blob in a table. */
#define BLOB_BYTES 8

/* Right-aligned: i and b of a format, r of a number in rows that are shown as they are. */
#define RIGHT "ibr"

static int64_t rows_as_json(CkApp *app, sqlite3_stmt *stmt) {
    CkJson json;
    int64_t n = 0;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '[');
    for (; ck_sql_step(app, stmt); n++) {
        ck_json_open(&json, NULL, '{');
        ck_json_columns(&json, stmt);
        ck_json_close(&json, '}');
    }
    ck_json_close(&json, ']');
    if (app->exit_code == CK_EXIT_OK) {
        ck_json_print(&json);
    } else {
        sqlite3_free(ck_json_end(&json));
    }
    return n;
}

/* x'0123…' of a blob: enough to tell hashes apart. */
static char *blob_cell(CkApp *app, sqlite3_stmt *stmt, int column) {
    const unsigned char *blob = sqlite3_column_blob(stmt, column);
    int n = sqlite3_column_bytes(stmt, column), shown = n > BLOB_BYTES ? BLOB_BYTES : n;
    char digits[2 * BLOB_BYTES + 1] = "";
    for (int i = 0; i < shown; i++) sqlite3_snprintf(3, digits + 2 * i, "%02x", blob[i]);
    return ck_text(app, n > shown ? "x'%s...' (%d bytes)" : "x'%s'", digits, n);
}

static char *cell(CkApp *app, sqlite3_stmt *stmt, int column, char kind) {
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return ck_text(app, "");
    switch (kind) {
    case 'i':
        return ck_count_text(app, sqlite3_column_int64(stmt, column));
    case 'b':
        return ck_bytes_text(app, sqlite3_column_int64(stmt, column));
    case 'p':
        return ck_text(app, sqlite3_column_int(stmt, column) ? "yes" : "no");
    case 'a':
        return ck_ago_text(app, sqlite3_column_int64(stmt, column), (int64_t)time(NULL));
    case 't':
        return ck_printable(app, ck_column_text(stmt, column, ""));
    default:
        return sqlite3_column_type(stmt, column) == SQLITE_BLOB
                   ? blob_cell(app, stmt, column)
                   : ck_printable(app, ck_column_text(stmt, column, ""));
    }
}

/* name_with_underscores as a title. */
static char *title(CkApp *app, const char *name) {
    char *text = ck_text(app, "%s", name);
    for (char *at = text; *at; at++) {
        if (*at == '_') *at = ' ';
    }
    return text;
}

/* Columns of width 0 are left out. */
static void print_row(char **cells, const int *widths, const char *format, int n) {
    int last = n - 1;
    while (last > 0 && widths[last] == 0) last--;
    for (int i = 0; i <= last; i++) {
        if (widths[i] == 0) continue;
        int pad = widths[i] - ck_width(cells[i]), right = strchr(RIGHT, format[i]) != NULL;
        printf("%*s%s%*s%s", right ? pad : 0, "", cells[i], !right && i < last ? pad : 0, "",
               i < last ? "  " : "");
    }
}

int64_t ck_output_rows(CkApp *app, sqlite3_stmt *stmt, const char *format) {
    if (!stmt) return 0;
    if (app->json) return rows_as_json(app, stmt);
    int n_columns = sqlite3_column_count(stmt), is_plain = format == NULL;
    int64_t n_rows = 1, capacity = 64;
    int *widths = ck_keep(app, sizeof *widths * (size_t)n_columns);
    char *kinds = ck_keep(app, (size_t)n_columns);
    for (int i = 0; i < n_columns; i++) {
        widths[i] = 0;
        kinds[i] = is_plain ? 'v' : format[i];
    }
    char ***rows = ck_alloc(sizeof *rows * (size_t)capacity);
    rows[0] = ck_keep(app, sizeof **rows * (size_t)n_columns);
    for (int i = 0; i < n_columns; i++) {
        const char *name = sqlite3_column_name(stmt, i);
        rows[0][i] = is_plain ? ck_text(app, "%s", name) : title(app, name);
    }
    while (ck_sql_step(app, stmt)) {
        if (n_rows == capacity) {
            capacity *= 2;
            rows = ck_realloc(rows, sizeof *rows * (size_t)capacity);
        }
        for (int i = 0; is_plain && n_rows == 1 && i < n_columns; i++) {
            int type = sqlite3_column_type(stmt, i);
            if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) kinds[i] = 'r';
        }
        rows[n_rows] = ck_keep(app, sizeof **rows * (size_t)n_columns);
        for (int i = 0; i < n_columns; i++) rows[n_rows][i] = cell(app, stmt, i, kinds[i]);
        n_rows++;
    }
    /* A column that is empty in all rows is not shown, whatever its title is. */
    for (int64_t row = n_rows - 1; row >= 0; row--) {
        for (int i = 0; i < n_columns; i++) {
            int is_hidden = kinds[i] == '-' || (!is_plain && row == 0 && widths[i] == 0);
            int width = is_hidden ? 0 : ck_width(rows[row][i]);
            if (width > widths[i]) widths[i] = width;
        }
    }
    for (int64_t row = 0; row < n_rows && n_rows > 1 && app->exit_code == CK_EXIT_OK; row++) {
        if (row == 0) printf("%s", ck_style(app, CK_STYLE_DIM));
        print_row(rows[row], widths, kinds, n_columns);
        printf("%s\n", row == 0 ? ck_style(app, CK_STYLE_NONE) : "");
    }
    sqlite3_free(rows);
    return n_rows - 1;
}
