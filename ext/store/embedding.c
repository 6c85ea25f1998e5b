/* Embeddings, writing: see embedding.h. Reading vectors back is in stored_vector.c. */
#include "store/embedding.h"

#include <float.h>
#include <string.h>

#include "store/hits.h"
#include "store/index_write.h"
#include "store/item.h"
#include "store/mirror.h"
#include "store/stored_vector.h"
#include "vector/encoding.h"
#include "vector/kernels.h"
#include "vector/vector.h"

/* Everything about one put between reading its arguments and writing its rows. */
typedef struct Draft {
    const char *who;
    CkConflict conflict;
    const CkItem *item; /* what came from another store, or NULL */
    const char *model_name, *version;
    const char *origin;
    int64_t created_at;
    int registers; /* it may register its model: it was given as f32, or with all of the model */
    const float *x;
    uint32_t dims;
    const uint8_t *data; /* x encoded, in the codec's memory */
    int n_bytes;
    CkModel model;
    int store_exists, model_known, present, indexed, retired;
    int64_t index_stamp; /* of the model's index, if it has one */
    int left_entry;      /* a deleted embedding of this hash has left its entry in _ck_hash */
    int64_t seq;     /* the store's last one */
    int64_t used_at; /* of the present row */
    CkPutResult *result;
} Draft;

static int read_hash(CkStore *store, Draft *draft, const CkPut *put, CkError *err) {
    uint8_t *hash = draft->result->hash;
    int has_content = ck_value_given(put->content);
    if (put->hash && sqlite3_value_type(put->hash) != SQLITE_NULL) {
        if (ck_hash_from_value(put->hash, put->who, hash, err) != SQLITE_OK) return err->rc;
    } else if (!has_content && put->hash) {
        return ck_error_set(err, SQLITE_ERROR, "%s: content (or hash) must be given", put->who);
    }
    if (!has_content && put->hash) return SQLITE_OK;
    CkBytes content;
    if (ck_content_from_value(put->content, put->who, &content, err) != SQLITE_OK) return err->rc;
    uint8_t key[CK_HASH_BYTES];
    CkBytes name = {draft->model_name, strlen(draft->model_name)};
    CkBytes version = {draft->version, strlen(draft->version)};
    ck_key_compute(&store->conn->hasher, name, version, content, key);
    if (ck_value_given(put->hash) && memcmp(key, hash, CK_HASH_BYTES) != 0) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: hash is not ck_hash(model, version, content) of this row",
                            put->who);
    }
    memcpy(hash, key, CK_HASH_BYTES);
    return SQLITE_OK;
}

static int read_arguments(CkStore *store, Draft *draft, const CkPut *put, CkVector *vector,
                          CkError *err) {
    static const CkRange any_time = {0, INT64_MAX};
    ck_text_from_value(put->model, put->who, "model", CK_NAME_MAX, &draft->model_name, err);
    if (err->rc == SQLITE_OK) {
        ck_text_from_value(put->version, put->who, "version", CK_NAME_MAX, &draft->version, err);
    }
    if (err->rc == SQLITE_OK && ck_value_given(put->origin)) {
        ck_text_from_value(put->origin, put->who, "origin", CK_ORIGIN_MAX, &draft->origin, err);
    }
    draft->created_at = ck_conn_now(store->conn);
    if (err->rc == SQLITE_OK && ck_value_given(put->created_at)) {
        ck_integer_from_value(put->created_at, put->who, "created_at", &any_time,
                              &draft->created_at, err);
    }
    if (err->rc == SQLITE_OK) read_hash(store, draft, put, err);
    if (err->rc == SQLITE_OK) ck_vector_parse(put->vector, put->who, vector, err);
    if (err->rc == SQLITE_OK && ck_value_given(put->dims) &&
        sqlite3_value_int64(put->dims) != vector->dims) {
        ck_error_set(err, SQLITE_ERROR, "%s: dims is %lld, but vector has %u", put->who,
                     (long long)sqlite3_value_int64(put->dims), vector->dims);
    }
    draft->registers = vector->type == CK_VECTOR_F32;
    if (err->rc == SQLITE_OK) ck_vector_widen(vector, put->who, err);
    draft->x = (const float *)(const void *)vector->data;
    draft->dims = vector->dims;
    return err->rc;
}

