/* Merging: see merge.h. */
#include "store/merge.h"

#include <string.h>

#include "base/coding.h"
#include "store/calibrate.h"
#include "store/coder.h"
#include "store/graph_inherit.h"
#include "store/idset.h"
#include "store/index.h"
#include "store/index_write.h"
#include "store/log.h"
#include "store/mean.h"
#include "store/merge_claim.h"
#include "store/planner.h"
#include "store/stale.h"
#include "store/tail.h"
#include "store/vector_reader.h"

/* Blocks written in one transaction: 400 KB, a few milliseconds. */
#define BLOCKS_PER_WRITE 8

/* More vectors than this that were put meanwhile are coded into blocks before the flip, which
** codes the rest while it holds the lock. After some rounds it does so however many. */
#define FLIP_TAIL_MAX 4096
#define ROUNDS_MAX 4

/* Coding is one part in so many of what it takes with a graph, about. */
#define GRAPH_SHARE 8

typedef struct Merge {
    CkStore *store;
    const CkModel *model;
    int calibrates, with_graph;
    CkMergeClaim claim;
    int64_t old_generation, generation;
    int64_t since_seq; /* the counter at the claim */
    int64_t coded_to;  /* ids up to this one are in the new blocks */
    int64_t n_coded, n_damaged, n_total;
    int64_t number; /* the next block's */
    int64_t started_at;
    int depth;
    int n_rounds;
    int flipped;
    float *mean;
    CkCoder coder;
    CkScanBuilder blocks;
    CkStaleBits stale_before; /* the bits at the claim */
    CkIdSet fresh;             /* ids that had one and that the new blocks are right about */
    CkGraphBuild *graph;       /* NULL: there will be none */
    int inherited;             /* it was made of the old one */
    int graph_done;            /* all of its blocks are written */
    int64_t n_graph_blocks;    /* the scan plane's blocks that it knows */
    CkMergeResult *result;
} Merge;

/* A transaction of the merge; the work is done only under the claim. */
static int locked(Merge *merge, CkMergeWork work, CkError *err) {
    return ck_merge_locked(&merge->claim, work, merge, err);
}

/* Notes where the store is, and which generation comes next. */
static int begin(void *context, CkError *err) {
    Merge *merge = context;
    CkStore *store = merge->store;
    int64_t model = merge->model->id;
    int found;
    ck_stmt_ints(store, CK_SQL_INDEX_GENERATION, err, &merge->old_generation, 1, &found, "i",
                 model);
    if (err->rc == SQLITE_OK &&
        (merge->old_generation < 0 || merge->old_generation > CK_BLOCK_GENERATION_MAX)) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "index: the row of model %lld in _ck_index has a damaged generation; "
                            "SELECT ck_repair('index') builds the index anew",
                            (long long)model);
    }
    merge->generation = merge->old_generation % CK_BLOCK_GENERATION_MAX + 1;
    if (err->rc == SQLITE_OK) {
        ck_stmt_ints(store, CK_SQL_META_SEQ, err, &merge->since_seq, 1, &found, "");
    }
    if (err->rc == SQLITE_OK) {
        ck_stmt_ints(store, CK_SQL_MODEL_COUNT, err, &merge->n_total, 1, &found, "i", model);
    }
    if (err->rc == SQLITE_OK) ck_stale_read(store, &merge->stale_before, err);
    return err->rc;
}

static int drop_generations(Merge *merge, int64_t first, int64_t end, CkError *err) {
    int64_t model = merge->model->id;
    return ck_merge_drop(&merge->claim, ck_block_address(model, first, 0, 0),
                         ck_block_address(model, end, 0, 0), err);
}

/* Under the claim: what is not of the generation in use was left by a builder that died. */
static int drop_orphans(Merge *merge, CkError *err) {
    drop_generations(merge, 0, merge->old_generation, err);
    if (err->rc == SQLITE_OK) {
        drop_generations(merge, merge->old_generation + 1, CK_BLOCK_GENERATION_MAX + 1, err);
    }
    return err->rc;
}

