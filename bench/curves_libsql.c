/*
** libsql's DiskANN index: see curves.h. It has a SQLite of its own, so it is measured by
** curves_libsql.mjs through its node module. It builds so slowly that it gets a time instead of a
** number of rows; its point is that of the rows that it got through.
*/
#include <stdlib.h>
#include <string.h>

#include "curves.h"

#define SCRIPT "bench/curves_libsql.mjs"
#define ROWS_MAX 20000

void curve_libsql(Curves *curves, const CurveSet *set) {
    const Bench *bench = &curves->bench;
    const char *directory = bench->directory;
    CurvePoint point;
    double build, bytes;
    int n;
    char name[80], setting[32];
    Rows some = set->data.rows;
    if (!curves->libsql) return;
    if (some.n > ROWS_MAX) some.n = ROWS_MAX;
    rows_write(bench, "rows.f32", &some);
    rows_write(bench, "queries", &set->queries[0].rows);
    char *command = sqlite3_mprintf("node " SCRIPT " '%s' '%s/libsql.db' '%s/rows.f32' "
                                    "'%s/queries' %d %d", curves->libsql, directory, directory,
                                    directory, some.dims, bench_size(bench, 120, 1));
    FILE *out = popen(command, "r");
    int n_read = out ? fscanf(out, "%d %lf %lf %lf %lf", &n, &build, &point.recall, &point.qps,
                              &bytes) : 0;
    if (!out || pclose(out) != 0 || n_read != 5) {
        bench_note("curves: libsql does not run here, and is skipped");
    } else {
        snprintf(setting, sizeof setting, "%d rows", n);
        curve_point(curves, set, set->queries[0].name, "libsql", setting, &point);
        bench_note("  libsql took %.0f s for %d rows, and %.1f x their size", build, n,
                   bytes / (4.0 * some.dims * n));
        snprintf(name, sizeof name, "curves %s build of libsql", set->name);
        bench_report_row(&curves->bench, &(BenchRow){.name = name, .unit = "ms/row",
                                                     .figure = 1e3 * build / n});
    }
    db_unlink(bench, "libsql");
    sqlite3_free(command);
}
