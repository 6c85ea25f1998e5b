/*
** Candidates: see candidates.h.
**
** The nearest so far are kept in a buffer of twice the depth. A slot is looked at only when its key
** is below the threshold; when the buffer is full the nearer half is selected and the farthest of
** it becomes the threshold. So after the first blocks nearly every slot costs its key and one
** comparison.
*/
#include "store/candidates.h"

#include <math.h>
#include <stdlib.h>

/* From one passing slot in so many on, a block is scanned as a whole: a slot of a scan costs a
** quarter of one that is compared by itself. */
#define SCAN_MANY_SHARE 4

typedef struct Scan {
    CkIndex *index;
    const CkScan *scan;
    CkSignQuery query;
    CkCandidate *best; /* 2 * depth of them fit */
    size_t n_best, depth;
    float threshold;   /* keys above it are of no interest */
    uint32_t *dots;    /* room for the largest block */
    float *keys;
    uint32_t *slots;
    int64_t n_compared;
} Scan;

static int before(const CkCandidate *a, const CkCandidate *b) {
    return a->key < b->key || (a->key == b->key && a->id < b->id);
}

static void swap(CkCandidate *a, CkCandidate *b) {
    CkCandidate c = *a;
    *a = *b;
    *b = c;
}

/* Moves the n_keep smallest of n to the front; 1 <= n_keep <= n (Hoare's algorithm FIND, 1961). */
static void select_nearest(CkCandidate *a, size_t n, size_t n_keep) {
    ptrdiff_t left = 0, right = (ptrdiff_t)n - 1, border = (ptrdiff_t)n_keep - 1;
    while (left < right) {
        CkCandidate pivot = a[border];
        ptrdiff_t i = left, j = right;
        while (i <= j) {
            while (before(&a[i], &pivot)) i++;
            while (before(&pivot, &a[j])) j--;
            if (i <= j) swap(&a[i++], &a[j--]);
        }
        if (j < border) left = i;
        if (border < i) right = j;
    }
}

static void shrink(Scan *scan) {
    if (scan->n_best <= scan->depth) return;
    select_nearest(scan->best, scan->n_best, scan->depth);
    scan->n_best = scan->depth;
    scan->threshold = scan->best[0].key;
    for (size_t i = 1; i < scan->n_best; i++) {
        if (scan->best[i].key > scan->threshold) scan->threshold = scan->best[i].key;
    }
}

/* Takes slot i of the block in, unless the blocks are wrong about it. */
static void offer(Scan *scan, const CkScanBlock *block, size_t number, size_t i, float key) {
    int64_t id = block->ids[i];
    int in_tail = number == scan->index->n_blocks;
    if (!in_tail && ck_stale_bits_test(&scan->index->stale, id)) return;
    scan->best[scan->n_best++] = (CkCandidate){id, key, (uint32_t)number, (uint32_t)i};
    if (scan->n_best == 2 * scan->depth) shrink(scan);
}

static void scan_all(Scan *scan, const CkScanBlock *block, size_t number) {
    size_t n = ck_sign_scan(&scan->query, &block->columns, scan->threshold, scan->dots,
                            scan->slots, scan->keys);
    for (size_t j = 0; j < n; j++) {
        if (scan->keys[j] <= scan->threshold) {
            offer(scan, block, number, scan->slots[j], scan->keys[j]);
        }
    }
    scan->n_compared += (int64_t)block->columns.n;
}

/* When many slots pass: scans all of them, and looks the few up that are near enough. */
static void scan_many(Scan *scan, const CkScanBlock *block, size_t number, size_t at, size_t end) {
    const int64_t *ids = ck_idset_ids(scan->scan->passing);
    size_t n = ck_sign_scan(&scan->query, &block->columns, scan->threshold, scan->dots,
                            scan->slots, scan->keys);
    for (size_t j = 0; j < n; j++) {
        size_t i = scan->slots[j];
        if (scan->keys[j] > scan->threshold) continue;
        at = ck_ids_find(ids, at, end, block->ids[i]);
        if (at == end) break;
        if (ids[at] == block->ids[i]) offer(scan, block, number, i, scan->keys[j]);
    }
    scan->n_compared += (int64_t)block->columns.n;
}

