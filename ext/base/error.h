/*
** Errors: a SQLite result code and the sentence a person reads.
**
** A CkError lives on the stack of the outermost function (a virtual-table method or an SQL
** function) and is handed down. The first failure sets code and message; later ones keep it, so
** the innermost description, which knows the most, is the one the user sees. Functions that take
** a CkError return its code.
**
** Messages name the object, the value and what was expected: "knn: k must be 1..4096, got 0".
*/
#ifndef CK_BASE_ERROR_H
#define CK_BASE_ERROR_H

#include "base/sqlite.h"

typedef struct CkError {
    int rc;        /* SQLITE_OK until something fails */
    char *message; /* from sqlite3_mprintf, or NULL: then SQLite's own text for rc is shown */
} CkError;

#define CK_ERROR_NONE {SQLITE_OK, NULL}

/* Sets code and message unless an error is already set. Returns the code now in force. */
int ck_error_set(CkError *err, int rc, const char *format, ...) CK_PRINTF(3, 4);

/* As ck_error_set, for a failed call on db: takes the extended code and sqlite3_errmsg(). */
int ck_error_db(CkError *err, sqlite3 *db, int rc);

/* SQLITE_NOMEM without a message: making one would allocate. */
int ck_error_nomem(CkError *err);

/* Ends an SQL function: reports err as its result when set, then releases it. */
void ck_error_result(CkError *err, sqlite3_context *context);

/* Ends a virtual-table method: moves the message to *message (zErrMsg), returns the code. */
int ck_error_move(CkError *err, char **message);

void ck_error_release(CkError *err);

#endif
