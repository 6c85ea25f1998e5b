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
WHERE peer = ?1 AND hash > coalesce(?2, x'')
  AND hash <= coalesce(?3, x'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff')
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

-- name: report_gone
UPDATE main.ck_peers SET reported_at = NULL WHERE id = ?1

-- Our own report to remote ?1: is it complete, and of the references as they are now? When was the last
-- heartbeat? What are the references now, in a number? After which hash does it go on (NULL: it begins)?
-- One that has rested since before ?2 begins anew.
-- name: report_state
SELECT r.reported IS w.state AND r.report_after IS NULL, coalesce(r.beat_at, 0),
       CASE WHEN r.report_after IS NOT NULL AND r.beat_at > ?2 THEN r.reported ELSE w.state END,
       CASE WHEN r.beat_at > ?2 THEN r.report_after END
FROM main.ck_remotes AS r, (
    SELECT coalesce(sum((stamp >> 24) + id), 0) AS state FROM main._ck_workspace
    WHERE state <> 'released' AND uuid <> 'mirror') AS w
WHERE r.name = ?1

-- The ?2nd stored hash after ?1 (NULL: from the first).
-- name: report_bound
SELECT hash FROM main._ck_hash WHERE hash > coalesce(?1, x'') ORDER BY hash LIMIT 1 OFFSET ?2 - 1

-- ck_referenced, of the range after ?1 (NULL: from the first) up to ?2 (NULL: to the last).
-- name: report_hashes
SELECT h.hash
FROM main._ck_hash AS h
WHERE h.hash > coalesce(?1, x'')
  AND h.hash <= coalesce(?2, x'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff')
  AND EXISTS (
    SELECT 1 FROM main._ck_ref AS r CROSS JOIN main._ck_workspace AS w
    WHERE r.embedding = h.id AND w.id = r.id >> 43 AND w.state <> 'released'
      AND w.uuid <> 'mirror')
ORDER BY h.hash

-- name: report_sent
UPDATE main.ck_remotes SET reported = ?2, report_after = ?3, beat_at = ?4 WHERE name = ?1
