/* Cells: see cells.h. */
#include "store/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/coding.h"
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

static uint64_t key_of(const CkIntQuery *query, const uint8_t *row, uint32_t dims, uint32_t cell) {
    int32_t dot = ck_kernels()->dot_u8i8(query->codes, (const int8_t *)row, dims);
    return ck_hnsw_key(ck_int_distance(query, ck_int_factors(row, dims), dot), cell);
}

void ck_cells_rank(const CkIntQuery *query, const uint8_t *centres, uint32_t dims, uint32_t n,
                   uint64_t *keys) {
    const size_t stride = ck_int_stride(dims);
    for (uint32_t i = 0; i < n; i++) keys[i] = key_of(query, centres + stride * i, dims, i);
    qsort(keys, n, sizeof *keys, ascending);
}

/* Makes the keys of the centres of a block that is read. `row` has room for one. */
static int keys_of_block(const CkIndex *index, const CkBlockData *data, const CkIntQuery *query,
                         uint8_t *row, uint64_t *keys) {
    const CkRecordFormat *format = &index->centres.format;
    uint32_t first = (uint32_t)(data->entry.address & CK_BLOCK_NUMBER_MAX) << format->shift;
    for (uint32_t i = 0; i < (uint32_t)data->entry.n && first + i < index->n_cells; i++) {
        if (!ck_records_decode(format, data->data + format->disk_bytes * i, 0, 1, 1, row)) return 0;
        keys[first + i] = key_of(query, row, index->dims, first + i);
    }
    return 1;
}

/* The same from the file, without keeping them. */
static int rank_in_file(CkIndex *index, const CkIntQuery *query, uint64_t *keys, CkError *err) {
    const CkRecordFormat *format = &index->centres.format;
    const uint32_t n_blocks = ck_record_plane_blocks(&index->centres);
    uint8_t *row = ck_aligned_new(format->stride);
    if (!row) return ck_error_nomem(err);
    for (uint32_t i = 0; i < n_blocks && err->rc == SQLITE_OK; i++) {
        uint32_t first = i << format->shift, n = index->n_cells - first;
        if (n > 1u << format->shift) n = 1u << format->shift;
        int64_t address = ck_block_address(index->model, index->generation, CK_PLANE_CENTRES, i);
        CkBlockData data;
        if (ck_block_open(index->store, address, &data, err) == SQLITE_OK) {
            if (data.entry.n != n || data.n_bytes != format->disk_bytes * n) {
                ck_block_refuse(&data.entry, "has the wrong length", err);
            } else if (!keys_of_block(index, &data, query, row, keys)) {
                ck_block_refuse(&data.entry, "has a record that is none", err);
            }
        }
        ck_stmt_give(index->store, CK_SQL_BLOCK_GET, data.stmt);
    }
    ck_aligned_free(row);
    qsort(keys, index->n_cells, sizeof *keys, ascending);
    return err->rc;
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
    if (query.codes && keys && out) {
        ck_int_query(&index->graph.space, x, scale, &query);
        if (index->n_queries < 2) { /* a first search keeps nothing (store/index.h) */
            rank_in_file(index, &query, keys, err);
        } else if (ck_cells_load_centres(index, err) == SQLITE_OK) {
            ck_cells_rank(&query, index->centres.arena.base, index->dims, index->n_cells, keys);
        }
    } else {
        ck_error_nomem(err);
    }
    for (uint32_t i = 0; i < index->n_cells && err->rc == SQLITE_OK; i++) {
        out[i] = ck_hnsw_key_node(keys[i]);
    }
    sqlite3_free(keys);
    ck_aligned_free(query.codes);
    return err->rc;
}

void ck_cells_end_read(CkIndex *index) {
    ck_stmt_give(index->store, CK_SQL_BLOCK_GET, index->reading.stmt);
    index->reading.stmt = NULL;
}

/* Reads a cell's block in place, for ck_cells_end_read(); its entry becomes known. */
static int read_cell(CkIndex *index, CkIndexBlock *block, CkError *err) {
    const size_t code_bytes = ck_sign_code_bytes(index->dims);
    CkBlockData *read = &index->reading;
    ck_cells_end_read(index);
    if (ck_block_open(index->store, block->entry.address, read, err) != SQLITE_OK) return err->rc;
    int64_t n = read->entry.n;
    if (n < 1 || n > (int64_t)ck_scan_block_capacity(code_bytes) ||
        (block->entry.n > 0 && n != block->entry.n) ||
        read->n_bytes != ck_scan_block_bytes((size_t)n, code_bytes)) {
        return ck_block_refuse(&read->entry, "has the wrong length", err);
    }
    block->entry = read->entry;
    return SQLITE_OK;
}

/* Whether what was read can be looked at where it is. */
static int is_in_order(const CkBlockData *read) {
    return !CK_BIG_ENDIAN && (uintptr_t)read->data % sizeof(int64_t) == 0;
}

static int copy(CkIndex *index, CkBuf *to, CkError *err) {
    ck_buf_clear(to);
    ck_buf_append(to, index->reading.data, index->reading.n_bytes);
    ck_cells_end_read(index);
    if (to->rc == SQLITE_OK) return SQLITE_OK;
    ck_buf_release(to);
    return ck_error_nomem(err);
}

int ck_cells_scan_block(CkIndex *index, uint32_t cell, CkScanBlock *out, CkError *err) {
    CkIndexBlock *block = &index->cells[cell];
    if (block->data.n_bytes > 0) {
        index->cell_counts.n_hits++;
        *out = block->scan;
        return SQLITE_OK;
    }
    int keep = index->n_queries > 1 && ck_index_may_keep(index, CK_BLOCK_BYTES);
    CkBuf *data = keep ? &block->data : &index->transient;
    if (read_cell(index, block, err) != SQLITE_OK) return err->rc;
    uint8_t *bytes = (uint8_t *)(uintptr_t)index->reading.data;
    if (keep || !is_in_order(&index->reading)) {
        if (copy(index, data, err) != SQLITE_OK) return err->rc;
        bytes = data->data;
    }
    index->cell_counts.n_reads++;
    ck_scan_block_view(bytes, (size_t)block->entry.n, ck_sign_code_bytes(index->dims), out);
    if (keep) {
        block->scan = *out;
        index->store->index_cache.kept_bytes += (int64_t)data->n_bytes;
    }
    return SQLITE_OK;
}