/* Reads what the store knows of the model and the hash. */
static int read_store(CkStore *store, Draft *draft, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_store_query(store, CK_SQL_EMBEDDING_PUT_READ, &stmt, err, "ttb", draft->model_name,
                       draft->version, draft->result->hash, CK_HASH_BYTES) != SQLITE_OK ||
        !stmt) {
        return err->rc;
    }
    draft->store_exists = 1;
    draft->seq = sqlite3_column_int64(stmt, 1);
    draft->model_known = sqlite3_column_type(stmt, 2) != SQLITE_NULL;
    if (draft->model_known) ck_model_from_row(stmt, 2, &draft->model, err);
    draft->present = sqlite3_column_type(stmt, 10) != SQLITE_NULL;
    draft->result->id = sqlite3_column_int64(stmt, 10);
    draft->used_at = sqlite3_column_int64(stmt, 11);
    int64_t model_of_present = sqlite3_column_int64(stmt, 12);
    draft->indexed = sqlite3_column_type(stmt, 14) != SQLITE_NULL;
    draft->index_stamp = sqlite3_column_int64(stmt, 14);
    draft->retired = sqlite3_column_type(stmt, 15) != SQLITE_NULL;
    draft->left_entry = !draft->present && sqlite3_column_type(stmt, 13) != SQLITE_NULL;
    ck_stmt_give(store, CK_SQL_EMBEDDING_PUT_READ, stmt);
    if (draft->present && (!draft->model_known || draft->model.id != model_of_present)) {
        draft->result->refused = "hash";
        ck_error_set(err, SQLITE_ERROR,
                     "%s: this hash is stored under another model than '%s' version '%s'",
                     draft->who, draft->model_name, draft->version);
    }
    return err->rc;
}

/* Holds the vector against the model; an unknown model is made up from the defaults. */
static int check_model(Draft *draft, CkError *err) {
    const char *who = draft->who;
    CkModel *model = &draft->model;
    draft->result->refused = "model";
    if (!draft->model_known) {
        if (!draft->registers) {
            return ck_error_set(err, SQLITE_ERROR,
                                "%s: model '%s' version '%s' is not registered, and only a "
                                "float32 vector registers one; INSERT it into models first",
                                who, draft->model_name, draft->version);
        }
        ck_model_defaults(model);
        model->dims = draft->dims;
        if (draft->item) {
            model->metric = draft->item->model->metric;
            model->encoding = draft->item->model->encoding;
            model->normalized = draft->item->model->normalized;
        }
    }
    if (draft->dims != model->dims) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: vector has %u dims, model '%s' version '%s' has %u", who,
                            draft->dims, draft->model_name, draft->version, model->dims);
    }
    draft->result->refused = NULL;
    return SQLITE_OK;
}

static int check_length(Draft *draft, CkError *err) {
    const char *who = draft->who;
    draft->result->refused = "vector";
    float norm_sq = ck_kernels()->dot_f32(draft->x, draft->x, draft->model.dims);
    if (norm_sq > CK_LENGTH_SQ_MAX) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: vector is too long: its squared length is beyond 2^124", who);
    }
    if (norm_sq < FLT_MIN && draft->model.metric == CK_METRIC_COSINE) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: vector is zero (its squared length is below float32), model '%s' "
                            "version '%s' compares by cosine",
                            who, draft->model_name, draft->version);
    }
    /* |length - 1| <= t, up to t^2, without a square root. */
    float off = norm_sq - 1.0f;
    if (draft->model.normalized && (off > 2 * CK_UNIT_TOLERANCE || off < -2 * CK_UNIT_TOLERANCE)) {
        return ck_error_set(err, SQLITE_ERROR,
                            "%s: vector has squared length %g, model '%s' version '%s' is "
                            "registered as normalized (length 1 within %g)",
                            who, (double)norm_sq, draft->model_name, draft->version,
                            (double)CK_UNIT_TOLERANCE);
    }
    draft->result->refused = NULL;
    return SQLITE_OK;
}

