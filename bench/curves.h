/*
** Curves of recall and queries per second, over the effort of a search, of ck and its peers.
**
**     curves.c           the program: sets, one after the other
**     curves_data.c      data sets, their queries and exact neighbours (truth.h)
**     curves_systems.c   what answers queries: SQL statements, and hnswlib (curves_hnsw.h)
**     curves_measure.c   passes over queries, in turn; points of the curves; the report
**     curves_store.c     building, merging, size, memory, a fresh process
**     curves_life.c      recall after deletions and after churn
*/
#ifndef CK_BENCH_CURVES_H
#define CK_BENCH_CURVES_H

#include "search.h"
#include "truth.h"

#define CURVE_K 10
#define CURVE_EFFORTS_MAX 16
#define CURVE_ROUNDS_MAX 5
#define CURVE_SYSTEMS_MAX 8
#define CURVE_MERGES 3 /* of a part of the extra rows each */
#define CURVE_TIE 1e-6f /* dot products nearer to each other are the same: sums are rounded */

typedef struct Curves {
    Bench bench;
    const char *vectorlite; /* path, or NULL */
    const char *libsql;     /* of the folder with node_modules, or NULL */
    int only_hnswlib;       /* no other peers */
    int alone;              /* none at all */
    FILE *points;           /* a CSV line for each point of a curve, or NULL */
} Curves;

/* ---- Data ---- */

typedef struct CurveQueries {
    const char *name; /* "in-dist", "out-of-dist", "queries" */
    Rows rows;
    TruthHit *truth; /* CURVE_K for each */
} CurveQueries;

/* All vectors have length 1. */
typedef struct CurveSet {
    const char *name; /* also of a folder of vecs.h, when it is real */
    int is_real, is_large;
    SearchData data; /* owns the vectors */
    Rows extra;      /* rows like the others that are not in the set, or none */
    int n_queries;   /* sets of them: 1 or 2 */
    CurveQueries queries[2];
    int per_pass, n_rounds; /* queries a pass; a pass for each round and effort */
    double aim_ratio;       /* of the QPS of hnswlib */
} CurveSet;

/* 0: a real set that is not there, or too little memory; it has said so. Prints the dimension. */
int curve_set_make(CurveSet *set, Curves *curves, const char *name);
void curve_set_free(CurveSet *set);

/* Whether there is a set of this name. */
int curve_set_exists(const char *name);
extern const char *const curve_set_names[];

/* The share of the n queries' true neighbours found: a row counts that is as near as the tenth. */
double curve_recall(const Rows *rows, const Rows *queries, const TruthHit *truth, int n,
                    const int64_t (*found)[CURVE_K]);

/* ---- Systems ---- */

/* What answers a query. */
typedef struct CurveSystem {
    const char *name;
    /* Finds CURVE_K rows; effort is one of `efforts`. Rows are numbered from 0. -1: none. */
    void (*search)(struct CurveSystem *system, const float *query, double effort,
                   int64_t rows[CURVE_K]);
    const double *efforts;
    int n_efforts;
    int per_pass_max; /* a slow one is asked fewer queries; 0: as many as the others */
    sqlite3 *db;
    const char *file;   /* name of a database to remove with the system, or NULL */
    sqlite3_stmt *stmt; /* takes the query as ?1, the effort as ?2 if it has that */
    int use_graph;      /* for curve_use_graph() while it searches */
    struct HnswPeer *hnsw;
    int dims;
} CurveSystem;

extern const double curve_efs[];
extern const int curve_n_efs;

/* ck, by a connection of its own to a database that is there. CK_FORCED takes the graph whatever
** it costs, CK_RECALL is given recall targets instead of ef. */
enum { CK_PLANNED, CK_FORCED, CK_RECALL };
void curve_system_ck(CurveSystem *system, const Curves *curves, const char *file, int kind,
                     int dims);

void curve_system_hnswlib(CurveSystem *system, struct HnswPeer *hnsw, int dims);

/* 0: it is not there. Each makes a database of its own and fills it. */
int curve_system_vectorlite(CurveSystem *system, const Curves *curves, const Rows *rows);
int curve_system_vec(CurveSystem *system, const Curves *curves, const Rows *rows);
int curve_system_vector(CurveSystem *system, const Curves *curves, const Rows *rows);

/* How ck says it answers such a query, for sqlite3_free(). */
char *curve_system_plan(CurveSystem *system, const float *query, double effort);

/* Closes what it opened; hnswlib's index is the caller's. */
void curve_system_free(CurveSystem *system, const Curves *curves);

/* Makes ck take the graph whatever it costs, here and in processes begun from now on, or not. */
void curve_use_graph(int forced);

/* ---- Measuring ---- */

/* Measures all systems on all queries of the set, in turn, prints and writes the points, and
** reports QPS at equal recall. */
void curve_measure(Curves *curves, const CurveSet *set, CurveSystem *systems, int n_systems);

/* libsql, by a process of its own (curves_libsql.mjs). */
void curve_libsql(Curves *curves, const CurveSet *set);

typedef struct CurvePoint {
    double recall, qps;
} CurvePoint;

/* One point, printed and written; the setting may be empty. */
void curve_point(Curves *curves, const CurveSet *set, const char *queries, const char *system,
                 const char *setting, const CurvePoint *point);

/* ---- Stores ---- */

/* Builds hnswlib's index in memory (NULL: it is not there) and ck's in the file "ck", and reports
** the times. As ck makes no graph of few vectors unless it is told to, a second file has one, but
** not of a large set, which has it anyway. The databases are closed afterwards. */
#define CURVE_FORCED_FILE "forced"
struct HnswPeer *curve_build(Curves *curves, const CurveSet *set);

/* Size on disk, memory, fresh process; then the merge of the extra rows, which changes the file. */
void curve_store(Curves *curves, const CurveSet *set);

/* argv: DATABASE EXTENSION DIMS QUERIES: asks all queries of a file, prints what memory it took. */
int curve_steady_child(int argc, char **argv);

/* Processor time of this process, user and system. */
double curve_cpu(void);

void curve_life(Curves *curves);

#endif
