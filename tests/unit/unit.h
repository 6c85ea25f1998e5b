/*
** The unit test harness.
**
** tests/unit/FOLDER_FILE_test.c tests ext/FOLDER/FILE.c (or a header) and defines
**
**     void ck_test_FOLDER_FILE(void);
**
** The list of tests is made from the file names at build time. A failing check prints file, line
** and values and the test goes on. The program runs in the root of the tree, so golden files are
** named "tests/unit/golden/…". Tests link against the objects of the static library and may
** include any header of ext/.
*/
#ifndef CK_TESTS_UNIT_H
#define CK_TESTS_UNIT_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cond is true. */
#define CHECK(cond) unit_check((cond) ? 1 : 0, __FILE__, __LINE__, "%s", #cond)

/* cond is true; else the message is printed, with the values that explain the failure. */
#define CHECK_MSG(cond, ...) unit_check((cond) ? 1 : 0, __FILE__, __LINE__, __VA_ARGS__)

/* Two integers of any width are equal. */
#define CHECK_INT(actual, expected) \
    unit_check_int((long long)(actual), (long long)(expected), __FILE__, __LINE__, #actual)

/* Two strings, or NULL pointers, are equal. */
#define CHECK_STR(actual, expected) \
    unit_check_str((actual), (expected), __FILE__, __LINE__, #actual)

/* As CHECK_STR, for a malloc'd string such as that of unit_sql(), which is freed. */
#define CHECK_STR_FREE(actual, expected) \
    unit_check_str_free((actual), (expected), __FILE__, __LINE__, #actual)

void unit_check(int ok, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void unit_check_int(long long actual, long long expected, const char *file, int line,
                    const char *what);
void unit_check_str(const char *actual, const char *expected, const char *file, int line,
                    const char *what);
void unit_check_str_free(char *actual, const char *expected, const char *file, int line,
                         const char *what);

/* The test cannot run here (a program or file is absent): reports it as skipped, with the reason,
   unless a check failed. Returns to the caller, who returns. */
void unit_skip(const char *reason);

/* The whole file plus a terminating zero byte, malloc'd, or NULL when it cannot be read. *size is
   without the zero; size may be NULL. */
char *unit_read_file(const char *path, size_t *size);

/* A fresh in-memory connection with ck loaded. Aborts the program when that fails. */
sqlite3 *unit_db(void);

/* Runs all statements of sql. Returns the first column of the first row as malloc'd text ("NULL"
   for NULL, "" when there is no row), or "error: " and the message. */
char *unit_sql(sqlite3 *db, const char *sql);

/* The next number of a fixed sequence (xorshift64*); *state is any non-zero seed. */
unsigned long long unit_random(unsigned long long *state);

#endif
