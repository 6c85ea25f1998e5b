-- The search index: what ext/store/index*.c, block.c, tail.c and merge.c read and write.

-- name: index_get
SELECT generation, stamp, depth, n_merged, n_blocks, checksum, mean
FROM main._ck_index WHERE model = ?1

-- name: index_generation
SELECT generation FROM main._ck_index WHERE model = ?1

-- name: index_to_pack
SELECT i.generation, m.dims FROM main._ck_index AS i JOIN main._ck_model AS m ON m.id = i.model
WHERE i.model = ?1 AND i.generation BETWEEN 1 AND 1048575 AND m.dims BETWEEN 1 AND 65536

-- A row when a model has an index, or is getting its first one: whether one is being built.
-- name: index_any
SELECT builder IS NOT NULL AS is_built FROM main._ck_index
WHERE generation > 0 OR builder IS NOT NULL ORDER BY is_built DESC LIMIT 1

-- A row for a model whose first generation is being built, unless the model is gone.
-- name: index_add
INSERT INTO main._ck_index(model, generation, stamp, depth, n_merged, n_blocks, checksum, mean)
SELECT id, 0, random(), 0, 0, 0, 0, x'' FROM main._ck_model WHERE id = ?1
ON CONFLICT(model) DO NOTHING

-- From here on readers use generation ?2.
-- name: index_flip
UPDATE main._ck_index
SET generation = ?2, stamp = random(), depth = ?3, n_merged = ?4, n_blocks = ?5, checksum = ?6,
    mean = ?7, builder = NULL, builder_at = NULL
WHERE model = ?1

-- name: index_set_blocks
UPDATE main._ck_index SET n_blocks = ?2 WHERE model = ?1

-- Becomes the builder, unless another one was seen after ?4.
-- name: index_claim
UPDATE main._ck_index SET builder = ?2, builder_at = ?3
WHERE model = ?1 AND (builder IS NULL OR builder = ?2 OR builder_at < ?4 OR builder_at > ?3 + 60)

-- Shows that the builder is alive, unless another one has taken over.
-- name: index_renew
UPDATE main._ck_index SET builder_at = ?3 WHERE model = ?1 AND builder = ?2

-- name: index_unclaim
UPDATE main._ck_index SET builder = NULL, builder_at = NULL WHERE model = ?1 AND builder = ?2

-- The indexes of the store and how they are: slots in their blocks, rows in their tails.
-- name: index_sizes
SELECT m.id, m.dims, m.metric, m.encoding, m.normalized, m.m, m.ef_construction, m.ef_search,
       m.name, i.generation, i.n_merged,
       (SELECT CAST(total(b.n) AS INTEGER) FROM main._ck_block AS b
        WHERE b.id >= (m.id << 43) + (i.generation << 23) + (1 << 20)
          AND b.id < (m.id << 43) + (i.generation << 23) + (2 << 20)),
       (SELECT count(*) FROM main._ck_tail AS t WHERE t.model = m.id),
       (SELECT count(*) FROM main._ck_embedding AS e WHERE e.model = m.id), i.n_blocks
FROM main._ck_model AS m LEFT JOIN main._ck_index AS i ON i.model = m.id
ORDER BY m.id

-- Blocks of model ?1 that nobody reads, up to ?4 of them, unless somebody builds who is not ?2 and
-- was seen after ?3; and 0 when somebody claims to build who was not.
-- name: index_leftovers
SELECT b.id FROM main._ck_index AS i
JOIN main._ck_block AS b ON b.id >= ?1 << 43 AND b.id < (?1 + 1) << 43
LEFT JOIN main._ck_graph AS g ON g.model = i.model AND g.generation = i.generation
WHERE i.model = ?1 AND (i.builder IS NULL OR i.builder = ?2 OR i.builder_at < ?3)
  AND (i.generation <> (b.id >> 23 & 1048575)
       OR CASE b.id >> 20 & 7
          WHEN 1 THEN 0
          WHEN 2 THEN b.first_id >= coalesce(g.nodes, 0)
          WHEN 3 THEN b.first_id >= coalesce(g.nodes, 0)
          WHEN 6 THEN g.model IS NULL
          WHEN 7 THEN g.model IS NULL
          ELSE (b.id >> 20 & 7) <> coalesce(4 + g.side, 0) END)
