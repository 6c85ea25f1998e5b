/*
** ck doctor: is all well, and if not, what to do?
**
** The extension's checks of the store, and besides what only the command can see: whether there is
** a store at all, the workspace around the working folder, remotes, and which ck a shell would
** run. A store that cannot even be opened is a finding, too.
*/
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "fs.h"
#include "json.h"
#include "output.h"
#include "place.h"
#include "store.h"
#include "workspace.h"

#define FINDINGS_MAX 200

/* Who asks what is wrong wants an answer: that the store is held is one. */
#define BUSY_SECONDS 3

/* Of the list of what is in order. */
#define TEXT_COLUMNS 70

typedef struct Finding {
    const char *check, *status, *detail, *fix;
} Finding;

typedef struct Doctor {
    CkApp *app;
    Finding findings[FINDINGS_MAX];
    int n, n_errors, n_warnings, n_fixed, n_unfixed;
} Doctor;

static void add(Doctor *doctor, const char *check, const char *status, const char *detail,
                const char *fix) {
    if (doctor->n == FINDINGS_MAX) return;
    doctor->findings[doctor->n++] = (Finding){check, status, detail, fix};
    doctor->n_errors += strcmp(status, "error") == 0;
    doctor->n_warnings += strcmp(status, "warn") == 0;
}

static const char *start_anew(CkApp *app) {
    return ck_text(app,
                   "It is a cache: move the file away, then run %s init and %s index; what was "
                   "embedded is embedded again, or pulled from a remote",
                   app->program, app->program);
}

/* Did the last statement fail because of what is in the file, rather than of who else uses it? */
static int is_damaged(const CkApp *app) {
    int rc = app->db ? sqlite3_errcode(app->db) & 0xff : SQLITE_OK;
    return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
}

/* A file so damaged that the checks themselves fail. */
static void take_damage(Doctor *doctor) {
    CkApp *app = doctor->app;
    if (app->exit_code != CK_EXIT_ERROR || !is_damaged(app)) return;
    add(doctor, "file", "error", ck_failure_take(app), start_anew(app));
}

/* Is it a store that opens? Returns 0 when nothing more can be asked. */
static int check_open(Doctor *doctor) {
    CkApp *app = doctor->app;
    int place = ck_place_need_store(app);
    if (place == CK_EXIT_USAGE) return 0; /* config.toml is wrong, and main() says where */
    CkStoreMode mode = ck_option_flag(app, "fix") ? CK_STORE_WRITE : CK_STORE_READ;
    if (mode == CK_STORE_READ) app->busy_seconds = BUSY_SECONDS;
    if (place == CK_EXIT_OK && ck_store_open(app, mode) == CK_EXIT_OK) return 1;
    const char *hint = app->hint ? ck_text(app, "%s", app->hint) : NULL;
    if (hint && strncmp(hint, "Run: ", 5) == 0) hint += 5;
    if (is_damaged(app)) hint = start_anew(app);
    add(doctor, "open", "error", ck_failure_take(app), hint);
    return 0;
}

static void check_store(Doctor *doctor) {
    CkApp *app = doctor->app;
    CkSqlId sql = ck_option_flag(app, "all") ? CK_SQL_DOCTOR_CHECKS_ALL : CK_SQL_DOCTOR_CHECKS;
    int is_told = 0;
    sqlite3_stmt *stmt = ck_sql_begin(app, sql, "");
    while (ck_sql_step(app, stmt)) {
        const char *check = ck_text(app, "%s", ck_column_text(stmt, 0, ""));
        const char *status = ck_text(app, "%s", ck_column_text(stmt, 1, ""));
        const char *fix = ck_column_text(stmt, 3, NULL);
        /* To the extension the place is the caller's business; here it is ours to warn. */
        if (strcmp(check, "location") == 0 && strcmp(status, "ok") != 0) {
            status = "warn";
            fix = ck_text(app, "keep the base elsewhere: %s init --base DIR", app->program);
        } else if (strcmp(status, "error") == 0 && !fix && !is_told &&
                   strstr(ck_column_text(stmt, 2, ""), sqlite3_errstr(SQLITE_CORRUPT))) {
            fix = start_anew(app);
            is_told = 1;
        }
        add(doctor, check, status, ck_text(app, "%s", ck_column_text(stmt, 2, "")),
            fix ? ck_text(app, "%s", fix) : NULL);
    }
}

