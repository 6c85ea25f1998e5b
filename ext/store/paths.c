/* Paths that no ref uses: see paths.h. */
#include "store/paths.h"

#define STEP_MAX 128

/* Probes of refs that a step, and a run that finds nothing, may need: about 1 µs each. */
#define STEP_PROBES 4096
#define RUN_PROBES 32768
#define PATIENCE_MAX 4096

static int64_t clamp(int64_t x, int64_t lowest, int64_t highest) {
    return x < lowest ? lowest : x > highest ? highest : x;
}

static int begin(CkStore *store, CkPathSweep *sweep, CkError *err) {
    int64_t row[2] = {0, 0};
    int found;
    ck_stmt_ints(store, CK_SQL_PATH_SWEEP_BEGIN, err, row, 2, &found, "");
    if (store->paths_at == 0 && row[0] > PATIENCE_MAX) {
        uint32_t any;
        sqlite3_randomness(sizeof any, &any);
        store->paths_at = any % row[0];
    }
    sweep->begun = 1;
    sweep->start = store->paths_at;
    sweep->n_step = clamp(STEP_PROBES / (row[1] + 1), 1, STEP_MAX);
    sweep->patience = clamp(RUN_PROBES / (row[1] + 1), STEP_MAX, PATIENCE_MAX) + sweep->extra;
    return err->rc;
}

int ck_paths_sweep(CkStore *store, CkPathSweep *sweep, CkError *err) {
    int64_t unused[STEP_MAX], id = 0;
    int n_seen = 0, n_unused = 0;
    sqlite3_stmt *stmt = NULL;
    if (!sweep->begun && begin(store, sweep, err) != SQLITE_OK) return err->rc;
    if (ck_stmt_take(store, CK_SQL_PATH_SWEEP, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "ii", store->paths_at, sweep->n_step);
    while (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        n_seen++;
        id = sqlite3_column_int64(stmt, 0);
        if (sqlite3_column_int(stmt, 1)) {
            sweep->n_in_use++;
        } else {
            unused[n_unused++] = id;
            sweep->n_in_use = 0;
        }
    }
    ck_stmt_give(store, CK_SQL_PATH_SWEEP, stmt);
    for (int i = 0; i < n_unused && err->rc == SQLITE_OK; i++) {
        ck_stmt_run(store, CK_SQL_PATH_DELETE, err, "i", unused[i]);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    sweep->n_dropped += n_unused;
    int at_end = n_seen < sweep->n_step;
    store->paths_at = at_end ? -1 : id; /* 0 would be anywhere */
    sweep->done = (sweep->wrapped && (at_end || id >= sweep->start)) ||
                  (at_end && sweep->start <= 0) || sweep->n_in_use >= sweep->patience;
    if (at_end) sweep->wrapped = 1;
    return SQLITE_OK;
}