/* When few pass: walks along both lists of ids, which ascend, and compares what is in both. */
static void scan_few(Scan *scan, const CkScanBlock *block, size_t number, size_t at, size_t end) {
    const int64_t *ids = ck_idset_ids(scan->scan->passing);
    for (size_t i = 0; i < block->columns.n && at < end; i++) {
        while (at < end && ids[at] < block->ids[i]) at++;
        if (at == end || ids[at] != block->ids[i]) continue;
        float key = ck_sign_key(&scan->query, &block->columns, i);
        if (key <= scan->threshold) offer(scan, block, number, i, key);
        scan->n_compared++;
    }
}

static int scan_block(Scan *scan, size_t number, CkError *err) {
    CkIndex *index = scan->index;
    const CkIdSet *passing = scan->scan->passing;
    const CkBlockEntry *entry = &index->blocks[number].entry;
    const int64_t *ids = ck_idset_ids(passing);
    size_t at = 0, end = ck_idset_count(passing);
    CkScanBlock block;
    if (passing->restricts && number < index->n_blocks) {
        at = ck_ids_find(ids, 0, end, entry->first_id);
        end = ck_ids_find(ids, at, end, entry->last_id + 1);
    }
    if (passing->restricts && at == end) return SQLITE_OK;
    if (ck_index_scan_block(index, number, &block, err) != SQLITE_OK) return err->rc;
    if (!passing->restricts) {
        scan_all(scan, &block, number);
    } else if ((end - at) * SCAN_MANY_SHARE > block.columns.n) {
        scan_many(scan, &block, number, at, end);
    } else {
        scan_few(scan, &block, number, at, end);
    }
    return SQLITE_OK;
}

/* One allocation for all of the scan's memory. */
static uint8_t *allocate(Scan *scan, CkError *err) {
    const CkIndex *index = scan->index;
    size_t code_bytes = ck_sign_code_bytes(index->dims);
    size_t n = ck_scan_block_capacity(code_bytes);
    if (index->tail.n > n) n = index->tail.n;
    size_t best_bytes = 2 * scan->depth * sizeof *scan->best, column = n * sizeof *scan->dots;
    size_t scratch = index->dims * sizeof(float);
    uint8_t *memory =
        sqlite3_malloc64(best_bytes + 3 * column + scratch + 4 * code_bytes);
    if (!memory) {
        ck_error_nomem(err);
        return NULL;
    }
    scan->best = (CkCandidate *)(void *)memory;
    scan->dots = (uint32_t *)(void *)(memory + best_bytes);
    scan->keys = (float *)(void *)(memory + best_bytes + column);
    scan->slots = (uint32_t *)(void *)(memory + best_bytes + 2 * column);
    float *floats = (float *)(void *)(memory + best_bytes + 3 * column);
    scan->query.planes = memory + best_bytes + 3 * column + scratch;
    CkSignSpace space = ck_index_space(index);
    ck_sign_query(&space, scan->scan->x, scan->scan->scale, floats, &scan->query);
    return memory;
}

static int by_id(const void *a, const void *b) {
    const CkCandidate *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

int ck_candidates_scan(CkIndex *index, const CkScan *what, CkBuf *candidates, int64_t *n_compared,
                       CkError *err) {
    Scan scan = {.index = index, .scan = what, .depth = what->depth, .threshold = INFINITY};
    uint8_t *memory = allocate(&scan, err);
    if (!memory) return err->rc;
    for (size_t i = what->first_block; i <= index->n_blocks && err->rc == SQLITE_OK; i++) {
        scan_block(&scan, i, err);
    }
    shrink(&scan);
    qsort(scan.best, scan.n_best, sizeof *scan.best, by_id);
    for (size_t i = 0; i < scan.n_best && err->rc == SQLITE_OK; i++) {
        if (i > 0 && scan.best[i].id == scan.best[i - 1].id) continue;
        ck_buf_append(candidates, &scan.best[i], sizeof *scan.best);
        if (candidates->rc != SQLITE_OK) ck_error_nomem(err);
    }
    *n_compared = scan.n_compared;
    sqlite3_free(memory);
    return err->rc;
}