static void check_workspace(Doctor *doctor) {
    CkApp *app = doctor->app;
    CkWorkspace workspace;
    if (!app->place.workspace || ck_workspace_open(app, CK_WORKSPACE_READ, &workspace)) return;
    const char *root = app->place.workspace;
    if (!workspace.name) {
        add(doctor, "workspace", "warn", ck_text(app, "the store does not know '%s'", root),
            ck_text(app, "%s init", app->program));
    } else if (workspace.is_copy) {
        add(doctor, "workspace", "info",
            ck_text(app, "'%s' is a copy of the tree of %s", root, workspace.name),
            ck_text(app, "%s init", app->program));
    } else if (workspace.is_moved) {
        add(doctor, "workspace", "info",
            ck_text(app, "%s was moved to '%s'", workspace.name, root),
            ck_text(app, "%s init", app->program));
    } else {
        add(doctor, "workspace", "ok", workspace.name, NULL);
    }
    if (!ck_path_exists(ck_path_join(app, root, CK_FOLDER "/.gitignore"))) {
        add(doctor, "gitignore", "warn",
            ck_text(app, "'%s/" CK_FOLDER "' has no .gitignore: git would add the uuid", root),
            ck_text(app, "%s init", app->program));
    }
}

static void check_tracked(Doctor *doctor) {
    CkApp *app = doctor->app;
    if (!ck_place_store_is_tracked(app)) return;
    add(doctor, "tracked", "warn",
        "git tracks the store: what is in it, its remotes too, came with the repository",
        ck_text(app, "%s init --base DIR, or, if it is yours: git rm --cached " CK_STORE_FILE,
                app->program));
}

static void check_remotes(Doctor *doctor) {
    CkApp *app = doctor->app;
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_DOCTOR_REMOTES, "");
    while (ck_sql_step(app, stmt)) {
        const char *name = ck_column_text(stmt, 0, "");
        add(doctor, "remote", "warn",
            ck_text(app, "%s failed, %s so far: %s", name,
                    ck_counted(app, sqlite3_column_int64(stmt, 1), "time"),
                    ck_column_text(stmt, 2, "")),
            ck_text(app, "%s cache sync %s", app->program, name));
    }
}

/* Another program of the same name that a shell would find first. */
static void check_program(Doctor *doctor) {
    CkApp *app = doctor->app;
    char self[PATH_MAX];
    const char *at = getenv("PATH");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (!at || n <= 0) return;
    self[n] = '\0';
    while (*at) {
        size_t length = strcspn(at, ":");
        char *path = ck_text(app, "%.*s/%s", (int)length, at, ck_path_name(self));
        if (length > 0 && access(path, X_OK) == 0 && !ck_path_is_folder(path)) {
            if (!ck_path_same(path, self)) {
                add(doctor, "program", "info",
                    ck_text(app, "a shell runs '%s', which is not this program, '%s'", path, self),
                    "make install BIN=another-name");
            }
            return;
        }
        at += length + (at[length] == ':');
    }
}

/* What can be repaired without asking; the rest is advice. */
static void repair(Doctor *doctor) {
    static const char prefix[] = "SELECT ck_repair(";
    CkApp *app = doctor->app;
    for (int i = 0; i < doctor->n; i++) {
        const Finding *finding = &doctor->findings[i];
        if (!finding->fix || strcmp(finding->status, "ok") == 0) continue;
        if (strncmp(finding->fix, prefix, sizeof prefix - 1) == 0) {
            int64_t n = ck_sql_int(app, CK_SQL_DOCTOR_REPAIR, 0, "t", finding->check);
            if (app->exit_code != CK_EXIT_OK) {
                if (app->exit_code == CK_EXIT_INTERRUPTED) return;
                ck_warn(app, "%s: %s", finding->check, ck_failure_take(app));
                doctor->n_unfixed++;
                continue;
            }
            ck_note(app, "Repaired %s: %s.", finding->check, ck_counted(app, n, "row"));
            doctor->n_fixed++;
        } else if (strcmp(finding->check, "journal") == 0) {
            ck_sql_text(app, CK_SQL_DOCTOR_WAL, "");
            ck_note(app, "The store has a WAL now.");
            doctor->n_fixed++;
        }
    }
}

