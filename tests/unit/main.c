/*
** Runs the unit tests: all of them, or those named on the command line (vector_json, or
** unit/vector_json). Prints one line a test, "ok unit/NAME", "not ok unit/NAME" or
** "skip unit/NAME: reason", after the details of its failures. Exits 1 when a check failed, 2 when
** a name is unknown. unit_tests.h is generated from the file names: UNIT_TEST(folder_file) each.
*/
#include "unit.h"

#include <stdarg.h>

#include "ck.h"

#define UNIT_TEST(name) void ck_test_##name(void);
#include "unit_tests.h"
#undef UNIT_TEST

typedef struct UnitTest {
    const char *name;
    void (*run)(void);
} UnitTest;

static const UnitTest tests[] = {
#define UNIT_TEST(name) {#name, ck_test_##name},
#include "unit_tests.h"
#undef UNIT_TEST
    {NULL, NULL}};

static int n_failures;           /* of the test that runs */
static const char *skip_reason; /* set by unit_skip() */

void unit_check(int ok, const char *file, int line, const char *format, ...) {
    if (ok) return;
    va_list args;
    va_start(args, format);
    printf("  %s:%d: ", file, line);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    n_failures++;
}

void unit_check_int(long long actual, long long expected, const char *file, int line,
                    const char *what) {
    unit_check(actual == expected, file, line, "%s is %lld, expected %lld", what, actual, expected);
}

void unit_check_str(const char *actual, const char *expected, const char *file, int line,
                    const char *what) {
    int same = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
    unit_check(same, file, line, "%s\n    is       %s\n    expected %s", what,
               actual ? actual : "(a NULL pointer)", expected ? expected : "(a NULL pointer)");
}

void unit_check_str_free(char *actual, const char *expected, const char *file, int line,
                         const char *what) {
    unit_check_str(actual, expected, file, line, what);
    free(actual);
}

void unit_skip(const char *reason) {
    skip_reason = reason;
}

static void *must(void *pointer) {
    if (pointer) return pointer;
    fprintf(stderr, "unit: out of memory\n");
    abort();
}

char *unit_read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    size_t n = 0, capacity = 4096;
    char *data = must(malloc(capacity));
    for (;;) {
        n += fread(data + n, 1, capacity - n - 1, file);
        if (n < capacity - 1) break;
        capacity *= 2;
        data = must(realloc(data, capacity));
    }
    int failed = ferror(file);
    fclose(file);
    if (failed) {
        free(data);
        return NULL;
    }
    data[n] = 0;
    if (size) *size = n;
    return data;
}

sqlite3 *unit_db(void) {
    sqlite3 *db = NULL;
    char *message = NULL;
    int rc = sqlite3_open(":memory:", &db);
    if (rc == SQLITE_OK) rc = sqlite3_ck_init(db, &message, NULL);
    if (rc != SQLITE_OK) {
        fprintf(stderr, "unit: ck does not load: %s\n", message ? message : sqlite3_errmsg(db));
        abort();
    }
    return db;
}

static char *copy(const char *prefix, const char *text) {
    size_t n = strlen(prefix), m = strlen(text);
    char *result = must(malloc(n + m + 1));
    memcpy(result, prefix, n);
    memcpy(result + n, text, m + 1);
    return result;
}

char *unit_sql(sqlite3 *db, const char *sql) {
    char *result = NULL;
    while (sql && *sql) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, &sql);
        while (rc == SQLITE_OK && stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(stmt, 0);
            if (!result) result = copy("", text ? text : "NULL");
            rc = SQLITE_OK;
        }
        if (rc == SQLITE_DONE) rc = SQLITE_OK;
        if (rc != SQLITE_OK) {
            free(result);
            result = copy("error: ", sqlite3_errmsg(db));
            sqlite3_finalize(stmt);
            return result;
        }
        sqlite3_finalize(stmt);
    }
    return result ? result : copy("", "");
}

unsigned long long unit_random(unsigned long long *state) {
    unsigned long long x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dULL;
}

static int run(const UnitTest *test) {
    n_failures = 0;
    skip_reason = NULL;
    test->run();
    if (n_failures) {
        printf("not ok unit/%s\n", test->name);
    } else if (skip_reason) {
        printf("skip unit/%s: %s\n", test->name, skip_reason);
    } else {
        printf("ok unit/%s\n", test->name);
    }
    fflush(stdout);
    return n_failures > 0;
}

int main(int argc, char **argv) {
    int failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1); /* for sqlite3_memory_used() */
    if (argc < 2) {
        for (const UnitTest *test = tests; test->name; test++) failed |= run(test);
        return failed;
    }
    for (int i = 1; i < argc; i++) {
        const char *name = strncmp(argv[i], "unit/", 5) == 0 ? argv[i] + 5 : argv[i];
        const UnitTest *test = tests;
        while (test->name && strcmp(test->name, name) != 0) test++;
        if (!test->name) {
            fprintf(stderr, "unit: there is no test '%s'\n", name);
            return 2;
        }
        failed |= run(test);
    }
    return failed;
}
