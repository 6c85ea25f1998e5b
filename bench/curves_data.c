/* Data sets of the curves: see curves.h. */
#include "curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vecs.h"

#define RANK 25 /* gives vectors a local intrinsic dimension of 20 */
#define DIMENSION_POINTS 1000 /* of which the dimension is estimated, by their */
#define DIMENSION_NEAREST 100

typedef struct Spec {
    const char *name;
    int n, dims; /* 0: real vectors */
    int per_pass, n_queries;
    int64_t memory; /* bytes needed in all */
} Spec;

static const Spec specs[] = {
    {"100Kx768", 100000, 768, 1000, 4000, 2ll << 30},
    {"1Mx384", 1000000, 384, 1000, 3000, 7ll << 30},
    {"beir-bge-base-768", 0, 0, 1000, 0, 0},
    {"ck-bge-small-384", 0, 0, 1000, 0, 0},
    {"ngt-sift5k-128", 0, 0, 500, 0, 0},
};
#define N_SPECS (sizeof specs / sizeof *specs)

/* The large one is not among those that are measured when none is named. */
const char *const curve_set_names[] = {"100Kx768", "beir-bge-base-768", "ck-bge-small-384",
                                       "ngt-sift5k-128", NULL};

static const Spec *find_spec(const char *name) {
    for (size_t i = 0; i < N_SPECS; i++) {
        if (strcmp(specs[i].name, name) == 0) return &specs[i];
    }
    return NULL;
}

int curve_set_exists(const char *name) {
    return find_spec(name) != NULL;
}

/* ---- Making vectors ---- */

static void make_generated(CurveSet *set, const Bench *bench, const Spec *spec) {
    Rows rows;
    int n = bench_size(bench, spec->n, 3000), n_queries = bench_size(bench, spec->n_queries, 200);
    int n_extra = CURVE_MERGES * bench_size(bench, 1000, 100);
    rows_make_rank(&rows, n + n_extra + n_queries, spec->dims, RANK, 21);
    search_data_make_rows(&set->data, &rows, n + n_extra, RANK, 22);
    set->data.rows.n = n;
    set->extra = (Rows){n_extra, spec->dims, set->data.rows.hashes + (size_t)n * HASH_BYTES,
                        set->data.rows.vectors + (size_t)n * (size_t)spec->dims};
    set->n_queries = 2;
    set->queries[0] = (CurveQueries){"in-dist", set->data.near, NULL};
    set->queries[1] = (CurveQueries){"out-of-dist", set->data.far, NULL};
}

static void copy_normalized(Rows *rows, const Vecs *vecs, int n) {
    size_t dims = (size_t)vecs->dims;
    *rows = (Rows){n, vecs->dims, NULL, bench_alloc((size_t)n * dims * sizeof(float))};
    for (int i = 0; i < n; i++) {
        const float *from = vecs_at(vecs, i);
        float *to = rows->vectors + (size_t)i * dims;
        double norm_sq = 0;
        for (size_t d = 0; d < dims; d++) norm_sq += (double)from[d] * (double)from[d];
        for (size_t d = 0; d < dims; d++) to[d] = (float)((double)from[d] / sqrt(norm_sq));
    }
}

static int make_real(CurveSet *set, const Bench *bench, const char *name) {
    Vecs base, query;
    if (!vecs_read(&base, name, "base.fvecs") || !vecs_read(&query, name, "query.fvecs")) {
        bench_note("curves: skipped, there is no " VECS_DATA "%s", name);
        return 0;
    }
    Rows *rows = &set->data.rows;
    copy_normalized(rows, &base, bench->quick ? 2000 : base.n);
    copy_normalized(&set->data.far, &query, bench->quick ? 100 : query.n);
    rows->hashes = bench_alloc((size_t)rows->n * HASH_BYTES);
    memset(rows->hashes, 0, (size_t)rows->n * HASH_BYTES);
    for (int i = 0; i < rows->n; i++) memcpy(rows->hashes + (size_t)i * HASH_BYTES, &i, 4);
    set->n_queries = 1;
    set->queries[0] = (CurveQueries){"queries", set->data.far, NULL};
    free(base.data);
    free(query.data);
    return 1;
}

/* ---- What is true of them ---- */

