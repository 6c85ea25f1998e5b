/*
** Another process that writes a row to the table other(x) every 3 ms, each time with BEGIN
** IMMEDIATE, and notes how long that took from the beginning to after COMMIT. What holds the write
** lock for long shows there.
*/
#ifndef CK_BENCH_WRITER_H
#define CK_BENCH_WRITER_H

#include <sys/types.h>

#include "db.h"

typedef struct Writer {
    struct WriterShared *shared;
    pid_t pid;
} Writer;

/* Before this process opens the file: SQLite does not survive a fork. Returns when it writes. */
void writer_start(Writer *writer, const char *path);

/* The 99th percentile and the longest of its waits, in seconds. */
void writer_stop(Writer *writer, double *p99, double *longest);

#endif
