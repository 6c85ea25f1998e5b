-- Paths that no ref uses, see ext/store/paths.h.

-- The largest id, and how many workspaces may hold a path.
-- name: path_sweep_begin
SELECT (SELECT coalesce(max(id), 0) FROM main._ck_path),
       (SELECT count(*) FROM main._ck_workspace)

-- Up to ?2 paths above ?1: is one of them in use? Refs of released workspaces count, as they are
-- still there.
-- name: path_sweep
SELECT p.id,
       EXISTS (
           SELECT 1 FROM main._ck_workspace AS w
           CROSS JOIN main._ck_ref AS r ON r.id >= (w.id << 43) + (p.id << 18)
               AND r.id < (w.id << 43) + ((p.id + 1) << 18))
FROM main._ck_path AS p
WHERE p.id > ?1
ORDER BY p.id
LIMIT ?2

-- name: path_delete
DELETE FROM main._ck_path WHERE id = ?1
