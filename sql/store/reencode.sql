-- Re-encoding a model's vectors. What is left to do is in the rows themselves: a vector whose
-- encoding is not the target, ?3. So a run that was stopped goes on where it was.

-- Up to ?4 vectors of model ?1 with ids above ?2 that are not in encoding ?3.
-- name: reencode_next
SELECT id FROM main._ck_vector WHERE id > ?2 AND model = ?1 AND encoding <> ?3 ORDER BY id LIMIT ?4

-- The embeddings of model ?1 from id ?2 on, for a sample of them. This table has no vectors in its
-- rows, so counting and picking are cheap.
-- name: reencode_count
SELECT count(*) FROM main._ck_embedding WHERE model = ?1 AND id >= ?2

-- name: reencode_ids
SELECT id FROM main._ck_embedding WHERE model = ?1 AND id >= ?2 ORDER BY id

-- name: reencode_target
SELECT encoding FROM main._ck_model WHERE id = ?1

-- name: reencode_set_target
UPDATE main._ck_model SET encoding = ?2 WHERE id = ?1

-- The row keeps its id; its embedding keeps everything but the size, its seq too: encodings differ
-- between stores by design, so the feed has nothing new to tell.
-- name: reencode_vector
UPDATE main._ck_vector SET encoding = ?2, checksum = ?3, data = ?4 WHERE id = ?1

-- name: reencode_bytes
UPDATE main._ck_embedding SET bytes = ?2 WHERE id = ?1

-- name: reencode_report
SELECT json_object('model', ?1, 'version', ?2, 'encoding', ?3, 'rows', ?4, 'bytes_before', ?5,
                   'bytes_after', ?6, 'kept', ?7, 'damaged', ?8, 'sampled', ?9,
                   'recall_at_10', round(?10, 4))
