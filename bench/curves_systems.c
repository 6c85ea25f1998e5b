/*
** What answers the queries of the curves: see curves.h. All but hnswlib, which is called bare, are
** prepared SQL statements that return rowids from 1 on.
*/
#include <stdlib.h>
#include <string.h>

#include "curves.h"
#include "curves_hnsw.h"

const double curve_efs[] = {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512};
const int curve_n_efs = sizeof curve_efs / sizeof *curve_efs;

static const double recall_targets[] = {.9, .95, .99, .999};
static const double no_effort[] = {0};

#define SLOW_QUERIES 20    /* a pass, of what compares with all vectors */
#define SLOWISH_QUERIES 100 /* of what does so with copies of fewer bits */

static void search_sql(CurveSystem *system, const float *query, double effort,
                       int64_t rows[CURVE_K]) {
    sqlite3_stmt *stmt = system->stmt;
    int n = 0;
    sqlite3_bind_blob(stmt, 1, query, system->dims * 4, SQLITE_STATIC);
    if (effort >= 1) sqlite3_bind_int(stmt, 2, (int)effort);
    else if (effort > 0) sqlite3_bind_double(stmt, 2, effort);
    while (db_step(stmt)) {
        if (n == CURVE_K) bench_fail("%s returned more than %d rows", system->name, CURVE_K);
        rows[n++] = sqlite3_column_int64(stmt, 0) - 1;
    }
    sqlite3_reset(stmt);
    while (n < CURVE_K) rows[n++] = -1;
}

static void search_hnswlib(CurveSystem *system, const float *query, double effort,
                           int64_t rows[CURVE_K]) {
    hnsw_peer_search(system->hnsw, query, (int)effort, CURVE_K, rows);
}

void curve_use_graph(int forced) {
    if (forced) setenv("CK_PLAN", "graph", 1);
    else unsetenv("CK_PLAN");
}

void curve_system_ck(CurveSystem *system, const Curves *curves, const char *file, int kind,
                     int dims) {
    static const char *const names[] = {"ck", "ck graph", "ck recall"};
    *system = (CurveSystem){.name = names[kind], .search = search_sql, .dims = dims};
    system->efforts = kind == CK_RECALL ? recall_targets : curve_efs;
    system->n_efforts = kind == CK_RECALL ? sizeof recall_targets / sizeof *recall_targets
                                          : (size_t)curve_n_efs;
    system->use_graph = kind == CK_FORCED;
    curve_use_graph(system->use_graph);
    system->db = db_open(&curves->bench, file);
    system->stmt = db_prepare(system->db, kind == CK_RECALL
        ? "SELECT rowid, distance FROM knn(?1, 10) WHERE recall = ?2"
        : "SELECT rowid, distance FROM knn(?1, 10) WHERE ef = ?2");
}

char *curve_system_plan(CurveSystem *system, const float *query, double effort) {
    sqlite3_stmt *stmt = db_prepare(system->db, "SELECT plan FROM knn(?1, 10) WHERE ef = ?2");
    curve_use_graph(system->use_graph);
    sqlite3_bind_blob(stmt, 1, query, system->dims * 4, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 2, (int)effort);
    char *plan = db_step(stmt) ? sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0)) : NULL;
    sqlite3_finalize(stmt);
    return plan;
}

void curve_system_hnswlib(CurveSystem *system, struct HnswPeer *hnsw, int dims) {
    *system = (CurveSystem){.name = "hnswlib", .search = search_hnswlib, .hnsw = hnsw,
                            .efforts = curve_efs, .n_efforts = curve_n_efs, .dims = dims};
}

/* ---- Peers with a database of their own ---- */

static sqlite3 *open_peer(CurveSystem *system, const Curves *curves, const char *name,
                          const Rows *rows) {
    *system = (CurveSystem){.name = name, .file = name, .search = search_sql, .dims = rows->dims};
    system->db = db_create(&curves->bench, name, 0);
    return system->db;
}

/* Runs SQL with its %d replaced by the dims and then by n. */
static void exec_dims(sqlite3 *db, const char *format, int dims, int n) {
    char *sql = sqlite3_mprintf(format, dims, n);
    db_exec(db, sql);
    sqlite3_free(sql);
}

int curve_system_vectorlite(CurveSystem *system, const Curves *curves, const Rows *rows) {
    if (!curves->vectorlite) return 0;
    sqlite3 *db = open_peer(system, curves, "vectorlite", rows);
    db_load(db, curves->vectorlite);
    exec_dims(db, "CREATE VIRTUAL TABLE items USING vectorlite(embedding float32[%d] cosine, "
                  "hnsw(max_elements=%d, M=16, ef_construction=200))", rows->dims, rows->n + 1);
    db_fill_ids(db, rows, "INSERT INTO items(rowid, embedding) VALUES (?1, ?2)");
    system->efforts = curve_efs;
    system->n_efforts = curve_n_efs;
    system->stmt = db_prepare(db, "SELECT rowid, distance FROM items "
                                  "WHERE knn_search(embedding, knn_param(?1, 10, ?2))");
    return 1;
}

int curve_system_vec(CurveSystem *system, const Curves *curves, const Rows *rows) {
    if (!curves->bench.vec) return 0;
    sqlite3 *db = open_peer(system, curves, "sqlite-vec", rows);
    db_fill_vec(&curves->bench, db, rows);
    db_checkpoint(db);
    system->efforts = no_effort;
    system->n_efforts = 1;
    system->per_pass_max = SLOW_QUERIES;
    system->stmt = db_prepare(db, VEC_SEARCH);
    return 1;
}

int curve_system_vector(CurveSystem *system, const Curves *curves, const Rows *rows) {
    if (!curves->bench.vector) return 0;
    sqlite3 *db = open_peer(system, curves, "sqlite-vector", rows);
    db_load(db, curves->bench.vector);
    db_exec(db, "CREATE TABLE items(id INTEGER PRIMARY KEY, embedding BLOB)");
    db_fill_ids(db, rows, "INSERT INTO items(id, embedding) VALUES (?1, ?2)");
    exec_dims(db, "SELECT vector_init('items', 'embedding', "
                  "'type=FLOAT32,dimension=%d,distance=COSINE')", rows->dims, 0);
    db_exec(db, "SELECT vector_quantize('items', 'embedding')");
    db_exec(db, "SELECT vector_quantize_preload('items', 'embedding')");
    db_checkpoint(db);
    system->efforts = no_effort;
    system->n_efforts = 1;
    system->per_pass_max = SLOWISH_QUERIES;
    system->stmt = db_prepare(db, "SELECT rowid, distance FROM "
                                  "vector_quantize_scan('items', 'embedding', ?1, 10)");
    return 1;
}

void curve_system_free(CurveSystem *system, const Curves *curves) {
    sqlite3_finalize(system->stmt);
    if (system->file) db_remove(&curves->bench, system->db, system->file);
    else if (sqlite3_close(system->db) != SQLITE_OK) bench_fail("%s: close", system->name);
    memset(system, 0, sizeof *system);
}
