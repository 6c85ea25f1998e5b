-- Leases: who computes an embedding.

-- Is hash ?1 stored? Who has a lease on it, of which fence, until when?
-- name: lease_find
SELECT EXISTS (SELECT 1 FROM main._ck_hash AS h CROSS JOIN main._ck_embedding AS e ON e.id = h.id
               WHERE h.hash = ?1),
       l.owner = ?2, l.fence, coalesce(l.expires_at, 0)
FROM (SELECT 1) LEFT JOIN main.ck_leases AS l ON l.hash = ?1

-- name: lease_set
INSERT OR REPLACE INTO main.ck_leases(hash, owner, fence, granted_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5)

-- name: lease_fence
SELECT fence FROM main._ck_meta WHERE id = 1

-- name: lease_set_fence
UPDATE main._ck_meta SET fence = ?1 WHERE id = 1

-- name: lease_renew
UPDATE main.ck_leases SET expires_at = ?3 WHERE hash = ?1 AND owner = ?2 RETURNING 1

-- name: lease_renew_all
UPDATE main.ck_leases SET expires_at = ?2 WHERE owner = ?1 RETURNING 1

-- name: lease_release
DELETE FROM main.ck_leases WHERE hash = ?1 AND owner = ?2 RETURNING 1

-- name: lease_release_all
DELETE FROM main.ck_leases WHERE owner = ?1 RETURNING 1

-- Of the past, or longer than any lease is: of a clock that was ahead.
-- name: lease_expire
DELETE FROM main.ck_leases WHERE expires_at <= ?1 OR expires_at > ?2
