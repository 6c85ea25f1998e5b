/* Cells: see cells.h. */
#include "store/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "vector/kernels.h"

/* The centres count as kept, too. */
static void count_centres(CkIndex *index, int64_t n_before) {
    index->store->index_cache.kept_bytes += index->centres.n_bytes - n_before;
}

void ck_cells_evict(CkIndex *index) {
    for (uint32_t i = 0; i < index->n_cells; i++) {
        index->cell_counts.n_evicted += index->cells[i].data.n_bytes > 0;
        ck_index_drop_block(index, &index->cells[i]);
    }
    int64_t n_bytes = index->centres.n_bytes;
    uint32_t n = index->centres.arena.base ? ck_record_plane_blocks(&index->centres) : 0;
    for (uint32_t i = 0; i < n; i++) ck_record_plane_evict(&index->centres, i);
    count_centres(index, n_bytes);
}

void ck_cells_release(CkIndex *index) {
    int64_t n_bytes = index->centres.n_bytes;
    for (uint32_t i = 0; i < index->n_cells; i++) ck_index_drop_block(index, &index->cells[i]);
    sqlite3_free(index->cells);
    index->cells = NULL;
    index->n_cells = 0;
    ck_record_plane_release(&index->centres);
    count_centres(index, n_bytes);
}

int ck_cells_refresh(CkIndex *index, CkError *err) {
    const CkGraphRow *row = &index->graph.row;
    CkRecordPlaneKey key = {.model = index->model, .generation = row->generation,
                            .n = row->n_cells};
    if (index->graph.exists && index->cells && index->cells_stamp == row->stamp) return SQLITE_OK;
    ck_cells_release(index);
    if (!index->graph.exists || row->n_cells == 0) return SQLITE_OK;
    index->cells = sqlite3_malloc64(row->n_cells * sizeof *index->cells);
    if (!index->cells) return ck_error_nomem(err);
    memset(index->cells, 0, row->n_cells * sizeof *index->cells);
    index->n_cells = row->n_cells;
    index->cells_stamp = row->stamp;
    for (uint32_t i = 0; i < row->n_cells; i++) {
        index->cells[i].entry.address =
            ck_block_address(index->model, row->generation, CK_PLANE_CELLS, i);
    }
    ck_record_format_centres(&index->graph.space, &key.format);
    if (ck_record_plane_set(&index->centres, &key, err) != SQLITE_OK) ck_cells_release(index);
    return err->rc;
}

void ck_cells_kept(const CkIndex *index, int64_t *n_blocks, int64_t *n_bytes) {
    *n_blocks = 0;
    *n_bytes = index->centres.n_bytes;
    for (uint32_t i = 0; i < index->n_cells; i++) {
        *n_blocks += index->cells[i].data.n_bytes > 0;
        *n_bytes += ck_index_block_bytes(index, &index->cells[i]);
    }
}

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void ck_cells_rank(const CkIntQuery *query, const uint8_t *centres, uint32_t dims, uint32_t n,
                   uint64_t *keys) {
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *row = centres + ck_int_stride(dims) * i;
        int32_t dot = ck_kernels()->dot_u8i8(query->codes, (const int8_t *)row, dims);
        keys[i] = ck_hnsw_key(ck_int_distance(query, ck_int_factors(row, dims), dot), i);
    }
    qsort(keys, n, sizeof *keys, ascending);
}

int ck_cells_load_centres(CkIndex *index, CkError *err) {
    int64_t n_before = index->centres.n_bytes;
    if (index->n_cells > 0) ck_record_plane_load_all(&index->centres, index->store, err);
    count_centres(index, n_before);
    return err->rc;
}

int ck_cells_order(CkIndex *index, const float *x, float scale, CkBuf *order, CkError *err) {
    CkIntQuery query = {.codes = ck_aligned_new(ck_int_query_bytes(index->dims))};
    uint64_t *keys = sqlite3_malloc64((index->n_cells + 1) * sizeof *keys);
    uint32_t *out = (uint32_t *)(void *)ck_buf_extend(order, index->n_cells * sizeof *out);
    if (!query.codes || !keys || !out) {
        ck_error_nomem(err);
    } else if (ck_cells_load_centres(index, err) == SQLITE_OK) {
        ck_int_query(&index->graph.space, x, scale, &query);
        ck_cells_rank(&query, index->centres.arena.base, index->dims, index->n_cells, keys);
        for (uint32_t i = 0; i < index->n_cells; i++) out[i] = ck_hnsw_key_node(keys[i]);
    }
    sqlite3_free(keys);
    ck_aligned_free(query.codes);
    return err->rc;
}

/* Reads a cell's block; its entry becomes known. */
static int read_cell(CkIndex *index, CkIndexBlock *block, CkBuf *data, CkError *err) {
    const size_t code_bytes = ck_sign_code_bytes(index->dims);
    CkBlockData read;
    if (ck_block_open(index->store, block->entry.address, &read, err) == SQLITE_OK) {
        int64_t n = read.entry.n;
        if (n < 1 || n > (int64_t)ck_scan_block_capacity(code_bytes) ||
            (block->entry.n > 0 && n != block->entry.n) ||
            read.n_bytes != ck_scan_block_bytes((size_t)n, code_bytes)) {
            ck_block_refuse(&read.entry, "has the wrong length", err);
        } else {
            ck_buf_clear(data);
            ck_buf_append(data, read.data, read.n_bytes);
            if (data->rc != SQLITE_OK) ck_error_nomem(err);
            block->entry = read.entry;
        }
    }
    ck_stmt_give(index->store, CK_SQL_BLOCK_GET, read.stmt);
    return err->rc;
}

int ck_cells_scan_block(CkIndex *index, uint32_t cell, CkScanBlock *out, CkError *err) {
    CkIndexBlock *block = &index->cells[cell];
    if (block->data.n_bytes > 0) {
        index->cell_counts.n_hits++;
        *out = block->scan;
        return SQLITE_OK;
    }
    const size_t code_bytes = ck_sign_code_bytes(index->dims);
    int keep = index->n_queries > 1 && ck_index_may_keep(index, CK_BLOCK_BYTES);
    CkBuf *data = keep ? &block->data : &index->transient;
    if (read_cell(index, block, data, err) != SQLITE_OK) {
        ck_buf_release(data);
        return err->rc;
    }
    index->cell_counts.n_reads++;
    ck_scan_block_view(data->data, (size_t)block->entry.n, code_bytes, out);
    if (keep) {
        block->scan = *out;
        index->store->index_cache.kept_bytes += (int64_t)data->n_bytes;
    }
    return SQLITE_OK;
}
