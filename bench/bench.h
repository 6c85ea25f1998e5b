/*
** The benchmark harness: a clock, interleaved rounds, ratios, and the report.
**
** A benchmark is a function in bench/AREA.c, listed by name in main.c. It makes a few sides, one
** of them a peer that does the same work without ck, and has bench_rounds() run them in turn:
** A B C, A B C, … Machines are noisy, and neighbours in time share the noise. What is reported
** is the median of each side, and of a pair of sides the median of the ratios within each round.
**
** Any error ends the program with a message: a benchmark of something that fails means nothing.
*/
#ifndef CK_BENCH_H
#define CK_BENCH_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_SIDES_MAX 8
#define BENCH_ROUNDS_MAX 25

typedef struct Bench {
    int quick;             /* small sizes, few rounds: does it run at all? */
    const char *ck;        /* path of the extension */
    const char *program;   /* path of this program, for those that begin another process */
    const char *vec;       /* path of sqlite-vec, or NULL */
    const char *vector;    /* path of sqlite-vector, or NULL */
    const char *directory; /* for databases, which are removed */
    FILE *rows;            /* a CSV line for each figure, or NULL */
    int n_missed;          /* aims missed so far */
} Bench;

/* The full size, or the quick one. */
int bench_size(const Bench *bench, int full, int quick);

/* Seconds of a monotonic clock, or of the processor time of this process and its children if
** bench_use_cpu_time() was called: less honest (it leaves out the disk) and less noisy. */
double bench_now(void);
void bench_use_cpu_time(void);

/* Prints a message and ends the program. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Runs a program to its end, with nothing to read and nowhere to write to, and fails unless it ends
** well. arguments: the first is looked for in the PATH, the last is NULL. Returns seconds. */
double bench_run_program(char *const arguments[]);

/* malloc that does not return NULL; give it back with free(). */
void *bench_alloc(size_t n_bytes);

/* One of several ways to do the same work. run() does it once and returns the seconds it took,
** which leaves out its own preparation. */
typedef struct BenchSide {
    const char *name;
    double (*run)(void *state);
    void *state;
} BenchSide;

typedef struct BenchTimes {
    int n_sides, n_rounds;
    double seconds[BENCH_SIDES_MAX][BENCH_ROUNDS_MAX];
} BenchTimes;

/* n_warm rounds whose times are forgotten, then n_rounds. */
void bench_rounds(BenchTimes *times, const BenchSide *sides, int n_sides, int n_warm,
                  int n_rounds);

/* How many times as fast as its peer a side is: the peer's seconds divided by its own. */
typedef struct BenchRatio {
    double median, min, max; /* over the rounds */
} BenchRatio;

/* The value that so many percent of them do not exceed (100: the largest). Sorts them. */
double bench_percentile(double *values, int n, int percent);

double bench_median(const BenchTimes *times, int side);
BenchRatio bench_ratio(const BenchTimes *times, int side, int peer);

/* A unit: work per second ("rows/s"), or seconds per piece of work ("us"), times scale. */
typedef struct BenchUnit {
    const char *name;
    double scale;
    int per_second;
} BenchUnit;

extern const BenchUnit bench_rows_per_s, bench_us, bench_ms, bench_mb_per_s, bench_s;

/* What a figure should reach. Zero means: no aim. */
typedef struct BenchAim {
    double ratio;  /* at least so many times as fast as the peer */
    double figure; /* at least (rates), at most (times and sizes) */
} BenchAim;

/* One line of the report. */
typedef struct BenchRow {
    const char *name, *unit;
    double figure;
    int more_is_better;
    const char *peer; /* its name, or NULL: figure stands alone */
    double peer_figure;
    BenchRatio ratio;
    BenchAim aim;
} BenchRow;

void bench_report_row(Bench *bench, const BenchRow *row);

/* Reports one side beside another; work is what a run does, in the unit's pieces. */
typedef struct BenchPair {
    const char *name;
    int side, peer;
    const char *peer_name;
    double work;
    const BenchUnit *unit;
    BenchAim aim;
} BenchPair;

void bench_report(Bench *bench, const BenchTimes *times, const BenchPair *pair);

/* A remark in the report. */
void bench_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The benchmarks: one function an area. */
void bench_inserts(Bench *bench);
void bench_gets(Bench *bench);
void bench_missing(Bench *bench);
void bench_refs(Bench *bench);
void bench_replace(Bench *bench);
void bench_workspaces(Bench *bench);
void bench_worktree(Bench *bench);
void bench_gc(Bench *bench);
void bench_hash(Bench *bench);
void bench_knn(Bench *bench);
void bench_encodings(Bench *bench);
void bench_search(Bench *bench);
void bench_fresh(Bench *bench);
void bench_filters(Bench *bench);
void bench_puts(Bench *bench);
void bench_merge(Bench *bench);
void bench_sync(Bench *bench);
void bench_tool(Bench *bench);
void bench_index(Bench *bench);

#endif
