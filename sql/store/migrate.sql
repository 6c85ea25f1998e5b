-- Migration from one model to another.

-- The versions of the model called ?1, or the one called ?2.
-- name: migrate_models
SELECT id, dims, metric, encoding, normalized, m, ef_construction, ef_search, version
FROM main._ck_model WHERE name = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version

-- The refs to embeddings of model ?1. The chunks of a file are neighbours, so that a client opens
-- every file once.
-- name: migrate_scan
SELECT w.name, p.path, r.id & 262143, r.start_line, r.end_line, e.hash
FROM main._ck_workspace AS w
CROSS JOIN main._ck_ref AS r ON r.id >= (w.id << 43) AND r.id < ((w.id + 1) << 43)
CROSS JOIN main._ck_embedding AS e ON e.id = r.embedding
LEFT JOIN main._ck_path AS p ON p.id = r.id >> 18 & 33554431
WHERE w.name IS NOT NULL AND e.model = ?1
ORDER BY w.name, r.id
