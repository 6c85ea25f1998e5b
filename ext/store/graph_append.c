/* Merging new embeddings into a graph: see graph_append.h. */
#include "store/graph_append.h"

#include <stdlib.h>
#include <string.h>

#include "hnsw/insert.h"
#include "store/coder.h"
#include "store/graph_load.h"
#include "store/graph_write.h"
#include "store/idset.h"
#include "store/index.h"
#include "store/index_write.h"
#include "store/log.h"
#include "store/merge_claim.h"
#include "store/vector_reader.h"

/* A search of a large graph meets so large a part of its blocks, or more. */
#define INSERT_SHARE 32

/* Between two looks for an interrupt: some milliseconds. */
#define BLOCKS_PER_PULSE 64
#define INSERTS_PER_PULSE 32

typedef struct Append {
    CkStore *store;
    const CkModel *model;
    CkMergeClaim claim;
    CkMergePulse pulse;
    int64_t started_at;
    CkGraphRow row; /* as it is, then as it will be */
    uint32_t n_before;
    int64_t n_damaged;
    CkIdSet fresh;  /* embeddings to insert */
    CkHnswGraph graph;
    CkRecordPlane codes, ids;
    CkBuf twins; /* CkTwin */
    CkBuf mean;  /* of the generation */
    CkIntSpace space;
    CkHnswInsert insert;
    CkGraphWriter writer;
    int written; /* all of it */
    CkError *err; /* for load() */
    CkMergeResult *result;
} Append;

static int begin(void *context, CkError *err) {
    Append *append = context;
    ck_index_pack(append->store, append->model->id, err);
    if (err->rc == SQLITE_OK) ck_stmt_run(append->store, CK_SQL_META_TOUCH, err, "");
    return err->rc;
}

/* Lists what is in force in the blocks that the graph does not know. */
static int list_fresh(Append *append, CkIndex *index, CkError *err) {
    CkScanBlock block;
    for (size_t i = (size_t)append->row.n_scan_blocks; i < index->n_blocks; i++) {
        if (ck_index_scan_block(index, i, &block, err) != SQLITE_OK) return err->rc;
        for (size_t j = 0; j < block.columns.n && err->rc == SQLITE_OK; j++) {
            if (ck_stale_bits_test(&index->stale, block.ids[j])) continue;
            ck_idset_add(&append->fresh, block.ids[j], err);
        }
    }
    ck_idset_seal(&append->fresh);
    append->row.n_scan_blocks = (int64_t)index->n_blocks;
    return err->rc;
}

static int load_links(Append *append, CkError *err) {
    const CkHnswShape *shape = &append->row.shape;
    size_t n_fresh = ck_idset_count(&append->fresh);
    if (shape->n[0] + n_fresh > ck_graph_nodes_max(append->model->dims, shape->m)) {
        return ck_error_set(err, SQLITE_CORRUPT_VTAB,
                            "index: the graph of model %lld has more nodes than embeddings; SELECT "
                            "ck_repair('index') builds the index anew",
                            (long long)append->model->id);
    }
    return ck_graph_load_links(append->store, append->model->id, &append->row,
                               shape->n[0] + (uint32_t)n_fresh, &append->graph, err);
}

/* An empty plane with room for what is added; the last block is read, since it will be added to. */
static int open_plane(Append *append, const CkRecordFormat *format, CkRecordPlane *plane,
                      CkError *err) {
    uint32_t n = append->row.shape.n[0], n_all = n + (uint32_t)ck_idset_count(&append->fresh);
    CkRecordPlaneKey key = {*format, append->model->id, append->row.generation, n_all};
    int was_read;
    if (ck_record_plane_set(plane, &key, err) != SQLITE_OK) return err->rc;
    plane->n = n;
    if (n & ((1u << format->shift) - 1)) {
        ck_record_plane_load(plane, append->store, n >> format->shift, &was_read, err);
    }
    for (uint32_t i = n >> format->shift; i < ck_record_blocks(format, n_all); i++) {
        plane->resident[i] = 1;
    }
    return err->rc;
}

/* Everything that must be of one state, under one read of the index. */
static int load(Append *append, CkError *err) {
    CkIndex *index = NULL;
    CkRecordFormat format;
    if (ck_index_open(append->store, append->model, &index, err) != SQLITE_OK || !index) {
        return err->rc;
    }
    if (index->graph.exists) {
        append->row = index->graph.row;
        append->n_before = append->row.shape.n[0];
        ck_buf_append(&append->twins, index->graph.twins.data, index->graph.twins.n_bytes);
        ck_buf_append(&append->mean, index->mean.data, index->mean.n_bytes);
        if (append->twins.rc != SQLITE_OK || append->mean.rc != SQLITE_OK) ck_error_nomem(err);
        list_fresh(append, index, err);
    }
    if (err->rc == SQLITE_OK && ck_idset_count(&append->fresh) > 0) {
        load_links(append, err);
        append->space = (CkIntSpace){ck_graph_metric(append->model), append->model->dims,
                                     (const float *)(const void *)append->mean.data};
        ck_record_format_codes(&append->space, &format);
        if (err->rc == SQLITE_OK) open_plane(append, &format, &append->codes, err);
        ck_record_format_ids(&format);
        if (err->rc == SQLITE_OK) open_plane(append, &format, &append->ids, err);
    }
    ck_index_close(index);
    return err->rc;
}

