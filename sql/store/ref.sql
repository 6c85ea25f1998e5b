-- Refs: which embedding a workspace uses at (path, chunk). An id is workspace << 43 | path << 18
-- | chunk, see schema.sql. Refs of released workspaces are invisible but in garbage collection.

-- Ids between ?1 and ?2 in storage order: one ref, one file, one workspace, or everything.
-- name: ref_by_id
SELECT r.id, r.embedding, r.start_line, r.end_line, w.name, p.path
FROM main._ck_ref AS r
CROSS JOIN main._ck_workspace AS w ON w.id = r.id >> 43 AND w.state <> 'released'
LEFT JOIN main._ck_path AS p ON p.id = r.id >> 18 & 33554431
WHERE r.id >= ?1 AND r.id <= ?2
ORDER BY r.id

-- The refs of one live workspace, named ?3, and of one file in it, of path ?4: without a look at the
-- tables of names for every row.
-- name: ref_of_workspace
SELECT r.id, r.embedding, r.start_line, r.end_line, ?3, p.path
FROM main._ck_ref AS r LEFT JOIN main._ck_path AS p ON p.id = r.id >> 18 & 33554431
WHERE r.id >= ?1 AND r.id <= ?2
ORDER BY r.id

-- name: ref_of_file
SELECT r.id, r.embedding, r.start_line, r.end_line, ?3, ?4
FROM main._ck_ref AS r
WHERE r.id >= ?1 AND r.id <= ?2
ORDER BY r.id

-- Those of ref_by_id ordered by workspace and path, for ORDER BY.
-- name: ref_by_name
SELECT r.id, r.embedding, r.start_line, r.end_line, w.name, p.path
FROM main._ck_workspace AS w
CROSS JOIN main._ck_ref AS r ON r.id >= (w.id << 43) AND r.id < ((w.id + 1) << 43)
LEFT JOIN main._ck_path AS p ON p.id = r.id >> 18 & 33554431
WHERE w.name IS NOT NULL AND w.id >= (?1 >> 43) AND w.id <= (?2 >> 43) AND r.id >= ?1 AND r.id <= ?2
ORDER BY w.name, p.path, r.id

-- The refs of one embedding, ?3, within ids ?1 to ?2.
-- name: ref_by_embedding
SELECT r.id, r.embedding, r.start_line, r.end_line, w.name, p.path
FROM main._ck_ref AS r INDEXED BY _ck_ref_embedding
CROSS JOIN main._ck_workspace AS w ON w.id = r.id >> 43 AND w.state <> 'released'
LEFT JOIN main._ck_path AS p ON p.id = r.id >> 18 & 33554431
WHERE r.embedding = ?3 AND r.id >= ?1 AND r.id <= ?2
ORDER BY r.id

-- The refs of the paths that match a GLOB pattern, ?3, in the workspaces of ids ?1 to ?2.
-- name: ref_by_glob
SELECT r.id, r.embedding, r.start_line, r.end_line, w.name, p.path
FROM main._ck_path AS p
CROSS JOIN main._ck_workspace AS w
CROSS JOIN main._ck_ref AS r ON r.id >= (w.id << 43) + (p.id << 18)
    AND r.id < (w.id << 43) + ((p.id + 1) << 18)
WHERE p.path GLOB ?3 AND w.name IS NOT NULL AND w.id >= (?1 >> 43) AND w.id <= (?2 >> 43)

-- The refs of one path, ?3 (its id), in every workspace.
-- name: ref_by_path
SELECT r.id, r.embedding, r.start_line, r.end_line, w.name, p.path
FROM main._ck_path AS p
CROSS JOIN main._ck_workspace AS w
CROSS JOIN main._ck_ref AS r ON r.id >= (w.id << 43) + (p.id << 18)
    AND r.id < (w.id << 43) + ((p.id + 1) << 18)
WHERE p.id = ?3 AND w.name IS NOT NULL

-- The workspace named ?1 and the path ?2.
-- name: ref_file_find
SELECT s.schema_version, w.id, p.id
FROM main._ck_meta AS s
LEFT JOIN main._ck_workspace AS w ON w.name = ?1
LEFT JOIN main._ck_path AS p ON p.path = ?2
WHERE s.id = 1

-- What OR REPLACE meets.
-- name: ref_present
SELECT r.embedding, r.start_line, r.end_line, e.hash
FROM main._ck_ref AS r LEFT JOIN main._ck_embedding AS e ON e.id = r.embedding
WHERE r.id = ?1

-- name: ref_get
SELECT r.id, r.embedding, r.start_line, r.end_line, w.name, p.path
FROM main._ck_ref AS r
CROSS JOIN main._ck_workspace AS w ON w.id = r.id >> 43 AND w.state <> 'released'
LEFT JOIN main._ck_path AS p ON p.id = r.id >> 18 & 33554431
WHERE r.id = ?1

-- name: ref_insert
INSERT INTO main._ck_ref(id, embedding, start_line, end_line) VALUES (?1, ?2, ?3, ?4)

-- name: ref_set
UPDATE main._ck_ref SET embedding = ?2, start_line = ?3, end_line = ?4 WHERE id = ?1

-- name: ref_update
UPDATE main._ck_ref SET id = ?2, embedding = ?3, start_line = ?4, end_line = ?5 WHERE id = ?1

-- name: ref_delete
DELETE FROM main._ck_ref WHERE id = ?1

-- Up to ?3 refs with ids in ?1 .. ?2.
-- name: ref_sweep
DELETE FROM main._ck_ref WHERE id IN (
    SELECT id FROM main._ck_ref WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT ?3)

-- Are there refs to embedding ?1, and is one of them live?
-- name: ref_of_embedding
SELECT EXISTS (SELECT 1 FROM main._ck_ref WHERE embedding = ?1),
       EXISTS (SELECT 1 FROM main._ck_ref AS r
               CROSS JOIN main._ck_workspace AS w ON w.id = r.id >> 43 AND w.state <> 'released'
               WHERE r.embedding = ?1)

-- name: ref_count_of_embedding
SELECT count(*) FROM main._ck_ref AS r
CROSS JOIN main._ck_workspace AS w ON w.id = r.id >> 43 AND w.state <> 'released'
WHERE r.embedding = ?1

-- The refs that released workspaces still hold go with their embedding.
-- name: ref_drop_of_embedding
DELETE FROM main._ck_ref WHERE embedding = ?1

-- name: ref_embeddings
SELECT embedding FROM main._ck_ref WHERE id >= ?1 AND id <= ?2

-- name: path_find
SELECT id FROM main._ck_path WHERE path = ?1

-- name: path_insert
INSERT INTO main._ck_path(path) VALUES (?1)
