/*
** The search index of a model as a connection sees it.
**
** On disk an index is rows (schema.sql): its row in _ck_index, blocks of sign codes, the tail, and
** stale bits. In memory there is only a cache of these, and it is looked through at every query:
** while the store's stamp is the one they were read under, all of it holds; else the short rows are
** read again, and of the blocks those whose stamp in the directory changed. So ROLLBACK, ROLLBACK
** TO, crashes and other processes need no code here.
**
** Blocks are read when a query touches them. A connection's first query keeps none: most processes
** make no second one, and memory that was never touched costs nearly as much as reading does (the
** first query over 12 MB took 13.5 ms, and takes 8). From the second on they are kept, up to a
** budget (ck_config('cache_bytes')). Past it they are read, used and dropped again, which is slower
** and never wrong; blocks of models not in use make room first.
*/
#ifndef CK_STORE_INDEX_H
#define CK_STORE_INDEX_H

#include "store/coder.h"
#include "store/graph.h"
#include "store/model.h"
#include "store/refine_codes.h"
#include "store/scan_block.h"
#include "store/stale.h"

/* A block, or the tail, which is searched like one. */
typedef struct CkIndexBlock {
    CkBlockEntry entry;
    CkBuf data; /* empty while the block is not in memory */
    CkScanBlock scan;
    CkRefineCodes refine;
} CkIndexBlock;

/* What the cache did since the connection opened, for ck_cache. */
typedef struct CkIndexCounts {
    int64_t n_hits, n_reads, n_evicted;
} CkIndexCounts;

typedef struct CkIndex {
    struct CkIndex *next;
    CkStore *store;
    sqlite3_stmt *pin; /* an open read while the index is open, if that is not the caller's: all
                       ** reads see one state */
    int64_t model;
    uint32_t dims;
    CkMetric metric;
    int64_t store_stamp; /* what the rest was read under, if is_read */
    int is_read;
    int64_t last_used;   /* counts openings; blocks of the least recent model go first */
    int64_t n_queries;   /* that opened it */
    int64_t generation;  /* 0: the model has no index */
    int64_t mean_stamp;  /* the stamp of the _ck_index row that mean is from */
    CkBuf mean;          /* dims floats, host order */
    CkCoder coder; /* for puts; its mean is set before each use */
    int depth;
    int64_t n_merged;
    int64_t n_listed; /* blocks there must be */
    CkIndexBlock *blocks; /* n_blocks of them, and behind them the tail */
    size_t n_blocks;
    CkScanBuilder tail;
    CkStaleBits stale;
    int64_t n_slots; /* in blocks and tail */
    double dead;     /* the share of the graph's embeddings that are stale, about */
    CkBuf transient; /* the block that did not fit into the budget */
    CkGraph graph;       /* if graph.exists, of the embeddings in the first blocks */
    int64_t graph_bytes; /* what of kept_bytes is the graph's */
    CkIndexBlock *cells; /* n_cells of them (store/cells.h) */
    uint32_t n_cells;
    int64_t cells_stamp; /* of the graph's row that they are of */
    CkRecordPlane centres;
    CkIndexCounts cell_counts;
    CkBlockData reading; /* the cell that is looked at, if it is not kept */
    CkIndexCounts counts;
} CkIndex;

/*
** Opens the index of a model for reading. *index is NULL when there is no store or the model has
** no index. The caller closes it before its statement ends; one index of a store is open at a time.
*/
int ck_index_open(CkStore *store, const CkModel *model, CkIndex **index, CkError *err);

/* The same inside a read of the caller's, which found this stamp and stays open (ck_store_pin). */
int ck_index_open_at(CkStore *store, const CkModel *model, int64_t stamp, CkIndex **index,
                     CkError *err);
void ck_index_close(CkIndex *index);

/* The share of the graph that the budget holds, 1: all of it. What does not fit is read again and
** again, so the blocks of a scan have precedence over such a graph, and no others. */
double ck_index_graph_fits(const CkIndex *index);

/* Slots of the blocks from first_block on, and of the tail. */
int64_t ck_index_slots_behind(const CkIndex *index, int64_t first_block);

/* Whether the depth was calibrated on what there is now, but for a few, and must do. */
int ck_index_is_calibrated(const CkIndex *index);

/*
** The slots of block i (i == n_blocks: the tail), read if they are not in memory. The view is valid
** until the next call or the close.
*/
int ck_index_scan_block(CkIndex *index, size_t i, CkScanBlock *block, CkError *err);

static inline CkSignSpace ck_index_space(const CkIndex *index) {
    return (CkSignSpace){(const float *)(const void *)index->mean.data, index->dims,
                         index->metric == CK_METRIC_L2};
}

/*
** The coordinates of the index that a put adds to: reads the mean unless the one at hand has the
** stamp, in which case the next query reads the rest anew. Needs no open index.
*/
int ck_index_for_put(CkStore *store, const CkModel *model, int64_t stamp, CkIndex **index,
                     CkError *err);

/* The checksum of a row of _ck_index; `mean` is as stored. */
int64_t ck_index_checksum(int64_t model, int64_t generation, int64_t depth, const void *mean,
                          size_t n_bytes);

/* Bytes that a block takes in memory, and taking them out of it; its entry stays. */
int64_t ck_index_block_bytes(const CkIndex *index, const CkIndexBlock *block);
void ck_index_drop_block(CkIndex *index, CkIndexBlock *block);

/* Whether n_bytes more may be kept in memory; makes room at the expense of other models. */
int ck_index_may_keep(CkIndex *index, size_t n_bytes);

/* Blocks in memory, and what they take. The tail is not counted. */
void ck_index_kept(const CkIndex *index, int64_t *n_blocks, int64_t *n_bytes);

/* Takes all blocks out of memory, so that the next query reads them from the file. */
void ck_index_evict(CkIndex *index);

/* Forgets what a store's indexes are: all of them is read from the file when it is asked for. */
void ck_index_forget_all(CkStore *store);

/* Frees all of a store's indexes in memory. */
void ck_index_free_all(CkStore *store);

#endif