static void print_json(const Doctor *doctor) {
    CkJson json;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '{');
    ck_json_text(&json, "store", doctor->app->place.store);
    ck_json_open(&json, "checks", '[');
    for (int i = 0; i < doctor->n; i++) {
        ck_json_open(&json, NULL, '{');
        ck_json_text(&json, "check", doctor->findings[i].check);
        ck_json_text(&json, "status", doctor->findings[i].status);
        ck_json_text(&json, "detail", doctor->findings[i].detail);
        ck_json_text(&json, "fix", doctor->findings[i].fix);
        ck_json_close(&json, '}');
    }
    ck_json_close(&json, ']');
    ck_json_int(&json, "errors", doctor->n_errors);
    ck_json_int(&json, "warnings", doctor->n_warnings);
    ck_json_int(&json, "fixed", doctor->n_fixed);
    ck_json_close(&json, '}');
    ck_json_print(&json);
}

static CkStyle style_of(const char *status) {
    if (strcmp(status, "error") == 0) return CK_STYLE_RED;
    if (strcmp(status, "warn") == 0) return CK_STYLE_YELLOW;
    return strcmp(status, "ok") == 0 ? CK_STYLE_GREEN : CK_STYLE_CYAN;
}

/* What is in order is one line, what is not is explained. */
static void print_text(const Doctor *doctor) {
    CkApp *app = doctor->app;
    const char *names = "", *off = ck_style(app, CK_STYLE_NONE);
    int width = 0, n_repairable = 0;
    if (app->place.store) printf("%s\n", ck_printable(app, app->place.store));
    for (int i = 0; i < doctor->n; i++) {
        const Finding *finding = &doctor->findings[i];
        if (strcmp(finding->status, "ok") != 0) continue;
        width += (int)strlen(finding->check) + 1;
        if (width > TEXT_COLUMNS) {
            names = ck_text(app, "%s\n      ", names);
            width = (int)strlen(finding->check) + 1;
        }
        names = ck_text(app, "%s %s", names, finding->check);
    }
    if (names[0]) printf("%sok%s    %s\n", ck_style(app, CK_STYLE_GREEN), off, names);
    for (int i = 0; i < doctor->n; i++) {
        const Finding *finding = &doctor->findings[i];
        if (strcmp(finding->status, "ok") == 0) continue;
        printf("%s%-5s%s  %s: %s\n", ck_style(app, style_of(finding->status)), finding->status, off,
               finding->check, ck_printable(app, finding->detail));
        if (finding->fix) printf("       fix: %s\n", ck_printable(app, finding->fix));
        n_repairable += finding->fix && strncmp(finding->fix, "SELECT ck_repair", 16) == 0;
    }
    if (doctor->n_errors + doctor->n_warnings == 0) {
        printf("All is well.\n");
    } else {
        printf("%s, %s.\n", ck_counted(app, doctor->n_errors, "error"),
               ck_counted(app, doctor->n_warnings, "warning"));
    }
    if (n_repairable > 0 && !ck_option_flag(app, "fix")) {
        printf("%s doctor --fix repairs %d of them.\n", app->program, n_repairable);
    }
}

static void examine(Doctor *doctor) {
    doctor->n = doctor->n_errors = doctor->n_warnings = 0;
    if (doctor->app->db || check_open(doctor)) {
        check_store(doctor);
        take_damage(doctor);
        check_workspace(doctor);
        check_tracked(doctor);
        check_remotes(doctor);
        take_damage(doctor);
    }
    check_program(doctor);
}

static int doctor_run(CkApp *app) {
    Doctor *doctor = ck_keep(app, sizeof *doctor);
    memset(doctor, 0, sizeof *doctor);
    doctor->app = app;
    examine(doctor);
    if (ck_option_flag(app, "fix") && app->db && app->exit_code == CK_EXIT_OK) {
        repair(doctor);
        if (doctor->n_fixed > 0 && app->exit_code == CK_EXIT_OK) examine(doctor);
        if (doctor->n_unfixed > 0) {
            add(doctor, "repair", "error",
                ck_text(app, "%s failed", ck_counted(app, doctor->n_unfixed, "repair")),
                start_anew(app));
        }
    }
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    if (app->json) print_json(doctor);
    else print_text(doctor);
    return doctor->n_errors > 0 ? CK_EXIT_NO : CK_EXIT_OK;
}

static const CkOption options[] = {
    {.name = "fix", .kind = CK_OPTION_FLAG, .help = "Repair what can be repaired."},
    {.name = "all", .kind = CK_OPTION_FLAG,
     .help = "Read every vector, and have SQLite check the whole file."},
    {.name = NULL},
};

const CkCommand ck_command_doctor = {
    .name = "doctor",
    .summary = "Check the store, the workspace and where they lie",
    .arguments = "",
    .options = options,
    .description = "Exits with 1 when there are errors. Without --all about 1,000 vectors are\n"
                   "read.",
    .run = doctor_run,
};
