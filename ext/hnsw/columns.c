/* Rows of codes side by side: see columns.h. */
#include "hnsw/columns.h"

#include <string.h>

#include "base/aligned.h"
#include "vector/intcode.h"
#include "vector/kernels.h"

int ck_hnsw_columns_init(CkHnswColumns *columns, const CkHnswCodes *codes, size_t capacity) {
    capacity = (capacity + 3) / 4 * 4;
    *columns = (CkHnswColumns){.codes = codes, .capacity = capacity};
    columns->rows = ck_aligned_new(capacity * codes->n_bytes);
    columns->block = ck_aligned_new(CK_HNSW_BLOCK * codes->n_bytes);
    columns->half = ck_aligned_new(capacity * sizeof *columns->half);
    columns->scale = ck_aligned_new(capacity * sizeof *columns->scale);
    columns->sum = ck_aligned_new(capacity * sizeof *columns->sum);
    columns->near = ck_aligned_new(capacity * sizeof *columns->near);
    columns->dots = ck_aligned_new(CK_HNSW_BLOCK * capacity * sizeof *columns->dots);
    if (columns->rows && columns->block && columns->half && columns->scale && columns->sum &&
        columns->near && columns->dots) {
        memset(columns->block, 0, CK_HNSW_BLOCK * codes->n_bytes);
        return SQLITE_OK;
    }
    ck_hnsw_columns_release(columns);
    return SQLITE_NOMEM;
}

void ck_hnsw_columns_release(CkHnswColumns *columns) {
    ck_aligned_free(columns->rows);
    ck_aligned_free(columns->block);
    ck_aligned_free(columns->half);
    ck_aligned_free(columns->scale);
    ck_aligned_free(columns->sum);
    ck_aligned_free(columns->near);
    ck_aligned_free(columns->dots);
    memset(columns, 0, sizeof *columns);
}

void ck_hnsw_columns_set(CkHnswColumns *columns, const uint32_t *nodes, size_t n) {
    const CkHnswCodes *codes = columns->codes;
    columns->n = n;
    columns->n_padded = (n + 3) / 4 * 4;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *row = codes->rows + nodes[i] * codes->stride;
        const CkIntFactors *factors = ck_int_factors(row, codes->dims);
        memcpy(columns->rows + i * codes->n_bytes, row, codes->n_bytes);
        columns->half[i] = factors->half;
        columns->scale[i] = factors->scale;
        columns->sum[i] = factors->sum;
    }
    memset(columns->rows + n * codes->n_bytes, 0, (columns->n_padded - n) * codes->n_bytes);
}

void ck_hnsw_columns_compare(CkHnswColumns *columns, const uint32_t *nodes, size_t n) {
    const CkHnswCodes *codes = columns->codes;
    for (size_t i = 0; i < n; i++) {
        ck_int_unsigned(codes->rows + nodes[i] * codes->stride, codes->dims,
                        columns->block + i * codes->n_bytes);
    }
    ck_kernels()->products_u8i8(columns->dots, columns->block, (n + 3) / 4 * 4, columns->rows,
                                columns->n_padded, codes->n_bytes);
}

void ck_hnsw_columns_near(CkHnswColumns *columns, uint32_t node, size_t i) {
    const CkHnswCodes *codes = columns->codes;
    const CkIntFactors *factors = ck_int_factors(codes->rows + node * codes->stride, codes->dims);
    const CkIntTerms terms = {factors->half, factors->scale, columns->half, columns->scale,
                              columns->sum};
    ck_kernels()->int_distances(columns->near, &terms, columns->dots + i * columns->n_padded,
                                columns->n);
}
