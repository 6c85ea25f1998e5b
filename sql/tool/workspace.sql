-- The workspace of a tree, and ck workspace.

-- name: workspace_by_uuid
SELECT name, root, host FROM workspaces WHERE uuid = ?1

-- name: workspace_count
SELECT count(*) FROM workspaces WHERE name = ?1

-- ?5: when it expires; 0 or less: never.
-- name: workspace_insert
INSERT INTO workspaces(name, uuid, root, host, expires_at)
VALUES (?1, ?2, ?3, ?4, iif(?5 > 0, ?5, NULL))

-- ?4: the new name, or NULL. ?5: when it expires, 0: never, -1: as it is.
-- name: workspace_update
UPDATE workspaces
SET root = ?2, host = ?3, last_seen = unixepoch(), name = coalesce(?4, name),
    expires_at = iif(?5 < 0, expires_at, nullif(?5, 0))
WHERE uuid = ?1

-- Not those that the store keeps for itself.
-- name: workspace_list
SELECT name, state, pinned, refs, embeddings, bytes, shared_bytes, last_seen, expires_at, root, host,
       uuid
FROM workspaces WHERE uuid NOT IN ('mirror', 'probe') ORDER BY name

-- The same, of one.
-- name: workspace_figures
SELECT name, uuid, root, host, state, pinned, created_at, last_seen, expires_at, refs, embeddings,
       bytes, bytes - shared_bytes AS exclusive_bytes, shared_bytes
FROM workspaces WHERE name = ?1

-- A workspace by what a person calls it: its name, uuid or root.
-- name: workspace_find
SELECT name, uuid, root, host FROM workspaces
WHERE ?1 IN (name, uuid) OR root = ?2 ORDER BY name <> ?1, uuid <> ?1, last_seen DESC LIMIT 1

-- name: workspace_names
SELECT group_concat(name, ', ')
FROM (SELECT name FROM workspaces WHERE uuid NOT IN ('mirror', 'probe')
      ORDER BY last_seen DESC LIMIT 20)

-- name: workspace_models
SELECT e.model AS model, e.version AS version, count(*) AS refs
FROM refs AS r JOIN embeddings AS e ON e.hash = r.hash
WHERE r.workspace = ?1 GROUP BY 1, 2 ORDER BY 1, 2

-- name: workspace_set_pinned
UPDATE workspaces SET pinned = ?2 WHERE name = ?1

-- name: workspace_remove
DELETE FROM workspaces WHERE name = ?1
