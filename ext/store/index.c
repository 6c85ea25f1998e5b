/* The index as a connection sees it: see index.h. */
#include "store/index.h"

#include <string.h>

#include "base/coding.h"
#include "store/cells.h"
#include "store/config.h"
#include "store/tail.h"
#include "vector/kernels.h"

/* Of fewer slots it costs little not to rely on the calibration, which knows stored vectors, but no
** queries: short ones by the built-in embedder lost 6 neighbours of 100 in 3,194 chunks of code.
** And of more than these, one in so many may be new. */
#define CALIBRATED_MIN 16384
#define NEW_SHARE 8

int64_t ck_index_block_bytes(const CkIndex *index, const CkIndexBlock *block) {
    int64_t n = (int64_t)block->data.n_bytes;
    if (block->refine.codes) {
        n += (int64_t)ck_refine_codes_bytes((size_t)block->entry.n, index->dims);
    }
    return n;
}

void ck_index_drop_block(CkIndex *index, CkIndexBlock *block) {
    index->store->index_cache.kept_bytes -= ck_index_block_bytes(index, block);
    ck_refine_codes_release(&block->refine);
    ck_buf_release(&block->data);
}

/* Takes the scan plane's blocks and the cells out of memory; the lists of them stay. */
static void evict_blocks(CkIndex *index) {
    ck_cells_evict(index);
    for (size_t i = 0; i < index->n_blocks; i++) {
        index->counts.n_evicted += index->blocks[i].data.n_bytes > 0;
        ck_index_drop_block(index, &index->blocks[i]);
    }
}

static void drop_blocks(CkIndex *index) {
    if (!index->blocks) return;
    for (size_t i = 0; i <= index->n_blocks; i++) ck_index_drop_block(index, &index->blocks[i]);
    sqlite3_free(index->blocks);
    index->blocks = NULL;
    index->n_blocks = 0;
}

/* Counts what the graph has in memory. */
static void count_graph(CkIndex *index) {
    int64_t n_bytes = ck_graph_block_bytes(&index->graph) + ck_graph_other_bytes(&index->graph);
    index->store->index_cache.kept_bytes += n_bytes - index->graph_bytes;
    index->graph_bytes = n_bytes;
}

static void forget(CkIndex *index) {
    drop_blocks(index);
    ck_cells_release(index);
    ck_graph_release(&index->graph);
    count_graph(index);
    ck_scan_builder_clear(&index->tail);
    index->is_read = 0;
    index->generation = 0;
    index->n_slots = 0;
}

void ck_index_forget_all(CkStore *store) {
    for (CkIndex *index = store->index_cache.first; index; index = index->next) forget(index);
}

void ck_index_free_all(CkStore *store) {
    while (store->index_cache.first) {
        CkIndex *index = store->index_cache.first;
        store->index_cache.first = index->next;
        forget(index);
        ck_scan_builder_release(&index->tail);
        ck_stale_bits_release(&index->stale);
        ck_coder_release(&index->coder);
        ck_buf_release(&index->mean);
        ck_buf_release(&index->transient);
        sqlite3_free(index);
    }
}

/* The index of a model in memory, made on first mention. */
static CkIndex *find(CkStore *store, const CkModel *model) {
    CkIndex *index = store->index_cache.first;
    while (index && index->model != model->id) index = index->next;
    if (index && index->dims == model->dims && index->metric == model->metric) return index;
    if (!index) {
        index = sqlite3_malloc64(sizeof *index);
        if (!index) return NULL;
        memset(index, 0, sizeof *index);
        index->store = store;
        index->model = model->id;
        index->next = store->index_cache.first;
        store->index_cache.first = index;
    }
    /* New, or the id was another model's before a ROLLBACK. */
    forget(index);
    ck_buf_clear(&index->mean);
    ck_coder_release(&index->coder);
    ck_scan_builder_release(&index->tail);
    ck_scan_builder_init(&index->tail, ck_sign_code_bytes(model->dims));
    index->dims = model->dims;
    index->metric = model->metric;
    return index;
}

static int refuse_row(const CkIndex *index, const char *what, CkError *err) {
    return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                        "index: the row of model %lld in _ck_index %s; SELECT ck_repair('index') "
                        "builds the index anew",
                        (long long)index->model, what);
}

int64_t ck_index_checksum(int64_t model, int64_t generation, int64_t depth, const void *mean,
                          size_t n_bytes) {
    const int64_t fields[] = {model, generation, depth};
    uint8_t bytes[sizeof fields];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        ck_store_u64(bytes + 8 * i, (uint64_t)fields[i]);
    }
    uint64_t seed = ck_kernels()->checksum(bytes, sizeof bytes, 0);
    return (int64_t)ck_kernels()->checksum(mean, n_bytes, seed);
}

