/* A set of embedding ids: see idset.h. */
#include "store/idset.h"

#include <stdlib.h>

void ck_idset_init(CkIdSet *set) {
    ck_buf_init(&set->buf);
    set->restricts = 0;
}

void ck_idset_release(CkIdSet *set) {
    ck_buf_release(&set->buf);
    set->restricts = 0;
}

int ck_idset_add(CkIdSet *set, int64_t id, CkError *err) {
    ck_buf_append(&set->buf, &id, sizeof id);
    return set->buf.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

size_t ck_ids_find(const int64_t *ids, size_t low, size_t high, int64_t id) {
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int ck_idset_contains(const CkIdSet *set, int64_t id) {
    size_t n = ck_idset_count(set), at = ck_ids_find(ck_idset_ids(set), 0, n, id);
    return at < n && ck_idset_ids(set)[at] == id;
}

int ck_idset_add_all(CkIdSet *set, const CkIdSet *other, CkError *err) {
    ck_buf_append(&set->buf, other->buf.data, other->buf.n_bytes);
    return set->buf.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int compare_ids(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void ck_idset_seal(CkIdSet *set) {
    int64_t *ids = (int64_t *)(void *)set->buf.data;
    size_t n = ck_idset_count(set), n_kept = 0;
    int sorted = 1;
    for (size_t i = 1; i < n && sorted; i++) sorted = ids[i - 1] <= ids[i];
    if (!sorted) qsort(ids, n, sizeof *ids, compare_ids);
    for (size_t i = 0; i < n; i++) {
        if (n_kept == 0 || ids[n_kept - 1] != ids[i]) ids[n_kept++] = ids[i];
    }
    set->buf.n_bytes = n_kept * sizeof *ids;
    set->restricts = 1;
}

void ck_idset_intersect(CkIdSet *set, CkIdSet *other) {
    if (!other->restricts) return;
    if (!set->restricts) {
        CkIdSet all = *set;
        *set = *other;
        *other = all;
        return;
    }
    int64_t *a = (int64_t *)(void *)set->buf.data;
    const int64_t *b = ck_idset_ids(other);
    size_t n_a = ck_idset_count(set), n_b = ck_idset_count(other), i = 0, j = 0, n = 0;
    while (i < n_a && j < n_b) {
        if (a[i] == b[j]) a[n++] = a[i];
        if (a[i] < b[j]) {
            i++;
        } else if (b[j] < a[i]) {
            j++;
        } else {
            i++;
            j++;
        }
    }
    set->buf.n_bytes = n * sizeof *a;
}
