/*
** Re-encoding: see reencode.h.
**
** Which rows to rewrite is looked up outside the write transaction, since that walks over rows that
** need nothing; inside it each row is read again. The model's row is set in the first batch, so
** what was put between the first lookup and then may still be in the old encoding: ids only grow,
** and a last look at those above the lookups' end, inside the transaction, finds it.
*/
#include "store/reencode.h"

#include <string.h>

#include "base/clock.h"
#include "store/gc.h"
#include "store/log.h"
#include "store/stored_vector.h"
#include "store/transaction.h"

/* Ids looked up at a time: more than a batch can rewrite. */
#define IDS_MAX 1024

typedef struct Run {
    CkStore *store;
    const CkModel *model;
    int encoding;
    int64_t ids[IDS_MAX]; /* to look at, from `at` on */
    int n_ids, at;
    int64_t after;  /* ids up to this one were looked up */
    int at_end;     /* and these were all there were */
    int target_set; /* the model's row has the encoding */
    int done;
    int64_t started_at;
    float *x; /* the vector at hand */
    CkReencode *result;
} Run;

/* Looks up the next ids when those at hand are used up. */
static int next_ids(Run *run, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int64_t last = 0;
    int found;
    if (run->at < run->n_ids) return SQLITE_OK;
    run->at = run->n_ids = 0;
    ck_stmt_ints(run->store, CK_SQL_EMBEDDING_MAX_ID, err, &last, 1, &found, "");
    if (err->rc != SQLITE_OK ||
        ck_stmt_take(run->store, CK_SQL_REENCODE_NEXT, &stmt, err) != SQLITE_OK) {
        return err->rc;
    }
    ck_stmt_bind(stmt, "iiii", run->model->id, run->after, (int64_t)run->encoding,
                 (int64_t)IDS_MAX);
    while (run->n_ids < IDS_MAX && ck_stmt_step(run->store, stmt, err) == SQLITE_ROW) {
        run->after = run->ids[run->n_ids++] = sqlite3_column_int64(stmt, 0);
    }
    ck_stmt_give(run->store, CK_SQL_REENCODE_NEXT, stmt);
    run->at_end = run->n_ids < IDS_MAX;
    if (run->at_end && run->after < last) run->after = last;
    return err->rc;
}

