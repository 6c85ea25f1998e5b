/* Items: see item.h. */
#include "store/item.h"

#include <math.h>
#include <string.h>

#include "base/coding.h"
#include "store/embedding.h"
#include "store/stored_vector.h"
#include "vector/kernels.h"

uint64_t ck_item_model_seal(const CkItemModel *model) {
    uint8_t head[4];
    const CkKernels *kernels = ck_kernels();
    uint64_t seal = 0;
    const char *const texts[] = {model->name, model->version};
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(texts[i]);
        ck_store_u32(head, (uint32_t)n);
        seal = kernels->checksum(head, sizeof head, seal);
        seal = kernels->checksum(texts[i], n, seal);
    }
    ck_store_u32(head, model->dims);
    return kernels->checksum(head, sizeof head, seal);
}

uint64_t ck_item_checksum(const CkItem *item) {
    uint8_t head[CK_HASH_BYTES + 2];
    memcpy(head, item->hash, CK_HASH_BYTES);
    head[CK_HASH_BYTES] = (uint8_t)item->op;
    head[CK_HASH_BYTES + 1] = (uint8_t)item->encoding;
    uint64_t seed = ck_kernels()->checksum(head, sizeof head, item->model->seal);
    return ck_kernels()->checksum(item->data ? item->data : head, (size_t)item->n_bytes, seed);
}

static void reject(CkItemOutcome *outcome, const char *code, const char *message) {
    outcome->result = CK_ITEM_REJECTED;
    outcome->code = code;
    sqlite3_snprintf(sizeof outcome->message, outcome->message, "%s", message);
}

/* Moves what err says into the outcome, unless it is about the store and not about the item. */
static int reject_for(CkItemOutcome *outcome, const char *code, CkError *own, CkError *err) {
    if (own->rc == SQLITE_NOMEM) {
        ck_error_nomem(err);
    } else if (code && own->message) {
        reject(outcome, code, own->message);
    } else {
        ck_error_set(err, own->rc, "%s", own->message ? own->message : sqlite3_errstr(own->rc));
    }
    ck_error_release(own);
    return err->rc;
}

/* The same vectors but for last bits. A zero vector is like no other. */
static int alike(const float *a, const float *b, uint32_t dims) {
    float norm_sq = 0;
    double dot = ck_kernels()->dot_norm_f32(a, b, dims, &norm_sq);
    double product = (double)ck_kernels()->dot_f32(a, a, dims) * (double)norm_sq;
    if (product == 0.0) return memcmp(a, b, dims * sizeof *a) == 0;
    return dot / sqrt(product) >= CK_ITEM_SAME_COSINE;
}

/* Compares the stored vector of the hash with the item's, x. *damaged: it does not read back. */
static int compare(CkStore *store, const CkItem *item, const float *x, CkItemOutcome *outcome,
                   int *damaged, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    CkError own = CK_ERROR_NONE;
    CkStoredVector stored = {.id = outcome->id};
    const float *y = NULL;
    uint32_t dims = item->model->dims;
    if (ck_stmt_take(store, CK_SQL_VECTOR_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", outcome->id);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) ck_stored_vector_from_row(stmt, 0, &stored);
    if (err->rc != SQLITE_OK) goto done;
    if (ck_stored_vector_decode(store, &stored, dims, &y, &own) == SQLITE_OK) {
        int same_bytes = stored.encoding == item->encoding && stored.n_bytes == item->n_bytes &&
                         memcmp(stored.data, item->data, (size_t)item->n_bytes) == 0;
        if (!same_bytes && !alike(x, y, dims)) outcome->result = CK_ITEM_CONFLICT;
    } else if (own.rc == SQLITE_NOMEM) {
        ck_error_nomem(err);
    } else {
        *damaged = 1;
    }
    ck_error_release(&own);
done:
    ck_stmt_give(store, CK_SQL_VECTOR_GET, stmt);
    return err->rc;
}

static int put_decoded(CkStore *store, const CkItem *item, const float *x, CkConflict conflict,
                       CkItemOutcome *outcome, CkError *err) {
    CkError own = CK_ERROR_NONE;
    CkPutResult result;
    CkStoredPut put = {"sync", item, x, conflict};
    ck_embedding_put_stored(store, &put, &result, &own);
    if (own.rc != SQLITE_OK) return reject_for(outcome, result.refused, &own, err);
    outcome->id = result.id;
    outcome->seq = result.seq;
    outcome->result = result.inserted || conflict == CK_CONFLICT_REPLACE ? CK_ITEM_CREATED
                                                                         : CK_ITEM_EXISTS;
    return SQLITE_OK;
}

static int put_item(CkStore *store, const CkItem *item, CkBuf *copy, CkItemOutcome *outcome,
                    CkError *err) {
    CkError own = CK_ERROR_NONE;
    const float *x = NULL;
    int damaged = 0;
    ck_codec_decode(store->conn->codec, item->encoding, item->data, item->n_bytes,
                    item->model->dims, &x, &own);
    if (own.rc != SQLITE_OK) return reject_for(outcome, "vector", &own, err);
    /* The codec is used again for encoding, and for what is stored. */
    if ((const void *)x != (const void *)item->data) {
        ck_buf_append(copy, x, item->model->dims * sizeof *x);
        if (copy->rc != SQLITE_OK) return ck_error_nomem(err);
        x = (const float *)(const void *)copy->data;
    }
    if (put_decoded(store, item, x, CK_CONFLICT_KEEP, outcome, err) == SQLITE_OK &&
        outcome->result == CK_ITEM_EXISTS) {
        compare(store, item, x, outcome, &damaged, err);
    }
    if (damaged && err->rc == SQLITE_OK) {
        put_decoded(store, item, x, CK_CONFLICT_REPLACE, outcome, err);
    }
    return err->rc;
}

int ck_item_put(CkStore *store, const CkItem *item, CkItemOutcome *outcome, CkError *err) {
    CkBuf copy;
    memset(outcome, 0, sizeof *outcome);
    if (ck_item_checksum(item) != item->checksum) {
        reject(outcome, "checksum", "its checksum does not match what it says");
        return SQLITE_OK;
    }
    if (!item->data) {
        reject(outcome, "missing", "it came without its vector");
        return SQLITE_OK;
    }
    ck_buf_init(&copy);
    put_item(store, item, &copy, outcome, err);
    ck_buf_release(&copy);
    return err->rc;
}
