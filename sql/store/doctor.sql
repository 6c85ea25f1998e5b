-- The doctor's questions, and the repairs. Counting statements answer 0 on a sound store.

-- Asked of a database that ck has just made: all there must be.
-- name: doctor_objects
SELECT type, name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL

-- name: doctor_object
SELECT sql FROM main.sqlite_schema WHERE type = ?1 AND name = ?2

-- name: doctor_triggers
SELECT count(*) FROM main.sqlite_schema
WHERE type = 'trigger' AND substr(tbl_name, 1, 4) = '_ck_'

-- Refs without embedding, without workspace, without path.
-- name: doctor_refs
SELECT count(*) FROM main._ck_ref AS r
WHERE NOT EXISTS (SELECT 1 FROM main._ck_embedding WHERE id = r.embedding)
   OR NOT EXISTS (SELECT 1 FROM main._ck_workspace WHERE id = r.id >> 43)
   OR NOT EXISTS (SELECT 1 FROM main._ck_path WHERE id = r.id >> 18 & 33554431)

-- name: repair_refs
DELETE FROM main._ck_ref AS r
WHERE NOT EXISTS (SELECT 1 FROM main._ck_embedding WHERE id = r.embedding)
   OR NOT EXISTS (SELECT 1 FROM main._ck_workspace WHERE id = r.id >> 43)
   OR NOT EXISTS (SELECT 1 FROM main._ck_path WHERE id = r.id >> 18 & 33554431)

-- Embeddings without vector or model, vectors without embedding or with another model.
-- name: doctor_vectors
SELECT (SELECT count(*) FROM main._ck_embedding AS e
        WHERE NOT EXISTS (SELECT 1 FROM main._ck_vector AS v
                          WHERE v.id = e.id AND v.model = e.model)
           OR NOT EXISTS (SELECT 1 FROM main._ck_model WHERE id = e.model))
     + (SELECT count(*) FROM main._ck_vector AS v
        WHERE NOT EXISTS (SELECT 1 FROM main._ck_embedding WHERE id = v.id))

-- name: repair_vectors_refs
DELETE FROM main._ck_ref WHERE embedding IN (
    SELECT e.id FROM main._ck_embedding AS e
    WHERE NOT EXISTS (SELECT 1 FROM main._ck_vector AS v WHERE v.id = e.id AND v.model = e.model)
       OR NOT EXISTS (SELECT 1 FROM main._ck_model WHERE id = e.model))

-- name: repair_vectors_embeddings
DELETE FROM main._ck_embedding AS e
WHERE NOT EXISTS (SELECT 1 FROM main._ck_vector AS v WHERE v.id = e.id AND v.model = e.model)
   OR NOT EXISTS (SELECT 1 FROM main._ck_model WHERE id = e.model)

-- name: repair_vectors_vectors
DELETE FROM main._ck_vector AS v
WHERE NOT EXISTS (SELECT 1 FROM main._ck_embedding WHERE id = v.id)

-- Embeddings that are not found by their hash, and entries of other hashes that name them; entries
-- that deleted embeddings have left; all entries.
-- name: doctor_hashes
SELECT (SELECT count(*) FROM main._ck_embedding) - coalesce(sum(e.hash = h.hash), 0)
     + coalesce(sum(e.hash <> h.hash), 0),
       coalesce(sum(e.id IS NULL), 0), count(*)
FROM main._ck_hash AS h LEFT JOIN main._ck_embedding AS e ON e.id = h.id

-- name: repair_hashes_wrong
DELETE FROM main._ck_hash AS h
WHERE EXISTS (SELECT 1 FROM main._ck_embedding AS e WHERE e.id = h.id AND e.hash <> h.hash)

-- The entry of a hash that has none, or one that a deleted embedding has left.
-- name: repair_hashes_missing
INSERT INTO main._ck_hash(hash, id)
SELECT e.hash, e.id FROM main._ck_embedding AS e
WHERE NOT EXISTS (
    SELECT 1 FROM main._ck_hash AS h CROSS JOIN main._ck_embedding AS o ON o.id = h.id
    WHERE h.hash = e.hash)
ORDER BY e.id DESC
ON CONFLICT(hash) DO UPDATE SET id = excluded.id

-- Two embeddings of one hash: the second was put while the entry of the first was missing. The refs
-- to the one that is not found by its hash go to the other one, and it is deleted.
-- name: repair_hashes_refs
UPDATE main._ck_ref AS r
SET embedding = (SELECT h.id FROM main._ck_embedding AS e CROSS JOIN main._ck_hash AS h
                 WHERE e.id = r.embedding AND h.hash = e.hash)
WHERE EXISTS (SELECT 1 FROM main._ck_embedding AS e CROSS JOIN main._ck_hash AS h
              WHERE e.id = r.embedding AND h.hash = e.hash AND h.id <> e.id)

-- name: repair_hashes_double
SELECT e.id FROM main._ck_embedding AS e CROSS JOIN main._ck_hash AS h
WHERE h.hash = e.hash AND h.id <> e.id

-- Every ?1-th vector.
-- name: doctor_checksums
SELECT v.id, v.encoding, v.checksum, v.data
FROM main._ck_vector AS v
WHERE v.id % ?1 = 0

-- name: doctor_vector_count
SELECT count(*) FROM main._ck_vector

-- Rows stamped later than ?1.
-- name: doctor_clock
SELECT (SELECT count(*) FROM main._ck_embedding WHERE created_at > ?1 OR used_at > ?1)
     + (SELECT count(*) FROM main._ck_workspace 
        WHERE created_at > ?1 OR last_seen > ?1 OR stale_at > ?1)

-- name: repair_clock_embeddings
UPDATE main._ck_embedding SET created_at = min(created_at, ?1), used_at = min(used_at, ?1)
WHERE created_at > ?1 OR used_at > ?1

