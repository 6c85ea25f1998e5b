-- Items: embeddings as they are handed to another store.

-- name: item_after
SELECT e.seq, e.hash, e.model, e.origin, e.created_at, v.id, v.encoding, v.checksum, v.data
FROM main._ck_embedding AS e INDEXED BY _ck_embedding_seq
JOIN main._ck_vector AS v ON v.id = e.id
WHERE e.seq > ?1
ORDER BY e.seq

-- name: item_of_hash
SELECT e.seq, e.hash, e.model, e.origin, e.created_at, v.id, v.encoding, v.checksum, v.data
FROM main._ck_hash AS h
CROSS JOIN main._ck_embedding AS e ON e.id = h.id
JOIN main._ck_vector AS v ON v.id = e.id
WHERE h.hash = ?1

-- name: item_model
SELECT id, dims, metric, encoding, normalized, m, ef_construction, ef_search, name, version
FROM main._ck_model WHERE id = ?1
