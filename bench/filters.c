/*
** Filters inside the search: a workspace that refers to a random share of 100,000 embeddings, and
** lists of ids and hashes, beside the same search without a filter. Recall is against the same
** filter with recall = 1. Each side asks other queries than the one before it, which would
** otherwise have brought into memory what they need.
*/
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "search.h"

#define N_WORKSPACES 5
#define N_LISTS 6
#define SEARCH_SQL "SELECT rowid, distance FROM knn(?1, 10)"

static const struct {
    const char *name;
    int n; /* of 100,000 */
} workspaces[N_WORKSPACES] = {
    {"0.01%", 10}, {"1%", 1000}, {"10%", 10000}, {"50%", 50000}, {"90%", 90000}};

static const int list_sizes[N_LISTS / 2] = {10, 1000, 10000};

typedef struct Filters {
    sqlite3 *db;
    SearchData data;
    int per_run, n_checked, n_rounds;
    int next; /* the next query that was not asked yet */
} Filters;

/* The first n of the shuffled rows; quick runs have fewer. */
static int scaled(const Filters *filters, int n) {
    int rows = (int)((int64_t)n * filters->data.rows.n / 100000);
    return rows < 10 ? 10 : rows;
}

static void run_with_hashes(const Filters *filters, const char *sql, const int *order, int n) {
    sqlite3_stmt *stmt = db_prepare(filters->db, sql);
    for (int i = 0; i < n; i++) {
        sqlite3_bind_blob(stmt, 1, rows_hash(&filters->data.rows, order[i]), HASH_BYTES,
                          SQLITE_STATIC);
        sqlite3_bind_int(stmt, 2, i);
        db_run(stmt);
    }
    sqlite3_finalize(stmt);
}

static void filters_make(Filters *filters, const Bench *bench) {
    Gen gen = {13};
    char sql[200];
    search_data_make(&filters->data, bench, bench_size(bench, 9000, 100), 13);
    const Rows *rows = &filters->data.rows;
    int *order = bench_alloc((size_t)rows->n * sizeof *order);
    filters->db = db_create(bench, "ck", 0);
    db_fill_ck(filters->db, rows);
    gen_shuffle(&gen, order, rows->n);
    db_exec(filters->db, "BEGIN");
    for (int i = 0; i < N_WORKSPACES; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO workspaces(name) VALUES ('%s')",
                 workspaces[i].name);
        db_exec(filters->db, sql);
        snprintf(sql, sizeof sql, "INSERT INTO refs(workspace, path, chunk, hash) "
                                  "VALUES ('%s', 'src/all.c', ?2, ?1)", workspaces[i].name);
        run_with_hashes(filters, sql, order, scaled(filters, workspaces[i].n));
    }
    for (int i = 0; i < N_LISTS / 2; i++) {
        snprintf(sql, sizeof sql, "CREATE TABLE list_%d(hash BLOB, id INTEGER)", list_sizes[i]);
        db_exec(filters->db, sql);
        snprintf(sql, sizeof sql, "INSERT INTO list_%d SELECT hash, rowid FROM embeddings "
                                  "WHERE hash = ?1 AND ?2 >= 0", list_sizes[i]);
        run_with_hashes(filters, sql, order, scaled(filters, list_sizes[i]));
    }
    db_exec(filters->db, "COMMIT");
    db_checkpoint(filters->db);
    free(order);
}

static void report_recall(Bench *bench, const Filters *filters, const char *name,
                          const char *filter) {
    SearchFound found, truth;
    char sql[200], label[120];
    snprintf(sql, sizeof sql, SEARCH_SQL " WHERE %s", filter);
    sqlite3_stmt *stmt = db_prepare(filters->db, sql);
    snprintf(sql, sizeof sql, SEARCH_SQL " WHERE %s AND recall = 1", filter);
    sqlite3_stmt *exact = db_prepare(filters->db, sql);
    search_find(&found, stmt, &filters->data.near, filters->n_checked);
    search_find(&truth, exact, &filters->data.near, filters->n_checked);
    snprintf(label, sizeof label, "%s recall@10", name);
    bench_report_row(bench, &(BenchRow){.name = label, .unit = "",
                                        .figure = search_recall(&found, &truth),
                                        .more_is_better = 1, .aim = {.figure = 0.99}});
    search_found_free(&found);
    search_found_free(&truth);
    sqlite3_finalize(stmt);
    sqlite3_finalize(exact);
}

