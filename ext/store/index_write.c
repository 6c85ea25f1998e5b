/* Writing to the index: see index_write.h. */
#include "store/index_write.h"

#include "store/index.h"
#include "store/log.h"
#include "store/merge.h"
#include "store/tail.h"

/* Ids whose stale bits are set together. */
#define FORGET_STRIDE 128

/* Turns corruption of the index, met in `own`, into a row of ck_errors; any other error stays. */
static int excuse(CkStore *store, CkError *own, CkError *err) {
    if (own->rc == SQLITE_CORRUPT_VTAB) {
        ck_errors_add(store, "index", "damaged", err, "%s", own->message);
    } else if (own->rc == SQLITE_NOMEM) {
        ck_error_nomem(err);
    } else if (own->rc != SQLITE_OK) {
        ck_error_set(err, own->rc, "%s", own->message ? own->message : sqlite3_errstr(own->rc));
    }
    ck_error_release(own);
    return err->rc;
}

static int put(CkStore *store, const CkModel *model, int64_t index_stamp, int64_t id,
               const float *x, int replaced, CkError *err) {
    CkIndex *index = NULL;
    CkSignFactors factors;
    if (replaced && ck_index_forget(store, &id, 1, err) != SQLITE_OK) return err->rc;
    if (ck_index_for_put(store, model, index_stamp, &index, err) != SQLITE_OK) return err->rc;
    CkCoder *coder = &index->coder;
    coder->space = ck_index_space(index);
    ck_coder_code(coder, x, coder->code, &factors);
    return ck_tail_put(store, model->id, id, &factors, coder->code, coder->code_bytes, err);
}

int ck_index_put(CkStore *store, const CkModel *model, int64_t index_stamp, int64_t id,
                 const float *x, int replaced, CkError *err) {
    CkError own = CK_ERROR_NONE;
    put(store, model, index_stamp, id, x, replaced, &own);
    return excuse(store, &own, err);
}

int ck_index_forget(CkStore *store, const int64_t *ids, size_t n, CkError *err) {
    int64_t is_built = 0;
    int has_index, in_tail;
    ck_stmt_ints(store, CK_SQL_INDEX_ANY, err, &is_built, 1, &has_index, "");
    if (err->rc != SQLITE_OK || !has_index) return err->rc;
    int64_t coded[FORGET_STRIDE];
    size_t n_coded = 0;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        ck_tail_delete(store, ids[i], &in_tail, err);
        /* Who builds blocks may have coded what is in the tail already. */
        if (ids[i] > 0 && (!in_tail || is_built)) coded[n_coded++] = ids[i];
        if (err->rc != SQLITE_OK || (n_coded < FORGET_STRIDE && i + 1 < n)) continue;
        ck_stale_set(store, coded, n_coded, err);
        n_coded = 0;
    }
    return err->rc;
}

int ck_index_give_up_prepare(CkStore *store, CkError *err) {
    static const CkSqlId needed[] = {CK_SQL_INDEX_DROP, CK_SQL_META_TOUCH};
    return ck_stmt_prepare(store, needed, sizeof needed / sizeof *needed, err);
}

void ck_index_give_up(CkStore *store, int64_t model) {
    CkError ignored = CK_ERROR_NONE;
    if (sqlite3_get_autocommit(store->conn->db)) return;
    ck_stmt_run(store, CK_SQL_INDEX_DROP, &ignored, "i", model);
    ck_error_release(&ignored);
    ck_stmt_run(store, CK_SQL_META_TOUCH, &ignored, "");
    ck_error_release(&ignored);
}

