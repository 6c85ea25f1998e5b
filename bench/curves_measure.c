/*
** Measures the curves: see curves.h. In each of a few rounds, for each effort, the systems take
** turns: a pass of queries is asked of one after the other. The next pass is of other queries. What
** they found is kept and judged after the clock stopped. A point of a curve is the mean recall over
** the rounds and the median of their QPS. The QPS at a recall between two points lies on a straight
** line in (recall, log QPS); the ratios of the rounds make the ratio's extremes.
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "curves.h"

typedef struct Series {
    int n; /* points */
    double recall[CURVE_EFFORTS_MAX], qps[CURVE_EFFORTS_MAX][CURVE_ROUNDS_MAX];
} Series;

#define MEDIAN -1 /* instead of the number of a round */

/* Asks n queries; the seconds. */
static double run_pass(CurveSystem *system, const Rows *queries, int n, double effort,
                       int64_t (*found)[CURVE_K]) {
    curve_use_graph(system->use_graph);
    double begin = bench_now();
    for (int i = 0; i < n; i++) {
        system->search(system, rows_vector(queries, i), effort, found[i]);
    }
    return bench_now() - begin;
}

/* The pass of this round and effort; its recall is added to the point's. */
static void measure_pass(const CurveSet *set, const CurveQueries *queries, CurveSystem *system,
                         Series *series, int effort, int round) {
    int n = set->per_pass < queries->rows.n ? set->per_pass : queries->rows.n;
    int first = (effort + round) * n % (queries->rows.n / n * n); /* other ones in each round */
    int64_t(*found)[CURVE_K] = bench_alloc((size_t)n * sizeof *found);
    Rows asked = queries->rows;
    if (system->per_pass_max && system->per_pass_max < n) n = system->per_pass_max;
    asked.vectors += (size_t)first * (size_t)asked.dims;
    double seconds = run_pass(system, &asked, n, system->efforts[effort], found);
    series->qps[effort][round] = n / seconds;
    series->recall[effort] += curve_recall(&set->data.rows, &asked,
                                           queries->truth + (size_t)first * CURVE_K, n, found) /
                              set->n_rounds;
    free(found);
}

static double qps_at(const Series *series, int point, int round) {
    double sorted[CURVE_ROUNDS_MAX];
    int n = 0;
    if (round != MEDIAN) return series->qps[point][round];
    while (n < CURVE_ROUNDS_MAX && series->qps[point][n] > 0) {
        sorted[n] = series->qps[point][n];
        n++;
    }
    return bench_percentile(sorted, n, 50);
}

/* The most QPS at this recall, 0: it does not get there. */
static double qps_at_recall(const Series *series, double recall, int round) {
    double best = 0;
    for (int i = 0; i < series->n; i++) {
        double qps = qps_at(series, i, round);
        if (series->recall[i] < recall) continue;
        if (i > 0 && series->recall[i - 1] < recall) {
            double below = qps_at(series, i - 1, round);
            double share = (recall - series->recall[i - 1]) /
                           (series->recall[i] - series->recall[i - 1]);
            qps = exp(log(below) + share * (log(qps) - log(below)));
        }
        if (qps > best) best = qps;
    }
    return best;
}

void curve_point(Curves *curves, const CurveSet *set, const char *queries, const char *system,
                 const char *setting, const CurvePoint *point) {
    bench_note("  %-18s %-12s %-13s %9s  recall %.4f %10.0f q/s", set->name, queries, system,
               setting, point->recall, point->qps);
    if (!curves->points) return;
    fprintf(curves->points, "%s,%s,%s,%s,%.5f,%.1f\n", set->name, queries, system, setting,
            point->recall, point->qps);
    fflush(curves->points);
}

static void write_points(Curves *curves, const CurveSet *set, const char *queries,
                         const CurveSystem *system, const Series *series) {
    for (int i = 0; i < series->n; i++) {
        char setting[32] = "";
        CurvePoint point = {series->recall[i], qps_at(series, i, MEDIAN)};
        if (system->efforts[i] > 0) {
            snprintf(setting, sizeof setting, "%s=%g", system->efforts[i] < 1 ? "recall" : "ef",
                     system->efforts[i]);
        }
        curve_point(curves, set, queries, system->name, setting, &point);
    }
}

/* ---- The report ---- */

typedef struct Report {
    Curves *curves;
    const CurveSet *set;
    const CurveQueries *queries;
    const CurveSystem *systems;
    const Series *series;
} Report;

