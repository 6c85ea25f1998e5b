-- Packs in a directory remote: which were read, or written by this store.

-- The models, as far as they can refuse an embedding.
-- part: model_dims
SELECT coalesce(group_concat(id || ' ' || dims), '') FROM (
    SELECT id, dims FROM main._ck_model ORDER BY id)

-- name: segment_seen
SELECT 1 FROM main._ck_segment
WHERE remote = ?1 AND name = ?2 AND (models IS NULL OR models = (
-- use: model_dims
))

-- ?4: a model refused some of it.
-- name: segment_add
INSERT OR REPLACE INTO main._ck_segment(remote, name, own, models)
VALUES (?1, ?2, ?3, CASE WHEN ?4 THEN (
-- use: model_dims
) END)

-- name: segment_names
SELECT name FROM main._ck_segment WHERE remote = ?1

-- name: segment_own
SELECT name FROM main._ck_segment WHERE remote = ?1 AND own

-- name: segment_forget
DELETE FROM main._ck_segment WHERE remote = ?1

-- What a directory says of itself, when it is made. ?1: the kind of keys. ?2: a new uuid. ?3, ?4: versions
-- of the protocol.
-- name: segment_hello
SELECT json_object('protocol', json_array(?3, ?4), 'key', ?1, 'epoch', ?2, 'seq', 0, 'min_seq', 0,
                   'mark', NULL, 'batch_items', 100000, 'batch_bytes', 67108864,
                   'models', json_array())

-- The seq of embedding ?1, or of the tombstone of hash ?2 (?1 is 0), for an ack.
-- name: segment_seq
SELECT seq FROM main._ck_embedding WHERE id = ?1
UNION ALL
SELECT seq FROM main.ck_tombstones WHERE ?1 = 0 AND hash = ?2

-- Was hash ?1 retired after ?2?
-- name: segment_retired
SELECT 1 FROM main.ck_tombstones WHERE hash = ?1 AND retired_at >= ?2

-- The JSON of a sync, in the order of the arguments.
-- name: sync_summary
SELECT json_object(
    'pushed', ?1, 'push_exists', ?2, 'push_rejected', ?3, 'pulled', ?4, 'pull_exists', ?5,
    'pull_rejected', ?6, 'conflicts', ?7, 'missing', ?8, 'damaged', ?9, 'batches', ?10,
    'bytes', ?11, 'relisted', ?12, 'unreachable', ?13, 'reported', ?14)

-- What workspaces refer to, and its vector.
-- name: sync_referenced
SELECT DISTINCT e.hash, v.id, v.encoding, v.checksum, v.data
FROM main._ck_workspace AS w
CROSS JOIN main._ck_ref AS r ON r.id >= w.id << 43 AND r.id < (w.id + 1) << 43
JOIN main._ck_embedding AS e ON e.id = r.embedding
LEFT JOIN main._ck_vector AS v ON v.id = e.id
WHERE w.state <> 'released'

-- Whom a miss may ask now.
-- name: sync_remotes
SELECT name FROM main.ck_remotes WHERE coalesce(next_at, 0) <= ?1 ORDER BY name
