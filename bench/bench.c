/* The benchmark harness: see bench.h. */
#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const BenchUnit bench_rows_per_s = {"rows/s", 1, 1};
const BenchUnit bench_us = {"us", 1e6, 0};
const BenchUnit bench_ms = {"ms", 1e3, 0};
const BenchUnit bench_s = {"s", 1, 0};
const BenchUnit bench_mb_per_s = {"MB/s", 1e-6, 1};

int bench_size(const Bench *bench, int full, int quick) {
    return bench->quick ? quick : full;
}

static clockid_t timer = CLOCK_MONOTONIC;

void bench_use_cpu_time(void) {
    timer = CLOCK_PROCESS_CPUTIME_ID;
}

double bench_now(void) {
    struct timespec t;
    struct rusage children;
    double seconds = 0;
    clock_gettime(timer, &t);
    if (timer == CLOCK_PROCESS_CPUTIME_ID && getrusage(RUSAGE_CHILDREN, &children) == 0) {
        seconds = (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
                  1e-6 * (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec);
    }
    return seconds + (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void bench_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

double bench_run_program(char *const arguments[]) {
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    double begin = bench_now();
    int rc = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    if (rc != 0) bench_fail("%s: %s", arguments[0], strerror(rc));
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        bench_fail("%s %s failed", arguments[0], arguments[1]);
    }
    double seconds = bench_now() - begin;
    posix_spawn_file_actions_destroy(&actions);
    return seconds;
}

void *bench_alloc(size_t n_bytes) {
    void *memory = malloc(n_bytes ? n_bytes : 1);
    if (!memory) bench_fail("out of memory (%zu bytes)", n_bytes);
    return memory;
}

void bench_rounds(BenchTimes *times, const BenchSide *sides, int n_sides, int n_warm,
                  int n_rounds) {
    if (n_sides > BENCH_SIDES_MAX || n_rounds > BENCH_ROUNDS_MAX) bench_fail("too many rounds");
    times->n_sides = n_sides;
    times->n_rounds = n_rounds;
    for (int round = -n_warm; round < n_rounds; round++) {
        for (int side = 0; side < n_sides; side++) {
            double seconds = sides[side].run(sides[side].state);
            if (round >= 0) times->seconds[side][round] = seconds;
        }
    }
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts a copy; *min and *max may be NULL. */
static double summarize(const double *values, int n, double *min, double *max) {
    double sorted[BENCH_ROUNDS_MAX];
    memcpy(sorted, values, (size_t)n * sizeof *values);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_doubles);
    if (min) *min = sorted[0];
    if (max) *max = sorted[n - 1];
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

double bench_percentile(double *values, int n, int percent) {
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return values[(n - 1) - (n - 1) * (100 - percent) / 100];
}

double bench_median(const BenchTimes *times, int side) {
    return summarize(times->seconds[side], times->n_rounds, NULL, NULL);
}

BenchRatio bench_ratio(const BenchTimes *times, int side, int peer) {
    double ratios[BENCH_ROUNDS_MAX];
    BenchRatio ratio;
    for (int i = 0; i < times->n_rounds; i++) {
        ratios[i] = times->seconds[peer][i] / times->seconds[side][i];
    }
    ratio.median = summarize(ratios, times->n_rounds, &ratio.min, &ratio.max);
    return ratio;
}

/* A number of about four digits, thousands separated. */
static const char *number(double x, char text[32]) {
    char digits[32];
    if (x < 100) {
        snprintf(text, 32, x < 10 ? "%.3f" : "%.2f", x);
        return text;
    }
    int n = snprintf(digits, sizeof digits, "%.0f", x), to = 0;
    for (int i = 0; i < n && to < 30; i++) {
        if (i > 0 && (n - i) % 3 == 0) text[to++] = ',';
        text[to++] = digits[i];
    }
    text[to] = 0;
    return text;
}

/* Whether the aims are met; describes them. */
static int check_aim(const BenchRow *row, char *text, size_t n_text) {
    char figure[32];
    int met = 1;
    size_t n = 0;
    text[0] = 0;
    if (row->aim.ratio > 0) {
        n = (size_t)snprintf(text, n_text, ">= %.2f x", row->aim.ratio);
        met = row->ratio.median >= row->aim.ratio;
    }
    if (row->aim.figure > 0) {
        snprintf(text + n, n_text - n, "%s%s %s", n ? ", " : "", row->more_is_better ? ">=" : "<=",
                 number(row->aim.figure, figure));
        met = met && (row->more_is_better ? row->figure >= row->aim.figure
                                          : row->figure <= row->aim.figure);
    }
    return met;
}

void bench_report_row(Bench *bench, const BenchRow *row) {
    char figure[32], peer_figure[32] = "", ratio[48] = "", aim[64];
    int met = check_aim(row, aim, sizeof aim);
    if (row->peer) {
        number(row->peer_figure, peer_figure);
        snprintf(ratio, sizeof ratio, "%.2f (%.2f .. %.2f)", row->ratio.median, row->ratio.min,
                 row->ratio.max);
    }
    printf("%-47s %10s %-6s  %-11s %10s  %-20s %s%s\n", row->name, number(row->figure, figure),
           row->unit, row->peer ? row->peer : "", peer_figure, ratio, aim,
           !aim[0] || bench->quick ? "" : met ? "  met" : "  MISSED");
    fflush(stdout);
    if (aim[0] && !met) bench->n_missed++;
    if (!bench->rows) return;
    fprintf(bench->rows, "%s,%.6g,%s,%s,", row->name, row->figure, row->unit,
            row->peer ? row->peer : "");
    if (row->peer) {
        fprintf(bench->rows, "%.6g,%.3f,%.3f,%.3f\n", row->peer_figure, row->ratio.median,
                row->ratio.min, row->ratio.max);
    } else {
        fprintf(bench->rows, ",,,\n");
    }
}

static double in_unit(const BenchUnit *unit, double work, double seconds) {
    return unit->scale * (unit->per_second ? work / seconds : seconds / work);
}

void bench_report(Bench *bench, const BenchTimes *times, const BenchPair *pair) {
    BenchRow row = {
        .name = pair->name,
        .unit = pair->unit->name,
        .figure = in_unit(pair->unit, pair->work, bench_median(times, pair->side)),
        .more_is_better = pair->unit->per_second,
        .peer = pair->peer_name,
        .aim = pair->aim,
    };
    if (pair->peer_name) {
        row.peer_figure = in_unit(pair->unit, pair->work, bench_median(times, pair->peer));
        row.ratio = bench_ratio(times, pair->side, pair->peer);
    }
    bench_report_row(bench, &row);
}

void bench_note(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}
