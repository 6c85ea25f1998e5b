/*
** The fault loop of one scenario.
**
** Each run starts from a copy of the old state's file. After the fault it asks:
**   - success? then the rows are those of a run without faults and the state is the new one;
**   - failure? then the code and the message tell the truth and the state is the old or the new
**     one, seen from the same connection (odd N, where the statements must then succeed when they
**     are run again) or from a new one (even N);
**   - with SCENARIO_FAR: do the statements succeed when they are run again, on the same connection
**     or a new one, and are both sides in the new state then?
**   - no statement is left running and no transaction open that the scenario did not begin, the
**     connection closes, no memory is left, the file is sound.
*/
#include "loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "far.h"
#include "session.h"

#define WRONG_SHOWN_MAX 5
#define SLOW_SHARE 31 /* of scenarios with a graph or another side, when all faults are wanted */
/* Of a sample, the N-th fault is followed by one of the next 4N, and of a large scenario, 16N. */
#define GAP 4
#define GAP_LARGE 16
#define FIRST_MAX 4 /* the first one is the first to the fourth */

typedef struct Loop {
    const Scenario *scenario;
    const LoopOptions *options;
    Text file;             /* the database in its old state */
    Text old_state;
    Text new_state;
    Text rows;             /* what the statements return */
    Text far_file;         /* the other side, in its old state, */
    Text far_state;        /* and in its new one */
    FaultKind kind;        /* of this run */
    int n;                 /* of this run: which operation fails */
    LoopResult result;
} Loop;

