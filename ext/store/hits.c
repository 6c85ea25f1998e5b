/* How often the cache helped: see hits.h. */
#include "store/hits.h"

void ck_hits_count(CkStore *store, int64_t model, int64_t hits, int64_t misses) {
    CkHitsWaiting *waiting = &store->hits;
    int i = 0;
    while (i < waiting->n && waiting->models[i].model != model) i++;
    if (i == CK_HITS_MODELS) return; /* more models at once than anybody uses: approximate */
    if (i == waiting->n) {
        waiting->models[i] = (CkModelHits){.model = model};
        waiting->n++;
    }
    waiting->models[i].hits += hits;
    waiting->models[i].misses += misses;
    waiting->total += hits + misses;
}

int ck_hits_flush(CkStore *store, CkError *err) {
    CkHitsWaiting *waiting = &store->hits;
    if (waiting->total <= waiting->patience) return SQLITE_OK;
    waiting->patience = 2 * waiting->patience + 1;
    if (waiting->patience >= CK_HITS_BATCH) waiting->patience = CK_HITS_BATCH - 1;
    return ck_hits_flush_all(store, err);
}

int ck_hits_flush_all(CkStore *store, CkError *err) {
    CkHitsWaiting *waiting = &store->hits;
    if (waiting->total == 0) return SQLITE_OK;
    int64_t day = ck_conn_now(store->conn) / 86400;
    for (int i = 0; i < waiting->n && err->rc == SQLITE_OK; i++) {
        ck_stmt_run(store, CK_SQL_HITS_ADD, err, "iiii", day, waiting->models[i].model,
                    waiting->models[i].hits, waiting->models[i].misses);
    }
    waiting->n = 0;
    waiting->total = 0;
    return err->rc;
}