/* Times the search without a filter (side 0) and with each of n (sides 1 …), in turn. */
static void measure(Filters *filters, char conditions[][80], int n, BenchTimes *times) {
    BenchSide sides[BENCH_SIDES_MAX];
    Search *searches = bench_alloc((size_t)(n + 1) * sizeof *searches);
    memset(searches, 0, (size_t)(n + 1) * sizeof *searches);
    for (int i = 0; i <= n; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, i ? SEARCH_SQL " WHERE %s" : SEARCH_SQL,
                 i ? conditions[i - 1] : "");
        searches[i].stmt = db_prepare(filters->db, sql);
        searches[i].queries = &filters->data.near;
        searches[i].per_run = filters->per_run;
        searches[i].next = filters->next;
        filters->next += (filters->n_rounds + 1) * filters->per_run;
        sides[i] = (BenchSide){"", search_run, &searches[i]};
    }
    bench_rounds(times, sides, n + 1, 1, filters->n_rounds);
    for (int i = 0; i <= n; i++) sqlite3_finalize(searches[i].stmt);
    free(searches);
}

/* Until memory has what most queries need. */
static void warm_up(Filters *filters, int n_queries) {
    SearchFound found;
    sqlite3_stmt *stmt = db_prepare(filters->db, SEARCH_SQL);
    search_find(&found, stmt, &filters->data.near, n_queries);
    search_found_free(&found);
    sqlite3_finalize(stmt);
    filters->next = n_queries;
}

static void measure_workspaces(Bench *bench, Filters *filters) {
    char conditions[N_WORKSPACES][80], name[80];
    BenchTimes times;
    for (int i = 0; i < N_WORKSPACES; i++) {
        snprintf(conditions[i], sizeof conditions[i], "workspace = '%s'", workspaces[i].name);
    }
    measure(filters, conditions, N_WORKSPACES, &times);
    for (int i = 0; i < N_WORKSPACES; i++) {
        snprintf(name, sizeof name, "filter workspace of %s", workspaces[i].name);
        bench_report(bench, &times, &(BenchPair){name, i + 1, 0, "no filter", 1, &bench_us,
                                                 {.ratio = 0.5}});
        report_recall(bench, filters, name, conditions[i]);
    }
}

/* What an element of a list adds to the time of the search without a filter. */
static void report_added(Bench *bench, const char *name, const BenchTimes *times, int side,
                         int n) {
    BenchTimes added = {.n_sides = 1, .n_rounds = times->n_rounds};
    char label[120];
    for (int i = 0; i < times->n_rounds; i++) {
        added.seconds[0][i] = (times->seconds[side][i] - times->seconds[0][i]) / n;
    }
    snprintf(label, sizeof label, "%s added by each", name);
    bench_report(bench, &added, &(BenchPair){label, 0, 0, NULL, 1, &bench_us, {.figure = 1.5}});
}

/* The lists from number `first` on; how is what is said of all. */
static void measure_lists(Bench *bench, Filters *filters, int first, const char *how) {
    static const char *const columns[2][2] = {{"rowid", "id"}, {"hash", "hash"}};
    char conditions[N_LISTS][80], name[80];
    BenchTimes times;
    for (int i = 0; i < N_LISTS; i++) {
        snprintf(conditions[i], sizeof conditions[i], "%s IN (SELECT %s FROM list_%d)",
                 columns[i / 3][0], columns[i / 3][1], list_sizes[i % 3]);
    }
    measure(filters, conditions + first, N_LISTS - first, &times);
    for (int i = first; i < N_LISTS; i++) {
        int side = i + 1 - first;
        snprintf(name, sizeof name, "filter %s IN %d%s", columns[i / 3][0], list_sizes[i % 3], how);
        bench_report(bench, &times,
                     &(BenchPair){name, side, 0, "no filter", 1, &bench_us, {0, 0}});
        report_added(bench, name, &times, side, scaled(filters, list_sizes[i % 3]));
        if (first == 0) report_recall(bench, filters, name, conditions[i]);
    }
}

void bench_filters(Bench *bench) {
    Filters filters = {.per_run = bench_size(bench, 30, 3),
                       .n_checked = bench_size(bench, 20, 3),
                       .n_rounds = bench_size(bench, 5, 1)};
    filters_make(&filters, bench);
    warm_up(&filters, bench_size(bench, 4000, 10));
    measure_workspaces(bench, &filters);
    measure_lists(bench, &filters, 0, "");
    db_exec(filters.db, "PRAGMA cache_size = -65536"); /* most of what look-ups read fits */
    measure_lists(bench, &filters, 4, " 64 MB cache");
    db_remove(bench, filters.db, "ck");
    search_data_free(&filters.data);
}
