/*
** ck sql: SQL to the store, with the extension loaded.
**
** Statements come from the arguments, from stdin, or from a person at a terminal, who also has a
** few commands that begin with a dot. All run on one connection, so that BEGIN … COMMIT works; a
** transaction that is left open is rolled back. The first error ends it, but not at a terminal.
*/
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "output.h"
#include "place.h"
#include "store.h"

#define LINE_BYTES 4096
#define PROMPT_MS 3600000
#define STOP_EVERY_OPS 1000 /* instructions of SQLite's machine */

/* A statement of this size comes from a mistake. */
#define INPUT_BYTES_MAX (64 * 1024 * 1024)

typedef enum Mode { MODE_TABLE, MODE_JSON, MODE_CSV } Mode;

/* As it is, but on a terminal, which it must not steer. */
static void print_csv_text(CkApp *app, const char *text) {
    if (isatty(STDOUT_FILENO)) text = ck_printable_lines(app, text);
    if (!text[strcspn(text, ",\"\r\n")]) {
        printf("%s", text);
        return;
    }
    putchar('"');
    for (const char *at = text; *at; at++) {
        if (*at == '"') putchar('"');
        putchar(*at);
    }
    putchar('"');
}

/* RFC 4180, with a head; blobs in hex, NULL is empty. */
static void print_csv(CkApp *app, sqlite3_stmt *stmt) {
    int n = sqlite3_column_count(stmt);
    for (int i = 0; i < n; i++) {
        if (i > 0) putchar(',');
        print_csv_text(app, sqlite3_column_name(stmt, i));
    }
    printf("\r\n");
    while (!ferror(stdout) && ck_sql_step(app, stmt)) {
        for (int i = 0; i < n; i++) {
            if (i > 0) putchar(',');
            if (sqlite3_column_type(stmt, i) == SQLITE_BLOB) {
                const unsigned char *blob = sqlite3_column_blob(stmt, i);
                for (int at = 0; at < sqlite3_column_bytes(stmt, i); at++) printf("%02x", blob[at]);
            } else {
                print_csv_text(app, ck_column_text(stmt, i, ""));
            }
        }
        printf("\r\n");
    }
}

/* sqlite3_interrupt() ends what runs at that moment; a signal may come between two statements. */
static int stops(void *context) {
    (void)context;
    return ck_interrupted();
}

/* Runs all statements of a text. */
static int execute(CkApp *app, const char *sql, Mode mode) {
    while (app->exit_code == CK_EXIT_OK && *sql) {
        sqlite3_stmt *stmt = ck_sql_prepare(app, sql, &sql);
        if (!stmt) continue;
        if (sqlite3_column_count(stmt) == 0) {
            while (ck_sql_step(app, stmt)) {
            }
        } else if (mode == MODE_CSV) {
            print_csv(app, stmt);
        } else {
            app->json = mode == MODE_JSON;
            ck_output_rows(app, stmt, NULL);
        }
        sqlite3_finalize(stmt);
    }
    return app->exit_code;
}

/* Appends a line of stdin; 0 at the end of the input. */
static int read_line(sqlite3_str *text) {
    char line[LINE_BYTES];
    do {
        if (!fgets(line, sizeof line, stdin)) return 0;
        sqlite3_str_appendall(text, line);
    } while (!strchr(line, '\n') && !feof(stdin));
    return 1;
}

static int run_stdin(CkApp *app, Mode mode) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    while (read_line(text) && sqlite3_str_length(text) < INPUT_BYTES_MAX) {
    }
    if (sqlite3_str_length(text) >= INPUT_BYTES_MAX) {
        ck_fail(app, CK_EXIT_USAGE, "Use the sqlite3 shell with the extension loaded.",
                "more than %d bytes of SQL", INPUT_BYTES_MAX);
    }
    char *sql = sqlite3_str_finish(text);
    if (sql) execute(app, sql, mode);
    sqlite3_free(sql);
    return app->exit_code;
}