UNION ALL
SELECT 0 FROM main._ck_index
WHERE model = ?1 AND builder IS NOT NULL AND (builder = ?2 OR builder_at < ?3)
LIMIT ?4

-- name: block_directory
SELECT id, stamp, checksum, n, first_id, last_id, entry_checksum FROM main._ck_block
WHERE id >= ?1 AND id <= ?2 ORDER BY id

-- name: block_entry
SELECT id, stamp, checksum, n, first_id, last_id, entry_checksum FROM main._ck_block WHERE id = ?1

-- name: block_get
SELECT b.id, b.stamp, b.checksum, b.n, b.first_id, b.last_id, b.entry_checksum, d.data
FROM main._ck_block AS b CROSS JOIN main._ck_block_data AS d ON d.id = b.id WHERE b.id = ?1

-- name: block_data
SELECT data FROM main._ck_block_data WHERE id = ?1

-- name: block_last
SELECT max(id) FROM main._ck_block WHERE id >= ?1 AND id <= ?2

-- name: block_put
INSERT OR REPLACE INTO main._ck_block(id, stamp, checksum, n, first_id, last_id, entry_checksum)
VALUES (?1, random(), ?2, ?3, ?4, ?5, ?6)

-- name: block_put_data
INSERT OR REPLACE INTO main._ck_block_data(id, data) VALUES (?1, ?2)

-- name: block_list
SELECT id FROM main._ck_block WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3

-- name: block_delete
DELETE FROM main._ck_block WHERE id = ?1

-- name: block_delete_data
DELETE FROM main._ck_block_data WHERE id = ?1

-- name: tail_put
INSERT OR REPLACE INTO main._ck_tail(id, model, code) VALUES (?1, ?2, ?3)

-- name: tail_delete
DELETE FROM main._ck_tail WHERE id = ?1

-- name: tail_delete_of_model
DELETE FROM main._ck_tail WHERE model = ?1

-- name: tail_scan
SELECT id, code FROM main._ck_tail WHERE model = ?1 ORDER BY id

-- Whether all tails together have more than ?1 rows.
-- name: tail_is_long
SELECT 1 FROM main._ck_tail LIMIT 1 OFFSET ?1

-- name: tail_longest
SELECT model FROM main._ck_tail GROUP BY model ORDER BY count(*) DESC LIMIT 1

-- name: stale_scan
SELECT id, bits FROM main._ck_stale ORDER BY id

-- name: stale_get
SELECT bits FROM main._ck_stale WHERE id = ?1

-- name: stale_put
INSERT OR REPLACE INTO main._ck_stale(id, bits) VALUES (?1, ?2)

-- name: stale_delete
DELETE FROM main._ck_stale WHERE id = ?1

-- Up to ?4 vectors of model ?1 above id ?2, up to id ?3, in id order.
-- name: vector_after
SELECT id, encoding, checksum, data FROM main._ck_vector
WHERE model = ?1 AND id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4

-- How many embeddings model ?1 has, counted up to ?2.
-- name: index_count_up_to
SELECT count(*) FROM (SELECT 1 FROM main._ck_embedding WHERE model = ?1 LIMIT ?2)

-- What new blocks do not have right: put in model ?1 after seq ?2, unless they were coded, which ids
-- up to ?3 were, and not replaced since (an id is the seq of its first put).
-- name: index_changed
SELECT id FROM main._ck_embedding INDEXED BY _ck_embedding_seq
WHERE seq > ?2 AND model = ?1 AND (id > ?3 OR seq <> id) ORDER BY id

-- name: index_drop
DELETE FROM main._ck_index WHERE model = ?1

-- name: index_drop_blocks
DELETE FROM main._ck_block WHERE id >= ?1 << 43 AND id < (?1 + 1) << 43

-- name: index_drop_block_data
DELETE FROM main._ck_block_data WHERE id >= ?1 << 43 AND id < (?1 + 1) << 43

-- How many models but ?1 have an index, or are getting one.
-- name: index_others
SELECT count(*) FROM main._ck_index
WHERE model <> ?1 AND (generation > 0 OR builder IS NOT NULL)
