/*
** The doctor's look at models: is what is written of each possible, and does it fit its vectors?
**
** A vector that is whole but does not decode is no damaged vector: deleting it would throw away
** what only a wrong number in the model's row keeps from being read.
*/
#include "store/doctor.h"
#include "store/model.h"
#include "store/stored_vector.h"

/* Does the first whole vector of the model decode? *known: there is one. */
static int fits(CkStore *store, const CkModel *model, int *known, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int fit = 1;
    *known = 0;
    if (ck_stmt_take(store, CK_SQL_VECTOR_SCAN, &stmt, err) != SQLITE_OK) return 1;
    ck_stmt_bind(stmt, "i", model->id);
    while (!*known && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        CkError own = CK_ERROR_NONE;
        CkStoredVector stored;
        const float *x;
        ck_stored_vector_from_row(stmt, 0, &stored);
        if (!stored.data || ck_stored_vector_checksum(&stored) != stored.checksum) continue;
        *known = 1;
        fit = ck_stored_vector_decode(store, &stored, model->dims, &x, &own) == SQLITE_OK;
        if (own.rc == SQLITE_NOMEM) ck_error_nomem(err);
        ck_error_release(&own);
    }
    ck_stmt_give(store, CK_SQL_VECTOR_SCAN, stmt);
    return fit;
}

int ck_doctor_models(CkDoctor *doctor, CkError *err) {
    CkStore *store = doctor->store;
    sqlite3_stmt *stmt = NULL;
    int64_t n_bad = 0, first_bad = 0;
    if (ck_stmt_take(store, CK_SQL_MODEL_SCAN, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", INT64_MAX);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        CkError own = CK_ERROR_NONE;
        CkModel model;
        int known, fit = 1;
        if (ck_model_from_row(stmt, 0, &model, &own) == SQLITE_OK) {
            fit = fits(store, &model, &known, err);
        } else if (own.rc == SQLITE_NOMEM) {
            ck_error_nomem(err);
        } else {
            fit = 0;
        }
        ck_error_release(&own);
        if (!fit && n_bad++ == 0) first_bad = sqlite3_column_int64(stmt, 0);
    }
    ck_stmt_give(store, CK_SQL_MODEL_SCAN, stmt);
    if (err->rc != SQLITE_OK || n_bad == 0) return err->rc;
    return ck_doctor_find(doctor, CK_FINDING_ERROR, err,
                          "%lld rows of _ck_model are impossible or do not fit their vectors; the "
                          "first has id %lld",
                          (long long)n_bad, (long long)first_bad);
}
