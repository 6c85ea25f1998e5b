/*
** Searches to measure: rows, queries, and a prepared statement that is run for one query after the
** other, so that none finds in memory what it left there itself.
*/
#ifndef CK_BENCH_SEARCH_H
#define CK_BENCH_SEARCH_H

#include "db.h"

#define SEARCH_K 10
#define SEARCH_DIMS 768
#define SEARCH_LATENCIES_MAX 8000

/* Rows, and queries that are not among them. search_data_make() makes 100,000
** rows of SEARCH_DIMS, or 3,000 in a quick run. */
typedef struct SearchData {
    Rows rows;
    Rows near; /* from the same subspace as the rows */
    Rows far;  /* from there by half, by half from another subspace */
} SearchData;

void search_data_make(SearchData *data, const Bench *bench, int n_queries, uint64_t seed);

/* Of rows made before: the first n stay rows, the others become queries. Owns them from then on. */
void search_data_make_rows(SearchData *data, Rows *rows, int n, int rank, uint64_t seed);
void search_data_free(SearchData *data);

/* The ids found for each of some queries. */
typedef struct SearchFound {
    int n;                      /* queries */
    int *n_ids;                 /* of each */
    int64_t (*ids)[SEARCH_K];
} SearchFound;

/* Asks the first n queries; stmt takes the vector as ?1 and returns ids, the nearest first. */
void search_find(SearchFound *found, sqlite3_stmt *stmt, const Rows *queries, int n);
void search_found_free(SearchFound *found);

/* The share of truth that was found, over the queries that both asked. */
double search_recall(const SearchFound *found, const SearchFound *truth);

/* One side of a comparison. */
typedef struct Search {
    sqlite3_stmt *stmt;
    const Rows *queries;
    int per_run, next; /* queries a run; the next one to ask */
    int n_latencies; /* set to 0 to forget those so far */
    double latencies[SEARCH_LATENCIES_MAX]; /* seconds of each query */
} Search;

/* A run() of BenchSide: the mean seconds of the next per_run queries. */
double search_run(void *state);

/* The 99th percentile of the latencies, in seconds. */
double search_p99(Search *search);

#endif