static int code_vector(void *context, int64_t id, const float *x, CkError *err) {
    Merge *merge = context;
    CkSignFactors factors;
    ck_coder_code(&merge->coder, x, merge->coder.code, &factors);
    ck_scan_builder_add(&merge->blocks, id, &factors, merge->coder.code, err);
    if (merge->graph && !merge->graph_done) ck_graph_build_add(merge->graph, id, x, err);
    if (err->rc != SQLITE_OK) return err->rc;
    if (ck_stale_bits_test(&merge->stale_before, id)) ck_idset_add(&merge->fresh, id, err);
    return err->rc;
}

/* How far the merge is: so much of a total to which coding adds one for each vector. */
static CkProgress progress_of(const Merge *merge) {
    int64_t total = merge->n_total, done = merge->n_coded;
    if (merge->graph) total *= GRAPH_SHARE;
    if (merge->graph_done) done += merge->n_total * (GRAPH_SHARE - 1);
    return (CkProgress){CK_MERGE_TASK, merge->started_at, done, total > done ? total : done};
}

static int write_blocks(void *context, CkError *err) {
    Merge *merge = context;
    CkProgress progress = progress_of(merge);
    ck_scan_builder_write(&merge->blocks, merge->store, merge->model->id, merge->generation,
                          &merge->number, err);
    return err->rc == SQLITE_OK ? ck_progress_set(merge->store, &progress, err) : err->rc;
}

/* Codes everything up to an id into blocks. */
static int code_up_to(Merge *merge, int64_t last, CkError *err) {
    CkVectorBatch batch = {.after = merge->coded_to, .last = last};
    batch.limit = (int64_t)(BLOCKS_PER_WRITE * ck_scan_block_capacity(merge->coder.code_bytes));
    do {
        ck_vectors_read(merge->store, merge->model, &batch, code_vector, merge, err);
        merge->n_coded += (int64_t)merge->blocks.n;
        if (err->rc == SQLITE_OK && merge->blocks.n > 0) locked(merge, write_blocks, err);
    } while (err->rc == SQLITE_OK && !merge->claim.lost && batch.n_read == batch.limit);
    merge->n_damaged += batch.n_damaged;
    merge->coded_to = last;
    return err->rc;
}

