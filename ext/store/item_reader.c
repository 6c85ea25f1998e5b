/* Items, reading: see item_reader.h. */
#include "store/item_reader.h"

#include <string.h>

#include "store/stored_vector.h"

/* Columns of the statements; a tombstone has no model id, but its name, version and dims. */
enum {
    COLUMN_SEQ,
    COLUMN_HASH,
    COLUMN_MODEL,
    COLUMN_ORIGIN,
    COLUMN_CREATED_AT,
    COLUMN_VECTOR, /* id, encoding, checksum, data; in a listing its bytes, and three NULLs */
    COLUMN_NAME = 9
};

typedef struct CkNamedModel {
    struct CkNamedModel *next;
    int64_t id;
    CkItemModel item;
    char names[]; /* name and version, each terminated */
} CkNamedModel;

void ck_item_reader_init(CkItemReader *reader, CkStore *store) {
    memset(reader, 0, sizeof *reader);
    reader->store = store;
}

void ck_item_reader_end(CkItemReader *reader) {
    ck_stmt_give(reader->store, reader->sql, reader->stmt);
    reader->stmt = NULL;
}

void ck_item_reader_release(CkItemReader *reader) {
    ck_item_reader_end(reader);
    while (reader->models) {
        CkNamedModel *model = reader->models;
        reader->models = model->next;
        sqlite3_free(model);
    }
}

static int begin(CkItemReader *reader, CkSqlId sql, CkError *err) {
    ck_item_reader_end(reader);
    reader->sql = sql;
    return ck_stmt_take(reader->store, sql, &reader->stmt, err);
}

static int begin_of_integer(CkItemReader *reader, CkSqlId sql, int64_t integer, CkError *err) {
    if (begin(reader, sql, err) == SQLITE_OK) ck_stmt_bind(reader->stmt, "i", integer);
    return err->rc;
}

int ck_item_reader_after(CkItemReader *reader, int64_t after, CkError *err) {
    return begin_of_integer(reader, CK_SQL_ITEM_AFTER, after, err);
}

int ck_item_reader_list(CkItemReader *reader, int64_t after, CkError *err) {
    return begin_of_integer(reader, CK_SQL_ITEM_LIST, after, err);
}

int ck_item_reader_of_id(CkItemReader *reader, int64_t id, CkError *err) {
    return begin_of_integer(reader, CK_SQL_ITEM_OF_ID, id, err);
}

static int begin_of_hash(CkItemReader *reader, CkSqlId sql, const uint8_t *hash, CkError *err) {
    if (begin(reader, sql, err) == SQLITE_OK) {
        /* The caller's hash may be gone when the row is read. */
        sqlite3_bind_blob(reader->stmt, 1, hash, CK_HASH_BYTES, SQLITE_TRANSIENT);
    }
    return err->rc;
}

int ck_item_reader_of_hash(CkItemReader *reader, const uint8_t hash[CK_HASH_BYTES], CkError *err) {
    return begin_of_hash(reader, CK_SQL_ITEM_OF_HASH, hash, err);
}

int ck_item_reader_tombstone(CkItemReader *reader, const uint8_t hash[CK_HASH_BYTES],
                             CkError *err) {
    return begin_of_hash(reader, CK_SQL_ITEM_TOMBSTONE, hash, err);
}

/* Keeps a model; id 0 is one that only tombstones name. */
static int keep_model(CkItemReader *reader, int64_t id, const CkItemModel *model, CkError *err) {
    size_t n_name = strlen(model->name), n_version = strlen(model->version);
    if (n_name < 1 || n_name > CK_NAME_MAX || n_version < 1 || n_version > CK_NAME_MAX) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB, "models: row %lld has no valid name",
                            (long long)id);
    }
    CkNamedModel *named = sqlite3_malloc64(sizeof *named + n_name + n_version + 2);
    if (!named) return ck_error_nomem(err);
    memcpy(named->names, model->name, n_name + 1);
    memcpy(named->names + n_name + 1, model->version, n_version + 1);
    named->id = id;
    named->item = *model;
    named->item.name = named->names;
    named->item.version = named->names + n_name + 1;
    named->item.seal = ck_item_model_seal(&named->item);
    named->next = reader->models;
    reader->models = named;
    return SQLITE_OK;
}

static int read_model(CkItemReader *reader, sqlite3_stmt *stmt, CkError *err) {
    CkModel model;
    if (ck_model_from_row(stmt, 0, &model, err) != SQLITE_OK) return err->rc;
    const CkItemModel item = {
        .name = (const char *)sqlite3_column_text(stmt, 8),
        .version = (const char *)sqlite3_column_text(stmt, 9),
        .dims = model.dims,
        .metric = model.metric,
        .encoding = model.encoding,
        .normalized = model.normalized,
    };
    if (!item.name || !item.version) return ck_error_nomem(err);
    return keep_model(reader, model.id, &item, err);
}

