-- Embeddings. Every scan is bounded by the last seq given out before it, ?3 (ids are seqs), so that a
-- statement that inserts what it reads comes to an end.

-- name: embedding_by_id
SELECT e.id, e.hash, e.model, e.bytes, e.created_at, e.used_at, e.seq, e.origin,
       m.name, m.version, m.dims
FROM main._ck_embedding AS e LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE e.id >= ?1 AND e.id <= ?2 AND e.id <= ?3
ORDER BY e.id

-- name: embedding_by_id_desc
SELECT e.id, e.hash, e.model, e.bytes, e.created_at, e.used_at, e.seq, e.origin,
       m.name, m.version, m.dims
FROM main._ck_embedding AS e LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE e.id >= ?1 AND e.id <= ?2 AND e.id <= ?3
ORDER BY e.id DESC

-- name: embedding_by_hash
SELECT e.id, e.hash, e.model, e.bytes, e.created_at, e.used_at, e.seq, e.origin,
       m.name, m.version, m.dims
FROM main._ck_hash AS h
CROSS JOIN main._ck_embedding AS e ON e.id = h.id
LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE h.hash >= ?1 AND h.hash <= ?2 AND e.id <= ?3
ORDER BY h.hash

-- name: embedding_by_hash_desc
SELECT e.id, e.hash, e.model, e.bytes, e.created_at, e.used_at, e.seq, e.origin,
       m.name, m.version, m.dims
FROM main._ck_hash AS h
CROSS JOIN main._ck_embedding AS e ON e.id = h.id
LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE h.hash >= ?1 AND h.hash <= ?2 AND e.id <= ?3
ORDER BY h.hash DESC

-- name: embedding_by_seq
SELECT e.id, e.hash, e.model, e.bytes, e.created_at, e.used_at, e.seq, e.origin,
       m.name, m.version, m.dims
FROM main._ck_embedding AS e INDEXED BY _ck_embedding_seq
LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE e.seq >= ?1 AND e.seq <= ?2 AND e.seq <= ?3
ORDER BY e.seq

-- name: embedding_by_seq_desc
SELECT e.id, e.hash, e.model, e.bytes, e.created_at, e.used_at, e.seq, e.origin,
       m.name, m.version, m.dims
FROM main._ck_embedding AS e INDEXED BY _ck_embedding_seq
LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE e.seq >= ?1 AND e.seq <= ?2 AND e.seq <= ?3
ORDER BY e.seq DESC

-- name: embedding_max_id
SELECT max(id) FROM main._ck_embedding

-- name: embedding_find
SELECT e.id, e.model, e.used_at
FROM main._ck_hash AS h CROSS JOIN main._ck_embedding AS e ON e.id = h.id
WHERE h.hash = ?1

-- The id of a hash, or of the deleted embedding that has left its entry: for those whom an id
-- without a row does no harm.
-- name: hash_find
SELECT id FROM main._ck_hash WHERE hash = ?1

-- name: embedding_find_id
SELECT e.id FROM main._ck_hash AS h CROSS JOIN main._ck_embedding AS e ON e.id = h.id
WHERE h.hash = ?1

-- All a put has to know: the store's version and seq, the model (?1, ?2), the row of hash ?3, whether
-- a deleted one has left its entry, which index of the model to add to, and a tombstone to remove.
-- name: embedding_put_read
SELECT s.schema_version, s.seq,
       m.id, m.dims, m.metric, m.encoding, m.normalized, m.m, m.ef_construction, m.ef_search,
       e.id, e.used_at, e.model, h.id, i.stamp, t.seq
FROM main._ck_meta AS s
LEFT JOIN main._ck_model AS m ON m.name = ?1 AND m.version = ?2
LEFT JOIN main._ck_hash AS h ON h.hash = ?3
LEFT JOIN main._ck_embedding AS e ON e.id = h.id
LEFT JOIN main._ck_index AS i ON i.model = m.id AND i.generation > 0
LEFT JOIN main.ck_tombstones AS t ON t.hash = ?3
WHERE s.id = 1

-- name: embedding_exists
SELECT 1 FROM main._ck_hash AS h CROSS JOIN main._ck_embedding AS e ON e.id = h.id WHERE h.hash = ?1

-- name: embedding_hash
SELECT hash FROM main._ck_embedding WHERE id = ?1

-- name: embedding_insert
INSERT INTO main._ck_embedding(id, hash, model, bytes, created_at, used_at, seq, origin)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?1, ?7)

-- name: hash_insert
INSERT INTO main._ck_hash(hash, id) VALUES (?1, ?2)

-- name: hash_set
UPDATE main._ck_hash SET id = ?2 WHERE hash = ?1

-- OR REPLACE: the row keeps its id and refs and gets a new seq, so that the feed shows it again.
-- name: embedding_replace
UPDATE main._ck_embedding
SET bytes = ?2, used_at = max(used_at, ?3), seq = ?4, origin = ?5 WHERE id = ?1

-- name: embedding_times
SELECT created_at, used_at FROM main._ck_embedding WHERE id = ?1

-- name: embedding_set_times
UPDATE main._ck_embedding SET created_at = ?2, used_at = ?3 WHERE id = ?1

-- name: embedding_set_origin
UPDATE main._ck_embedding SET origin = ?2 WHERE id = ?1

-- name: embedding_touch
UPDATE main._ck_embedding SET used_at = ?2 WHERE id = ?1

-- name: embedding_freshen
UPDATE main._ck_embedding SET used_at = ?2 WHERE id = ?1 AND used_at < ?3

-- name: embedding_delete
DELETE FROM main._ck_embedding WHERE id = ?1

-- name: vector_get
SELECT id, encoding, checksum, data FROM main._ck_vector WHERE id = ?1

-- The model is that of the vector's row, so _ck_embedding is read only when there is no vector: to
-- tell an entry that a deleted embedding left from an embedding whose vector is lost.
-- name: vector_get_by_hash
SELECT s.schema_version, m.dims,
       coalesce(v.id, (SELECT e.id FROM main._ck_embedding AS e WHERE e.id = h.id)),
       v.encoding, v.checksum, v.data, h.hash, v.model
FROM main._ck_meta AS s
LEFT JOIN main._ck_hash AS h ON h.hash = ?1
LEFT JOIN main._ck_vector AS v ON v.id = h.id
LEFT JOIN main._ck_model AS m ON m.id = v.model
WHERE s.id = 1

-- name: vector_get_of_model
SELECT id, encoding, checksum, data FROM main._ck_vector WHERE id = ?1 AND model = ?2

-- name: vector_encoding
SELECT encoding FROM main._ck_vector WHERE id = ?1

-- name: vector_scan
SELECT id, encoding, checksum, data FROM main._ck_vector WHERE model = ?1

-- name: vector_put
INSERT OR REPLACE INTO main._ck_vector(id, model, encoding, checksum, data)
VALUES (?1, ?2, ?3, ?4, ?5)

-- name: vector_delete
DELETE FROM main._ck_vector WHERE id = ?1

-- name: missing_elements
SELECT value FROM json_each(?1)

-- name: embedding_set_seq
UPDATE main._ck_embedding SET seq = ?2 WHERE id = ?1
