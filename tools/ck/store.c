/* The store, and statements to it: see store.h. */
#include "store.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "ck.h"
#include "fs.h"
#include "output.h"
#include "trust.h"

#define WAIT_MS_MAX 25
#define LAST_WAIT_MS 1000

/* Printed as it is run; what is not SQL stands in a comment. */
static void explain(CkApp *app, sqlite3_stmt *stmt) {
    if (!app->explain) return;
    char *text = sqlite3_expanded_sql(stmt);
    const char *sql = text ? text : sqlite3_sql(stmt);
    size_t n = strlen(sql);
    while (n > 0 && (sql[n - 1] == '\n' || sql[n - 1] == ';')) n--;
    while (n > 0 && *sql == '\n') {
        sql++;
        n--;
    }
    /* To a file goes what can be run; a value must not steer a terminal. */
    sql = ck_text(app, "%.*s", (int)n, sql);
    if (isatty(STDERR_FILENO)) sql = ck_printable_lines(app, sql);
    fprintf(stderr, "%s%s;%s\n", ck_style_err(app, CK_STYLE_DIM), sql,
            ck_style_err(app, CK_STYLE_NONE));
    sqlite3_free(text);
}

/* A table of ck's own that is not there, in a store that was one. */
static int lacks_table(const char *message) {
    return strncmp(message, "no such table: main._ck_", 24) == 0;
}

static const char *advice(CkApp *app, int rc) {
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "Another process is writing to the store. Try again.";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ck_text(app, "Run: %s doctor", app->program);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ck_text(app,
                       "The store and its folder must be writable for you; to share a base between "
                       "users, its owner runs: %s init --shared",
                       app->program);
    case SQLITE_FULL:
        return ck_text(app, "The disk is full. To free some of the store: %s cache gc",
                       app->program);
    default:
        return NULL;
    }
}