/* A search meets codes that are not in memory: CkHnswInsert.load. */
static int load_codes(void *context, int level, uint32_t block) {
    Append *append = context;
    int was_read;
    (void)level;
    ck_record_plane_load(&append->codes, append->store, block, &was_read, append->err);
    return append->err->rc;
}

/* Says what stopped an insert: the step and load_codes() have set the error. */
static int check(Append *append, int rc, CkError *err) {
    if (rc == SQLITE_NOMEM && err->rc == SQLITE_OK) ck_error_nomem(err);
    return append->claim.lost ? SQLITE_OK : err->rc;
}

static int insert_vector(void *context, int64_t id, const float *x, CkError *err) {
    Append *append = context;
    uint32_t node = append->graph.shape.n[0], twin_of;
    ck_int_code(&append->space, x, ck_coder_scale(append->model, x),
                append->codes.arena.base + append->codes.format.stride * node);
    if (check(append, ck_hnsw_insert(&append->insert, &twin_of), err) != SQLITE_OK) return err->rc;
    if (twin_of != node) {
        CkTwin twin = {id, twin_of};
        ck_buf_append(&append->twins, &twin, sizeof twin);
        return append->twins.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
    }
    memcpy(append->ids.arena.base + sizeof id * node, &id, sizeof id);
    return SQLITE_OK;
}

/*
** A search meets two fifths of the blocks of 100,000 codes, so some inserts meet all of them. Then
** reading them in order spares copying them into huge pages, and looking for each code whether it
** is there.
*/
static int load_codes_for(Append *append, size_t n_inserts, CkError *err) {
    CkRecordPlane *codes = &append->codes;
    const uint32_t n_blocks = ck_record_blocks(&codes->format, append->n_before);
    int was_read;
    if (n_inserts < n_blocks / INSERT_SHARE) return SQLITE_OK;
    ck_record_plane_advise_huge(codes);
    for (uint32_t i = 0; i < n_blocks && err->rc == SQLITE_OK && !append->claim.lost; i++) {
        if (!codes->resident[i]) {
            ck_record_plane_load(codes, append->store, i, &was_read, err);
        }
        if (err->rc == SQLITE_OK && i % BLOCKS_PER_PULSE == 0) ck_merge_pulse(&append->pulse, 0);
    }
    return err->rc;
}

/* How many of n ids follow one upon the other and are inserted between two pulses. */
static size_t run_of(const int64_t *ids, size_t n) {
    size_t n_run = 1;
    while (n_run < n && n_run < INSERTS_PER_PULSE && ids[n_run] == ids[n_run - 1] + 1) n_run++;
    return n_run;
}

static int insert_all(Append *append, CkError *err) {
    const int64_t *ids = ck_idset_ids(&append->fresh);
    size_t n = ck_idset_count(&append->fresh);
    append->err = append->pulse.err = err;
    if (load_codes_for(append, n, err) != SQLITE_OK) return err->rc;
    CkHnswRecords codes = ck_record_plane_records(&append->codes);
    append->insert = (CkHnswInsert){
        .graph = &append->graph,
        .codes = &codes,
        .space = &append->space,
        .ef_construction = (uint32_t)append->model->ef_construction,
        .load = load_codes,
        .context = append,
        .scratch = ck_hnsw_scratch_new(),
    };
    if (!append->insert.scratch) return ck_error_nomem(err);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK && !append->claim.lost;) {
        size_t n_run = run_of(ids + i, n - i);
        CkVectorBatch batch = {
            .after = ids[i] - 1, .last = ids[i + n_run - 1], .limit = (int64_t)n_run};
        ck_vectors_read(append->store, append->model, &batch, insert_vector, append, err);
        i += n_run;
        append->n_damaged += batch.n_damaged;
        if (err->rc == SQLITE_OK) ck_merge_pulse(&append->pulse, (double)i / (double)n);
    }
    if (err->rc == SQLITE_OK && !append->claim.lost) {
        check(append, ck_hnsw_connect(&append->insert), err);
    }
    ck_hnsw_scratch_free(append->insert.scratch);
    append->insert.codes = NULL;
    CkTwin *twins = (CkTwin *)(void *)append->twins.data;
    if (twins) qsort(twins, append->twins.n_bytes / sizeof *twins, sizeof *twins, ck_twin_order);
    return err->rc;
}

