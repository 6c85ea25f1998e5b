/* Stale hash entries: see stale.h. */
#include "store/stale.h"

#include <string.h>

/* Entries found at a time: more than a batch of ck_gc removes. */
#define FOUND_MAX 16384

/* Ids of one pass: 32 MB of bitmap. */
#define PASS_IDS ((int64_t)1 << 28)

typedef struct Entry {
    int64_t id;
    uint8_t hash[CK_HASH_BYTES];
} Entry;

void ck_stale_init(CkStale *stale) {
    memset(stale, 0, sizeof *stale);
    ck_buf_init(&stale->in_use);
    ck_buf_init(&stale->found);
}

void ck_stale_release(CkStale *stale) {
    ck_buf_release(&stale->in_use);
    ck_buf_release(&stale->found);
}

size_t ck_stale_waiting(const CkStale *stale) {
    return stale->found.n_bytes / sizeof(Entry) - stale->at;
}

/* The bitmap of the next pass: PASS_IDS from `end` on. */
static int begin_pass(CkStale *stale, CkStore *store, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    int64_t n = stale->last_id - stale->end + 1;
    stale->first = stale->end;
    stale->end += n < PASS_IDS ? n : PASS_IDS;
    stale->n_after = stale->pass_ended = 0;
    size_t n_bytes = (size_t)((stale->end - stale->first + 7) / 8);
    ck_buf_clear(&stale->in_use);
    uint8_t *bits = ck_buf_extend(&stale->in_use, n_bytes);
    if (!bits) return ck_error_nomem(err);
    memset(bits, 0, n_bytes);
    if (ck_stmt_take(store, CK_SQL_STALE_IDS_IN_USE, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ii", stale->first, stale->end);
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int64_t bit = sqlite3_column_int64(stmt, 0) - stale->first;
        bits[bit >> 3] |= (uint8_t)(1 << (bit & 7));
    }
    ck_stmt_give(store, CK_SQL_STALE_IDS_IN_USE, stmt);
    return err->rc;
}

/*
** The counter is read before the ids in use: one given out later is above last_id, and one that is
** gone by then is gone for good.
*/
static int begin(CkStale *stale, CkStore *store, CkError *err) {
    int64_t counts[3] = {0, 0, 0};
    int found;
    stale->begun = 1;
    ck_stmt_ints(store, CK_SQL_STALE_COUNTS, err, counts, 3, &found, "");
    if (err->rc != SQLITE_OK) return err->rc;
    int64_t n_entries = counts[0], n_stale = counts[0] - counts[1];
    stale->last_id = counts[2];
    stale->end = 1;
    stale->ended = n_stale <= 0 || n_stale < n_entries / CK_STALE_SHARE || stale->last_id < 1;
    return stale->ended ? SQLITE_OK : begin_pass(stale, store, err);
}

static int is_stale(const CkStale *stale, int64_t id) {
    if (id < stale->first || id >= stale->end) return 0;
    int64_t bit = id - stale->first;
    return !(stale->in_use.data[bit >> 3] >> (bit & 7) & 1);
}

/* Walks on through the hashes until enough entries are found, or to the end of the pass. */
static int walk(CkStale *stale, CkStore *store, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    Entry entry;
    if (ck_stmt_take(store, CK_SQL_STALE_WALK, &stmt, err) != SQLITE_OK) return err->rc;
    sqlite3_bind_blob(stmt, 1, stale->after, stale->n_after, SQLITE_TRANSIENT);
    while (err->rc == SQLITE_OK && ck_stale_waiting(stale) < FOUND_MAX) {
        stale->pass_ended = ck_stmt_step(store, stmt, err) != SQLITE_ROW;
        if (stale->pass_ended) break;
        const void *hash = sqlite3_column_blob(stmt, 0);
        entry.id = sqlite3_column_int64(stmt, 1);
        if (!is_stale(stale, entry.id)) continue;
        if (!hash || sqlite3_column_bytes(stmt, 0) != CK_HASH_BYTES) continue;
        memcpy(entry.hash, hash, CK_HASH_BYTES);
        ck_buf_append(&stale->found, &entry, sizeof entry);
        if (stale->found.rc != SQLITE_OK) ck_error_nomem(err);
    }
    ck_stmt_give(store, CK_SQL_STALE_WALK, stmt);
    if (err->rc != SQLITE_OK || ck_stale_waiting(stale) == 0) return err->rc;
    memcpy(stale->after, entry.hash, CK_HASH_BYTES);
    stale->n_after = CK_HASH_BYTES;
    return SQLITE_OK;
}

int ck_stale_find(CkStale *stale, CkStore *store, CkError *err) {
    if (ck_stale_waiting(stale) > 0 || stale->ended) return SQLITE_OK;
    ck_buf_clear(&stale->found);
    stale->at = 0;
    if (!stale->begun) begin(stale, store, err);
    while (err->rc == SQLITE_OK && !stale->ended && ck_stale_waiting(stale) == 0) {
        if (!stale->pass_ended) {
            walk(stale, store, err);
        } else if (stale->end > stale->last_id) {
            stale->ended = 1;
        } else {
            begin_pass(stale, store, err);
        }
    }
    return err->rc;
}

int ck_stale_remove(CkStale *stale, CkStore *store, int max, CkError *err) {
    const Entry *entries = (const Entry *)(const void *)stale->found.data;
    for (int i = 0; i < max && ck_stale_waiting(stale) > 0 && err->rc == SQLITE_OK; i++) {
        const Entry *entry = &entries[stale->at++];
        ck_stmt_run(store, CK_SQL_STALE_REMOVE, err, "bi", entry->hash, CK_HASH_BYTES, entry->id);
    }
    return err->rc;
}