__attribute__((format(printf, 2, 3)))
static void wrong(Loop *loop, const char *format, ...) {
    if (loop->result.n_wrong++ >= WRONG_SHOWN_MAX) return;
    if (loop->n > 0) {
        printf("  %s %s %d", loop->scenario->name, fault_kind_name(loop->kind), loop->n);
        if (fault_what()[0]) printf(" (%s)", fault_what());
    } else {
        printf("  %s without a fault", loop->scenario->name);
    }
    printf(": ");
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* Prints the first line in which two dumps differ. */
static void show_difference(const Text *is, const Text *expected) {
    const char *a = is->data ? is->data : "", *b = expected->data ? expected->data : "";
    while (*a && *b) {
        size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
        if (n != m || memcmp(a, b, n) != 0) break;
        a += n + (a[n] == '\n');
        b += m + (b[m] == '\n');
    }
    printf("    is       %.*s\n", (int)strcspn(a, "\n"), *a ? a : "(the end)");
    printf("    expected %.*s\n", (int)strcspn(b, "\n"), *b ? b : "(the end)");
}

/* ---- One connection ---- */

static int open_loaded(Loop *loop, sqlite3 **db, int load) {
    char *message = NULL;
    int rc = session_open(loop->options->path, db);
    if (rc == SQLITE_OK && load) rc = session_load(*db, &message);
    if (rc != SQLITE_OK) wrong(loop, "no connection: %s", message ? message : sqlite3_errmsg(*db));
    sqlite3_free(message);
    return rc;
}

static void check_closes(Loop *loop, sqlite3 *db) {
    if (sqlite3_close(db) == SQLITE_OK) return;
    wrong(loop, "the connection does not close: %s", sqlite3_errmsg(db));
    sqlite3_close_v2(db);
}

/* The state as the connection sees it is the expected one; with `other`, that one will do too.
   Returns 1 when it is `expected`. */
static int check_state(Loop *loop, sqlite3 *db, const char *where, const Text *expected,
                       const Text *other) {
    Text state = {NULL, 0, 0};
    int same = 0;
    if (session_dump(db, &state) != SQLITE_OK) {
        wrong(loop, "%s, the state cannot be read: %s", where, sqlite3_errmsg(db));
    } else {
        same = text_same(&state, expected);
        if (!same && !(other && text_same(&state, other))) {
            wrong(loop, "%s, the state is %s", where,
                  other ? "neither the old nor the new one" : "not the new one");
            if (loop->result.n_wrong <= WRONG_SHOWN_MAX) show_difference(&state, expected);
        }
    }
    text_release(&state);
    return same;
}

static void check_integrity(Loop *loop, sqlite3 *db) {
    Text text = {NULL, 0, 0};
    if (session_run(db, "PRAGMA integrity_check", &text) != SQLITE_OK) {
        wrong(loop, "integrity_check: %s", sqlite3_errmsg(db));
    } else if (strcmp(text.data ? text.data : "", "ok\n") != 0) {
        wrong(loop, "integrity_check: %s", text.data ? text.data : "(nothing)");
    }
    text_release(&text);
}

/* A new connection finds a sound file in the new state, or in the old one when that will do.
   A file with the old bytes and no journal is in the old state, nobody needs to look. */
static void check_file(Loop *loop, int old_will_do) {
    sqlite3 *db = NULL;
    if (old_will_do && session_file_is(loop->options->path, &loop->file)) return;
    if (open_loaded(loop, &db, 1) == SQLITE_OK) {
        check_integrity(loop, db);
        check_state(loop, db, "after reopening", &loop->new_state,
                    old_will_do ? &loop->old_state : NULL);
    }
    check_closes(loop, db);
}

/* Both sides are in the new state. */
static void check_both(Loop *loop) {
    Text state = {NULL, 0, 0};
    const char *message;
    check_file(loop, 0);
    if (far_dump(&state, &message) != SQLITE_OK) {
        wrong(loop, "%s", message);
    } else if (!text_same(&state, &loop->far_state)) {
        wrong(loop, "the other side is not in the new state");
        show_difference(&state, &loop->far_state);
    }
    text_release(&state);
}

/* ---- The run with a fault ---- */

static void check_error(Loop *loop, int rc, const char *message) {
    int primary = rc & 0xff;
    int honest;
    if (loop->kind == FAULT_MEMORY || loop->kind == FAULT_MEMORY_GONE) {
        honest = primary == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM;
    } else if (loop->kind >= FAULT_STOP) {
        /* SQLite itself forgets the code, not the text, where it reads the schema. */
        honest = primary == SQLITE_INTERRUPT || strcmp(message, "interrupted") == 0;
    } else {
        honest = primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_CANTOPEN;
    }
    if (!honest) wrong(loop, "result code %d does not tell it: %s", rc, message);
    if (!message || !*message || strstr(message, "not an error") ||
        strcmp(message, "SQL logic error") == 0) {
        wrong(loop, "result code %d has the message '%s'", rc, message ? message : "(NULL)");
    }
}

/* Loads ck when the scenario says so and runs the statements, with the fault on its way. */
static int run_faulty(Loop *loop, sqlite3 *db, Text *rows) {
    char *message = NULL;
    int rc = SQLITE_OK;
    if (loop->kind >= FAULT_STOP) fault_watch(db);
    fault_arm(loop->kind, loop->n, loop->options->only_n > 0);
    if (loop->scenario->flags & SCENARIO_LOADS) rc = session_load(db, &message);
    int loaded = rc == SQLITE_OK;
    if (loaded) rc = session_run(db, loop->scenario->run, rows);
    int n_faults = fault_disarm();
    if (n_faults > 0) loop->result.n_runs++;
    if (rc != SQLITE_OK && loaded) check_error(loop, rc, sqlite3_errmsg(db));
    if (rc != SQLITE_OK && !loaded) {
        check_error(loop, rc, message ? message : sqlite3_errstr(rc));
        sqlite3_free(message);
        message = NULL;
        if (session_load(db, &message) != SQLITE_OK) {
            wrong(loop, "ck cannot be loaded again: %s", message ? message : "(NULL)");
        }
    }
    sqlite3_free(message);
    if (rc != SQLITE_OK && n_faults == 0) wrong(loop, "fails by itself");
    return rc;
}

/* Every N-th fault is met by somebody; an odd one by a caller who tries again. */
static int try_again(Loop *loop, sqlite3 *db) {
    Text rows = {NULL, 0, 0};
    if (!(loop->scenario->flags & SCENARIO_FAR) &&
        !check_state(loop, db, "on the same connection", &loop->old_state, &loop->new_state)) {
        return SQLITE_ERROR;
    }
    int rc = session_run(db, loop->scenario->run, &rows);
    if (rc != SQLITE_OK) {
        wrong(loop, "run again, the statements fail: %s", sqlite3_errmsg(db));
    } else if (!(loop->scenario->flags & (SCENARIO_VARIES | SCENARIO_FAR)) &&
               !text_same(&rows, &loop->rows)) {
        wrong(loop, "run again, the statements return other rows");
        show_difference(&rows, &loop->rows);
    }
    text_release(&rows);
    return rc;
}

static void end_transaction(Loop *loop, sqlite3 *db) {
    const char *run = loop->scenario->run;
    int commits = loop->scenario->flags & SCENARIO_COMMITS;
    if (sqlite3_get_autocommit(db)) return;
    /* While a store is created there is a gap: ext/store/transaction.c. */
    if (loop->scenario->setup && !strstr(run, "BEGIN") && !strstr(run, "SAVEPOINT")) {
        wrong(loop, "a transaction is left that nobody began");
    }
    if (commits && session_run(db, "COMMIT", NULL) == SQLITE_OK) return;
    session_run(db, "ROLLBACK", NULL);
    if (!sqlite3_get_autocommit(db)) wrong(loop, "the transaction does not end");
}

static void check_statements(Loop *loop, sqlite3 *db) {
    for (sqlite3_stmt *stmt = sqlite3_next_stmt(db, NULL); stmt;
         stmt = sqlite3_next_stmt(db, stmt)) {
        if (sqlite3_stmt_busy(stmt)) wrong(loop, "left running: %s", sqlite3_sql(stmt));
    }
}

/* In a new connection, as after a crash. */
static void run_anew(Loop *loop) {
    sqlite3 *db = NULL;
    if (open_loaded(loop, &db, 1) == SQLITE_OK &&
        session_run(db, loop->scenario->run, NULL) != SQLITE_OK) {
        wrong(loop, "run anew, the statements fail: %s", sqlite3_errmsg(db));
    }
    check_closes(loop, db);
}

static int restore(Loop *loop) {
    if (loop->scenario->flags & SCENARIO_FAR && far_restore(&loop->far_file)) return 1;
    return session_restore(loop->options->path, &loop->file);
}

static void run_once(Loop *loop) {
    const Scenario *scenario = loop->scenario;
    int is_far = scenario->flags & SCENARIO_FAR;
    sqlite3_int64 baseline = sqlite3_memory_used();
    Text rows = {NULL, 0, 0};
    sqlite3 *db = NULL;
    if (restore(loop) ||
        open_loaded(loop, &db, !(scenario->flags & SCENARIO_LOADS)) != SQLITE_OK) {
        wrong(loop, "the old state cannot be restored");
        sqlite3_close(db);
        return;
    }
    if (scenario->warm) session_run(db, scenario->warm, NULL);
    int rc = run_faulty(loop, db, &rows);
    if (rc == SQLITE_OK && !(scenario->flags & (SCENARIO_VARIES | SCENARIO_FAR)) &&
        !text_same(&rows, &loop->rows)) {
        wrong(loop, "a success with other rows");
        show_difference(&rows, &loop->rows);
    }
    text_release(&rows);
    check_statements(loop, db);
    end_transaction(loop, db);
    if (rc != SQLITE_OK && loop->n % 2) rc = try_again(loop, db);
    check_statements(loop, db);
    check_closes(loop, db);
    if (sqlite3_memory_used() != baseline) {
        wrong(loop, "%lld bytes are left", (long long)(sqlite3_memory_used() - baseline));
    }
    if (is_far && rc != SQLITE_OK) run_anew(loop);
    if (is_far) check_both(loop);
    else check_file(loop, rc != SQLITE_OK || (scenario->flags & SCENARIO_READS));
}

/* ---- The scenario ---- */

/* Runs sql, or dumps the state when it is NULL. Returns 1, after a finding, when that fails. */
static int fails(Loop *loop, sqlite3 *db, const char *what, const char *sql, Text *out) {
    if ((sql ? session_run(db, sql, out) : session_dump(db, out)) == SQLITE_OK) return 0;
    wrong(loop, "%s: %s", what, sqlite3_errmsg(db));
    return 1;
}

/* Makes the old state's file, then runs the statements once without faults for the new state. */
static int prepare(Loop *loop) {
    const Scenario *scenario = loop->scenario;
    const char *path = loop->options->path, *message;
    int is_far = scenario->flags & SCENARIO_FAR;
    Text check = {NULL, 0, 0};
    sqlite3 *db = NULL;
    session_remove(path);
    if (is_far && far_restore(&loop->far_file)) wrong(loop, "there is no room for another side");
    int bad = open_loaded(loop, &db, 1) != SQLITE_OK;
    if (!bad && scenario->setup) bad = fails(loop, db, "setup", scenario->setup, NULL);
    if (!bad) bad = fails(loop, db, "the old state", NULL, &loop->old_state);
    check_closes(loop, db);
    db = NULL;
    if (!bad) bad = session_read_file(path, &loop->file);
    if (!bad && is_far) bad = far_save(&loop->far_file);
    if (!bad) bad = open_loaded(loop, &db, 1) != SQLITE_OK;
    if (!bad && scenario->warm) bad = fails(loop, db, "warm", scenario->warm, NULL);
    if (!bad) bad = fails(loop, db, "run", scenario->run, &loop->rows);
    if (!bad) bad = fails(loop, db, "the new state", NULL, &loop->new_state);
    if (!bad && scenario->check) {
        bad = fails(loop, db, "check", scenario->check, &check);
        if (!bad && strcmp(check.data ? check.data : "", "1\n") != 0) {
            wrong(loop, "the check gives %s", check.data ? check.data : "no row");
        }
    }
    if (sqlite3_memory_used() <= 0) wrong(loop, "SQLite does not count its memory");
    check_closes(loop, db);
    text_release(&check);
    if (!bad && is_far && far_dump(&loop->far_state, &message) != SQLITE_OK) {
        wrong(loop, "%s", message);
    }
    int reads = scenario->flags & SCENARIO_READS ? 1 : 0;
    if (bad) {
        wrong(loop, "the scenario cannot be prepared");
    } else if (text_same(&loop->old_state, &loop->new_state) != reads) {
        wrong(loop, reads ? "a reading scenario changes the state" : "nothing visible changes");
    }
    return bad;
}

/* Random numbers of a scenario and a kind: always the same ones, but others for each, so that
   scenarios which begin alike fail in different places. */
static unsigned sample_seed(const Loop *loop) {
    unsigned seed = 2166136261u + (unsigned)loop->kind;
    for (const char *c = loop->scenario->name; *c; c++) {
        seed = (seed ^ (unsigned char)*c) * 16777619u;
    }
    return seed;
}

static int sample_below(unsigned *state, int limit) {
    *state = *state * 1664525u + 1013904223u;
    return (int)(*state >> 8) % limit;
}

/* The N behind loop->n. A sample grows sparser: the first operations are much alike, and a
   statement has ten of them or ten thousand. */
static int next_fault(const Loop *loop, unsigned *state) {
    int flags = loop->scenario->flags;
    if (loop->options->full) {
        return loop->n + (flags & (SCENARIO_GRAPH | SCENARIO_FAR) ? SLOW_SHARE : 1);
    }
    if (loop->n == 0) return 1 + sample_below(state, FIRST_MAX);
    return loop->n + 1 + sample_below(state, (flags & SCENARIO_LARGE ? GAP_LARGE : GAP) * loop->n);
}

/* The faults of one kind. Ends with the first run that meets none. */
static void run_kind(Loop *loop) {
    const LoopOptions *options = loop->options;
    unsigned state = sample_seed(loop);
    int n_runs;
    do {
        loop->n = options->only_n > 0 ? options->only_n : next_fault(loop, &state);
        n_runs = loop->result.n_runs;
        run_once(loop);
    } while (options->only_n == 0 && loop->result.n_runs > n_runs &&
             loop->result.n_wrong < 10 * WRONG_SHOWN_MAX);
    loop->n = 0;
}

LoopResult loop_run(const Scenario *scenario, const LoopOptions *options) {
    Loop loop = {.scenario = scenario, .options = options};
    if (scenario->flags & SCENARIO_GRAPH) setenv("CK_PLAN", "graph", 1);
    if (scenario->flags & SCENARIO_PROBE) setenv("CK_PLAN", "probe", 1);
    if (!prepare(&loop)) {
        for (int kind = 0; kind < FAULT_KINDS; kind++) {
            loop.kind = (FaultKind)kind;
            if (options->only_kind < 0 || options->only_kind == kind) run_kind(&loop);
        }
    }
    if (loop.result.n_wrong > WRONG_SHOWN_MAX) {
        printf("  … %d findings in all\n", loop.result.n_wrong);
    }
    unsetenv("CK_PLAN");
    session_remove(options->path);
    if (scenario->flags & SCENARIO_FAR) far_remove();
    text_release(&loop.far_file);
    text_release(&loop.far_state);
    text_release(&loop.file);
    text_release(&loop.old_state);
    text_release(&loop.new_state);
    text_release(&loop.rows);
    sqlite3_shutdown();
    if (sqlite3_memory_used() != 0) {
        printf("  %s: memory is left after sqlite3_shutdown()\n", scenario->name);
        loop.result.n_wrong++;
    }
    return loop.result;
}