/* The QPS of system `ck` beside those of `peer` at this recall. */
static void report_qps(const Report *report, int ck, int peer, double recall, double aim) {
    const CurveSet *set = report->set;
    const Series *ours = &report->series[ck], *theirs = &report->series[peer];
    double ratios[CURVE_ROUNDS_MAX];
    int is_hnswlib = report->systems[peer].hnsw != NULL;
    char name[100];
    BenchRow row = {.name = name, .unit = "q/s", .more_is_better = 1, .aim = {.ratio = aim}};
    row.peer = report->systems[peer].name;
    snprintf(name, sizeof name, "curves %s %s %s QPS at recall %.4g%s%s", set->name,
             report->queries->name, report->systems[ck].name, recall,
             is_hnswlib ? "" : " beside ", is_hnswlib ? "" : row.peer);
    row.figure = qps_at_recall(ours, recall, MEDIAN);
    row.peer_figure = qps_at_recall(theirs, recall, MEDIAN);
    if (!(row.figure > 0 && row.peer_figure > 0)) {
        bench_note("%s: %s does not reach it", name, row.figure > 0 ? row.peer : "ck");
        return;
    }
    for (int i = 0; i < set->n_rounds; i++) {
        ratios[i] = qps_at_recall(ours, recall, i) / qps_at_recall(theirs, recall, i);
    }
    row.ratio.median = bench_percentile(ratios, set->n_rounds, 50);
    row.ratio.min = ratios[0];
    row.ratio.max = ratios[set->n_rounds - 1];
    bench_report_row(&report->curves->bench, &row);
}

/* Recall at the same ef, 64: how good the graphs are. */
static void report_recall(const Report *report, int ck, int peer) {
    char name[100];
    for (int i = 0; i < curve_n_efs; i++) {
        if (curve_efs[i] != 64) continue;
        double ours = report->series[ck].recall[i], theirs = report->series[peer].recall[i];
        double ratio = ours / theirs;
        snprintf(name, sizeof name, "curves %s %s %s recall at ef 64", report->set->name,
                 report->queries->name, report->systems[ck].name);
        bench_report_row(&report->curves->bench,
                         &(BenchRow){name, "", ours, 1, report->systems[peer].name, theirs,
                                     {ratio, ratio, ratio}, {0, 0}});
    }
}

/* What asking for a recall gave; less than 0.01 below is aimed at for queries like the rows. */
static void report_targets(const Report *report, int ck) {
    char name[100];
    const CurveSystem *system = &report->systems[ck];
    int is_far = report->queries == &report->set->queries[1];
    for (int i = 0; i < report->series[ck].n; i++) {
        snprintf(name, sizeof name, "curves %s %s recall = %g gives", report->set->name,
                 report->queries->name, system->efforts[i]);
        bench_report_row(&report->curves->bench,
                         &(BenchRow){.name = name, .unit = "", .more_is_better = 1,
                                     .figure = report->series[ck].recall[i],
                                     .aim = {.figure = is_far ? 0 : system->efforts[i] - .01}});
    }
}

static int is_ck(const CurveSystem *system) {
    return strncmp(system->name, "ck", 2) == 0;
}

static void report_all(const Report *report, int n_systems) {
    for (int i = 0; i < n_systems; i++) {
        if (!is_ck(&report->systems[i])) continue;
        if (report->systems[i].efforts != curve_efs) {
            report_targets(report, i);
            continue;
        }
        for (int peer = 0; peer < n_systems; peer++) {
            const CurveSystem *other = &report->systems[peer];
            double share = report->series[peer].recall[0];
            if (is_ck(other)) continue;
            if (other->n_efforts == 1) { /* one point, no curve */
                report_qps(report, i, peer, share < .99 ? share : .99, 0);
                continue;
            }
            double aim = other->hnsw ? report->set->aim_ratio : 0;
            report_qps(report, i, peer, .95, aim);
            report_qps(report, i, peer, .99, aim);
            if (other->hnsw) report_recall(report, i, peer);
        }
    }
}

void curve_measure(Curves *curves, const CurveSet *set, CurveSystem *systems, int n_systems) {
    for (int q = 0; q < set->n_queries; q++) {
        const CurveQueries *queries = &set->queries[q];
        Series series[CURVE_SYSTEMS_MAX];
        memset(series, 0, sizeof series);
        for (int i = 0; i < n_systems; i++) { /* to warm up */
            Series forgotten = {0};
            series[i].n = systems[i].n_efforts;
            measure_pass(set, queries, &systems[i], &forgotten, systems[i].n_efforts / 2, 0);
        }
        for (int round = 0; round < set->n_rounds; round++) {
            for (int effort = 0; effort < CURVE_EFFORTS_MAX; effort++) {
                for (int i = 0; i < n_systems; i++) {
                    if (effort >= systems[i].n_efforts) continue;
                    measure_pass(set, queries, &systems[i], &series[i], effort, round);
                }
            }
        }
        for (int i = 0; i < n_systems; i++) {
            write_points(curves, set, queries->name, &systems[i], &series[i]);
        }
        report_all(&(Report){curves, set, queries, systems, series}, n_systems);
    }
}
