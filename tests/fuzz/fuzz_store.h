/*
** What the targets that damage a store share: SQL on one in memory.
*/
#ifndef CK_TESTS_FUZZ_STORE_H
#define CK_TESTS_FUZZ_STORE_H

#include "ck.h"
#include "fuzz.h"

static sqlite3 *db;

static void run(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK) return;
    fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    abort();
}

/* What may fail, but only as a damaged index does. */
static void attempt(const char *sql) {
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK) return;
    const char *message = sqlite3_errmsg(db);
    if ((rc & 0xff) != SQLITE_CORRUPT || strncmp(message, "index: ", 7) != 0 ||
        !strstr(message, "ck_repair('index')")) {
        fprintf(stderr, "%s: %d, %s\n", sql, rc, message);
        abort();
    }
}

#endif