-- name: repair_clock_workspaces
UPDATE main._ck_workspace
SET created_at = min(created_at, ?1), last_seen = min(last_seen, ?1), stale_at = min(stale_at, ?1)
WHERE created_at > ?1 OR last_seen > ?1 OR stale_at > ?1

-- Embeddings whose recorded size is not that of their vector.
-- name: doctor_bytes
SELECT count(*) FROM main._ck_embedding AS e
CROSS JOIN main._ck_vector AS v ON v.id = e.id
WHERE e.bytes <> length(v.data)

-- name: repair_bytes
UPDATE main._ck_embedding AS e
SET bytes = (SELECT length(data) FROM main._ck_vector WHERE id = e.id)
WHERE bytes <> (SELECT length(data) FROM main._ck_vector WHERE id = e.id)

-- How far the counter is behind the seqs and ids in use.
-- name: doctor_seq
SELECT max(0, max(coalesce((SELECT max(seq) FROM main._ck_embedding), 0),
                  coalesce((SELECT max(seq) FROM main.ck_tombstones), 0),
                  coalesce((SELECT max(id) FROM main._ck_vector), 0),
                  coalesce((SELECT max(id) FROM main._ck_hash), 0)) - s.seq)
FROM main._ck_meta AS s WHERE s.id = 1

-- name: repair_seq
UPDATE main._ck_meta
SET seq = t.seq
FROM (SELECT max(coalesce((SELECT max(seq) FROM main._ck_embedding), 0),
                 coalesce((SELECT max(seq) FROM main.ck_tombstones), 0),
                 coalesce((SELECT max(id) FROM main._ck_vector), 0),
                 coalesce((SELECT max(id) FROM main._ck_hash), 0)) AS seq) AS t
WHERE id = 1 AND _ck_meta.seq < t.seq

-- Embeddings whose seq is not their own: the feed would show one of them at most.
-- name: doctor_seq_twice
SELECT count(*) FROM main._ck_embedding AS e
WHERE seq < 1 OR EXISTS (SELECT 1 FROM main._ck_embedding WHERE seq = e.seq AND id < e.id)

-- name: repair_seq_twice
UPDATE main._ck_embedding SET seq = n.seq
FROM (SELECT e.id AS its_id, row_number() OVER (ORDER BY e.id) + s.seq AS seq
      FROM main._ck_embedding AS e CROSS JOIN main._ck_meta AS s
      WHERE e.seq < 1
         OR EXISTS (SELECT 1 FROM main._ck_embedding WHERE seq = e.seq AND id < e.id)) AS n
WHERE id = n.its_id

-- Workspaces that only their id tells apart.
-- name: doctor_nameless
SELECT count(*) FROM main._ck_workspace WHERE state <> 'released' AND typeof(name) <> 'text'

-- name: repair_nameless
UPDATE main._ck_workspace SET name = 'workspace ' || uuid
WHERE state <> 'released' AND typeof(name) <> 'text'

-- Settings that read as something else than was meant.
-- name: doctor_config
SELECT count(*) FROM main._ck_config WHERE typeof(value) <> 'integer' OR value < 0

-- name: repair_config
DELETE FROM main._ck_config WHERE typeof(value) <> 'integer' OR value < 0

-- Interned paths that no ref uses.
-- name: doctor_paths
SELECT count(*) FROM main._ck_path
WHERE id NOT IN (SELECT id >> 18 & 33554431 FROM main._ck_ref)

-- name: repair_paths
DELETE FROM main._ck_path WHERE id NOT IN (SELECT id >> 18 & 33554431 FROM main._ck_ref)

-- Stale workspaces, and released ones that still have refs.
-- name: doctor_workspaces
SELECT (SELECT count(*) FROM main._ck_workspace WHERE state = 'stale'),
       (SELECT count(*) FROM main._ck_workspace WHERE state = 'released')

-- Progress rows that nobody has updated since ?1, or that say so of a time to come.
-- name: doctor_progress
SELECT count(*) FROM main.ck_progress WHERE updated_at < ?1 OR updated_at > ?1 + 3600

-- name: repair_progress
DELETE FROM main.ck_progress WHERE updated_at < ?1 OR updated_at > ?1 + 3600

-- name: doctor_errors
SELECT source || ' ' || code || ': ' || message FROM main.ck_errors ORDER BY last_at DESC LIMIT 1

-- name: doctor_journal_mode
PRAGMA main.journal_mode

-- name: doctor_file
PRAGMA main.integrity_check(1)

-- The index is rebuilt from nothing.
-- name: repair_index
DELETE FROM main._ck_index

-- name: repair_index_graphs
DELETE FROM main._ck_graph

-- name: repair_index_blocks
DELETE FROM main._ck_block

-- name: repair_index_data
DELETE FROM main._ck_block_data

-- name: repair_index_tail
DELETE FROM main._ck_tail

-- name: repair_index_stale
DELETE FROM main._ck_stale

-- The ids of model ?1, in order, to hold the index against.
-- name: doctor_index_ids
SELECT id FROM main._ck_embedding WHERE model = ?1 ORDER BY id

-- Blocks that no index row names: left by a builder that died.
-- name: doctor_index_orphans
SELECT count(*) FROM main._ck_block AS b
WHERE NOT EXISTS (
    SELECT 1 FROM main._ck_index AS i
    LEFT JOIN main._ck_graph AS g ON g.model = i.model AND g.generation = i.generation
    WHERE i.model = b.id >> 43
      AND (i.builder IS NOT NULL
           OR (i.generation = (b.id >> 23 & 1048575)
               AND ((b.id >> 20 & 7) = 1 OR (b.id >> 20 & 7) IN (2, 3, 4 + g.side, 6, 7)))))
