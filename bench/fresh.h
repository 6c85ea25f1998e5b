/*
** Processes that are begun for one search each, to measure how long it takes from before the file
** is opened until the first row is there.
*/
#ifndef CK_BENCH_FRESH_H
#define CK_BENCH_FRESH_H

#include "bench.h"

#define FRESH_SEARCH "SELECT rowid, distance FROM knn(?1, 10)"

/* A search of database `name` by sql, which takes the vector as ?1: one of the first n_queries of
** the file "queries" (rows_write()). */
typedef struct Fresh {
    const Bench *bench;
    const char *name, *extension, *sql;
    int dims, n_queries, next; /* next: the one to ask */
} Fresh;

/* A run() of BenchSide: begins a process, which must be able to call fresh_child(). */
double fresh_run(void *state);

/*
** That process: opens DATABASE, loads EXTENSION, prepares SQL, and asks query NUMBER of the file
** QUERIES (vectors of DIMS float32). It prints the seconds from before opening until the first row
** was there. argv: DATABASE EXTENSION SQL DIMS QUERIES NUMBER. Returns the exit code.
*/
int fresh_child(int argc, char **argv);

#endif
