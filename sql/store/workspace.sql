-- Workspaces: who uses embeddings. A released one is invisible here. Scans are bounded by the largest
-- id at their start, ?2, so that a statement that inserts what it reads comes to an end.

-- name: workspace_scan
SELECT id, name, uuid, root, host, created_at, last_seen, expires_at, pinned, state, stale_at
FROM main._ck_workspace
WHERE state <> 'released' AND id >= ?1 AND id <= ?2
ORDER BY id

-- name: workspace_by_name
SELECT id, name, uuid, root, host, created_at, last_seen, expires_at, pinned, state
FROM main._ck_workspace WHERE name = ?1

-- name: workspace_scan_by_name
SELECT id, name, uuid, root, host, created_at, last_seen, expires_at, pinned, state
FROM main._ck_workspace WHERE name IS NOT NULL AND id >= ?1 AND id <= ?2
ORDER BY name

-- name: workspace_find
SELECT id FROM main._ck_workspace WHERE name = ?1

-- name: workspace_stamp
SELECT id, stamp FROM main._ck_workspace WHERE name = ?1

-- The refs of workspaces ?1 and ?2 change.
-- name: workspace_touch
UPDATE main._ck_workspace SET stamp = random() WHERE id IN (?1, ?2)

-- name: workspace_touch_all
UPDATE main._ck_workspace SET stamp = random()

-- name: workspace_max_id
SELECT coalesce(max(id), 0) FROM main._ck_workspace

-- Only when the largest id is at its limit: the first gap.
-- name: workspace_gap_id
SELECT min(id) + 1 FROM main._ck_workspace AS w
WHERE NOT EXISTS (SELECT 1 FROM main._ck_workspace WHERE id = w.id + 1)

-- name: workspace_insert
INSERT INTO main._ck_workspace(id, name, uuid, root, host, created_at, last_seen, expires_at,
                               pinned, state)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'live')

-- name: workspace_update
UPDATE main._ck_workspace
SET name = ?2, uuid = ?3, root = ?4, host = ?5, last_seen = ?6, expires_at = ?7, pinned = ?8,
    state = CASE WHEN ?9 THEN 'live' ELSE state END, -- a heartbeat
    stale_at = CASE WHEN ?9 THEN NULL ELSE stale_at END
WHERE id = ?1

-- name: workspace_find_uuid
SELECT id FROM main._ck_workspace WHERE uuid = ?1

-- Name and uuid become free for a new workspace.
-- name: workspace_release
UPDATE main._ck_workspace
SET name = NULL, uuid = uuid || '#' || id, state = 'released', pinned = 0 WHERE id = ?1

-- name: workspace_set_stale
UPDATE main._ck_workspace SET state = 'stale', stale_at = ?2 WHERE id = ?1

-- name: workspace_set_live
UPDATE main._ck_workspace SET state = 'live', stale_at = NULL WHERE id = ?1

-- name: workspace_stale
SELECT id FROM main._ck_workspace WHERE state = 'stale' ORDER BY id

-- name: workspace_released
SELECT id FROM main._ck_workspace WHERE state = 'released' ORDER BY id LIMIT 1

-- Does it have more than ?3 refs?
-- name: workspace_has_more_refs
SELECT 1 FROM main._ck_ref WHERE id >= ?1 AND id <= ?2 LIMIT 1 OFFSET ?3

-- name: workspace_delete
DELETE FROM main._ck_workspace WHERE id = ?1

-- The refs of ?1 .. ?2 (one workspace) and how much of what they use no other workspace uses.
-- name: workspace_refs
SELECT count(*) FROM main._ck_ref WHERE id >= ?1 AND id <= ?2

-- name: workspace_usage
SELECT count(*), coalesce(sum(e.bytes), 0),
       coalesce(sum(CASE WHEN EXISTS (
           SELECT 1 FROM main._ck_ref AS o CROSS JOIN main._ck_workspace AS w
           WHERE o.embedding = u.embedding AND NOT (o.id >= ?1 AND o.id <= ?2)
             AND w.id = o.id >> 43 AND w.state <> 'released')
           THEN e.bytes ELSE 0 END), 0)
FROM (SELECT DISTINCT embedding FROM main._ck_ref WHERE id >= ?1 AND id <= ?2) AS u
CROSS JOIN main._ck_embedding AS e ON e.id = u.embedding

-- All refs, those of an embedding together, and in it those of a workspace; and every size.
-- name: usage_refs
SELECT embedding, id >> 43 FROM main._ck_ref INDEXED BY _ck_ref_embedding ORDER BY embedding, id

-- name: usage_sizes
SELECT id, bytes FROM main._ck_embedding ORDER BY id
