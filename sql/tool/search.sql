-- `ck search` and `ck status`.

-- name: search_workspace
SELECT n.hash, n.similarity, r.workspace, r.path, r.chunk, r.start_line, r.end_line
FROM knn(?1, ?2) AS n JOIN refs AS r ON r.hash = n.hash AND r.workspace = ?5
WHERE n.model = ?3 AND n.version = ?4 AND n.workspace = ?5
ORDER BY n.distance, n.hash, r.path, r.chunk

-- Filtered by path: ?6, ?7 and ?8 are patterns of GLOB.
-- name: search_workspace_path
SELECT n.hash, n.similarity, r.workspace, r.path, r.chunk, r.start_line, r.end_line
FROM knn(?1, ?2) AS n JOIN refs AS r ON r.hash = n.hash AND r.workspace = ?5
WHERE n.model = ?3 AND n.version = ?4
  AND n.hash IN (SELECT hash FROM refs
                 WHERE workspace = ?5 AND (path GLOB ?6 OR path GLOB ?7 OR path GLOB ?8))
  AND (r.path GLOB ?6 OR r.path GLOB ?7 OR r.path GLOB ?8)
ORDER BY n.distance, n.hash, r.path, r.chunk

-- In all workspaces; the one of ?5, the caller's, comes first among those that have the same chunk.
-- name: search_all
SELECT n.hash, n.similarity, r.workspace, r.path, r.chunk, r.start_line, r.end_line
FROM knn(?1, ?2) AS n JOIN refs AS r ON r.hash = n.hash
WHERE n.model = ?3 AND n.version = ?4
  AND n.hash IN (SELECT hash FROM refs
                 WHERE workspace IN (SELECT name FROM workspaces
                                     WHERE uuid NOT IN ('probe', 'mirror'))
                   AND (path GLOB ?6 OR path GLOB ?7 OR path GLOB ?8))
  AND r.workspace NOT IN (SELECT name FROM workspaces WHERE uuid IN ('probe', 'mirror'))
  AND (r.path GLOB ?6 OR r.path GLOB ?7 OR r.path GLOB ?8)
ORDER BY n.distance, n.hash, r.workspace <> ?5, r.workspace, r.path, r.chunk

-- name: search_root
SELECT root FROM workspaces WHERE name = ?1

-- name: search_embed
SELECT ck_embed(?1)
