-- Items: the feed as it is handed to another store. What has no origin is from here.

-- The feed after seq ?1, tombstones among the embeddings: both come in order from an index.
-- name: item_after
SELECT e.seq, e.hash, e.model, coalesce(e.origin, (SELECT origin FROM main._ck_meta WHERE id = 1)),
       e.created_at, v.id, v.encoding, v.checksum, v.data,
       NULL, NULL, NULL
FROM main._ck_embedding AS e INDEXED BY _ck_embedding_seq
JOIN main._ck_vector AS v ON v.id = e.id
WHERE e.seq > ?1
UNION ALL
SELECT t.seq, t.hash, NULL, t.origin, t.retired_at, NULL, NULL, NULL, NULL,
       t.model, t.version, t.dims
FROM main.ck_tombstones AS t
WHERE t.seq > ?1
ORDER BY 1

-- The same without the vectors, but with their bytes.
-- name: item_list
SELECT e.seq, e.hash, e.model, coalesce(e.origin, (SELECT origin FROM main._ck_meta WHERE id = 1)),
       e.created_at, e.bytes, NULL, NULL, NULL, NULL, NULL, NULL
FROM main._ck_embedding AS e INDEXED BY _ck_embedding_seq
WHERE e.seq > ?1
UNION ALL
SELECT t.seq, t.hash, NULL, t.origin, t.retired_at, 0, NULL, NULL, NULL, t.model, t.version, t.dims
FROM main.ck_tombstones AS t
WHERE t.seq > ?1
ORDER BY 1

-- name: item_of_hash
SELECT e.seq, e.hash, e.model, coalesce(e.origin, (SELECT origin FROM main._ck_meta WHERE id = 1)),
       e.created_at, v.id, v.encoding, v.checksum, v.data
FROM main._ck_hash AS h
CROSS JOIN main._ck_embedding AS e ON e.id = h.id
JOIN main._ck_vector AS v ON v.id = e.id
WHERE h.hash = ?1

-- name: item_of_id
SELECT e.seq, e.hash, e.model, coalesce(e.origin, (SELECT origin FROM main._ck_meta WHERE id = 1)),
       e.created_at, v.id, v.encoding, v.checksum, v.data
FROM main._ck_embedding AS e
JOIN main._ck_vector AS v ON v.id = e.id
WHERE e.id = ?1

-- name: item_tombstone
SELECT t.seq, t.hash, NULL, t.origin, t.retired_at, NULL, NULL, NULL, NULL,
       t.model, t.version, t.dims
FROM main.ck_tombstones AS t
WHERE t.hash = ?1

-- name: item_model
SELECT id, dims, metric, encoding, normalized, m, ef_construction, ef_search, name, version
FROM main._ck_model WHERE id = ?1