/* Reads the mean of a stepped index_get, to host order, after a look at the row's checksum. */
static int read_mean(CkIndex *index, sqlite3_stmt *stmt, CkError *err) {
    int64_t stamp = sqlite3_column_int64(stmt, 1);
    const void *data = sqlite3_column_blob(stmt, 6);
    size_t n_bytes = (size_t)sqlite3_column_bytes(stmt, 6);
    if (!data || n_bytes != index->dims * sizeof(float)) {
        return refuse_row(index, "has no mean of the model's dims", err);
    }
    if (sqlite3_column_int64(stmt, 5) !=
        ck_index_checksum(index->model, sqlite3_column_int64(stmt, 0),
                          sqlite3_column_int64(stmt, 2), data, n_bytes)) {
        return refuse_row(index, "is damaged: its checksum does not match", err);
    }
    if (index->mean.n_bytes > 0 && index->mean_stamp == stamp) return SQLITE_OK;
    ck_buf_clear(&index->mean);
    float *mean = (float *)(void *)ck_buf_extend(&index->mean, n_bytes);
    if (!mean) return ck_error_nomem(err);
    for (uint32_t j = 0; j < index->dims; j++) {
        mean[j] = ck_load_f32((const uint8_t *)data + sizeof(float) * j);
    }
    index->mean_stamp = stamp;
    return SQLITE_OK;
}

static int read_row(CkIndex *index, CkError *err) {
    sqlite3_stmt *stmt = NULL;
    index->generation = 0;
    if (ck_stmt_take(index->store, CK_SQL_INDEX_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", index->model);
    if (ck_stmt_step(index->store, stmt, err) == SQLITE_ROW && sqlite3_column_int64(stmt, 0) > 0) {
        int64_t depth = sqlite3_column_int64(stmt, 2);
        if (depth < 1 || depth > CK_EF_MAX) {
            refuse_row(index, "has a depth beyond reason", err);
        } else if (read_mean(index, stmt, err) == SQLITE_OK) {
            index->generation = sqlite3_column_int64(stmt, 0);
            index->depth = (int)depth;
            index->n_merged = sqlite3_column_int64(stmt, 3);
            index->n_listed = sqlite3_column_int64(stmt, 4);
        }
    }
    ck_stmt_give(index->store, CK_SQL_INDEX_GET, stmt);
    return err->rc;
}

/* Moves what is still right from the old blocks to the new ones; both are in order of address. */
static void inherit(CkIndex *index, CkIndexBlock *fresh, size_t n_fresh) {
    size_t at = 0;
    for (size_t i = 0; i < n_fresh; i++) {
        while (at < index->n_blocks &&
               index->blocks[at].entry.address < fresh[i].entry.address) {
            at++;
        }
        if (at == index->n_blocks) break;
        CkIndexBlock *old = &index->blocks[at];
        if (old->entry.address != fresh[i].entry.address ||
            old->entry.stamp != fresh[i].entry.stamp || old->entry.n != fresh[i].entry.n) {
            continue;
        }
        fresh[i] = *old;
        ck_buf_init(&old->data);
        memset(&old->refine, 0, sizeof old->refine);
    }
}

static int check_entry(const CkIndex *index, const CkBlockEntry *entry, CkError *err) {
    /* A block is filled up to a size; the bound keeps a forged count from asking for memory. */
    if (entry->n >= 1 &&
        entry->n <= (int64_t)ck_scan_block_capacity(ck_sign_code_bytes(index->dims)) &&
        entry->first_id > 0 && entry->first_id <= entry->last_id) {
        return SQLITE_OK;
    }
    return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                        "index: the directory entry of " CK_BLOCK_FORMAT
                        " is damaged; SELECT ck_repair('index') builds the index anew",
                        CK_BLOCK_FORMAT_ARGS(entry->address));
}

static int read_directory(CkIndex *index, CkError *err) {
    CkBuf entries;
    ck_buf_init(&entries);
    ck_block_directory(index->store, index->model, index->generation, CK_PLANE_SCAN, &entries,
                       err);
    const CkBlockEntry *entry = (const CkBlockEntry *)(const void *)entries.data;
    size_t n = entries.n_bytes / sizeof *entry;
    if (err->rc == SQLITE_OK && n != (size_t)index->n_listed) {
        refuse_row(index, "lists another number of blocks than there are", err);
    }
    CkIndexBlock *blocks = sqlite3_malloc64((n + 1) * sizeof *blocks);
    if (!blocks) ck_error_nomem(err);
    if (blocks) memset(blocks, 0, (n + 1) * sizeof *blocks);
    int64_t n_slots = 0;
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        blocks[i].entry = entry[i];
        n_slots += entry[i].n;
        check_entry(index, &entry[i], err);
    }
    ck_buf_release(&entries);
    if (err->rc != SQLITE_OK) {
        sqlite3_free(blocks);
        return err->rc;
    }
    inherit(index, blocks, n);
    drop_blocks(index);
    index->blocks = blocks;
    index->n_blocks = n;
    index->n_slots = n_slots;
    return SQLITE_OK;
}

