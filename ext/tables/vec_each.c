/*
** vec_each(vector): the components of a vector, in order; rowid counts from 0.
**
**   SELECT rowid, value FROM vec_each('[0.5, -1]');
**
** value is a REAL for float32 and float16, an INTEGER for int8 and bit. Bits come in the order of
** vec_to_json(), the lowest of a byte first; sqlite-vec 0.1.9 turns them round within each byte.
**
** sqlite-vec has a module of this name. Loaded before ck it is left in place; loaded after, it
** replaces this one.
*/
#include <string.h>

#include "base/coding.h"
#include "store/conn.h"
#include "tables/table.h"
#include "vector/quantize.h"
#include "vector/vector.h"

enum { COLUMN_VALUE, N_COLUMNS };
enum { INPUT_VECTOR, N_INPUTS };

typedef struct VecEachCursor {
    CkTvfCursor head;
    CkVector vector; /* borrows from the input */
} VecEachCursor;

static int each_filter(CkTvfCursor *head, CkError *err) {
    VecEachCursor *cursor = (VecEachCursor *)head;
    return ck_vector_parse(head->inputs[INPUT_VECTOR], "vec_each", &cursor->vector, err);
}

static int each_next(CkTvfCursor *head, CkError *err) {
    (void)err;
    head->eof = head->row >= ((VecEachCursor *)head)->vector.dims;
    return SQLITE_OK;
}

static int each_column(CkTvfCursor *head, sqlite3_context *context, int column, CkError *err) {
    const CkVector *v = &((VecEachCursor *)head)->vector;
    size_t i = (size_t)head->row;
    (void)column;
    (void)err;
    switch (v->type) {
    case CK_VECTOR_F32:
        sqlite3_result_double(context, (double)((const float *)v->data)[i]);
        break;
    case CK_VECTOR_F16:
        sqlite3_result_double(context, (double)ck_f32_from_f16(ck_load_u16(v->data + 2 * i)));
        break;
    case CK_VECTOR_I8:
        sqlite3_result_int(context, ((const int8_t *)v->data)[i]);
        break;
    case CK_VECTOR_BIT:
        sqlite3_result_int(context, v->data[i / 8] >> i % 8 & 1);
        break;
    }
    return SQLITE_OK;
}

static void each_reset(CkTvfCursor *head) {
    ck_vector_release(&((VecEachCursor *)head)->vector);
}

static const CkTvf tvf = {
    .name = "vec_each",
    .declaration = "CREATE TABLE x(value, vector HIDDEN)",
    .n_columns = N_COLUMNS,
    .n_inputs = N_INPUTS,
    .n_required = 1,
    .first_rowid_is_0 = 1,
    .cursor_bytes = sizeof(VecEachCursor),
    .filter = each_filter,
    .next = each_next,
    .column = each_column,
    .reset = each_reset,
};

/*
** Whether the connection has a module of this name. Asked by a pragma that reads no schema, since
** loading must not touch the file. A SQLite built without it lists nothing: then the name counts as
** free.
*/
static int module_exists(sqlite3 *db, const char *name, int *exists) {
    sqlite3_stmt *stmt = NULL;
    *exists = 0;
    int rc = sqlite3_prepare_v2(db, "PRAGMA module_list", -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *module = (const char *)sqlite3_column_text(stmt, 0);
        rc = module ? SQLITE_OK : SQLITE_NOMEM;
        if (module && sqlite3_stricmp(module, name) == 0) *exists = 1;
    }
    int ended = sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? ended : rc;
}

int ck_vec_each_register(CkConn *conn) {
    int exists;
    int rc = module_exists(conn->db, tvf.name, &exists);
    return rc == SQLITE_OK && !exists ? ck_tvf_register(conn, &tvf) : rc;
}
