/* The doctor's check of a graph: see graph_check.h. */
#include "store/graph_check.h"

#include "hnsw/validate.h"
#include "store/cells.h"
#include "store/idset.h"

static int add_ids(const CkIndex *index, const CkScanBlock *block, CkIdSet *ids, CkError *err) {
    for (size_t i = 0; i < block->columns.n && err->rc == SQLITE_OK; i++) {
        if (ck_stale_bits_test(&index->stale, block->ids[i])) continue;
        ck_idset_add(ids, block->ids[i], err);
    }
    return err->rc;
}

/* What is in the scan plane's first blocks. */
static int list_expected(CkIndex *index, int64_t n_blocks, CkIdSet *ids, CkError *err) {
    CkScanBlock block;
    for (size_t i = 0; i < (size_t)n_blocks; i++) {
        if (ck_index_scan_block(index, i, &block, err) != SQLITE_OK ||
            add_ids(index, &block, ids, err) != SQLITE_OK) {
            return err->rc;
        }
    }
    ck_idset_seal(ids);
    return SQLITE_OK;
}

/* What the cells have. *n counts entries, twice those that are there twice. */
static int list_celled(CkIndex *index, CkIdSet *ids, size_t *n, CkError *err) {
    CkScanBlock block;
    for (uint32_t i = 0; i < index->n_cells; i++) {
        if (ck_cells_scan_block(index, i, &block, err) != SQLITE_OK ||
            add_ids(index, &block, ids, err) != SQLITE_OK) {
            return err->rc;
        }
    }
    *n = ck_idset_count(ids);
    ck_idset_seal(ids);
    return SQLITE_OK;
}

/* What the graph has. *n counts entries, twice those that are there twice. */
static int list_present(CkIndex *index, CkIdSet *ids, size_t *n, CkError *err) {
    CkGraph *graph = &index->graph;
    const CkTwin *twins = (const CkTwin *)(const void *)graph->twins.data;
    for (uint32_t node = 0; node < graph->row.shape.n[0] && err->rc == SQLITE_OK; node++) {
        int64_t id;
        if (ck_graph_id(graph, node, &id) == SQLITE_OK && !ck_stale_bits_test(&index->stale, id)) {
            ck_idset_add(ids, id, err);
        }
    }
    for (size_t i = 0; i < graph->twins.n_bytes / sizeof *twins && err->rc == SQLITE_OK; i++) {
        if (!ck_stale_bits_test(&index->stale, twins[i].id)) ck_idset_add(ids, twins[i].id, err);
    }
    *n = ck_idset_count(ids);
    ck_idset_seal(ids);
    return err->rc;
}

/* Holds the graph, or its cells, against the first n_blocks of the scan plane. */
static int compare_ids(CkIndex *index, int64_t n_blocks,
                       int (*list)(CkIndex *, CkIdSet *, size_t *, CkError *),
                       CkGraphReport *report, CkError *err) {
    CkIdSet expected, present;
    size_t n_entries = 0;
    ck_idset_init(&expected);
    ck_idset_init(&present);
    if (list_expected(index, n_blocks, &expected, err) == SQLITE_OK &&
        list(index, &present, &n_entries, err) == SQLITE_OK) {
        size_t n_expected = ck_idset_count(&expected), n_present = ck_idset_count(&present);
        ck_idset_intersect(&expected, &present);
        size_t n_common = ck_idset_count(&expected);
        report->n_lacking += (int64_t)(n_expected - n_common);
        report->n_extra += (int64_t)(n_present - n_common + n_entries - n_present);
    }
    ck_idset_release(&expected);
    ck_idset_release(&present);
    return err->rc;
}

/* Every block: a walk reads codes only where it compares, and no links of the top level. */
static int read_all(CkIndex *index, CkError *err) {
    CkGraph *graph = &index->graph;
    ck_cells_load_centres(index, err);
    ck_record_plane_load_all(&graph->codes, graph->store, err);
    ck_record_plane_load_all(&graph->ids, graph->store, err);
    for (uint32_t level = 0; level < graph->row.shape.n_levels; level++) {
        ck_record_plane_load_all(&graph->links[level], graph->store, err);
    }
    return err->rc;
}

int ck_graph_check(CkIndex *index, CkGraphReport *report, CkError *err) {
    CkGraph *graph = &index->graph;
    CkHnswReport links;
    graph->err = err;
    if (compare_ids(index, graph->row.n_scan_blocks, list_present, report, err) == SQLITE_OK &&
        compare_ids(index, graph->row.n_celled, list_celled, report, err) == SQLITE_OK &&
        read_all(index, err) == SQLITE_OK) {
        int rc = ck_hnsw_validate(ck_graph_source(graph), &links);
        if (rc == SQLITE_NOMEM && err->rc == SQLITE_OK) ck_error_nomem(err);
        if (rc == SQLITE_OK) {
            report->n_bad_lists += links.n_bad_lists;
            report->n_unreachable += links.n_unreachable + links.n_isolated; /* none is dead here */
        }
    }
    graph->err = NULL;
    return err->rc;
}