/*
** Which of the graph's embeddings are stale only the data of its blocks could tell. So among the
** ids between a block's first and last it is assumed to be the same share of all.
*/
static double count_dead(const CkIndex *index) {
    double n_dead = 0, n_all = 0;
    for (int64_t i = 0; i < index->graph.row.n_scan_blocks; i++) {
        const CkBlockEntry *entry = &index->blocks[i].entry;
        int64_t n_ids = entry->last_id - entry->first_id + 1;
        int64_t n_stale = ck_stale_bits_count(&index->stale, entry->first_id, entry->last_id);
        n_dead += (double)entry->n * (double)n_stale / (double)n_ids;
        n_all += (double)entry->n;
    }
    return n_all > 0 ? n_dead / n_all : 0;
}

/* Reads all that is short: everything but the data of blocks. */
static int refresh(CkIndex *index, int64_t store_stamp, CkError *err) {
    CkStore *store = index->store;
    index->is_read = 0;
    if (read_row(index, err) != SQLITE_OK) return err->rc;
    if (index->generation > 0) {
        ck_config_read(store, CK_SETTING_CACHE_BYTES, &store->index_cache.budget_bytes, err);
        if (err->rc == SQLITE_OK) read_directory(index, err);
        ck_scan_builder_clear(&index->tail);
        if (err->rc == SQLITE_OK) ck_tail_read(store, index->model, NULL, &index->tail, err);
        if (err->rc == SQLITE_OK) ck_stale_read(store, &index->stale, err);
        if (err->rc != SQLITE_OK) return err->rc;
        CkIndexCache *cache = &store->index_cache;
        CkModel model = {.id = index->model, .dims = index->dims, .metric = index->metric};
        if (cache->kept_bytes > cache->budget_bytes) ck_index_evict(index);
        CkGraphOf of = {index->generation, (int64_t)index->n_blocks,
                        (const float *)(const void *)index->mean.data};
        if (ck_graph_refresh(&index->graph, store, &model, &of, err)) return err->rc;
        if (ck_cells_refresh(index, err) != SQLITE_OK) return err->rc;
        index->dead = index->graph.exists ? count_dead(index) : 0;
        count_graph(index);
        CkIndexBlock *tail = &index->blocks[index->n_blocks];
        ck_scan_builder_view(&index->tail, &tail->scan);
        tail->entry.n = (int64_t)index->tail.n;
        index->n_slots += tail->entry.n;
    } else {
        forget(index);
    }
    index->store_stamp = store_stamp;
    index->is_read = 1;
    return SQLITE_OK;
}

int ck_index_open_at(CkStore *store, const CkModel *model, int64_t stamp, CkIndex **out,
                     CkError *err) {
    CkIndex *index = find(store, model);
    *out = NULL;
    if (!index) return ck_error_nomem(err);
    if (!index->is_read || index->store_stamp != stamp) refresh(index, stamp, err);
    if (err->rc != SQLITE_OK || index->generation == 0) return err->rc;
    index->last_used = ++store->index_cache.n_openings;
    index->n_queries++;
    *out = index;
    return SQLITE_OK;
}

int ck_index_open(CkStore *store, const CkModel *model, CkIndex **out, CkError *err) {
    sqlite3_stmt *pin;
    int64_t stamp;
    *out = NULL;
    if (ck_store_pin(store, &pin, &stamp, err) != SQLITE_OK || !pin) return err->rc;
    if (ck_index_open_at(store, model, stamp, out, err) == SQLITE_OK && *out) {
        (*out)->pin = pin;
    } else {
        ck_stmt_give(store, CK_SQL_META_GET, pin);
    }
    return err->rc;
}

/* Brings what the query has touched of the graph under the budget. */
static void settle_graph(CkIndex *index) {
    const CkIndexCache *cache = &index->store->index_cache;
    if (!index->graph.exists) return;
    count_graph(index);
    ck_index_may_keep(index, 0);
    if (cache->kept_bytes <= cache->budget_bytes) return;
    if (ck_index_graph_fits(index) >= 1) evict_blocks(index);
    int64_t room = cache->budget_bytes - cache->kept_bytes + ck_graph_block_bytes(&index->graph);
    ck_graph_shrink(&index->graph, room > 0 ? room : 0);
    count_graph(index);
}

void ck_index_close(CkIndex *index) {
    if (!index) return;
    settle_graph(index);
    ck_cells_end_read(index);
    ck_stmt_give(index->store, CK_SQL_META_GET, index->pin);
    index->pin = NULL;
    ck_buf_release(&index->transient);
}

