/* store/calibrate and store/mean: few candidates where codes tell vectors apart, many where not. */
#include "store/calibrate.h"

#include <math.h>

#include "store/mean.h"
#include "store/planner.h"
#include "unit.h"

/* `dims` components: a cluster's centre and noise around it, from a hash of what is asked for. */
#define FILL \
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %d)," \
    " axis(j) AS (VALUES (0) UNION ALL SELECT j + 1 FROM axis WHERE j < %d - 1)" \
    " INSERT INTO embeddings(model, version, content, vector)" \
    " SELECT '%s', '1', 'c' || i," \
    "  (SELECT json_group_array(random() / 9e18 * %g + 3" \
    "                           + sin((i %% %d + 1) * (j + 7) * 1.7) * %g)" \
    "   FROM axis) FROM n"

static int depth_of(sqlite3 *db, const char *model, int n, int dims, double noise, int clusters,
                    double centre) {
    char sql[1024];
    snprintf(sql, sizeof sql, FILL, n, dims, model, noise, clusters, centre);
    CHECK_STR_FREE(unit_sql(db, sql), "");
    snprintf(sql, sizeof sql, "SELECT ck_optimize('%s') > 0", model);
    CHECK_STR_FREE(unit_sql(db, sql), "1");
    snprintf(sql, sizeof sql, "SELECT depth FROM _ck_index JOIN _ck_model ON id = model"
                              " WHERE name = '%s'", model);
    char *text = unit_sql(db, sql);
    int depth = (int)strtol(text, NULL, 10);
    free(text);
    return depth;
}

/* Ten in a cluster far from the others: whatever is near has nearly the same code. */
static void test_depths(sqlite3 *db) {
    int easy = depth_of(db, "easy", 1100, 256, 0.01, 110, 1);
    int hard = depth_of(db, "hard", 1100, 3, 1, 1, 0);
    CHECK_INT(easy, ck_plan_depth(256));
    CHECK_MSG(hard > easy && hard <= 2048, "the depth for 3 dims is %d", hard);
}

/* Of few vectors the mean is exact; a model without vectors has the depth it had, and zero. */
static void test_means(sqlite3 *db, CkStore *store) {
    CkError err = CK_ERROR_NONE;
    CkModel model;
    float mean[4] = {1, 1, 1, 1};
    int depth = 123;
    CHECK_STR_FREE(unit_sql(db, "INSERT INTO models(model, version, dims, metric)"
                                " VALUES ('mean', '1', 4, 'l2')"), "");
    char *id = unit_sql(db, "SELECT id FROM _ck_model WHERE name = 'mean'");
    model = (CkModel){.id = strtol(id, NULL, 10), .dims = 4, .metric = CK_METRIC_L2};
    free(id);
    CHECK_INT(ck_mean_read(store, &model, 100000, mean, &err), SQLITE_OK);
    for (int j = 0; j < 4; j++) CHECK(mean[j] == 0);
    CkCalibration what = {store, &model, mean, 1, 100000};
    CHECK_INT(ck_calibrate(&what, &depth, &err), SQLITE_OK);
    CHECK_INT(depth, 123);
    CHECK_STR_FREE(unit_sql(db, "INSERT INTO embeddings(model, version, content, vector) VALUES"
                                " ('mean', '1', 'a', '[1, 2, -3, 0]'),"
                                " ('mean', '1', 'b', '[3, 2, -3, 8]'),"
                                " ('mean', '1', 'c', '[2, 5, 6, 1]')"), "");
    CHECK_INT(ck_mean_read(store, &model, 100000, mean, &err), SQLITE_OK);
    CHECK(mean[0] == 2 && mean[1] == 3 && mean[2] == 0 && mean[3] == 3);
    model.metric = CK_METRIC_COSINE; /* of unit vectors */
    CHECK_INT(ck_mean_read(store, &model, 100000, mean, &err), SQLITE_OK);
    double expected = (1 / sqrt(14) + 3 / sqrt(86) + 2 / sqrt(66)) / 3;
    CHECK_MSG(fabs((double)mean[0] - expected) < 1e-6, "%g instead of %g", (double)mean[0],
              expected);
    CHECK_INT(ck_calibrate(&what, &depth, &err), SQLITE_OK);
    CHECK_INT(depth, 123);
    /* A sample has every part of the ids in it: two halves balance. */
    CHECK_STR_FREE(
        unit_sql(db, "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
                     " WHERE i < 20000) INSERT INTO embeddings(model, version, content, vector)"
                     " SELECT 'mean', '1', 'n' || i, json_array(CASE WHEN i <= 10000 THEN 1"
                     " ELSE 3 END, 1, 1, 1) FROM n"), "");
    model.metric = CK_METRIC_L2;
    CHECK_INT(ck_mean_read(store, &model, 1000000000, mean, &err), SQLITE_OK);
    CHECK_INT(ck_mean_read(store, &model, 22000, mean, &err), SQLITE_OK);
    CHECK_MSG(fabs((double)mean[0] - 2) < 0.2, "the mean is %g", (double)mean[0]);
    ck_error_release(&err);
}

void ck_test_store_calibrate(void) {
    CkError err = CK_ERROR_NONE;
    CkConn *conn = NULL;
    sqlite3 *db = unit_db();
    test_depths(db);
    CHECK_INT(ck_conn_new(db, &conn, &err), SQLITE_OK);
    test_means(db, ck_conn_store(conn, "main"));
    ck_conn_release(conn);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}
