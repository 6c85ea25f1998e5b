-- ck cache export and import: packs, the wire format of sync.

-- The feed after a seq, at most so many bytes; NULL: there is no more.
-- name: export_feed
SELECT ck_pack(?1, NULL, ?2)

-- What a workspace refers to, once each; and the probes of its models, so that what answers elsewhere
-- is compared with them before anything is mixed.
-- name: export_list
CREATE TEMP TABLE export_hash AS
WITH own AS MATERIALIZED (SELECT DISTINCT hash FROM refs WHERE workspace = ?1),
     model AS MATERIALIZED (SELECT DISTINCT e.model, e.version FROM own JOIN embeddings AS e USING (hash))
SELECT hash FROM own
UNION
SELECT r.hash FROM refs AS r JOIN embeddings AS e USING (hash)
WHERE r.workspace = 'probe' AND (e.model, e.version) IN (SELECT model, version FROM model)
ORDER BY hash

-- Those of rows ?1 + 1 to ?1 + ?2.
-- name: export_hashes
SELECT ck_pack((SELECT json_group_array(hex(hash)) FROM temp.export_hash
                WHERE rowid > ?1 AND rowid <= ?1 + ?2), NULL, 1000000000)

-- name: export_count
SELECT count(*) FROM temp.export_hash

-- name: pack_figures
SELECT coalesce(max(seq), 0), count(*) FILTER (WHERE op = 'put') FROM ck_unpack(?1)

-- Models that are not known here come as they are there.
-- name: import_models
INSERT OR IGNORE INTO models(model, version, dims, metric, normalized, encoding)
SELECT DISTINCT model, version, dims, metric, normalized, encoding
FROM ck_unpack(?1) WHERE op = 'put'

-- name: import_missing
SELECT count(*) FROM ck_missing((
    SELECT json_group_array(hex(hash)) FROM (SELECT DISTINCT hash FROM ck_unpack(?1) WHERE op = 'put')))

-- name: import_embeddings
INSERT OR IGNORE INTO embeddings(hash, model, version, vector, origin)
SELECT hash, model, version, vector, origin FROM ck_unpack(?1) WHERE op = 'put'
