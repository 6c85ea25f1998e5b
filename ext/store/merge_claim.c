/* Who builds: see merge_claim.h. */
#include "store/merge_claim.h"

#include <string.h>

#include "base/clock.h"
#include "store/block.h"
#include "store/log.h"
#include "store/transaction.h"

#define BLOCKS_PER_DROP 64
#define SHOW_EVERY_MS 500

void ck_merge_claim_init(CkMergeClaim *claim, CkStore *store, int64_t model) {
    if (store->builder == 0) sqlite3_randomness(sizeof store->builder, &store->builder);
    memset(claim, 0, sizeof *claim);
    claim->store = store;
    claim->model = model;
    claim->builder = store->builder;
}

/* Claims the index, or later renews the claim, or finds that another builder has it. Who was
** overtaken must not claim again: nothing is as it was, not even the generation. */
static int renew(CkMergeClaim *claim, CkError *err) {
    CkStore *store = claim->store;
    int64_t now = ck_conn_now(store->conn);
    if (claim->claimed) {
        ck_stmt_run(store, CK_SQL_INDEX_RENEW, err, "iii", claim->model, claim->builder, now);
    } else if (ck_stmt_run(store, CK_SQL_INDEX_ADD, err, "i", claim->model) == SQLITE_OK) {
        ck_stmt_run(store, CK_SQL_INDEX_CLAIM, err, "iiii", claim->model, claim->builder, now,
                    now - CK_MERGE_CLAIM_S);
    }
    if (err->rc == SQLITE_OK && sqlite3_changes(store->conn->db) == 0) claim->lost = 1;
    claim->claimed = 1;
    return err->rc;
}

int ck_merge_locked(CkMergeClaim *claim, CkMergeWork work, void *context, CkError *err) {
    CkWrite write;
    if (claim->lost || ck_write_begin(&write, claim->store, err) != SQLITE_OK) return err->rc;
    if (!claim->over) renew(claim, err);
    if (err->rc == SQLITE_OK && !claim->lost) work(context, err);
    return ck_write_end(&write, err);
}

int ck_merge_unclaim(void *context, CkError *err) {
    CkMergeClaim *claim = context;
    ck_stmt_run(claim->store, CK_SQL_INDEX_UNCLAIM, err, "ii", claim->model, claim->builder);
    return ck_progress_clear(claim->store, CK_MERGE_TASK, err);
}

typedef struct Drop {
    CkMergeClaim *claim;
    int64_t from, to, n_dropped;
} Drop;

static int drop_some(void *context, CkError *err) {
    Drop *drop = context;
    return ck_block_drop(drop->claim->store, drop->from, drop->to, BLOCKS_PER_DROP,
                         &drop->n_dropped, err);
}

int ck_merge_drop(CkMergeClaim *claim, int64_t from, int64_t to, CkError *err) {
    Drop drop = {claim, from, to, 0};
    do {
        ck_merge_locked(claim, drop_some, &drop, err);
    } while (err->rc == SQLITE_OK && !claim->lost && drop.n_dropped == BLOCKS_PER_DROP);
    return err->rc;
}

static int show(void *context, CkError *err) {
    CkMergePulse *pulse = context;
    CkProgress progress = {CK_MERGE_TASK, pulse->started_at, pulse->done, pulse->total};
    return ck_progress_set(pulse->claim->store, &progress, err);
}

int ck_merge_pulse(void *context, double done) {
    CkMergePulse *pulse = context;
    CkStore *store = pulse->claim->store;
    int64_t now = ck_clock_ms();
    if (ck_pulse(store, pulse->err) != SQLITE_OK) return pulse->err->rc;
    if (pulse->shown_ms == 0) pulse->shown_ms = now;
    if (now - pulse->shown_ms < SHOW_EVERY_MS) return SQLITE_OK;
    int64_t before = pulse->done;
    pulse->done += (int64_t)(done * pulse->share * (double)pulse->total);
    ck_merge_locked(pulse->claim, show, pulse, pulse->err);
    pulse->done = before;
    pulse->shown_ms = ck_clock_ms();
    return pulse->claim->lost ? SQLITE_ABORT : pulse->err->rc;
}
