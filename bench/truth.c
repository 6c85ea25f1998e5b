/* Brute force: see truth.h. Compiled with all the instructions of this machine. */
#include "truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 4         /* the smallest tile: 4 x 4 sums in registers */
#define ROWS_TILE 64   /* 192 KB at 768 dims */
#define QUERIES_TILE 128
#define NEAREST_FIRST 10 /* of the neighbours that an estimate of the dimension begins with */

typedef float Lane __attribute__((vector_size(64), aligned(4)));
#define LANE_FLOATS 16

/* ---- Dot products, tile by tile ---- */

/* dots[i][j] of 4 vectors from a and 4 from b, each `dims` after the other. */
static void dots_4x4(const float *a, const float *b, int dims, float dots[SIDE][SIDE]) {
    Lane sums[SIDE][SIDE] = {{{0}}};
    for (int d = 0; d < dims; d += LANE_FLOATS) {
        Lane x[SIDE];
        for (int i = 0; i < SIDE; i++) x[i] = *(const Lane *)(a + i * dims + d);
        for (int j = 0; j < SIDE; j++) {
            Lane y = *(const Lane *)(b + j * dims + d);
            for (int i = 0; i < SIDE; i++) sums[i][j] += x[i] * y;
        }
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            float sum = 0;
            for (int l = 0; l < LANE_FLOATS; l++) sum += sums[i][j][l];
            dots[i][j] = sum;
        }
    }
}

/* Keeps the best k, sorted; *n of them are there. */
static void keep(TruthHit *hits, int *n, int k, float dot, int row) {
    if (*n == k && dot <= hits[k - 1].dot) return;
    int at = *n < k ? (*n)++ : k - 1;
    for (; at > 0 && hits[at - 1].dot < dot; at--) hits[at] = hits[at - 1];
    hits[at] = (TruthHit){dot, row};
}

typedef struct Search {
    const float *rows, *queries;
    const uint8_t *live;
    int dims, k;
    TruthHit *hits;
    int *n_hits;
} Search;

/* 4 queries from q on against 4 rows from r on. */
static void search_4x4(const Search *search, int q, int r) {
    float dots[SIDE][SIDE];
    size_t dims = (size_t)search->dims;
    dots_4x4(search->queries + (size_t)q * dims, search->rows + (size_t)r * dims, search->dims,
             dots);
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            if (search->live && !search->live[r + j]) continue;
            keep(search->hits + (size_t)(q + i) * (size_t)search->k, &search->n_hits[q + i],
                 search->k, dots[i][j], r + j);
        }
    }
}

/* What is left at the ends, where a tile of 4 would read beyond them. */
static void search_1x1(const Search *search, int q, int r) {
    const float *x = search->queries + (size_t)q * (size_t)search->dims;
    const float *y = search->rows + (size_t)r * (size_t)search->dims;
    Lane sums = {0};
    float dot = 0;
    if (search->live && !search->live[r]) return;
    for (int d = 0; d < search->dims; d += LANE_FLOATS) {
        sums += *(const Lane *)(x + d) * *(const Lane *)(y + d);
    }
    for (int l = 0; l < LANE_FLOATS; l++) dot += sums[l];
    keep(search->hits + (size_t)q * (size_t)search->k, &search->n_hits[q], search->k, dot, r);
}

static int least(int a, int b) {
    return a < b ? a : b;
}

static void search_tile(const Search *search, int q, int q_end, int r, int r_end) {
    for (int i = q; i < q_end; i += SIDE) {
        for (int j = r; j < r_end; j += SIDE) {
            if (i + SIDE <= q_end && j + SIDE <= r_end) {
                search_4x4(search, i, j);
                continue;
            }
            for (int x = i; x < least(i + SIDE, q_end); x++) {
                for (int y = j; y < least(j + SIDE, r_end); y++) search_1x1(search, x, y);
            }
        }
    }
}

void truth_find(const Rows *rows, const uint8_t *live, const Rows *queries, int k,
                TruthHit *hits) {
    Search search = {rows->vectors, queries->vectors, live, rows->dims, k, hits, NULL};
    if (rows->dims % LANE_FLOATS != 0) bench_fail("%d dims are no multiple of 16", rows->dims);
    search.n_hits = bench_alloc((size_t)queries->n * sizeof *search.n_hits);
    memset(search.n_hits, 0, (size_t)queries->n * sizeof *search.n_hits);
    for (int q = 0; q < queries->n; q += QUERIES_TILE) {
        int q_end = least(q + QUERIES_TILE, queries->n);
        for (int r = 0; r < rows->n; r += ROWS_TILE) {
            search_tile(&search, q, q_end, r, least(r + ROWS_TILE, rows->n));
        }
    }
    for (int q = 0; q < queries->n; q++) {
        if (search.n_hits[q] != k) bench_fail("fewer than %d rows to search", k);
    }
    free(search.n_hits);
}

/* ---- The dimension ---- */

double truth_dimension(const TruthHit *hits, int n, int k) {
    double sum = 0;
    double *log_distance = bench_alloc((size_t)k * sizeof *log_distance);
    double *inverse = bench_alloc((size_t)k * sizeof *inverse); /* of neighbours 0 .. j, summed */
    memset(inverse, 0, (size_t)k * sizeof *inverse);
    for (int i = 0; i < n; i++) {
        double below = 0; /* the sum of the logs of the nearer ones */
        for (int j = 0; j < k; j++) {
            double square = 2 - 2 * (double)hits[(size_t)i * (size_t)k + (size_t)j].dot;
            log_distance[j] = log(square > 1e-6 ? square : 1e-6) / 2;
            if (j > 0) inverse[j] += log_distance[j] - below / j;
            below += log_distance[j];
        }
    }
    for (int j = NEAREST_FIRST - 1; j < k; j++) sum += n / inverse[j];
    free(log_distance);
    free(inverse);
    return sum / (k - NEAREST_FIRST + 1);
}
