/* The quota: see quota.h. */
#include "store/quota.h"

#include <string.h>

#include "store/config.h"

int ck_quota_plan(CkStore *store, int64_t cutoff, CkQuota *quota, CkError *err) {
    int64_t totals[2] = {0, 0};
    int found;
    sqlite3_stmt *stmt = NULL;
    memset(quota, 0, sizeof *quota);
    if (ck_config_get(store, CK_SETTING_MAX_BYTES, &quota->max_bytes, err) != SQLITE_OK ||
        quota->max_bytes == 0) {
        return err->rc;
    }
    ck_stmt_ints(store, CK_SQL_STATS_EMBEDDINGS, err, totals, 2, &found, "");
    quota->bytes = totals[1];
    int64_t excess = quota->bytes - quota->max_bytes;
    if (err->rc != SQLITE_OK || excess <= 0) return err->rc;
    if (ck_stmt_take(store, CK_SQL_QUOTA_VICTIMS, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", cutoff);
    while (excess > 0 && ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        excess -= sqlite3_column_int64(stmt, 1);
        ck_buf_append(&quota->victims, &id, sizeof id);
        if (quota->victims.rc != SQLITE_OK) ck_error_nomem(err);
        if (err->rc != SQLITE_OK) break;
    }
    ck_stmt_give(store, CK_SQL_QUOTA_VICTIMS, stmt);
    return err->rc;
}

void ck_quota_release(CkQuota *quota) {
    ck_buf_release(&quota->victims);
}
