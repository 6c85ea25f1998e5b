-- Reading files, as `ck index` does it in threads, each with an empty database in memory.

-- name: scan_content_hash
SELECT ck_hash(?1)

-- name: scan_chunks
SELECT start_line, end_line, content FROM ck_chunks(?1, ?2)

-- The key of a text of a model: model, version, the exact bytes that are sent to the model.
-- name: scan_key
SELECT ck_hash(?1, ?2, ?3)

-- name: scan_embed
SELECT ck_embed(?1)
