/*
** Replacing 100,000 refs, 20 a file, in one transaction, beside the plain table of refs.c:
**
** - OR REPLACE by the same refs, as after an indexing run that finds nothing new,
** - OR REPLACE by refs to other embeddings,
** - DELETE of a file's refs and INSERT of the same, file by file,
** - the sweep: DELETE of what a walk did not meet, all but one file.
**
** Before each, every embedding was last used an hour ago.
*/
#include "db.h"
#include "refs.h"

typedef struct Replace {
    RefsSide side;
    const Rows *rows;
} Replace;

static double same(Replace *replace) {
    return refs_write(&replace->side, replace->rows, 0, NULL);
}

static double other(Replace *replace) {
    return refs_write(&replace->side, replace->rows, CHUNKS_PER_FILE, NULL);
}

static double by_file(Replace *replace) {
    RefsSide side = replace->side;
    side.insert = side.plain_insert;
    return refs_write(&side, replace->rows, CHUNKS_PER_FILE, side.delete_file);
}

static double sweep(Replace *replace) {
    sqlite3 *db = replace->side.db;
    db_exec(db, "CREATE TEMP TABLE IF NOT EXISTS walked(path TEXT PRIMARY KEY) WITHOUT ROWID");
    db_exec(db, "INSERT OR IGNORE INTO walked VALUES ('src/module_000/component_00000.c')");
    double begin = bench_now();
    db_exec(db, "BEGIN");
    db_exec(db, replace->side.sweep);
    db_exec(db, "COMMIT");
    return bench_now() - begin;
}

static const struct {
    const char *name;
    double (*run)(Replace *replace);
} ways[] = {{"refs OR REPLACE by the same", same},
            {"refs OR REPLACE by others", other},
            {"refs DELETE and INSERT by file", by_file},
            {"refs sweep", sweep}};
#define N_WAYS (int)(sizeof ways / sizeof *ways)

void bench_replace(Bench *bench) {
    Rows rows;
    BenchTimes times[N_WAYS];
    int n_rounds = bench_size(bench, 3, 1);
    rows_make(&rows, bench_size(bench, 100000, 2000), REFS_DIMS, 6);
    for (int i = 0; i < n_rounds; i++) {
        Replace sides[2] = {{.rows = &rows}, {.rows = &rows}};
        refs_open_plain(&sides[0].side, bench, &rows);
        refs_open_ck(&sides[1].side, bench, &rows);
        for (int s = 0; s < 2; s++) {
            RefsSide first = sides[s].side;
            first.insert = first.plain_insert;
            refs_write(&first, &rows, 0, NULL);
        }
        for (int w = 0; w < N_WAYS; w++) {
            for (int s = 0; s < 2; s++) {
                refs_age(&sides[s].side);
                times[w].seconds[s][i] = ways[w].run(&sides[s]);
            }
            times[w].n_sides = 2;
            times[w].n_rounds = n_rounds;
        }
        refs_close(&sides[0].side, bench);
        refs_close(&sides[1].side, bench);
    }
    for (int w = 0; w < N_WAYS; w++) {
        bench_report(bench, &times[w], &(BenchPair){ways[w].name, 1, 0, "plain table", 1, &bench_s,
                                                    {.figure = 0.5}});
    }
    rows_free(&rows);
}
