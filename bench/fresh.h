/*
** The process that bench/fresh.c begins for each measurement: it opens DATABASE, loads EXTENSION,
** prepares SQL, and asks query NUMBER of the file QUERIES (vectors of SEARCH_DIMS float32). It
** prints the seconds from before opening until the first row was there.
*/
#ifndef CK_BENCH_FRESH_H
#define CK_BENCH_FRESH_H

/* argv: DATABASE EXTENSION SQL QUERIES NUMBER. Returns the exit code. */
int fresh_child(int argc, char **argv);

#endif
