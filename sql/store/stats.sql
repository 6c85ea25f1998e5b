-- Figures for ck_stats.

-- name: stats_embeddings
SELECT count(*), coalesce(sum(bytes), 0) FROM main._ck_embedding

-- name: stats_refs
SELECT count(*) FROM main._ck_ref AS r
CROSS JOIN main._ck_workspace AS w ON w.id = r.id >> 43 AND w.state <> 'released'

-- name: stats_workspaces
SELECT count(*) FROM main._ck_workspace WHERE state <> 'released'

-- name: stats_models
SELECT count(*) FROM main._ck_model

-- name: stats_paths
SELECT count(*) FROM main._ck_path

-- Embeddings with at least one live ref.
-- name: stats_referenced
SELECT count(*), coalesce(sum(e.bytes), 0)
FROM main._ck_embedding AS e
WHERE EXISTS (
    SELECT 1 FROM main._ck_ref AS r CROSS JOIN main._ck_workspace AS w
    WHERE r.embedding = e.id AND w.id = r.id >> 43 AND w.state <> 'released')

-- name: stats_page_count
PRAGMA main.page_count

-- name: stats_freelist_count
PRAGMA main.freelist_count

-- name: stats_page_size
PRAGMA main.page_size
