/*
** A set of embedding ids: what a filtered search may return.
*/
#ifndef CK_STORE_IDSET_H
#define CK_STORE_IDSET_H

#include "base/buf.h"
#include "base/error.h"

typedef struct CkIdSet {
    CkBuf buf;     /* int64_t each, host order */
    int restricts; /* 0: every id passes, whatever the buffer holds */
} CkIdSet;

void ck_idset_init(CkIdSet *set);
void ck_idset_release(CkIdSet *set);

/* Adds without keeping order; ck_idset_seal() sorts and drops duplicates before the first read. */
int ck_idset_add(CkIdSet *set, int64_t id, CkError *err);
void ck_idset_seal(CkIdSet *set);

/* Adds all of a sealed set, likewise. */
int ck_idset_add_all(CkIdSet *set, const CkIdSet *other, CkError *err);

/*
** Keeps in `set` only what is in `other` too; both sealed. A set that does not restrict is all.
** What is in `other` afterwards is of no use but to be released.
*/
void ck_idset_intersect(CkIdSet *set, CkIdSet *other);

/* The first of ids[low, high), which ascend, that is not below id; high when all are. */
size_t ck_ids_find(const int64_t *ids, size_t low, size_t high, int64_t id);

/* Whether an id is in a sealed set. */
int ck_idset_contains(const CkIdSet *set, int64_t id);

static inline size_t ck_idset_count(const CkIdSet *set) {
    return set->buf.n_bytes / sizeof(int64_t);
}

static inline const int64_t *ck_idset_ids(const CkIdSet *set) {
    return (const int64_t *)(const void *)set->buf.data;
}

#endif
