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
