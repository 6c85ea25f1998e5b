/*
** The framework behind table-valued functions: see CkTvf in table.h.
**
** idxNum has one bit per input that is given; xFilter gets the given ones in order. GIVEN_TWICE
** marks a plan that fails.
*/
#include <string.h>

#include "store/conn.h"
#include "tables/table.h"

/* The CkTvf of a module and the connection: the module's client data. */
typedef struct TvfClient {
    CkConn *conn;
    const CkTvf *tvf;
} TvfClient;

static int tvf_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                       sqlite3_vtab **vtab, char **message) {
    TvfClient *client = aux;
    int rc = ck_table_connect(db, client->conn, argc, argv, client->tvf->declaration, vtab,
                              message);
    if (rc == SQLITE_OK) ((CkTable *)*vtab)->tvf = client->tvf;
    return rc;
}

#define GIVEN_TWICE 256

/* The idxNum bits of the required inputs. */
static int required(const CkTvf *tvf) {
    return (1 << tvf->n_required) - 1;
}

static int tvf_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    const CkTvf *tvf = ((CkTable *)vtab)->tvf;
    int at[CK_TVF_INPUTS_MAX] = {-1, -1, -1, -1};
    for (int i = 0; i < info->nConstraint; i++) {
        int input = info->aConstraint[i].iColumn - tvf->n_columns;
        if (input < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
        if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
        if (at[input] >= 0) info->idxNum |= GIVEN_TWICE;
        at[input] = i;
    }
    int n = 0;
    for (int input = 0; input < tvf->n_inputs; input++) {
        if (at[input] < 0) continue;
        info->aConstraintUsage[at[input]].argvIndex = ++n;
        info->aConstraintUsage[at[input]].omit = 1;
        info->idxNum |= 1 << input;
    }
    /* Without a required argument, or with one given twice, xFilter fails. SQLite asks for such
    ** plans, too, for the branches of an OR, and drops them as the dearest. */
    int complete = (info->idxNum & (required(tvf) | GIVEN_TWICE)) == required(tvf);
    info->estimatedCost = complete ? 1000 : 1e300;
    info->estimatedRows = 1000;
    return SQLITE_OK;
}

static int tvf_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    const CkTvf *tvf = ((CkTable *)vtab)->tvf;
    CkTvfCursor *cursor = sqlite3_malloc64((sqlite3_uint64)tvf->cursor_bytes);
    if (!cursor) return SQLITE_NOMEM;
    memset(cursor, 0, (size_t)tvf->cursor_bytes);
    *out = &cursor->base;
    return SQLITE_OK;
}

static const CkTvf *tvf_of(const CkTvfCursor *cursor) {
    return ((CkTable *)cursor->base.pVtab)->tvf;
}

static void tvf_reset(CkTvfCursor *cursor) {
    const CkTvf *tvf = tvf_of(cursor);
    if (tvf->reset) tvf->reset(cursor);
    for (int i = 0; i < tvf->n_inputs; i++) {
        sqlite3_value_free(cursor->inputs[i]);
        cursor->inputs[i] = NULL;
    }
}

static int tvf_close(sqlite3_vtab_cursor *base) {
    CkTvfCursor *cursor = (CkTvfCursor *)base;
    tvf_reset(cursor);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int tvf_filter(sqlite3_vtab_cursor *base, int given, const char *idx, int argc,
                      sqlite3_value **argv) {
    CkTvfCursor *cursor = (CkTvfCursor *)base;
    const CkTvf *tvf = tvf_of(cursor);
    CkError err = CK_ERROR_NONE;
    (void)idx;
    (void)argc;
    tvf_reset(cursor);
    cursor->row = 0;
    cursor->eof = 0;
    if ((given & (required(tvf) | GIVEN_TWICE)) != required(tvf)) {
        ck_error_set(&err, SQLITE_ERROR, "%s: an argument is %s", tvf->name,
                     given & GIVEN_TWICE ? "given twice" : "missing");
        return ck_table_end(base->pVtab, &err);
    }
    for (int i = 0, at = 0; i < tvf->n_inputs; i++) {
        if (!(given >> i & 1)) continue;
        cursor->inputs[i] = sqlite3_value_dup(argv[at++]);
        if (!cursor->inputs[i]) return SQLITE_NOMEM;
    }
    tvf->filter(cursor, &err);
    return ck_table_end(base->pVtab, &err);
}

static int tvf_next(sqlite3_vtab_cursor *base) {
    CkTvfCursor *cursor = (CkTvfCursor *)base;
    CkError err = CK_ERROR_NONE;
    cursor->row++;
    tvf_of(cursor)->next(cursor, &err);
    return ck_table_end(base->pVtab, &err);
}

static int tvf_eof(sqlite3_vtab_cursor *base) {
    return ((CkTvfCursor *)base)->eof;
}

static int tvf_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    CkTvfCursor *cursor = (CkTvfCursor *)base;
    const CkTvf *tvf = tvf_of(cursor);
    CkError err = CK_ERROR_NONE;
    if (column < tvf->n_columns) {
        tvf->column(cursor, context, column, &err);
        return ck_table_end(base->pVtab, &err);
    }
    sqlite3_value *input = cursor->inputs[column - tvf->n_columns];
    if (input) sqlite3_result_value(context, input);
    return SQLITE_OK;
}

static int tvf_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    const CkTvfCursor *cursor = (const CkTvfCursor *)base;
    *rowid = cursor->row + !tvf_of(cursor)->first_rowid_is_0;
    return SQLITE_OK;
}

static const sqlite3_module tvf_module = {
    .iVersion = 0,
    .xConnect = tvf_connect,
    .xBestIndex = tvf_best_index,
    .xDisconnect = ck_table_disconnect,
    .xOpen = tvf_open,
    .xClose = tvf_close,
    .xFilter = tvf_filter,
    .xNext = tvf_next,
    .xEof = tvf_eof,
    .xColumn = tvf_column,
    .xRowid = tvf_rowid,
};

static void client_free(void *arg) {
    TvfClient *client = arg;
    ck_conn_release(client->conn);
    sqlite3_free(client);
}

int ck_tvf_register(CkConn *conn, const CkTvf *tvf) {
    TvfClient *client = sqlite3_malloc64(sizeof *client);
    if (!client) return SQLITE_NOMEM;
    client->conn = ck_conn_retain(conn);
    client->tvf = tvf;
    /* On failure SQLITE calls client_free itself. */
    return sqlite3_create_module_v2(conn->db, tvf->name, &tvf_module, client, client_free);
}
