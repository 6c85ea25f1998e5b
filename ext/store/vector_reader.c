/* Reading many vectors: see vector_reader.h. */
#include "store/vector_reader.h"

#include "store/stored_vector.h"

/* Hands a row to the visitor; one that does not read back is counted instead. */
static int visit_row(CkStore *store, const CkModel *model, sqlite3_stmt *stmt,
                     CkVectorBatch *batch, CkVectorVisit visit, void *context, CkError *err) {
    CkError own = CK_ERROR_NONE;
    CkStoredVector stored;
    const float *x = NULL;
    ck_stored_vector_from_row(stmt, 0, &stored);
    batch->after = stored.id;
    batch->n_read++;
    if (ck_stored_vector_decode(store, &stored, model->dims, &x, &own) == SQLITE_OK) {
        visit(context, stored.id, x, err);
    } else if (own.rc == SQLITE_NOMEM) {
        ck_error_nomem(err);
    } else {
        batch->n_damaged++;
    }
    ck_error_release(&own);
    return err->rc;
}

int ck_vectors_read(CkStore *store, const CkModel *model, CkVectorBatch *batch,
                    CkVectorVisit visit, void *context, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    batch->n_read = 0;
    if (ck_stmt_take(store, CK_SQL_VECTOR_AFTER, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iiii", model->id, batch->after, batch->last, batch->limit);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        visit_row(store, model, stmt, batch, visit, context, err);
    }
    ck_stmt_give(store, CK_SQL_VECTOR_AFTER, stmt);
    return err->rc;
}
