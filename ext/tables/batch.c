/*
** The table-valued function `ck_batch(remote)`: what to send to a remote now.
**
** seq, op, hash, model, version, bytes, origin, at, listing: the next rows of ck_outbox that are
** due, as many as make one message (store/outbox.h). The vector is read with ck_get(hash), where it
** is needed at all: first the hashes are sent, and then the vectors of those that the remote does
** not have. listing goes with the answers, so that late ones are noticed.
*/
#include <string.h>

#include "store/outbox.h"
#include "store/value.h"
#include "tables/table.h"

enum { COLUMN_SEQ, COLUMN_OP, COLUMN_HASH, COLUMN_MODEL, COLUMN_LISTING = 8 };

typedef struct Cursor {
    CkTvfCursor tvf;
    CkBuf items;        /* CkOutboxItem */
    char *listing;      /* ck_remote_listing() */
    sqlite3_stmt *stmt; /* at what else there is of the current one: model to at */
} Cursor;

static CkStore *store_of(Cursor *cursor) {
    return ((CkTable *)cursor->tvf.base.pVtab)->store;
}

static const CkOutboxItem *current(const Cursor *cursor) {
    return (const CkOutboxItem *)(const void *)cursor->items.data + cursor->tvf.row;
}

static void end_row(Cursor *cursor) {
    ck_stmt_give(store_of(cursor), CK_SQL_OUTBOX_ITEM, cursor->stmt);
    cursor->stmt = NULL;
}

static int seek(Cursor *cursor, CkError *err) {
    CkStore *store = store_of(cursor);
    end_row(cursor);
    cursor->tvf.eof =
        cursor->tvf.row >= (sqlite3_int64)(cursor->items.n_bytes / sizeof(CkOutboxItem));
    if (cursor->tvf.eof) return SQLITE_OK;
    if (ck_stmt_take(store, CK_SQL_OUTBOX_ITEM, &cursor->stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(cursor->stmt, "ii", current(cursor)->seq, current(cursor)->id);
    ck_stmt_step(store, cursor->stmt, err);
    return err->rc;
}

static int batch_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    CkRemote remote;
    const char *name;
    if (ck_text_from_value(base->inputs[0], "ck_batch", "remote", CK_NAME_MAX, &name, err) !=
            SQLITE_OK ||
        ck_remote_open(store_of(cursor), name, &remote, err) != SQLITE_OK) {
        return err->rc;
    }
    ck_outbox_take(store_of(cursor), &remote, &cursor->items, err);
    cursor->listing = ck_remote_listing(&remote);
    if (!cursor->listing) ck_error_nomem(err);
    ck_remote_release(&remote);
    if (err->rc != SQLITE_OK) return err->rc;
    return seek(cursor, err);
}

static int batch_next(CkTvfCursor *base, CkError *err) {
    return seek((Cursor *)base, err);
}

static int batch_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    const CkOutboxItem *item = current(cursor);
    (void)err;
    if (column == COLUMN_SEQ) {
        sqlite3_result_int64(context, item->seq);
    } else if (column == COLUMN_OP) {
        sqlite3_result_text(context, item->id > 0 ? "put" : "tombstone", -1, SQLITE_STATIC);
    } else if (column == COLUMN_HASH) {
        sqlite3_result_blob(context, item->hash, CK_HASH_BYTES, SQLITE_TRANSIENT);
    } else if (column == COLUMN_LISTING) {
        sqlite3_result_text(context, cursor->listing, -1, SQLITE_TRANSIENT);
    } else {
        sqlite3_result_value(context, sqlite3_column_value(cursor->stmt, column - COLUMN_MODEL));
    }
    return SQLITE_OK;
}

static void batch_reset(CkTvfCursor *base) {
    Cursor *cursor = (Cursor *)base;
    end_row(cursor);
    ck_buf_release(&cursor->items);
    sqlite3_free(cursor->listing);
    cursor->listing = NULL;
}

const CkTvf ck_tvf_batch = {
    .name = "ck_batch",
    .declaration = "CREATE TABLE x(seq INTEGER, op TEXT, hash BLOB, model TEXT, version TEXT, "
                   "bytes INTEGER, origin TEXT, at INTEGER, listing TEXT, remote HIDDEN)",
    .n_columns = 9,
    .n_inputs = 1,
    .n_required = 1,
    .cursor_bytes = sizeof(Cursor),
    .filter = batch_filter,
    .next = batch_next,
    .column = batch_column,
    .reset = batch_reset,
};