/* A second call may have set another encoding, or somebody may have deleted the model. */
static int check_target(Run *run, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(run->store, CK_SQL_REENCODE_TARGET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", run->model->id);
    int rc = ck_stmt_step(run->store, stmt, err);
    const char *name = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (rc == SQLITE_DONE) {
        ck_error_set(err, SQLITE_ERROR, "ck_reencode: the model was deleted meanwhile");
    } else if (rc == SQLITE_ROW && !name) {
        ck_error_nomem(err);
    } else if (rc == SQLITE_ROW && strcmp(name, ck_encoding_name(run->encoding)) != 0) {
        ck_error_set(err, SQLITE_ERROR,
                     "ck_reencode: another call has set the encoding of this model to '%s'", name);
    }
    ck_stmt_give(run->store, CK_SQL_REENCODE_TARGET, stmt);
    return err->rc;
}

static int set_target(Run *run, CkError *err) {
    if (ck_store_open_write(run->store, err) != SQLITE_OK) return err->rc;
    if (run->target_set) return check_target(run, err);
    ck_stmt_run(run->store, CK_SQL_REENCODE_SET_TARGET, err, "it", run->model->id,
                ck_encoding_name(run->encoding));
    if (err->rc == SQLITE_OK) run->target_set = 1;
    return err->rc;
}

/*
** Decodes a row to run->x. *n_bytes is its size, 0 when there is nothing to do: the row went, or is
** in the encoding already, or is damaged. A damaged one must not get a new, valid checksum.
*/
static int read_row(Run *run, int64_t id, int *n_bytes, CkError *err) {
    CkError own = CK_ERROR_NONE;
    CkStoredVector stored;
    sqlite3_stmt *stmt = NULL;
    const float *x = NULL;
    *n_bytes = 0;
    if (ck_stmt_take(run->store, CK_SQL_VECTOR_GET_OF_MODEL, &stmt, err)) return err->rc;
    ck_stmt_bind(stmt, "ii", id, run->model->id);
    if (ck_stmt_step(run->store, stmt, err) == SQLITE_ROW) {
        ck_stored_vector_from_row(stmt, 0, &stored);
        if (stored.encoding != run->encoding) {
            ck_stored_vector_decode(run->store, &stored, run->model->dims, &x, &own);
        }
        /* Copied: the codec encodes into the memory it decoded into. */
        if (x && own.rc == SQLITE_OK) {
            memcpy(run->x, x, run->model->dims * sizeof *run->x);
            *n_bytes = stored.n_bytes;
        }
        if (own.rc == SQLITE_NOMEM) ck_error_nomem(err);
        if (own.rc != SQLITE_OK && err->rc == SQLITE_OK) run->result->n_damaged++;
        ck_error_release(&own);
    }
    ck_stmt_give(run->store, CK_SQL_VECTOR_GET_OF_MODEL, stmt);
    return err->rc;
}

static int rewrite_row(Run *run, int64_t id, CkError *err) {
    CkError own = CK_ERROR_NONE;
    const uint8_t *data = NULL;
    int n_before, n_after;
    if (read_row(run, id, &n_before, err) != SQLITE_OK || n_before == 0) return err->rc;
    ck_codec_encode(run->store->conn->codec, run->encoding, run->x, run->model->dims, &data,
                    &n_after, &own);
    if (own.rc != SQLITE_OK) {
        if (own.rc == SQLITE_NOMEM) ck_error_nomem(err);
        if (own.rc != SQLITE_NOMEM) run->result->n_kept++;
        ck_error_release(&own);
        return err->rc;
    }
    CkStoredVector stored = {id, run->encoding, 0, data, n_after};
    ck_stmt_run(run->store, CK_SQL_REENCODE_VECTOR, err, "iiib", id, (int64_t)run->encoding,
                ck_stored_vector_checksum(&stored), data, n_after);
    if (err->rc != SQLITE_OK) return err->rc;
    run->result->n_rows++;
    run->result->bytes_before += n_before;
    run->result->bytes_after += n_after;
    return ck_stmt_run(run->store, CK_SQL_REENCODE_BYTES, err, "ii", id, (int64_t)n_after);
}

/* Rewrites until the time is up, or until the next lookup, which is better made unlocked. */
static int rewrite_batch(Run *run, int bounded, CkError *err) {
    int64_t start = ck_clock_ms();
    if (set_target(run, err) != SQLITE_OK) return err->rc;
    while (err->rc == SQLITE_OK && !run->done) {
        if (run->at < run->n_ids) {
            rewrite_row(run, run->ids[run->at++], err);
            if (bounded && ck_clock_ms() - start >= CK_GC_BATCH_MS) break;
        } else if (bounded && !run->at_end) {
            break;
        } else if (next_ids(run, err) == SQLITE_OK) {
            run->done = run->n_ids == 0;
        }
    }
    return err->rc;
}

/* What is written about the run at the end of a batch. */
static int report(Run *run, int bounded, CkError *err) {
    const CkReencode *result = run->result;
    /* What connections keep of the vectors is old. */
    ck_stmt_run(run->store, CK_SQL_GRAPH_TOUCH, err, "i", run->model->id);
    ck_stmt_run(run->store, CK_SQL_META_TOUCH, err, "");
    if (!run->done) {
        CkProgress progress = {"reencode", run->started_at,
                               result->n_rows + result->n_kept + result->n_damaged,
                               result->recall.n_total};
        return bounded ? ck_progress_set(run->store, &progress, err) : SQLITE_OK;
    }
    ck_audit_add(run->store, "reencode", err,
                 "{\"model\":%lld,\"encoding\":\"%s\",\"rows\":%lld,\"bytes_before\":%lld,"
                 "\"bytes_after\":%lld,\"kept\":%lld,\"damaged\":%lld,\"seconds\":%lld}",
                 (long long)run->model->id, ck_encoding_name(run->encoding),
                 (long long)result->n_rows, (long long)result->bytes_before,
                 (long long)result->bytes_after, (long long)result->n_kept,
                 (long long)result->n_damaged,
                 (long long)(ck_conn_now(run->store->conn) - run->started_at));
    return ck_progress_clear(run->store, "reencode", err);
}

/* One transaction of the run, and the pause after it. */
static int run_batch(Run *run, CkError *err) {
    CkWrite write;
    if (ck_write_begin(&write, run->store, err) != SQLITE_OK) return err->rc;
    int64_t start = ck_clock_ms();
    int bounded = write.owned;
    if (rewrite_batch(run, bounded, err) == SQLITE_OK) report(run, bounded, err);
    if (ck_write_end(&write, err) != SQLITE_OK || run->done) return err->rc;
    int64_t held_ms = ck_clock_ms() - start;
    sqlite3_sleep((int)(held_ms < CK_GC_BATCH_MS ? CK_GC_BATCH_MS : held_ms));
    return next_ids(run, err);
}

int ck_reencode_run(CkStore *store, const CkModel *model, int encoding, CkReencode *result,
                    CkError *err) {
    memset(result, 0, sizeof *result);
    Run *run = sqlite3_malloc64(sizeof *run);
    if (!run) return ck_error_nomem(err);
    memset(run, 0, sizeof *run);
    run->store = store;
    run->model = model;
    run->encoding = encoding;
    run->target_set = model->encoding == encoding;
    run->started_at = ck_conn_now(store->conn);
    run->result = result;
    run->x = sqlite3_malloc64(model->dims * sizeof *run->x);
    if (!run->x) ck_error_nomem(err);
    if (err->rc == SQLITE_OK) next_ids(run, err);
    if (err->rc == SQLITE_OK && run->n_ids > 0) {
        ck_recall_sample(store, model, run->ids[0], encoding, &result->recall, err);
    }
    run->done = run->target_set && run->n_ids == 0;
    while (err->rc == SQLITE_OK && !run->done) run_batch(run, err);
    sqlite3_free(run->x);
    sqlite3_free(run);
    return err->rc;
}