static void begin_writing(Append *append) {
    append->row.side = !append->row.side;
    append->row.shape = append->graph.shape;
    append->row.n_twins = (uint32_t)(append->twins.n_bytes / sizeof(CkTwin));
    CkGraphParts parts = {
        .model = append->model->id,
        .space = &append->space,
        .row = &append->row,
        .graph = &append->graph,
        .codes = append->codes.arena.base,
        .ids = append->ids.arena.base,
        .twins = &append->twins,
        .n_present = append->n_before,
    };
    ck_graph_writer_init(&append->writer, &parts);
}

static int write_some(void *context, CkError *err) {
    Append *append = context;
    return ck_graph_writer_step(&append->writer, append->store, &append->written, err);
}

static int flip(void *context, CkError *err) {
    Append *append = context;
    CkStore *store = append->store;
    int64_t generation = 0, n_nodes = append->row.shape.n[0];
    int found;
    ck_stmt_ints(store, CK_SQL_INDEX_GENERATION, err, &generation, 1, &found, "i",
                 append->model->id);
    if (err->rc != SQLITE_OK || generation != append->row.generation) return err->rc;
    ck_stmt_run(store, CK_SQL_META_TOUCH, err, "");
    if (err->rc == SQLITE_OK) ck_graph_row_write(store, append->model->id, &append->row, err);
    if (err->rc == SQLITE_OK) {
        ck_audit_add(store, "optimize", err,
                     "{\"model\":%lld,\"inserted\":%lld,\"nodes\":%lld,\"damaged\":%lld,"
                     "\"seconds\":%lld}",
                     (long long)append->model->id,
                     (long long)(n_nodes - (int64_t)append->n_before), (long long)n_nodes,
                     (long long)append->n_damaged,
                     (long long)(ck_conn_now(store->conn) - append->started_at));
    }
    if (err->rc == SQLITE_OK) append->result->n_vectors = n_nodes + append->row.n_twins;
    return err->rc;
}

/* Deletes the links of the side that is not read. */
static int drop_side(Append *append, int side, CkError *err) {
    CkPlane plane = side ? CK_PLANE_LINKS_B : CK_PLANE_LINKS_A;
    int64_t model = append->model->id, generation = append->row.generation;
    return ck_merge_drop(&append->claim, ck_block_address(model, generation, plane, 0),
                         ck_block_address(model, generation, plane, 0) + CK_BLOCK_NUMBER_MAX + 1,
                         err);
}

static int run(Append *append, CkError *err) {
    ck_merge_locked(&append->claim, begin, append, err);
    if (err->rc == SQLITE_OK && !append->claim.lost) load(append, err);
    if (err->rc == SQLITE_OK && !append->claim.lost && ck_idset_count(&append->fresh) > 0) {
        drop_side(append, !append->row.side, err);
        if (err->rc == SQLITE_OK) insert_all(append, err);
        if (err->rc == SQLITE_OK) begin_writing(append);
        while (err->rc == SQLITE_OK && !append->claim.lost && !append->written) {
            ck_merge_locked(&append->claim, write_some, append, err);
        }
        if (err->rc == SQLITE_OK) ck_merge_locked(&append->claim, flip, append, err);
        if (err->rc == SQLITE_OK) drop_side(append, !append->row.side, err);
    }
    CkError ignored = CK_ERROR_NONE;
    ck_merge_locked(&append->claim, ck_merge_unclaim, &append->claim,
                    err->rc == SQLITE_OK ? err : &ignored);
    ck_error_release(&ignored);
    return err->rc;
}

int ck_graph_append(CkStore *store, const CkModel *model, CkMergeResult *result, CkError *err) {
    Append *append = sqlite3_malloc64(sizeof *append);
    memset(result, 0, sizeof *result);
    if (!append) return ck_error_nomem(err);
    memset(append, 0, sizeof *append);
    append->store = store;
    append->model = model;
    append->result = result;
    append->started_at = ck_conn_now(store->conn);
    ck_merge_claim_init(&append->claim, store, model->id);
    append->pulse = (CkMergePulse){
        .claim = &append->claim, .started_at = append->started_at, .total = 1000, .share = 1};
    ck_idset_init(&append->fresh);
    ck_buf_init(&append->twins);
    ck_buf_init(&append->mean);
    run(append, err);
    result->busy = append->claim.lost;
    ck_hnsw_graph_release(&append->graph);
    ck_record_plane_release(&append->codes);
    ck_record_plane_release(&append->ids);
    ck_idset_release(&append->fresh);
    ck_buf_release(&append->twins);
    ck_buf_release(&append->mean);
    sqlite3_free(append);
    return err->rc;
}
