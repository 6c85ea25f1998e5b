/* The doctor's check of a graph: see graph_check.h. */
#include "store/graph_check.h"

#include "hnsw/validate.h"
#include "store/idset.h"

/* What of the scan plane's blocks the graph must know. */
static int list_expected(CkIndex *index, CkIdSet *ids, CkError *err) {
    CkScanBlock block;
    for (size_t i = 0; i < (size_t)index->graph.row.n_scan_blocks; i++) {
        if (ck_index_scan_block(index, i, &block, err) != SQLITE_OK) return err->rc;
        for (size_t j = 0; j < block.columns.n && err->rc == SQLITE_OK; j++) {
            if (!ck_stale_bits_test(&index->stale, block.ids[j])) {
                ck_idset_add(ids, block.ids[j], err);
            }
        }
    }
    ck_idset_seal(ids);
    return err->rc;
}

/* What it has. *n counts entries, twice those that are there twice. */
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

static int compare_ids(CkIndex *index, CkGraphReport *report, CkError *err) {
    CkIdSet expected, present;
    size_t n_entries = 0;
    ck_idset_init(&expected);
    ck_idset_init(&present);
    if (list_expected(index, &expected, err) == SQLITE_OK &&
        list_present(index, &present, &n_entries, err) == SQLITE_OK) {
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
static int read_all(CkGraph *graph, CkError *err) {
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
    if (compare_ids(index, report, err) == SQLITE_OK && read_all(graph, err) == SQLITE_OK) {
        int rc = ck_hnsw_validate(&graph->source, &links);
        if (rc == SQLITE_NOMEM && err->rc == SQLITE_OK) ck_error_nomem(err);
        if (rc == SQLITE_OK) {
            report->n_bad_lists += links.n_bad_lists;
            report->n_unreachable += links.n_unreachable;
        }
    }
    graph->err = NULL;
    return err->rc;
}
