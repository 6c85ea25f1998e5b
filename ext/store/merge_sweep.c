/* Sweeping: see merge_sweep.h. */
#include "store/merge_sweep.h"

#include "store/merge_claim.h"

#define BLOCKS_PER_SWEEP 64

typedef struct Sweep {
    CkMergeClaim claim;
    int64_t addresses[BLOCKS_PER_SWEEP];
    int n; /* of the addresses */
    int is_claimed; /* by a builder that died */
} Sweep;

/* Lists some of the blocks. A claim that died is a row with address 0. */
static int list(Sweep *sweep, CkError *err) {
    CkStore *store = sweep->claim.store;
    sqlite3_stmt *stmt = NULL;
    sweep->n = 0;
    if (ck_stmt_take(store, CK_SQL_INDEX_LEFTOVERS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "iiii", sweep->claim.model, sweep->claim.builder,
                 ck_conn_now(store->conn) - CK_MERGE_CLAIM_S, (int64_t)BLOCKS_PER_SWEEP);
    while (sweep->n < BLOCKS_PER_SWEEP && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int64_t address = sqlite3_column_int64(stmt, 0);
        sweep->is_claimed = sweep->is_claimed || address == 0;
        if (address != 0) sweep->addresses[sweep->n++] = address;
    }
    ck_stmt_give(store, CK_SQL_INDEX_LEFTOVERS, stmt);
    return err->rc;
}

static int delete_some(void *context, CkError *err) {
    Sweep *sweep = context;
    CkStore *store = sweep->claim.store;
    list(sweep, err);
    for (int i = 0; i < sweep->n && err->rc == SQLITE_OK; i++) {
        ck_stmt_run(store, CK_SQL_BLOCK_DELETE, err, "i", sweep->addresses[i]);
        if (err->rc != SQLITE_OK) break;
        ck_stmt_run(store, CK_SQL_BLOCK_DELETE_DATA, err, "i", sweep->addresses[i]);
    }
    return err->rc;
}

int ck_merge_sweep(CkStore *store, int64_t model, CkError *err) {
    Sweep sweep = {.is_claimed = 0};
    ck_merge_claim_init(&sweep.claim, store, model);
    if (list(&sweep, err) != SQLITE_OK || (sweep.n == 0 && !sweep.is_claimed)) return err->rc;
    do {
        ck_merge_locked(&sweep.claim, delete_some, &sweep, err);
    } while (err->rc == SQLITE_OK && !sweep.claim.lost && sweep.n > 0);
    return ck_merge_locked(&sweep.claim, ck_merge_unclaim, &sweep.claim, err);
}