int ck_fail_db(CkApp *app, int rc, const char *what) {
    int code = CK_EXIT_ERROR;
    int is_busy = (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;
    if ((rc & 0xff) == SQLITE_NOMEM) ck_must(NULL);
    if ((rc & 0xff) == SQLITE_INTERRUPT || (is_busy && ck_interrupted())) {
        return ck_fail(app, CK_EXIT_INTERRUPTED, NULL, "interrupted");
    }
    if (is_busy) code = CK_EXIT_BUSY;
    const char *message = app->db ? sqlite3_errmsg(app->db) : sqlite3_errstr(rc);
    const char *hint = advice(app, rc);
    /* What cannot be opened is another file when its name is said: a remote, what is attached. */
    if ((rc & 0xff) == SQLITE_CANTOPEN && strcmp(message, sqlite3_errstr(rc)) != 0) hint = NULL;
    if (lacks_table(message)) hint = advice(app, SQLITE_CORRUPT);
    return ck_fail(app, code, hint, "%s%s%s", what ? what : "", what ? ": " : "", message);
}

/*
** SQLite's busy handler: 0 ends the waiting. Its own one would not notice Ctrl-C. What is still
** written after that, so that nothing is lost, waits as well, but not for long.
*/
static int wait(void *context, int n_before) {
    CkApp *app = context;
    int64_t now_ms = ck_clock_ms();
    int64_t limit_ms = ck_interrupted() ? LAST_WAIT_MS : app->busy_seconds * 1000;
    if (n_before == 0) app->waits_since_ms = now_ms;
    if (now_ms - app->waits_since_ms >= limit_ms) return 0;
    sqlite3_sleep(n_before < WAIT_MS_MAX ? n_before + 1 : WAIT_MS_MAX);
    return 1;
}

/*
** On a file system that may only be read a store with a WAL cannot be opened as others are, since
** that takes a -shm beside it. It can as one that nobody changes, when no -wal holds a part of it.
*/
static int is_immutable(CkApp *app) {
    struct statvfs system;
    struct stat wal;
    if (!app->readonly || statvfs(app->place.store, &system) != 0) return 0;
    if (!(system.f_flag & ST_RDONLY)) return 0;
    int rc = sqlite3_exec(app->db, ck_sql[CK_SQL_STORE_PROBE].text, NULL, NULL, NULL) & 0xff;
    if (rc != SQLITE_CANTOPEN && rc != SQLITE_READONLY) return 0;
    return stat(ck_text(app, "%s-wal", app->place.store), &wal) != 0 || wal.st_size == 0;
}

static int open_file(CkApp *app, CkStoreMode mode) {
    const char *path = app->place.store;
    int flags = SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (mode == CK_STORE_CREATE) flags |= SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(path, &app->db, flags, NULL);
    if (rc != SQLITE_OK) return ck_fail_db(app, rc, ck_text(app, "cannot open '%s'", path));
    app->readonly = sqlite3_db_readonly(app->db, "main") == 1;
    if (app->readonly && mode != CK_STORE_READ) {
        return ck_fail(app, CK_EXIT_ERROR, advice(app, SQLITE_READONLY),
                       "the store '%s' may not be written", path);
    }
    if (!is_immutable(app)) return CK_EXIT_OK;
    sqlite3_close_v2(app->db);
    app->db = NULL;
    flags = SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    rc = sqlite3_open_v2(ck_text(app, "%s?immutable=1", ck_path_uri(app, path)), &app->db, flags,
                         NULL);
    return rc == SQLITE_OK ? rc : ck_fail_db(app, rc, ck_text(app, "cannot open '%s'", path));
}

/* What a killed init leaves. The first write would make a store of it, but without a WAL. */
static void refuse_empty(CkApp *app) {
    struct stat info;
    if (stat(app->place.store, &info) != 0 || info.st_size > 0) return;
    ck_fail(app, CK_EXIT_ERROR, ck_text(app, "Run: %s init", app->program),
            "the store '%s' is an empty file", app->place.store);
}

int ck_store_open(CkApp *app, CkStoreMode mode) {
    char *message = NULL;
    if (app->exit_code != CK_EXIT_OK || app->db) return app->exit_code;
    assert(app->place.store);
    if (open_file(app, mode) != CK_EXIT_OK) return app->exit_code;
    if (sqlite3_ck_init(app->db, &message, NULL) != SQLITE_OK) {
        ck_fail(app, CK_EXIT_ERROR, NULL, "%s", message ? message : "the extension does not load");
        sqlite3_free(message);
        return app->exit_code;
    }
    sqlite3_busy_handler(app->db, wait, app);
    app->statements = ck_alloc(sizeof *app->statements * CK_SQL_COUNT);
    memset(app->statements, 0, sizeof *app->statements * CK_SQL_COUNT);
    ck_interrupt_bind(app);
    if (app->explain) fprintf(stderr, "-- store: %s\n", app->place.store);
    /* Whether it is a store at all is known when its first page is read. */
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_STORE_PROBE, "");
    int is_store = ck_sql_step(app, stmt) && sqlite3_column_int(stmt, 0) > 0;
    ck_sql_end(stmt);
    if (!is_store && mode != CK_STORE_CREATE) refuse_empty(app);
    ck_sql_script(app, CK_SQL_STORE_SETTINGS);
    return mode == CK_STORE_WRITE ? ck_trust_store(app) : app->exit_code;
}

void ck_store_close(CkApp *app) {
    for (int i = 0; app->statements && i < CK_SQL_COUNT; i++) {
        sqlite3_finalize(app->statements[i]);
    }
    sqlite3_free(app->statements);
    app->statements = NULL;
    sqlite3 *db = app->db;
    app->db = NULL;
    ck_interrupt_bind(app);
    sqlite3_close_v2(db);
}

static int bind(sqlite3_stmt *stmt, const char *format, va_list args) {
    int rc = SQLITE_OK;
    for (int i = 1; format[i - 1] && rc == SQLITE_OK; i++) {
        const void *data;
        switch (format[i - 1]) {
        case 't':
            rc = sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1, SQLITE_STATIC);
            break;
        case 'T':
            data = va_arg(args, const char *);
            rc = sqlite3_bind_text64(stmt, i, data, va_arg(args, size_t), SQLITE_STATIC,
                                     SQLITE_UTF8);
            break;
        case 'b':
            data = va_arg(args, const void *);
            rc = sqlite3_bind_blob64(stmt, i, data, va_arg(args, size_t), SQLITE_STATIC);
            break;
        case 'i':
            rc = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
            break;
        case 'd':
            rc = sqlite3_bind_double(stmt, i, va_arg(args, double));
            break;
        default:
            assert(format[i - 1] == 'n');
            rc = sqlite3_bind_null(stmt, i);
        }
    }
    return rc;
}

