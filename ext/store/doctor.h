/*
** The doctor: checks of one store, and repairs of what can be repaired.
**
** open / step / error / close: ck_doctor_step() runs the next check and leaves its finding in the
** doctor. Nothing is written. A check that the damage keeps from running is a finding, no error.
** Checks read the whole store's narrow rows; vectors are sampled unless `all` is asked for.
*/
#ifndef CK_STORE_DOCTOR_H
#define CK_STORE_DOCTOR_H

#include "store/store.h"

typedef enum CkFinding {
    CK_FINDING_OK,
    CK_FINDING_INFO, /* worth knowing */
    CK_FINDING_WARN, /* works, but not as it should */
    CK_FINDING_ERROR /* wrong */
} CkFinding;

typedef struct CkDoctor {
    CkStore *store;
    int all;   /* every checksum, and SQLite's own check of the file */
    int check; /* the next one */
    int ended;
    /* The finding of the last check. */
    const char *name;
    CkFinding finding;
    char *detail;    /* from sqlite3_malloc */
    const char *fix; /* an SQL statement, or NULL */
    char own_fix[64]; /* for one that is made for the finding */
} CkDoctor;

void ck_doctor_open(CkDoctor *doctor, CkStore *store, int all);

/* Runs the next check, or sets ended. */
int ck_doctor_step(CkDoctor *doctor, CkError *err);

void ck_doctor_close(CkDoctor *doctor);

/* "ok", "info", "warn", "error". */
const char *ck_finding_name(CkFinding finding);

/*
** Sets the finding of the check that is running; the detail is printf-like. A check that finds
** nothing sets nothing.
*/
int ck_doctor_find(CkDoctor *doctor, CkFinding finding, CkError *err, const char *format, ...)
    CK_PRINTF(4, 5);

/* Whether the vector of a stepped row of doctor_checksums is not the one that was written. */
int ck_doctor_is_damaged(sqlite3_stmt *stmt);

/* What of the schema is not as it should be. */
typedef struct CkSchemaDiff {
    int n_missing, n_changed;
    int n_beyond_repair; /* of these: what a new one would be empty, or not be the same */
    int n_made;          /* by the repair */
    char name[64];       /* the first */
} CkSchemaDiff;

/* Holds the schema against the one ck makes; with `repair` makes again what can be. */
int ck_doctor_compare_schema(CkStore *store, int repair, CkSchemaDiff *diff, CkError *err);

/* Checks in files of their own: doctor_schema.c, doctor_models.c, doctor_cache.c. */
int ck_doctor_schema(CkDoctor *doctor, CkError *err);
int ck_doctor_models(CkDoctor *doctor, CkError *err);
int ck_doctor_cache(CkDoctor *doctor, CkError *err);

/* The check of the search index, in index_check.c. */
int ck_doctor_index(CkDoctor *doctor, CkError *err);

/* The checks of the file's surroundings, in doctor_file.c. */
int ck_doctor_journal(CkDoctor *doctor, CkError *err);
int ck_doctor_page_size(CkDoctor *doctor, CkError *err);
int ck_doctor_filesystem(CkDoctor *doctor, CkError *err);
int ck_doctor_permissions(CkDoctor *doctor, CkError *err);
int ck_doctor_location(CkDoctor *doctor, CkError *err);

/*
** Repairs what one check finds, inside a write transaction. *n_fixed counts rows. A check that
** cannot be repaired, or is unknown, is an error that lists those that can.
*/
int ck_doctor_repair(CkStore *store, const char *check, int64_t *n_fixed, CkError *err);

#endif