/* NULL and no error: the store has no such model. */
static const CkItemModel *model_of(CkItemReader *reader, int64_t id, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    for (CkNamedModel *model = reader->models; model; model = model->next) {
        if (model->id == id) return &model->item;
    }
    if (ck_stmt_take(reader->store, CK_SQL_ITEM_MODEL, &stmt, err) != SQLITE_OK) return NULL;
    ck_stmt_bind(stmt, "i", id);
    int rc = ck_stmt_step(reader->store, stmt, err);
    if (rc == SQLITE_ROW) read_model(reader, stmt, err);
    ck_stmt_give(reader->store, CK_SQL_ITEM_MODEL, stmt);
    return rc == SQLITE_ROW && err->rc == SQLITE_OK ? &reader->models->item : NULL;
}

/* The model of a tombstone, which the store need not have any more. */
static const CkItemModel *model_of_tombstone(CkItemReader *reader, sqlite3_stmt *stmt,
                                             CkError *err) {
    const char *name = (const char *)sqlite3_column_text(stmt, COLUMN_NAME);
    const char *version = (const char *)sqlite3_column_text(stmt, COLUMN_NAME + 1);
    sqlite3_int64 dims = sqlite3_column_int64(stmt, COLUMN_NAME + 2);
    if (!name || !version || dims < 1 || dims > CK_DIMS_MAX) return NULL;
    for (CkNamedModel *model = reader->models; model; model = model->next) {
        if (model->item.dims == dims && strcmp(model->item.name, name) == 0 &&
            strcmp(model->item.version, version) == 0) {
            return &model->item;
        }
    }
    const CkItemModel model = {.name = name, .version = version, .dims = (uint32_t)dims};
    return keep_model(reader, 0, &model, err) == SQLITE_OK ? &reader->models->item : NULL;
}

static void read_vector(CkItem *item, sqlite3_stmt *stmt, int *sound) {
    CkStoredVector stored;
    ck_stored_vector_from_row(stmt, COLUMN_VECTOR, &stored);
    item->encoding = stored.encoding;
    item->data = stored.data;
    item->n_bytes = stored.n_bytes;
    *sound = stored.data && ck_stored_vector_checksum(&stored) == stored.checksum;
}

/* Reads the row; *sound is 0 for one that is damaged. */
static int read_row(CkItemReader *reader, CkItem *item, int *sound, CkError *err) {
    sqlite3_stmt *stmt = reader->stmt;
    const void *hash = sqlite3_column_blob(stmt, COLUMN_HASH);
    int is_put = sqlite3_column_type(stmt, COLUMN_MODEL) != SQLITE_NULL;
    memset(item, 0, sizeof *item);
    *sound = 0;
    item->seq = sqlite3_column_int64(stmt, COLUMN_SEQ);
    item->model = is_put ? model_of(reader, sqlite3_column_int64(stmt, COLUMN_MODEL), err)
                         : model_of_tombstone(reader, stmt, err);
    if (!item->model || !hash || sqlite3_column_bytes(stmt, COLUMN_HASH) != CK_HASH_BYTES) {
        return err->rc;
    }
    memcpy(item->hash, hash, CK_HASH_BYTES);
    item->origin = (const char *)sqlite3_column_text(stmt, COLUMN_ORIGIN);
    item->created_at = sqlite3_column_int64(stmt, COLUMN_CREATED_AT);
    if (item->created_at < 0) item->created_at = 0;
    item->op = is_put ? CK_ITEM_PUT : CK_ITEM_TOMBSTONE;
    reader->n_stored = 0;
    *sound = 1;
    if (reader->sql == CK_SQL_ITEM_LIST) {
        reader->n_stored = sqlite3_column_int64(stmt, COLUMN_VECTOR);
    } else if (is_put) {
        read_vector(item, stmt, sound);
        reader->n_stored = item->n_bytes;
    }
    return SQLITE_OK;
}

int ck_item_reader_next(CkItemReader *reader, CkItem *item, CkError *err) {
    int rc, sound = 0;
    while ((rc = ck_stmt_step(reader->store, reader->stmt, err)) == SQLITE_ROW) {
        if (read_row(reader, item, &sound, err) != SQLITE_OK) return err->rc;
        if (sound) {
            item->checksum = ck_item_checksum(item);
            return SQLITE_ROW;
        }
        reader->n_damaged++;
    }
    return rc;
}