/* The stored row stays; what a put says of it is that somebody needs it. */
static int keep(CkStore *store, Draft *draft, CkError *err) {
    int64_t now = ck_conn_now(store->conn);
    if (draft->used_at < now && draft->conflict != CK_CONFLICT_ABORT) {
        ck_stmt_run(store, CK_SQL_EMBEDDING_TOUCH, err, "ii", draft->result->id, now);
    }
    if (!draft->item) ck_hits_count(store, draft->model.id, 1, 0);
    if (err->rc != SQLITE_OK || draft->conflict == CK_CONFLICT_KEEP) return err->rc;
    if (draft->conflict == CK_CONFLICT_IGNORE) {
        err->rc = SQLITE_CONSTRAINT_UNIQUE;
        return err->rc;
    }
    return ck_error_set(err, SQLITE_CONSTRAINT_UNIQUE,
                        "%s: this hash is already stored (OR IGNORE keeps it, OR REPLACE replaces "
                        "its vector)",
                        draft->who);
}

/* The encoder does not know whose vector it refuses. */
static int encode(CkStore *store, Draft *draft, CkError *err) {
    CkError own = CK_ERROR_NONE;
    if (draft->item && draft->item->encoding == draft->model.encoding) {
        draft->data = draft->item->data;
        draft->n_bytes = draft->item->n_bytes;
        return SQLITE_OK;
    }
    ck_codec_encode(store->conn->codec, draft->model.encoding, draft->x, draft->model.dims,
                    &draft->data, &draft->n_bytes, &own);
    if (own.rc == SQLITE_NOMEM) {
        ck_error_nomem(err);
    } else if (own.rc != SQLITE_OK) {
        draft->result->refused = "vector";
        ck_error_set(err, own.rc, "%s: %s", draft->who, own.message);
    }
    ck_error_release(&own);
    return err->rc;
}

/* From here on only SQLite can fail. */
static int write_rows(CkStore *store, Draft *draft, CkError *err) {
    CkPutResult *result = draft->result;
    const CkModel *model = &draft->model;
    int64_t seq = draft->seq + 1, now = ck_conn_now(store->conn);
    result->seq = seq;
    if (!draft->store_exists && ck_store_open_write(store, err) != SQLITE_OK) return err->rc;
    if (ck_store_set_seq(store, seq, err) != SQLITE_OK) return err->rc;
    if (!draft->model_known &&
        ck_model_register(store, draft->model_name, draft->version, &draft->model, err) !=
            SQLITE_OK) {
        return err->rc;
    }
    if (result->inserted) {
        result->id = seq;
        if (!draft->item) ck_hits_count(store, model->id, 0, 1);
    }
    if (ck_hits_flush(store, err) != SQLITE_OK) return err->rc;
    CkStoredVector stored = {result->id, model->encoding, 0, draft->data, draft->n_bytes};
    ck_stmt_run(store, CK_SQL_VECTOR_PUT, err, "iiiib", result->id, model->id,
                (int64_t)model->encoding, ck_stored_vector_checksum(&stored), draft->data,
                draft->n_bytes);
    if (err->rc != SQLITE_OK) return err->rc;
    if (result->inserted) {
        ck_stmt_run(store, CK_SQL_EMBEDDING_INSERT, err, "ibiiiit", result->id, result->hash,
                    CK_HASH_BYTES, model->id, (int64_t)draft->n_bytes, draft->created_at, now,
                    draft->origin);
        if (err->rc != SQLITE_OK) return err->rc;
        ck_stmt_run(store, draft->left_entry ? CK_SQL_HASH_SET : CK_SQL_HASH_INSERT, err, "bi",
                    result->hash, CK_HASH_BYTES, result->id);
        if (err->rc == SQLITE_OK && draft->retired &&
            ck_mirror_hold(store, result->hash, result->id, err) == SQLITE_OK) {
            ck_stmt_run(store, CK_SQL_TOMBSTONE_DELETE, err, "b", result->hash, CK_HASH_BYTES);
        }
    } else {
        ck_stmt_run(store, CK_SQL_EMBEDDING_REPLACE, err, "iiiit", result->id,
                    (int64_t)draft->n_bytes, now, seq, draft->origin);
    }
    return err->rc;
}

