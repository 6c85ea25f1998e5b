/* Checking a graph: see validate.h. */
#include "hnsw/validate.h"

#include "base/sqlite.h"
#include "hnsw/walk.h"

typedef struct Check {
    const CkHnswSource *source;
    CkHnswReport *report;
    uint8_t *state; /* of each node, the bits below */
    uint32_t *stack, *seen_by;
} Check;

#define REACHED 1
#define ABOVE 2 /* reached on the level above */
#define BAD 4   /* its list is not followed */

/* Whether no link is twice in a list; seen_by[i] is the last node + 1 whose list had i. */
static int is_set(Check *check, const uint32_t *record, uint32_t node) {
    for (uint32_t i = 1; i <= record[0]; i++) {
        if (check->seen_by[record[i]] == node + 1) return 0;
        check->seen_by[record[i]] = node + 1;
    }
    return 1;
}

static int check_lists(Check *check, uint32_t level) {
    const CkHnswShape *shape = &check->source->shape;
    CkHnswReport *report = check->report;
    memset(check->seen_by, 0, shape->n[level] * sizeof *check->seen_by);
    for (uint32_t i = 0; i < shape->n[level]; i++) {
        check->state[i] = check->state[i] & REACHED ? ABOVE : 0;
    }
    for (uint32_t i = 0; i < shape->n[level]; i++) {
        int rc = ck_hnsw_ensure(check->source, (int)level, i);
        if (rc != SQLITE_OK) return rc;
        const uint32_t *record = ck_hnsw_record(check->source, level, i);
        if (!ck_hnsw_links_ok(record, ck_hnsw_width(shape, level), shape->n[level], i) ||
            !is_set(check, record, i)) {
            if (report->n_bad_lists++ == 0) report->first_bad = i;
            check->state[i] |= BAD;
        } else if (level == 0) {
            report->n_links += record[0];
        }
    }
    return SQLITE_OK;
}

static void follow(Check *check, uint32_t level, uint32_t node) {
    size_t n = 0;
    if (check->state[node] & REACHED) return;
    check->state[node] |= REACHED;
    check->stack[n++] = node;
    while (n > 0) {
        uint32_t from = check->stack[--n];
        if (check->state[from] & BAD) continue;
        const uint32_t *record = ck_hnsw_record(check->source, level, from);
        for (uint32_t i = 1; i <= record[0]; i++) {
            if (check->state[record[i]] & REACHED) continue;
            check->state[record[i]] |= REACHED;
            check->stack[n++] = record[i];
        }
    }
}

/* From the entries, or from what was reached on the level above. */
static void check_reach(Check *check, uint32_t level) {
    const CkHnswShape *shape = &check->source->shape;
    CkHnswReport *report = check->report;
    const int is_top = level + 1 == shape->n_levels;
    const uint32_t n_begin = is_top ? ck_hnsw_n_entries(shape) : shape->n[level + 1];
    for (uint32_t i = 0; i < n_begin; i++) {
        if (is_top || check->state[i] & ABOVE) follow(check, level, i);
    }
    for (uint32_t i = 0; i < shape->n[level]; i++) {
        if (!(check->state[i] & BAD) && ck_hnsw_record(check->source, level, i)[0] == 0) {
            if (level == 0 && shape->n[0] > 1) report->n_isolated++;
            continue;
        }
        if (check->state[i] & REACHED) continue;
        if (report->n_unreachable++ == 0) report->first_unreachable = i;
    }
}

int ck_hnsw_validate(const CkHnswSource *source, CkHnswReport *report) {
    const uint64_t n = source->shape.n_levels > 0 ? source->shape.n[0] : 0;
    Check check = {.source = source, .report = report};
    memset(report, 0, sizeof *report);
    check.state = sqlite3_malloc64(n + 1);
    check.stack = sqlite3_malloc64((n + 1) * sizeof *check.stack);
    check.seen_by = sqlite3_malloc64((n + 1) * sizeof *check.seen_by);
    int rc = check.state && check.stack && check.seen_by ? SQLITE_OK : SQLITE_NOMEM;
    if (rc == SQLITE_OK) memset(check.state, 0, n + 1);
    for (uint32_t level = source->shape.n_levels; rc == SQLITE_OK && level-- > 0;) {
        rc = check_lists(&check, level);
        if (rc != SQLITE_OK) break;
        check_reach(&check, level);
    }
    sqlite3_free(check.state);
    sqlite3_free(check.stack);
    sqlite3_free(check.seen_by);
    return rc;
}