/* Lists the ids that the new blocks lack or are wrong about, in order. */
static int list_changed(Merge *merge, CkIdSet *ids, CkError *err) {
    CkStore *store = merge->store;
    sqlite3_stmt *stmt = NULL;
    if (ck_stmt_take(store, CK_SQL_INDEX_CHANGED, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iii", merge->model->id, merge->since_seq, merge->coded_to);
    while (err->rc == SQLITE_OK && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        ck_idset_add(ids, sqlite3_column_int64(stmt, 0), err);
    }
    ck_stmt_give(store, CK_SQL_INDEX_CHANGED, stmt);
    return err->rc;
}

static int put_in_tail(void *context, int64_t id, const float *x, CkError *err) {
    Merge *merge = context;
    CkSignFactors factors;
    ck_coder_code(&merge->coder, x, merge->coder.code, &factors);
    return ck_tail_put(merge->store, merge->model->id, id, &factors, merge->coder.code,
                       merge->coder.code_bytes, err);
}

/* The tail becomes what the new blocks lack; of what they have, that is stale. */
static int renew_tail(Merge *merge, const int64_t *ids, size_t n, CkError *err) {
    ck_stmt_run(merge->store, CK_SQL_TAIL_DELETE_OF_MODEL, err, "i", merge->model->id);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        CkVectorBatch batch = {.after = ids[i] - 1, .last = ids[i], .limit = 1};
        ck_vectors_read(merge->store, merge->model, &batch, put_in_tail, merge, err);
        merge->n_damaged += batch.n_damaged;
        if (err->rc == SQLITE_OK && ids[i] <= merge->coded_to) {
            ck_stale_set(merge->store, &ids[i], 1, err);
        }
    }
    return err->rc;
}

/* Lists those of merge->fresh whose embedding is gone: deleted after it was coded. */
static int list_gone(Merge *merge, CkIdSet *gone, CkError *err) {
    const int64_t *ids = ck_idset_ids(&merge->fresh);
    int64_t times[2];
    int found;
    for (size_t i = 0; i < ck_idset_count(&merge->fresh) && err->rc == SQLITE_OK; i++) {
        ck_stmt_ints(merge->store, CK_SQL_EMBEDDING_TIMES, err, times, 2, &found, "i", ids[i]);
        if (err->rc == SQLITE_OK && !found) ck_idset_add(gone, ids[i], err);
    }
    return err->rc;
}

/*
** Clears the bits that spoke of the old blocks. When no other model has blocks these are all that
** were set at the claim; else those of ids that the new blocks have, and those of deleted
** embeddings stay: a bit each. So do, always, those of embeddings that are gone from under the new
** blocks.
*/
static int clear_stale(Merge *merge, CkError *err) {
    int64_t n_others = 0;
    int found;
    CkIdSet gone;
    ck_idset_init(&gone);
    list_gone(merge, &gone, err);
    ck_stmt_ints(merge->store, CK_SQL_INDEX_OTHERS, err, &n_others, 1, &found, "i",
                 merge->model->id);
    if (err->rc == SQLITE_OK && n_others == 0) {
        const CkBuf *bits = &merge->stale_before.bits;
        ck_buf_clear(&merge->fresh.buf);
        for (int64_t id = 0; id < (int64_t)bits->n_bytes * 8 && err->rc == SQLITE_OK; id++) {
            if (ck_stale_bits_test(&merge->stale_before, id)) ck_idset_add(&merge->fresh, id, err);
        }
    }
    if (err->rc == SQLITE_OK) {
        ck_stale_clear(merge->store, ck_idset_ids(&merge->fresh), ck_idset_count(&merge->fresh),
                       err);
    }
    if (err->rc == SQLITE_OK) {
        ck_stale_set(merge->store, ck_idset_ids(&gone), ck_idset_count(&gone), err);
    }
    ck_idset_release(&gone);
    return err->rc;
}

static int store_mean(Merge *merge, CkError *err) {
    uint32_t dims = merge->model->dims;
    CkBuf bytes;
    ck_buf_init(&bytes);
    uint8_t *data = ck_buf_extend(&bytes, dims * sizeof(float));
    if (!data) return ck_error_nomem(err);
    for (uint32_t j = 0; j < dims; j++) ck_store_f32(data + sizeof(float) * j, merge->mean[j]);
    int64_t model = merge->model->id, depth = merge->depth;
    ck_stmt_run(merge->store, CK_SQL_INDEX_FLIP, err, "iiiiiib", model, merge->generation, depth,
                merge->n_coded, merge->number,
                ck_index_checksum(model, merge->generation, depth, data, bytes.n_bytes), data,
                (int)bytes.n_bytes);
    ck_buf_release(&bytes);
    return err->rc;
}

/* The row of the new generation's graph, or none. */
static int store_graph(Merge *merge, CkError *err) {
    if (merge->graph) return ck_graph_build_flip(merge->graph, merge->n_graph_blocks, err);
    return ck_stmt_run(merge->store, CK_SQL_GRAPH_DROP, err, "i", merge->model->id);
}

/* What was done, and what could not be. */
static int report(Merge *merge, CkError *err) {
    CkStore *store = merge->store;
    ck_audit_add(store, "optimize", err,
                 "{\"model\":%lld,\"vectors\":%lld,\"damaged\":%lld,\"depth\":%d,\"graph\":\"%s\","
                 "\"seconds\":%lld}",
                 (long long)merge->model->id, (long long)merge->n_coded,
                 (long long)merge->n_damaged, merge->depth,
                 !merge->graph ? "none" : merge->inherited ? "inherited" : "built",
                 (long long)(ck_conn_now(store->conn) - merge->started_at));
    if (err->rc == SQLITE_OK && merge->n_damaged > 0) {
        ck_errors_add(store, "optimize", "damaged", err,
                      "%lld vectors of model %lld do not read back and are not in the index; see "
                      "ck_doctor('all')",
                      (long long)merge->n_damaged, (long long)merge->model->id);
    } else if (err->rc == SQLITE_OK) {
        ck_errors_remove(store, "optimize", "damaged", err);
    }
    return ck_progress_clear(store, CK_MERGE_TASK, err);
}

/* Makes the new generation the one that is read, unless too much is left for the tail. */
static int flip(void *context, CkError *err) {
    Merge *merge = context;
    CkIdSet ids;
    ck_idset_init(&ids);
    list_changed(merge, &ids, err);
    size_t n = ck_idset_count(&ids);
    if (err->rc == SQLITE_OK) ck_index_give_up_prepare(merge->store, err);
    if (err->rc == SQLITE_OK && (n <= FLIP_TAIL_MAX || ++merge->n_rounds > ROUNDS_MAX)) {
        clear_stale(merge, err);
        if (err->rc == SQLITE_OK) renew_tail(merge, ck_idset_ids(&ids), n, err);
        if (err->rc == SQLITE_OK) store_mean(merge, err);
        if (err->rc == SQLITE_OK) store_graph(merge, err);
        if (err->rc == SQLITE_OK) ck_stmt_run(merge->store, CK_SQL_META_TOUCH, err, "");
        if (err->rc == SQLITE_OK) report(merge, err);
        merge->flipped = merge->claim.over = err->rc == SQLITE_OK;
        if (!merge->flipped) ck_index_give_up(merge->store, merge->model->id);
    }
    ck_idset_release(&ids);
    return err->rc;
}

/* Whether there will be a graph, and room for it. */
static int begin_graph(Merge *merge, CkError *err) {
    if (!merge->with_graph || merge->n_total < ck_graph_min(merge->store) ||
        !ck_graph_fits(merge->model, merge->n_total)) {
        return SQLITE_OK;
    }
    merge->graph = sqlite3_malloc64(sizeof *merge->graph);
    if (!merge->graph) return ck_error_nomem(err);
    return ck_graph_build_init(merge->graph, merge->store, merge->model, merge->mean,
                               merge->n_total, err);
}

static int write_graph(void *context, CkError *err) {
    Merge *merge = context;
    return ck_graph_build_write(merge->graph, merge->generation, &merge->graph_done, err);
}

static void free_graph(Merge *merge) {
    if (merge->graph) ck_graph_build_release(merge->graph);
    sqlite3_free(merge->graph);
    merge->graph = NULL;
}

/* Builds the graph of what was coded so far, if there is any, and writes its blocks. */
static int build_graph(Merge *merge, CkError *err) {
    CkProgress progress = progress_of(merge);
    CkMergePulse pulse = {
        .claim = &merge->claim,
        .started_at = merge->started_at,
        .done = progress.done,
        .total = progress.total,
        .share = 1 - 1.0 / GRAPH_SHARE,
        .err = err,
    };
    CkGraphStep step = {ck_merge_pulse, &pulse};
    if (merge->graph->n == 0) {
        free_graph(merge);
        return SQLITE_OK;
    }
    merge->n_graph_blocks = merge->number;
    if (ck_graph_inherit(merge->graph, &merge->stale_before, &step, &merge->inherited, err) ==
            SQLITE_OK &&
        !merge->inherited) {
        ck_graph_build_run(merge->graph, &step, err);
    }
    while (err->rc == SQLITE_OK && !merge->claim.lost && !merge->graph_done) {
        locked(merge, write_graph, err);
    }
    return err->rc;
}

static int build(Merge *merge, CkError *err) {
    CkStore *store = merge->store;
    int found;
    ck_mean_read(store, merge->model, merge->since_seq, merge->mean, err);
    if (err->rc == SQLITE_OK) begin_graph(merge, err);
    if (err->rc == SQLITE_OK) code_up_to(merge, merge->since_seq, err);
    if (err->rc == SQLITE_OK && merge->graph && !merge->claim.lost) build_graph(merge, err);
    if (err->rc == SQLITE_OK && merge->calibrates && !merge->claim.lost) {
        CkCalibration what = {store, merge->model, merge->mean, merge->generation,
                              merge->coded_to};
        ck_calibrate(&what, &merge->depth, err);
    }
    while (err->rc == SQLITE_OK && !merge->flipped && !merge->claim.lost) {
        locked(merge, flip, err);
        if (err->rc == SQLITE_OK && !merge->flipped && !merge->claim.lost) {
            int64_t last = 0;
            ck_stmt_ints(store, CK_SQL_META_SEQ, err, &last, 1, &found, "");
            if (err->rc == SQLITE_OK) code_up_to(merge, last, err);
        }
    }
    return err->rc;
}

static int run(Merge *merge, CkError *err) {
    locked(merge, begin, err);
    if (err->rc == SQLITE_OK) drop_orphans(merge, err);
    if (err->rc == SQLITE_OK && !merge->claim.lost) build(merge, err);
    if (err->rc == SQLITE_OK && merge->flipped) {
        /* And no other: the next builder may be at work already. */
        drop_generations(merge, merge->old_generation, merge->old_generation + 1, err);
    }
    if (err->rc == SQLITE_OK && merge->flipped) {
        merge->result->n_vectors = merge->n_coded;
    } else if (err->rc != SQLITE_OK && !merge->flipped) {
        /* Whoever comes next need not wait; if this fails too, the claim grows old. */
        CkError ignored = CK_ERROR_NONE;
        ck_merge_locked(&merge->claim, ck_merge_unclaim, &merge->claim, &ignored);
        ck_error_release(&ignored);
    }
    return err->rc;
}

static int merge_model(Merge *merge, CkError *err) {
    CkStore *store = merge->store;
    const CkModel *model = merge->model;
    memset(merge->result, 0, sizeof *merge->result);
    if (model->id > CK_BLOCK_MODEL_MAX) return SQLITE_OK;
    merge->started_at = ck_conn_now(store->conn);
    merge->depth = ck_plan_depth(model->dims);
    ck_merge_claim_init(&merge->claim, store, model->id);
    ck_stale_bits_init(&merge->stale_before);
    ck_idset_init(&merge->fresh);
    ck_scan_builder_init(&merge->blocks, ck_sign_code_bytes(model->dims));
    merge->mean = sqlite3_malloc64(model->dims * sizeof *merge->mean);
    if (!merge->mean) ck_error_nomem(err);
    if (err->rc == SQLITE_OK &&
        ck_coder_init(&merge->coder, model, merge->mean, err) == SQLITE_OK) {
        run(merge, err);
    }
    merge->result->busy = merge->claim.lost;
    free_graph(merge);
    ck_coder_release(&merge->coder);
    sqlite3_free(merge->mean);
    ck_scan_builder_release(&merge->blocks);
    ck_idset_release(&merge->fresh);
    ck_stale_bits_release(&merge->stale_before);
    return err->rc;
}

int ck_merge_run(CkStore *store, const CkModel *model, int with_graph, CkMergeResult *result,
                 CkError *err) {
    Merge merge = {.store = store, .model = model, .calibrates = 1, .with_graph = with_graph,
                   .result = result};
    return merge_model(&merge, err);
}

int ck_merge_begin(CkStore *store, const CkModel *model, CkError *err) {
    CkMergeResult result;
    Merge merge = {.store = store, .model = model, .result = &result};
    return merge_model(&merge, err);
}
