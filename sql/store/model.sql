-- Models: what makes vectors comparable.

-- name: model_find
SELECT id, dims, metric, encoding, normalized, m, ef_construction, ef_search, name, version
FROM main._ck_model WHERE name = ?1 AND version = ?2

-- All, up to id ?1: a statement that inserts what it reads comes to an end.
-- name: model_scan
SELECT id, dims, metric, encoding, normalized, m, ef_construction, ef_search, name, version
FROM main._ck_model WHERE id <= ?1 ORDER BY name, version

-- name: model_max_id
SELECT coalesce(max(id), 0) FROM main._ck_model

-- name: model_insert
INSERT INTO main._ck_model(name, version, dims, metric, encoding, normalized, m,
                           ef_construction, ef_search)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)

-- name: model_name
SELECT name, version FROM main._ck_model WHERE id = ?1

-- name: model_set_ef_search
UPDATE main._ck_model SET ef_search = ?2 WHERE id = ?1

-- name: model_delete
DELETE FROM main._ck_model WHERE id = ?1

-- name: model_used
SELECT 1 FROM main._ck_embedding WHERE model = ?1 LIMIT 1

-- name: model_count
SELECT count(*), coalesce(sum(bytes), 0) FROM main._ck_embedding WHERE model = ?1
