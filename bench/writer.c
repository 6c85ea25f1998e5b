/* Another process that writes: see writer.h. */
#include "writer.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAITS_MAX 100000
#define PAUSE_US 3000

typedef struct WriterShared {
    atomic_int stop, n;
    double waits[WAITS_MAX];
} WriterShared;

static void write_until_stopped(WriterShared *shared, const char *path) {
    sqlite3 *db;
    const struct timespec pause = {0, PAUSE_US * 1000};
    if (sqlite3_open(path, &db) != SQLITE_OK) bench_fail("%s: %s", path, sqlite3_errmsg(db));
    sqlite3_busy_timeout(db, 10000);
    db_exec(db, "PRAGMA synchronous = NORMAL");
    while (!atomic_load(&shared->stop) && atomic_load(&shared->n) < WAITS_MAX) {
        double begin = bench_now();
        db_exec(db, "BEGIN IMMEDIATE");
        db_exec(db, "INSERT INTO other(x) VALUES (1)");
        db_exec(db, "COMMIT");
        shared->waits[atomic_fetch_add(&shared->n, 1)] = bench_now() - begin;
        nanosleep(&pause, NULL);
    }
    sqlite3_close(db);
    _exit(0);
}

void writer_start(Writer *writer, const char *path) {
    WriterShared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) bench_fail("no shared memory");
    fflush(NULL);
    writer->shared = shared;
    writer->pid = fork();
    if (writer->pid < 0) bench_fail("cannot fork");
    if (writer->pid == 0) write_until_stopped(shared, path);
    while (atomic_load(&shared->n) < 3) usleep(1000);
    atomic_store(&shared->n, 0);
}

void writer_stop(Writer *writer, double *p99, double *longest) {
    WriterShared *shared = writer->shared;
    int status, n = atomic_load(&shared->n);
    atomic_store(&shared->stop, 1);
    if (waitpid(writer->pid, &status, 0) != writer->pid || status != 0 || n == 0) {
        bench_fail("the writer failed");
    }
    *p99 = bench_percentile(shared->waits, n, 99);
    *longest = bench_percentile(shared->waits, n, 100);
    munmap(shared, sizeof *shared);
}
