/*
** What the fault loop does with databases: open them with ck, run SQL and keep what it returns,
** and dump the state a user can see. Memory here is the C library's, out of the faults' reach.
*/
#ifndef CK_TESTS_FAULT_SESSION_H
#define CK_TESTS_FAULT_SESSION_H

#include <sqlite3.h>
#include <stddef.h>

typedef struct Text {
    char *data; /* NULL or terminated by a zero byte */
    size_t n;
    size_t capacity;
} Text;

void text_add(Text *text, const char *bytes, size_t n);
void text_release(Text *text);
int text_same(const Text *a, const Text *b);

/* Opens path on the faulty VFS, without ck. */
int session_open(const char *path, sqlite3 **db);

/* Loads ck. On failure *message is for sqlite3_free(), or NULL. */
int session_load(sqlite3 *db, char **message);

/* Runs all statements up to the first failure; adds every row to out, one line each. out may be
   NULL. Returns the extended result code; sqlite3_errmsg(db) is that of the failure. */
int session_run(sqlite3 *db, const char *sql, Text *out);

/* Adds to out everything about the store that a user can see and time does not change. */
int session_dump(sqlite3 *db, Text *out);

/* Reads a whole file. 0 on success. */
int session_read_file(const char *path, Text *out);

/* Gives a database this content again; the file is the same one, and so no copy of it. 0 on
   success. */
int session_restore(const char *path, const Text *content);

/* 1 when the database file has exactly this content and there is no journal beside it. */
int session_file_is(const char *path, const Text *content);

/* Removes the database and its journals. */
void session_remove(const char *path);

#endif