static int write_index(CkStore *store, Draft *draft, CkError *err) {
    const CkPutResult *result = draft->result;
    if (draft->indexed) {
        ck_index_put(store, &draft->model, draft->index_stamp, result->id, draft->x,
                     !result->inserted, err);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    return ck_index_look_after(store, &draft->model, draft->seq + 1, err);
}

static int put_draft(CkStore *store, Draft *draft, CkError *err) {
    if (read_store(store, draft, err) != SQLITE_OK) return err->rc;
    if (check_model(draft, err) != SQLITE_OK) return err->rc;
    if (check_length(draft, err) != SQLITE_OK) return err->rc;
    if (draft->present && draft->conflict != CK_CONFLICT_REPLACE) {
        return keep(store, draft, err);
    }
    draft->result->inserted = !draft->present;
    if (encode(store, draft, err) != SQLITE_OK) return err->rc;
    if (write_rows(store, draft, err) != SQLITE_OK) return err->rc;
    return write_index(store, draft, err);
}

int ck_embedding_put(CkStore *store, const CkPut *put, CkPutResult *result, CkError *err) {
    Draft draft = {.who = put->who, .conflict = put->conflict, .result = result};
    CkVector vector;
    memset(&vector, 0, sizeof vector);
    memset(result, 0, sizeof *result);
    if (read_arguments(store, &draft, put, &vector, err) == SQLITE_OK) {
        put_draft(store, &draft, err);
    }
    ck_vector_release(&vector);
    return err->rc;
}

int ck_embedding_put_stored(CkStore *store, const CkStoredPut *put, CkPutResult *result,
                            CkError *err) {
    const CkItem *item = put->item;
    int64_t now = ck_conn_now(store->conn); /* another clock may be ahead */
    Draft draft = {
        .who = put->who,
        .conflict = put->conflict,
        .item = item,
        .model_name = item->model->name,
        .version = item->model->version,
        .origin = item->origin,
        .created_at = item->created_at < now ? item->created_at : now,
        .registers = 1,
        .x = put->x,
        .dims = item->model->dims,
        .result = result,
    };
    memset(result, 0, sizeof *result);
    memcpy(result->hash, item->hash, CK_HASH_BYTES);
    return put_draft(store, &draft, err);
}

int ck_embedding_delete(CkStore *store, int64_t id, CkError *err) {
    int64_t refs[2] = {0, 0}; /* any, live ones */
    int found;
    ck_stmt_ints(store, CK_SQL_REF_OF_EMBEDDING, err, refs, 2, &found, "i", id);
    if (err->rc != SQLITE_OK) return err->rc;
    if (refs[1]) {
        /* Not a constraint code: OR IGNORE must not hide that a live row was kept. */
        return ck_error_set(err, SQLITE_ERROR,
                            "embeddings: row %lld is still referenced and cannot be deleted",
                            (long long)id);
    }
    int has_refs = refs[0] != 0;
    return ck_embedding_drop(store, &id, &has_refs, 1, err);
}

static int drop_rows(CkStore *store, int64_t id, int has_refs, CkError *err) {
    if (has_refs) ck_stmt_run(store, CK_SQL_REF_DROP_OF_EMBEDDING, err, "i", id);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_EMBEDDING_DELETE, err, "i", id);
    if (err->rc == SQLITE_OK) ck_stmt_run(store, CK_SQL_VECTOR_DELETE, err, "i", id);
    return err->rc;
}

int ck_embedding_drop(CkStore *store, const int64_t *ids, const int *has_refs, size_t n,
                      CkError *err) {
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        drop_rows(store, ids[i], has_refs[i], err);
    }
    if (err->rc == SQLITE_OK && n > 0) ck_index_forget(store, ids, n, err);
    if (err->rc == SQLITE_OK && n > 0) ck_stmt_run(store, CK_SQL_META_TOUCH, err, "");
    return err->rc;
}

int ck_embedding_find(CkStore *store, const uint8_t hash[CK_HASH_BYTES], int64_t *id,
                      int64_t *used_at, int *found, CkError *err) {
    int64_t row[3] = {0, 0, 0};
    ck_stmt_ints(store, CK_SQL_EMBEDDING_FIND, err, row, 3, found, "b", hash, CK_HASH_BYTES);
    *id = row[0];
    *used_at = row[2];
    return err->rc;
}

int ck_embedding_result_hash(CkStore *store, int64_t id, sqlite3_context *context, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_EMBEDDING_HASH, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", id);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        sqlite3_result_value(context, sqlite3_column_value(stmt, 0));
    }
    ck_stmt_give(store, CK_SQL_EMBEDDING_HASH, stmt);
    return err->rc;
}
