/* Stale hash entries: see hash_sweep.h. */
#include "store/hash_sweep.h"

#include <string.h>

/* Entries found at a time: more than a batch of ck_gc removes. */
#define FOUND_MAX 16384

/* Ids of one pass: 32 MB of bitmap. */
#define PASS_IDS ((int64_t)1 << 28)

typedef struct Entry {
    int64_t id;
    uint8_t hash[CK_HASH_BYTES];
} Entry;

void ck_hash_sweep_init(CkHashSweep *sweep) {
    memset(sweep, 0, sizeof *sweep);
    ck_buf_init(&sweep->in_use);
    ck_buf_init(&sweep->found);
}

void ck_hash_sweep_release(CkHashSweep *sweep) {
    ck_buf_release(&sweep->in_use);
    ck_buf_release(&sweep->found);
}

size_t ck_hash_sweep_waiting(const CkHashSweep *sweep) {
    return sweep->found.n_bytes / sizeof(Entry) - sweep->at;
}

/* The bitmap of the next pass: PASS_IDS from `end` on. */
static int begin_pass(CkHashSweep *sweep, CkStore *store, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int64_t n = sweep->last_id - sweep->end + 1;
    sweep->first = sweep->end;
    sweep->end += n < PASS_IDS ? n : PASS_IDS;
    sweep->n_after = sweep->pass_ended = 0;
    size_t n_bytes = (size_t)((sweep->end - sweep->first + 7) / 8);
    ck_buf_clear(&sweep->in_use);
    uint8_t *bits = ck_buf_extend(&sweep->in_use, n_bytes);
    if (!bits) return ck_error_nomem(err);
    memset(bits, 0, n_bytes);
    if (ck_stmt_take(store, CK_SQL_HASH_SWEEP_IDS_IN_USE, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ii", sweep->first, sweep->end);
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int64_t bit = sqlite3_column_int64(stmt, 0) - sweep->first;
        bits[bit >> 3] |= (uint8_t)(1 << (bit & 7));
    }
    ck_stmt_give(store, CK_SQL_HASH_SWEEP_IDS_IN_USE, stmt);
    return err->rc;
}

/*
** The counter is read before the ids in use: one given out later is above last_id, and one that is
** gone by then is gone for good.
*/
static int begin(CkHashSweep *sweep, CkStore *store, CkError *err) {
    int64_t counts[3] = {0, 0, 0};
    int found;
    sweep->begun = 1;
    ck_stmt_ints(store, CK_SQL_HASH_SWEEP_COUNTS, err, counts, 3, &found, "");
    if (err->rc != SQLITE_OK) return err->rc;
    int64_t n_entries = counts[0], n_stale = counts[0] - counts[1];
    sweep->last_id = counts[2];
    sweep->end = 1;
    sweep->ended = n_stale <= 0 || n_stale < n_entries / CK_HASH_SWEEP_SHARE || sweep->last_id < 1;
    return sweep->ended ? SQLITE_OK : begin_pass(sweep, store, err);
}

static int is_stale(const CkHashSweep *sweep, int64_t id) {
    if (id < sweep->first || id >= sweep->end) return 0;
    int64_t bit = id - sweep->first;
    return !(sweep->in_use.data[bit >> 3] >> (bit & 7) & 1);
}

/* Walks on through the hashes until enough entries are found, or to the end of the pass. */
static int walk(CkHashSweep *sweep, CkStore *store, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    Entry entry;
    if (ck_stmt_take(store, CK_SQL_HASH_SWEEP_WALK, &stmt, err) != SQLITE_OK) return err->rc;
    sqlite3_bind_blob(stmt, 1, sweep->after, sweep->n_after, SQLITE_TRANSIENT);
    while (err->rc == SQLITE_OK && ck_hash_sweep_waiting(sweep) < FOUND_MAX) {
        sweep->pass_ended = ck_stmt_step(store, stmt, err) != SQLITE_ROW;
        if (sweep->pass_ended) break;
        const void *hash = sqlite3_column_blob(stmt, 0);
        entry.id = sqlite3_column_int64(stmt, 1);
        if (!is_stale(sweep, entry.id)) continue;
        if (!hash || sqlite3_column_bytes(stmt, 0) != CK_HASH_BYTES) continue;
        memcpy(entry.hash, hash, CK_HASH_BYTES);
        ck_buf_append(&sweep->found, &entry, sizeof entry);
        if (sweep->found.rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(store, CK_SQL_HASH_SWEEP_WALK, stmt);
    if (err->rc != SQLITE_OK || ck_hash_sweep_waiting(sweep) == 0) return err->rc;
    memcpy(sweep->after, entry.hash, CK_HASH_BYTES);
    sweep->n_after = CK_HASH_BYTES;
    return SQLITE_OK;
}

int ck_hash_sweep_find(CkHashSweep *sweep, CkStore *store, CkError *err) {
    if (ck_hash_sweep_waiting(sweep) > 0 || sweep->ended) return SQLITE_OK;
    ck_buf_clear(&sweep->found);
    sweep->at = 0;
    if (!sweep->begun) begin(sweep, store, err);
    while (err->rc == SQLITE_OK && !sweep->ended && ck_hash_sweep_waiting(sweep) == 0) {
        if (!sweep->pass_ended) {
            walk(sweep, store, err);
        } else if (sweep->end > sweep->last_id) {
            sweep->ended = 1;
        } else {
            begin_pass(sweep, store, err);
        }
    }
    return err->rc;
}

int ck_hash_sweep_remove(CkHashSweep *sweep, CkStore *store, int max, CkError *err) {
    const Entry *entries = (const Entry *)(const void *)sweep->found.data;
    for (int i = 0; i < max && ck_hash_sweep_waiting(sweep) > 0 && err->rc == SQLITE_OK; i++) {
        const Entry *entry = &entries[sweep->at++];
        ck_stmt_run(store, CK_SQL_HASH_SWEEP_REMOVE, err, "bi", entry->hash, CK_HASH_BYTES,
                    entry->id);
    }
    return err->rc;
}