void ck_index_kept(const CkIndex *index, int64_t *n_blocks, int64_t *n_bytes) {
    *n_blocks = *n_bytes = 0;
    for (size_t i = 0; i < index->n_blocks; i++) {
        *n_blocks += index->blocks[i].data.n_bytes > 0;
        *n_bytes += ck_index_block_bytes(index, &index->blocks[i]);
    }
}

void ck_index_evict(CkIndex *index) {
    evict_blocks(index);
    ck_graph_shrink(&index->graph, 0);
    count_graph(index);
}

double ck_index_graph_fits(const CkIndex *index) {
    const CkGraph *graph = &index->graph;
    double room = (double)(index->store->index_cache.budget_bytes - ck_graph_other_bytes(graph));
    double whole = (double)ck_graph_whole_bytes(graph);
    return room >= whole ? 1 : room > 0 ? room / whole : 0;
}

int64_t ck_index_slots_behind(const CkIndex *index, int64_t first_block) {
    int64_t n = index->blocks[index->n_blocks].entry.n;
    for (size_t i = (size_t)first_block; i < index->n_blocks; i++) {
        n += index->blocks[i].entry.n;
    }
    return n;
}

int ck_index_is_calibrated(const CkIndex *index) {
    return index->n_slots >= CALIBRATED_MIN &&
           index->n_slots - index->n_merged <= index->n_merged / NEW_SHARE;
}

/* Makes room for a block of the scan by one of a graph that does not fit. */
static int give_way(CkIndex *index, int64_t n_bytes) {
    const CkIndexCache *cache = &index->store->index_cache;
    int64_t kept = ck_graph_block_bytes(&index->graph);
    if (n_bytes == 0 || kept < n_bytes || ck_index_graph_fits(index) >= 1) return 0;
    ck_graph_shrink(&index->graph, kept - n_bytes);
    count_graph(index);
    return cache->kept_bytes + n_bytes <= cache->budget_bytes;
}

int ck_index_may_keep(CkIndex *index, size_t n_bytes) {
    CkIndexCache *cache = &index->store->index_cache;
    while (cache->kept_bytes + (int64_t)n_bytes > cache->budget_bytes) {
        CkIndex *oldest = NULL;
        for (CkIndex *other = cache->first; other; other = other->next) {
            if (other == index || !other->blocks) continue;
            if (!oldest || other->last_used < oldest->last_used) oldest = other;
        }
        if (!oldest) return give_way(index, (int64_t)n_bytes);
        ck_index_evict(oldest);
        forget(oldest);
    }
    return 1;
}

int ck_index_scan_block(CkIndex *index, size_t i, CkScanBlock *out, CkError *err) {
    CkIndexBlock *block = &index->blocks[i];
    size_t n = (size_t)block->entry.n, code_bytes = ck_sign_code_bytes(index->dims);
    if (i == index->n_blocks || block->data.n_bytes > 0) {
        index->counts.n_hits += i < index->n_blocks;
        *out = block->scan;
        return SQLITE_OK;
    }
    size_t n_bytes = ck_scan_block_bytes(n, code_bytes);
    int keep = index->n_queries > 1 && ck_index_may_keep(index, n_bytes);
    CkBuf *data = keep ? &block->data : &index->transient;
    if (ck_block_read(index->store, &block->entry, n_bytes, data, err) != SQLITE_OK) {
        ck_buf_release(data);
        return err->rc;
    }
    index->counts.n_reads++;
    ck_scan_block_view(data->data, n, code_bytes, out);
    if (keep) {
        block->scan = *out;
        index->store->index_cache.kept_bytes += (int64_t)n_bytes;
    }
    return SQLITE_OK;
}

int ck_index_for_put(CkStore *store, const CkModel *model, int64_t stamp, CkIndex **out,
                     CkError *err) {
    sqlite3_stmt *stmt = NULL;
    CkIndex *index = find(store, model);
    *out = index;
    if (!index) return ck_error_nomem(err);
    if (!index->coder.scratch && ck_coder_init(&index->coder, model, NULL, err)) return err->rc;
    if (index->mean.n_bytes > 0 && index->mean_stamp == stamp) return SQLITE_OK;
    /* The mean is another generation's now. After a ROLLBACK the store's stamp would not tell. */
    index->is_read = 0;
    if (ck_stmt_take(store, CK_SQL_INDEX_GET, &stmt, err) != SQLITE_OK) return err->rc;
    ck_stmt_bind(stmt, "i", model->id);
    if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) read_mean(index, stmt, err);
    ck_stmt_give(store, CK_SQL_INDEX_GET, stmt);
    return err->rc;
}
