/*
** The table-valued function `ck_unpack(pack)`: the items of a pack, the wire format
** (store/frame.h).
**
** Rows come frame by frame, and those of a frame only once all of it has been checked; so a pack
** that is damaged, or ends within a frame, gives the rows before that and then an error. `data` is
** the vector as it travelled, `vector` as float32. A tombstone has no vector.
*/
#include <string.h>

#include "base/coding.h"
#include "store/pack_reader.h"
#include "tables/table.h"
#include "vector/vector.h"

enum {
    COLUMN_OP,
    COLUMN_SEQ,
    COLUMN_HASH,
    COLUMN_MODEL,
    COLUMN_VERSION,
    COLUMN_DIMS,
    COLUMN_METRIC,
    COLUMN_NORMALIZED,
    COLUMN_VECTOR,
    COLUMN_ENCODING,
    COLUMN_DATA,
    COLUMN_ORIGIN,
    COLUMN_CREATED_AT,
    COLUMNS
};

typedef struct Cursor {
    CkTvfCursor tvf;
    CkPackReader reader;
    CkItem item;
} Cursor;

static int seek(Cursor *cursor, CkError *err) {
    CkError own = CK_ERROR_NONE;
    int rc = ck_pack_reader_next(&cursor->reader, &cursor->item, &own);
    cursor->tvf.eof = rc == SQLITE_DONE;
    if (own.rc == SQLITE_NOMEM) {
        ck_error_nomem(err);
    } else if (own.rc != SQLITE_OK) {
        ck_error_set(err, own.rc, "ck_unpack: byte %lld: %s", (long long)cursor->reader.at,
                     own.message);
    } else if (rc == SQLITE_ROW && ck_item_checksum(&cursor->item) != cursor->item.checksum) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB,
                     "ck_unpack: item %lld: the checksum does not match hash, model and vector",
                     (long long)cursor->tvf.row + 1);
    }
    ck_error_release(&own);
    return err->rc;
}

static int unpack_filter(CkTvfCursor *base, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    sqlite3_value *pack = base->inputs[0];
    int type = sqlite3_value_type(pack);
    base->eof = 1;
    if (type == SQLITE_NULL) return SQLITE_OK; /* what ck_pack says when there is nothing */
    if (type != SQLITE_BLOB) {
        return ck_error_set(err, SQLITE_ERROR, "ck_unpack: pack must be a BLOB");
    }
    const uint8_t *bytes = sqlite3_value_blob(pack);
    ck_pack_reader_init(&cursor->reader, "the pack", bytes, (size_t)sqlite3_value_bytes(pack));
    return seek(cursor, err);
}

static int unpack_next(CkTvfCursor *base, CkError *err) {
    return seek((Cursor *)base, err);
}

static int result_vector(Cursor *cursor, sqlite3_context *context, CkError *err) {
    const CkItem *item = &cursor->item;
    CkConn *conn = ((CkTable *)cursor->tvf.base.pVtab)->conn;
    const float *x = NULL;
    size_t n = (size_t)item->model->dims * 4;
    if (!item->data) return SQLITE_OK;
    if (ck_codec_decode(conn->codec, item->encoding, item->data, item->n_bytes, item->model->dims,
                        &x, err) != SQLITE_OK) {
        return err->rc;
    }
    uint8_t *out = sqlite3_malloc64(n);
    if (!out) return ck_error_nomem(err);
    for (uint32_t i = 0; i < item->model->dims; i++) ck_store_f32(out + 4 * (size_t)i, x[i]);
    sqlite3_result_blob64(context, out, n, sqlite3_free);
    sqlite3_result_subtype(context, CK_VECTOR_F32);
    return SQLITE_OK;
}

static void result_static(sqlite3_context *context, const char *text) {
    sqlite3_result_text(context, text, -1, SQLITE_STATIC);
}

static int unpack_column(CkTvfCursor *base, sqlite3_context *context, int column, CkError *err) {
    Cursor *cursor = (Cursor *)base;
    const CkItem *item = &cursor->item;
    const CkItemModel *model = item->model;
    const int64_t integers[COLUMNS] = {
        [COLUMN_SEQ] = item->seq,
        [COLUMN_DIMS] = model->dims,
        [COLUMN_NORMALIZED] = model->normalized,
        [COLUMN_CREATED_AT] = item->created_at,
    };
    const char *const texts[COLUMNS] = {
        [COLUMN_MODEL] = model->name,
        [COLUMN_VERSION] = model->version,
        [COLUMN_ORIGIN] = item->origin,
    };
    switch (column) {
    case COLUMN_OP:
        result_static(context, item->op == CK_ITEM_PUT ? "put" : "tombstone");
        break;
    case COLUMN_HASH:
        sqlite3_result_blob(context, item->hash, CK_HASH_BYTES, SQLITE_TRANSIENT);
        break;
    case COLUMN_METRIC:
        result_static(context, ck_metric_name(model->metric));
        break;
    case COLUMN_VECTOR:
        return result_vector(cursor, context, err);
    case COLUMN_ENCODING:
        result_static(context, item->data ? ck_encoding_name(item->encoding) : NULL);
        break;
    case COLUMN_DATA:
        if (item->data) {
            sqlite3_result_blob(context, item->data, item->n_bytes, SQLITE_TRANSIENT);
        }
        break;
    case COLUMN_MODEL:
    case COLUMN_VERSION:
    case COLUMN_ORIGIN:
        sqlite3_result_text(context, texts[column], -1, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_result_int64(context, integers[column]);
    }
    return SQLITE_OK;
}

static void unpack_reset(CkTvfCursor *base) {
    ck_pack_reader_release(&((Cursor *)base)->reader);
}

const CkTvf ck_tvf_unpack = {
    .name = "ck_unpack",
    .declaration = "CREATE TABLE x(op TEXT, seq INTEGER, hash BLOB, model TEXT, version TEXT, "
                   "dims INTEGER, metric TEXT, normalized INTEGER, vector BLOB, encoding TEXT, "
                   "data BLOB, origin TEXT, created_at INTEGER, pack HIDDEN)",
    .n_columns = COLUMNS,
    .n_inputs = 1,
    .n_required = 1,
    .cursor_bytes = sizeof(Cursor),
    .filter = unpack_filter,
    .next = unpack_next,
    .column = unpack_column,
    .reset = unpack_reset,
};