static sqlite3_stmt *begin(CkApp *app, CkSqlId id, const char *format, va_list args) {
    if (app->exit_code != CK_EXIT_OK) return NULL;
    assert(app->db);
    sqlite3_stmt **stmt = &app->statements[id];
    int rc = SQLITE_OK;
    if (!*stmt) {
        rc = sqlite3_prepare_v3(app->db, ck_sql[id].text, -1, SQLITE_PREPARE_PERSISTENT, stmt,
                                NULL);
    }
    if (rc == SQLITE_OK) {
        sqlite3_reset(*stmt);
        assert((int)strlen(format) == sqlite3_bind_parameter_count(*stmt));
        rc = bind(*stmt, format, args);
    }
    if (rc != SQLITE_OK) {
        ck_fail_db(app, rc, NULL);
        return NULL;
    }
    explain(app, *stmt);
    return *stmt;
}

sqlite3_stmt *ck_sql_begin(CkApp *app, CkSqlId id, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = begin(app, id, format, args);
    va_end(args);
    return stmt;
}

int ck_sql_step(CkApp *app, sqlite3_stmt *stmt) {
    if (!stmt || app->exit_code != CK_EXIT_OK) return 0;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) return 1;
    if (rc != SQLITE_DONE) ck_fail_db(app, rc, NULL);
    sqlite3_reset(stmt);
    return 0;
}

void ck_sql_end(sqlite3_stmt *stmt) {
    sqlite3_reset(stmt);
}

int64_t ck_sql_run(CkApp *app, CkSqlId id, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = begin(app, id, format, args);
    va_end(args);
    while (ck_sql_step(app, stmt)) {
    }
    return stmt && app->exit_code == CK_EXIT_OK ? sqlite3_changes64(app->db) : 0;
}

int64_t ck_sql_int(CkApp *app, CkSqlId id, int64_t otherwise, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = begin(app, id, format, args);
    va_end(args);
    int64_t value = otherwise;
    for (int first = 1; ck_sql_step(app, stmt); first = 0) {
        if (first && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
            value = sqlite3_column_int64(stmt, 0);
        }
    }
    return app->exit_code == CK_EXIT_OK ? value : otherwise;
}

char *ck_sql_text(CkApp *app, CkSqlId id, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = begin(app, id, format, args);
    va_end(args);
    char *value = NULL;
    for (int first = 1; ck_sql_step(app, stmt); first = 0) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (first && text) value = ck_text(app, "%s", text);
    }
    return app->exit_code == CK_EXIT_OK ? value : NULL;
}

sqlite3_stmt *ck_sql_prepare(CkApp *app, const char *text, const char **tail) {
    sqlite3_stmt *stmt = NULL;
    if (app->exit_code != CK_EXIT_OK) return NULL;
    int rc = sqlite3_prepare_v2(app->db, text, -1, &stmt, tail);
    if (rc != SQLITE_OK) ck_fail_db(app, rc, NULL);
    if (stmt) explain(app, stmt);
    return stmt;
}

int ck_sql_script(CkApp *app, CkSqlId id) {
    for (const char *at = ck_sql[id].text; app->exit_code == CK_EXIT_OK && *at;) {
        sqlite3_stmt *stmt = ck_sql_prepare(app, at, &at);
        while (ck_sql_step(app, stmt)) {
        }
        sqlite3_finalize(stmt);
    }
    return app->exit_code;
}

const char *ck_column_text(sqlite3_stmt *stmt, int column, const char *otherwise) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? text : otherwise;
}

int ck_transaction_begin(CkApp *app) {
    ck_sql_run(app, CK_SQL_TRANSACTION_BEGIN, "");
    return app->exit_code;
}

int ck_transaction_end(CkApp *app) {
    if (app->exit_code == CK_EXIT_OK) ck_sql_run(app, CK_SQL_TRANSACTION_COMMIT, "");
    if (app->db && !sqlite3_get_autocommit(app->db)) {
        /* After a failure the statement functions do nothing. */
        sqlite3_exec(app->db, ck_sql[CK_SQL_TRANSACTION_ROLLBACK].text, NULL, NULL, NULL);
    }
    return app->exit_code;
}
