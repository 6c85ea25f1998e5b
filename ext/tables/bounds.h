/*
** Pushing bounds and order of one column down to an index of a storage table.
**
** The bounds are hints: SQLite checks every row against the original constraint again (omit is
** never set), so a bound of an unexpected type may simply be left out.
*/
#ifndef CK_TABLES_BOUNDS_H
#define CK_TABLES_BOUNDS_H

#include <stdint.h>

#include "base/sqlite.h"

typedef struct CkBounds {
    int key;        /* the caller's number of the scan, 0..3 */
    int lower;      /* constraint (when planning) or argv (when filtering) of each, -1 for none; */
    int upper;      /* an equality is both */
    int ordered;    /* the scan delivers the ORDER BY that was asked for */
    int descending; /* … backwards */
} CkBounds;

/* Planning: finds usable =, <, <=, >, >= on the column (-1 is the rowid). */
void ck_bounds_find(CkBounds *bounds, const sqlite3_index_info *info, int column);

/* Planning: 1 or -1 (descending) when ORDER BY is this column alone, else 0. */
int ck_bounds_orders(const sqlite3_index_info *info, int column);

/* Planning: whether a scan by `a` reads less than one by `b`. */
int ck_bounds_better(const CkBounds *a, const CkBounds *b);

/* Planning: writes the choice, its cost and its order into info; `unique` says at most one row. */
void ck_bounds_use(const CkBounds *bounds, sqlite3_index_info *info, int unique);

/* Filtering: what ck_bounds_use() put into idxNum. */
void ck_bounds_unpack(CkBounds *bounds, int plan);

/*
** Filtering: an integer range that holds every value within the bounds; empty (*lo > *hi) for an
** equality with what is no integer.
*/
void ck_bounds_integers(const CkBounds *bounds, sqlite3_value **argv, int64_t *lo, int64_t *hi);

#endif