/* A line that begins with a dot. 0: the session is over. */
static int dot(CkApp *app, char *line, Mode *mode) {
    line[strcspn(line, "\r\n")] = '\0';
    if (strcmp(line, ".quit") == 0 || strcmp(line, ".exit") == 0) return 0;
    if (strcmp(line, ".tables") == 0) {
        ck_output_rows(app, ck_sql_begin(app, CK_SQL_SQL_TABLES, ""), "tt");
    } else if (strcmp(line, ".mode table") == 0) {
        *mode = MODE_TABLE;
    } else if (strcmp(line, ".mode csv") == 0) {
        *mode = MODE_CSV;
    } else if (strcmp(line, ".mode json") == 0) {
        *mode = MODE_JSON;
    } else if (strcmp(line, ".help") == 0) {
        printf("STATEMENT;            run SQL, up to the ';', over as many lines as it takes\n"
               ".tables               tables, views and table-valued functions\n"
               ".mode table|csv|json  how rows are shown\n"
               ".quit, Ctrl-D         end; a transaction that is open is rolled back\n"
               "Ctrl-C                stop the statement, or forget what was typed\n");
    } else {
        printf("'%s' is not known; .help lists what is\n", ck_printable(app, line));
    }
    return 1;
}

static void print_failure(CkApp *app) {
    if (app->exit_code == CK_EXIT_OK) return;
    const char *red = ck_style_err(app, CK_STYLE_RED), *off = ck_style_err(app, CK_STYLE_NONE);
    const char *message = ck_failure_take(app);
    fflush(stdout);
    fprintf(stderr, "%serror:%s %s\n", red, off, ck_printable(app, message));
    ck_interrupt_clear();
}

static int run_terminal(CkApp *app, Mode mode) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    printf("ck %s, %s\n.help lists what can be said besides SQL.\n", CK_VERSION,
           ck_printable(app, app->place.store));
    for (int more = 1; more;) {
        int is_open = !sqlite3_get_autocommit(app->db);
        printf("%s", sqlite3_str_length(text) > 0 ? " ...> " : is_open ? "ck*> " : "ck> ");
        fflush(stdout);
        while (!ck_interrupted() && !ck_interrupt_wait(STDIN_FILENO, PROMPT_MS)) {
        }
        int has_line = !ck_interrupted() && read_line(text);
        if (!has_line && !ck_interrupted()) break;
        if (ck_interrupted()) {
            ck_interrupt_clear();
            clearerr(stdin);
            sqlite3_str_reset(text);
            printf("\n");
            continue;
        }
        char *sql = sqlite3_str_value(text);
        if (sql[0] == '.') {
            more = dot(app, sql, &mode);
        } else if (sql[strspn(sql, " \t\r\n")] && !sqlite3_complete(sql)) {
            continue;
        } else {
            execute(app, sql, mode);
        }
        print_failure(app);
        sqlite3_str_reset(text);
    }
    printf("\n");
    sqlite3_free(sqlite3_str_finish(text));
    return app->exit_code;
}

static int sql_run(CkApp *app) {
    Mode mode = app->json ? MODE_JSON : ck_option_flag(app, "csv") ? MODE_CSV : MODE_TABLE;
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, CK_STORE_READ);
    if (app->db) sqlite3_progress_handler(app->db, STOP_EVERY_OPS, stops, NULL);
    for (int i = 0; i < app->n_args; i++) execute(app, app->args[i], mode);
    if (app->n_args > 0 || app->exit_code != CK_EXIT_OK) return app->exit_code;
    return isatty(STDIN_FILENO) ? run_terminal(app, mode) : run_stdin(app, mode);
}

static const CkOption options[] = {
    {.name = "csv", .kind = CK_OPTION_FLAG, .help = "Print rows as CSV."},
    {.name = NULL},
};

const CkCommand ck_command_sql = {
    .name = "sql",
    .summary = "Run SQL on the store, with the extension loaded",
    .arguments = "[STATEMENT...]",
    .max_args = 1000,
    .options = options,
    .description =
        "Statements are taken from the arguments, else from stdin; at a terminal a prompt\n"
        "asks for them. They run one after the other on one connection: BEGIN and COMMIT\n"
        "work, and the first error ends the run and rolls back what is open. With --json\n"
        "each result is an array of objects, blobs in hex.",
    .run = sql_run,
};