/* Writes what was read of a tail as blocks, from `number` on. All that can fail but for SQLite's
** own writes, after whose failure it rolls back, comes before the first of them. */
static int move_to_blocks(CkStore *store, CkScanBuilder *builder, int64_t model,
                          int64_t generation, int64_t number, CkError *err) {
    static const CkSqlId needed[] = {CK_SQL_TAIL_DELETE, CK_SQL_BLOCK_PUT_DATA, CK_SQL_BLOCK_PUT,
                                     CK_SQL_INDEX_SET_BLOCKS};
    const int64_t *ids = (const int64_t *)(const void *)builder->ids.data;
    int found;
    if (builder->n == 0 || ck_index_give_up_prepare(store, err) != SQLITE_OK ||
        ck_stmt_prepare(store, needed, sizeof needed / sizeof *needed, err) != SQLITE_OK ||
        ck_scan_builder_reserve(builder, err) != SQLITE_OK) {
        return err->rc;
    }
    for (size_t i = 0; i < builder->n && err->rc == SQLITE_OK; i++) {
        ck_tail_delete(store, ids[i], &found, err);
    }
    if (err->rc == SQLITE_OK) {
        int64_t address = ck_block_address(model, generation, CK_PLANE_SCAN, number);
        const int64_t first = address;
        ck_scan_builder_write(builder, store, &address, err);
        number += address - first;
    }
    if (err->rc == SQLITE_OK) {
        ck_stmt_run(store, CK_SQL_INDEX_SET_BLOCKS, err, "ii", model, number);
    }
    if (err->rc != SQLITE_OK) ck_index_give_up(store, model);
    return err->rc;
}

int ck_index_pack(CkStore *store, int64_t model_id, CkError *err) {
    CkScanBuilder builder;
    CkStaleBits stale;
    int64_t row[2] = {0, 0}, number = 0; /* generation, dims */
    int found;
    ck_stmt_ints(store, CK_SQL_INDEX_TO_PACK, err, row, 2, &found, "i", model_id);
    if (err->rc != SQLITE_OK || !found) return err->rc;
    ck_scan_builder_init(&builder, ck_sign_code_bytes((uint32_t)row[1]));
    ck_stale_bits_init(&stale);
    if (ck_stale_read(store, &stale, err) == SQLITE_OK) {
        ck_tail_read(store, model_id, &stale, &builder, err);
    }
    if (err->rc == SQLITE_OK) {
        ck_block_next(store, model_id, row[0], CK_PLANE_SCAN, &number, err);
    }
    if (err->rc == SQLITE_OK) move_to_blocks(store, &builder, model_id, row[0], number, err);
    ck_stale_bits_release(&stale);
    ck_scan_builder_release(&builder);
    return err->rc;
}

/* The first model whose tail is long enough; 0 when there is none. */
static int find_long_tail(CkStore *store, int64_t *model, CkError *err) {
    int64_t one;
    int found;
    *model = 0;
    ck_stmt_ints(store, CK_SQL_TAIL_IS_LONG, err, &one, 1, &found, "i", (int64_t)CK_TAIL_PACK_MIN);
    if (err->rc != SQLITE_OK || !found) return err->rc;
    return ck_stmt_ints(store, CK_SQL_TAIL_LONGEST, err, model, 1, &found, "");
}

static int begin(CkStore *store, const CkModel *model, CkError *err) {
    int64_t n = 0;
    int found;
    ck_stmt_ints(store, CK_SQL_INDEX_COUNT_UP_TO, err, &n, 1, &found, "ii", model->id,
                 (int64_t)CK_INDEX_BEGIN_MAX);
    if (err->rc != SQLITE_OK || n < CK_INDEX_MIN || n == CK_INDEX_BEGIN_MAX) return err->rc;
    return ck_merge_begin(store, model, err);
}

static int look_after(CkStore *store, const CkModel *model, CkError *err) {
    int64_t generation = 0, long_one = 0;
    int found;
    ck_stmt_ints(store, CK_SQL_INDEX_GENERATION, err, &generation, 1, &found, "i", model->id);
    if (err->rc == SQLITE_OK && generation == 0) return begin(store, model, err);
    if (err->rc == SQLITE_OK) find_long_tail(store, &long_one, err);
    if (err->rc == SQLITE_OK && long_one > 0) ck_index_pack(store, long_one, err);
    return err->rc;
}

int ck_index_look_after(CkStore *store, const CkModel *model, int64_t seq, CkError *err) {
    CkError own = CK_ERROR_NONE;
    if (seq % CK_INDEX_LOOK_EVERY != 0) return SQLITE_OK;
    look_after(store, model, &own);
    return excuse(store, &own, err);
}
