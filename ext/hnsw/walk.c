/* Scratch memory, and comparing a query with nodes wherever they are: see walk.h. */
#include "hnsw/walk.h"

#include "base/aligned.h"
#include "base/sqlite.h"
#include "vector/kernels.h"

CkHnswScratch *ck_hnsw_scratch_new(void) {
    CkHnswScratch *scratch = sqlite3_malloc64(sizeof *scratch);
    if (scratch) memset(scratch, 0, sizeof *scratch);
    return scratch;
}

void ck_hnsw_scratch_free(CkHnswScratch *scratch) {
    if (!scratch) return;
    sqlite3_free(scratch->visited);
    sqlite3_free(scratch->beam);
    sqlite3_free(scratch->passed);
    sqlite3_free(scratch->hits);
    sqlite3_free(scratch->nodes);
    sqlite3_free(scratch->dots);
    sqlite3_free(scratch->distances);
    sqlite3_free(scratch->keys);
    sqlite3_free(scratch->chosen);
    ck_aligned_free(scratch->codes);
    sqlite3_free(scratch);
}

size_t ck_hnsw_scratch_bytes(const CkHnswScratch *scratch) {
    size_t n_keys = scratch->beam_room + scratch->passed_room + scratch->keys_room +
                    scratch->chosen_room;
    return sizeof *scratch + scratch->visited_room + n_keys * sizeof(uint64_t) +
           scratch->hits_room * sizeof(CkHnswHit) + scratch->nodes_room * sizeof(uint32_t) +
           scratch->dots_room * sizeof(int32_t) + scratch->distances_room * sizeof(float) +
           scratch->codes_room;
}

int ck_hnsw_grow(void *array, size_t *room, size_t n, size_t size) {
    void *grown, **pointer = array;
    if (n <= *room && *pointer) return SQLITE_OK;
    n += n / 2 + 1;
    grown = sqlite3_realloc64(*pointer, (uint64_t)n * size);
    if (!grown) return SQLITE_NOMEM;
    *pointer = grown;
    *room = n;
    return SQLITE_OK;
}

int ck_hnsw_scratch_nodes(CkHnswScratch *scratch, size_t n) {
    int rc = ck_hnsw_grow(&scratch->nodes, &scratch->nodes_room, n, sizeof *scratch->nodes);
    if (rc != SQLITE_OK) return rc;
    rc = ck_hnsw_grow(&scratch->dots, &scratch->dots_room, n, sizeof *scratch->dots);
    if (rc != SQLITE_OK) return rc;
    return ck_hnsw_grow(&scratch->distances, &scratch->distances_room, n,
                        sizeof *scratch->distances);
}

int ck_hnsw_scratch_visit(CkHnswScratch *scratch, size_t n) {
    size_t before = scratch->visited_room;
    int rc = ck_hnsw_grow(&scratch->visited, &scratch->visited_room, n, 1);
    if (rc != SQLITE_OK) return rc;
    memset(scratch->visited + before, 0, scratch->visited_room - before);
    if (++scratch->epoch == 0) {
        memset(scratch->visited, 0, scratch->visited_room);
        scratch->epoch = 1;
    }
    return SQLITE_OK;
}

int ck_hnsw_query_of(const CkHnswSource *source, uint32_t node, const CkIntSpace *space,
                     CkHnswScratch *scratch, CkIntQuery *query) {
    size_t n = ck_int_query_bytes(source->dims);
    if (scratch->codes_room < n) {
        ck_aligned_free(scratch->codes);
        scratch->codes_room = 0;
        scratch->codes = ck_aligned_new(n);
        if (!scratch->codes) return SQLITE_NOMEM;
        scratch->codes_room = n;
    }
    int rc = ck_hnsw_ensure(source, -1, node);
    if (rc != SQLITE_OK) return rc;
    query->codes = scratch->codes;
    if (space) {
        ck_int_query_like_row(space, ck_hnsw_row(source, node), query);
    } else {
        ck_int_query_of_row(ck_hnsw_row(source, node), source->dims, query);
    }
    return SQLITE_OK;
}

int ck_hnsw_ensure_codes(const CkHnswSource *source, const CkHnswScratch *scratch, size_t n) {
    if (!source->codes.resident) return SQLITE_OK;
    for (size_t i = 0; i < n; i++) {
        int rc = ck_hnsw_ensure(source, -1, scratch->nodes[i]);
        if (rc != SQLITE_OK) return rc;
    }
    return SQLITE_OK;
}

/* Codes and their factors. */
static CkRows rows_of(const CkHnswSource *source) {
    return (CkRows){source->codes.base, source->codes.stride, ck_int_code_bytes(source->dims),
                    ck_int_identity_bytes(source->dims)};
}

int ck_hnsw_compare(const CkHnswSource *source, const CkIntQuery *query, CkHnswScratch *scratch,
                    size_t n) {
    const CkRows rows = rows_of(source);
    int rc = ck_hnsw_ensure_codes(source, scratch, n);
    if (rc != SQLITE_OK) return rc;
    ck_kernels()->gather_u8i8(scratch->dots, query->codes, &rows, scratch->nodes, n);
    return SQLITE_OK;
}

void ck_hnsw_compare_again(const CkHnswSource *source, const CkIntQuery *query,
                           CkHnswScratch *scratch, size_t n) {
    CkRows rows = rows_of(source);
    rows.n_fetched = 0;
    ck_kernels()->gather_u8i8(scratch->dots, query->codes, &rows, scratch->nodes, n);
}

int ck_hnsw_measure(const CkHnswSource *source, const CkIntQuery *query, CkHnswScratch *scratch,
                    size_t n) {
    const CkRows rows = rows_of(source);
    int rc = ck_hnsw_ensure_codes(source, scratch, n);
    if (rc != SQLITE_OK) return rc;
    ck_kernels()->gather_distances(scratch->distances, query, &rows, scratch->nodes, n);
    return SQLITE_OK;
}

size_t ck_hnsw_rule_out(const CkHnswSource *source, const CkIntQuery *query, float limit,
                        CkHnswScratch *scratch, size_t n) {
    const uint32_t dims = source->dims;
    const size_t at = ck_int_signs_at(dims), n_bytes = ck_int_sign_bytes(dims);
    const CkRows rows = {source->codes.base + at, source->codes.stride, n_bytes,
                         ck_int_sign_factors_at(dims) + sizeof(CkIntSignFactors) - at};
    uint32_t *nodes = scratch->nodes, *dots = (uint32_t *)scratch->dots;
    size_t n_left = 0;
    ck_kernels()->gather_bit4(dots, query->planes, &rows, nodes, n);
    for (size_t i = 0; i < n; i++) {
        const CkIntSignFactors *factors = ck_int_sign_factors(ck_hnsw_row(source, nodes[i]), dims);
        int is_far = ck_int_low(query, factors, dots[i]) > limit;
        nodes[n_left] = nodes[i];
        n_left += !is_far;
    }
    return n_left;
}