/* Our brute force finds neighbours as near as those that came with the set. */
static void check_truth(const CurveSet *set) {
    Vecs given;
    const CurveQueries *queries = &set->queries[0];
    if (!vecs_read(&given, set->name, "groundtruth_cosine.ivecs")) return;
    for (int i = 0; i < queries->rows.n; i++) {
        const int32_t *nearest = vecs_at(&given, i);
        const float *x = rows_vector(&queries->rows, i);
        const float *y = rows_vector(&set->data.rows, nearest[CURVE_K - 1]);
        double dot = 0;
        for (int d = 0; d < set->data.rows.dims; d++) dot += (double)x[d] * (double)y[d];
        if (fabs(dot - (double)queries->truth[i * CURVE_K + CURVE_K - 1].dot) > 1e-5) {
            bench_fail("%s: the neighbours of query %d are others", set->name, i);
        }
    }
    free(given.data);
}

static void note_dimension(Curves *curves, const CurveSet *set) {
    char name[80];
    for (int i = 0; i < set->n_queries; i++) {
        Rows some = set->queries[i].rows;
        if (some.n > DIMENSION_POINTS) some.n = DIMENSION_POINTS;
        TruthHit *hits = bench_alloc((size_t)some.n * DIMENSION_NEAREST * sizeof *hits);
        truth_find(&set->data.rows, NULL, &some, DIMENSION_NEAREST, hits);
        snprintf(name, sizeof name, "curves %s %s intrinsic dim.", set->name,
                 set->queries[i].name);
        bench_report_row(&curves->bench,
                         &(BenchRow){.name = name, .unit = "",
                                     .figure = truth_dimension(hits, some.n, DIMENSION_NEAREST)});
        free(hits);
    }
}

double curve_recall(const Rows *rows, const Rows *queries, const TruthHit *truth, int n,
                    const int64_t (*found)[CURVE_K]) {
    int64_t n_right = 0;
    for (int i = 0; i < n; i++) {
        const float *x = rows_vector(queries, i);
        float least = truth[(size_t)i * CURVE_K + CURVE_K - 1].dot - CURVE_TIE;
        for (int j = 0; j < CURVE_K; j++) {
            double dot = 0;
            if (found[i][j] < 0 || found[i][j] >= rows->n) continue;
            const float *y = rows_vector(rows, (int)found[i][j]);
            for (int d = 0; d < rows->dims; d++) dot += (double)x[d] * (double)y[d];
            n_right += (float)dot >= least;
        }
    }
    return (double)n_right / ((double)n * CURVE_K);
}

/* ---- A set ---- */

static int has_memory(const Spec *spec) {
    int64_t bytes = (int64_t)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
    char line[128];
    FILE *in = fopen("/proc/meminfo", "r");
    long long kilobytes;
    while (in && fgets(line, sizeof line, in)) {
        if (sscanf(line, "MemAvailable: %lld", &kilobytes) == 1) bytes = kilobytes * 1024;
    }
    if (in) fclose(in);
    return bytes >= spec->memory;
}

int curve_set_make(CurveSet *set, Curves *curves, const char *name) {
    const Bench *bench = &curves->bench;
    const Spec *spec = find_spec(name);
    memset(set, 0, sizeof *set);
    set->name = spec->name;
    set->is_real = spec->n == 0;
    set->is_large = spec->n >= 1000000;
    set->per_pass = bench_size(bench, spec->per_pass, 100);
    set->n_rounds = bench_size(bench, 3, 1);
    set->aim_ratio = set->is_real ? 2 : 3;
    if (!bench->quick && !has_memory(spec)) {
        bench_note("curves: %s is skipped, it needs %d GB of memory", name,
                   (int)(spec->memory >> 30));
        return 0;
    }
    if (set->is_real && !make_real(set, bench, name)) return 0;
    if (!set->is_real) make_generated(set, bench, spec);
    for (int i = 0; i < set->n_queries; i++) {
        CurveQueries *queries = &set->queries[i];
        queries->truth = bench_alloc((size_t)queries->rows.n * CURVE_K * sizeof(TruthHit));
        truth_find(&set->data.rows, NULL, &queries->rows, CURVE_K, queries->truth);
    }
    if (set->is_real && !bench->quick) check_truth(set);
    note_dimension(curves, set);
    return 1;
}

void curve_set_free(CurveSet *set) {
    for (int i = 0; i < set->n_queries; i++) free(set->queries[i].truth);
    search_data_free(&set->data);
}
