/*
** The table-valued function `ck_doctor([scope])`: one row a check. scope 'all' reads every vector
** and has SQLite check the file; without it a sample of about 1,000 vectors is read.
*/
#include <string.h>

#include "store/doctor.h"
#include "store/value.h"
#include "tables/table.h"

enum { COLUMN_CHECK, COLUMN_STATUS, COLUMN_DETAIL, COLUMN_FIX };

typedef struct Cursor {
    CkTvfCursor tvf;
    CkDoctor doctor;
} Cursor;

static int doctor_next(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    ck_doctor_step(&cursor->doctor, err);
    base->eof = cursor->doctor.ended;
    return err->rc;
}

static int doctor_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    CkStore *store = ((CkTable *)base->base.pVtab)->store;
    const char *scope = NULL;
    int exists = 0;
    if (base->inputs[0] &&
        ck_text_from_value(base->inputs[0], "ck_doctor", "scope", 16, &scope, err) != SQLITE_OK) {
        return err->rc;
    }
    if (scope && strcmp(scope, "all") != 0) {
        return ck_error_set(err, SQLITE_ERROR, "ck_doctor: scope must be 'all', got '%s'", scope);
    }
    base->eof = 1;
    if (ck_store_open_read(store, &exists, err) != SQLITE_OK || !exists) return err->rc;
    ck_doctor_open(&cursor->doctor, store, scope != NULL);
    return doctor_next(base, err);
}

static int doctor_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    const CkDoctor *doctor = &((Cursor *)base)->doctor;
    const char *const texts[] = {
        [COLUMN_CHECK] = doctor->name,
        [COLUMN_STATUS] = ck_finding_name(doctor->finding),
        [COLUMN_DETAIL] = doctor->detail,
        [COLUMN_FIX] = doctor->fix,
    };
    (void)err;
    sqlite3_result_text(context, texts[column], -1, SQLITE_TRANSIENT);
    return SQLITE_OK;
}

static void doctor_reset(CkTvfCursor *base) {
    ck_doctor_close(&((Cursor *)base)->doctor);
}

const CkTvf ck_tvf_doctor = {
    .name = "ck_doctor",
    .declaration = "CREATE TABLE x(\"check\" TEXT, status TEXT, detail TEXT, fix TEXT, "
                   "scope HIDDEN)",
    .n_columns = 4,
    .n_inputs = 1,
    .n_required = 0,
    .cursor_bytes = sizeof(Cursor),
    .filter = doctor_filter,
    .next = doctor_next,
    .column = doctor_column,
    .reset = doctor_reset,
};
