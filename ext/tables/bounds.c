/* Bounds and order pushed down: see bounds.h. */
#include "tables/bounds.h"

#include <math.h>

/* Parts of idxNum. */
enum { PLAN_KEY = 3, PLAN_DESC = 4, PLAN_LOWER = 8, PLAN_UPPER = 16, PLAN_EQUAL = 32 };

/* The guessed size of a table: only the proportions matter to the query planner. */
#define GUESSED_ROWS 100000.0

void ck_bounds_find(CkBounds *bounds, const sqlite3_index_info *info, int column) {
    *bounds = (CkBounds){0, -1, -1, 0, 0};
    for (int i = 0; i < info->nConstraint; i++) {
        if (!info->aConstraint[i].usable || info->aConstraint[i].iColumn != column) continue;
        switch (info->aConstraint[i].op) {
        case SQLITE_INDEX_CONSTRAINT_EQ:
            bounds->lower = bounds->upper = i;
            return;
        case SQLITE_INDEX_CONSTRAINT_GT:
        case SQLITE_INDEX_CONSTRAINT_GE:
            bounds->lower = i;
            break;
        case SQLITE_INDEX_CONSTRAINT_LT:
        case SQLITE_INDEX_CONSTRAINT_LE:
            bounds->upper = i;
            break;
        default:
            break;
        }
    }
}

int ck_bounds_orders(const sqlite3_index_info *info, int column) {
    if (info->nOrderBy != 1 || info->aOrderBy[0].iColumn != column) return 0;
    return info->aOrderBy[0].desc ? -1 : 1;
}

static int rank(const CkBounds *b) {
    int n_bounds = (b->lower >= 0) + (b->upper >= 0);
    return (n_bounds == 2 && b->lower == b->upper ? 16 : n_bounds * 2) + b->ordered;
}

int ck_bounds_better(const CkBounds *a, const CkBounds *b) {
    return rank(a) > rank(b);
}

void ck_bounds_use(const CkBounds *bounds, sqlite3_index_info *info, int unique) {
    int n = 0;
    int equal = bounds->lower >= 0 && bounds->lower == bounds->upper;
    double rows = GUESSED_ROWS;
    info->idxNum = bounds->key & PLAN_KEY;
    if (bounds->ordered) {
        info->orderByConsumed = 1;
        if (bounds->descending) info->idxNum |= PLAN_DESC;
    }
    if (bounds->lower >= 0) {
        info->aConstraintUsage[bounds->lower].argvIndex = ++n;
        info->idxNum |= PLAN_LOWER;
        rows /= 4;
    }
    if (bounds->upper >= 0) {
        if (!equal) info->aConstraintUsage[bounds->upper].argvIndex = ++n;
        info->idxNum |= PLAN_UPPER | (equal ? PLAN_EQUAL : 0);
        rows /= 4;
    }
    if (equal) rows = unique ? 1 : 100;
    if (equal && unique) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    info->estimatedRows = (sqlite3_int64)rows;
    info->estimatedCost = rows + 1;
}

void ck_bounds_unpack(CkBounds *bounds, int plan) {
    bounds->key = plan & PLAN_KEY;
    bounds->ordered = 0;
    bounds->descending = (plan & PLAN_DESC) != 0;
    bounds->lower = plan & PLAN_LOWER ? 0 : -1;
    bounds->upper = plan & PLAN_UPPER ? (plan & PLAN_LOWER && !(plan & PLAN_EQUAL)) : -1;
}

/* Rounds a REAL bound outwards, into the range where the conversion is defined. */
static int64_t real_bound(double v, int upwards) {
    v = upwards ? ceil(v) : floor(v);
    if (v >= 9223372036854775808.0) return INT64_MAX;
    if (v < -9223372036854775808.0) return INT64_MIN;
    return (int64_t)v;
}

void ck_bounds_integers(const CkBounds *bounds, sqlite3_value **argv, int64_t *lo, int64_t *hi) {
    *lo = INT64_MIN;
    *hi = INT64_MAX;
    for (int upper = 0; upper <= 1; upper++) {
        int at = upper ? bounds->upper : bounds->lower;
        int64_t *to = upper ? hi : lo;
        if (at < 0) continue;
        int type = sqlite3_value_numeric_type(argv[at]);
        if (type == SQLITE_INTEGER) *to = sqlite3_value_int64(argv[at]);
        if (type == SQLITE_FLOAT) *to = real_bound(sqlite3_value_double(argv[at]), upper);
    }
    /* An equality was announced to match at most one row: SQLite looks at no other. */
    if (bounds->lower >= 0 && bounds->lower == bounds->upper && *lo != *hi) {
        *lo = 1;
        *hi = 0;
    }
}
