-- Peers and their reports.

-- name: peer_heartbeat
INSERT INTO main.ck_peers(store, user, seen_at, mark) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT(store) DO UPDATE
SET user = coalesce(excluded.user, user), seen_at = excluded.seen_at,
    mark = coalesce(excluded.mark, mark)

-- name: peer_find
SELECT id FROM main.ck_peers WHERE store = ?1

-- name: peer_reported
UPDATE main.ck_peers SET reported_at = ?2 WHERE id = ?1

-- What was reported of the range after ?2 (NULL: from the first hash) up to ?3 (NULL: to the last).
-- name: report_range
SELECT hash FROM main._ck_report INDEXED BY _ck_report_peer
WHERE peer = ?1 AND hash > coalesce(?2, x'') AND (?3 IS NULL OR hash <= ?3)
ORDER BY hash

-- name: report_add
INSERT OR IGNORE INTO main._ck_report(hash, peer) VALUES (?1, ?2)

-- name: report_remove
DELETE FROM main._ck_report WHERE hash = ?1 AND peer = ?2

-- A peer not heard of since ?1: its report counts no more.
-- name: report_expired
SELECT id FROM main.ck_peers AS p
WHERE seen_at < ?1 AND EXISTS (SELECT 1 FROM main._ck_report WHERE peer = p.id)
LIMIT 1

-- name: report_sweep
DELETE FROM main._ck_report WHERE peer = ?1 AND hash IN (
    SELECT hash FROM main._ck_report INDEXED BY _ck_report_peer WHERE peer = ?1 LIMIT ?2)
RETURNING 1

-- name: report_gone
UPDATE main.ck_peers SET reported_at = NULL WHERE id = ?1
