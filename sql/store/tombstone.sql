-- Tombstones, and who still needs an embedding.

-- Who needs embedding ?1 of hash ?2 in the whole of what this store knows: a workspace but the mirror;
-- a store but ?5 in a report that counts, heard of since ?3; somebody with a live lease, which ends
-- before ?4.
-- name: tombstone_needed
SELECT EXISTS (SELECT 1 FROM main._ck_ref AS r CROSS JOIN main._ck_workspace AS w
               WHERE r.embedding = ?1 AND w.id = r.id >> 43 AND w.state <> 'released'
                 AND w.uuid <> 'mirror'),
       EXISTS (SELECT 1 FROM main._ck_report AS h CROSS JOIN main.ck_peers AS p
               WHERE h.hash = ?2 AND p.id = h.peer AND p.seen_at > ?3 AND p.store IS NOT ?5),
       EXISTS (SELECT 1 FROM main.ck_leases AS l
               WHERE l.hash = ?2 AND l.expires_at > unixepoch() AND l.expires_at <= ?4)

-- name: tombstone_of_embedding
SELECT m.name, m.version, m.dims, e.created_at
FROM main._ck_embedding AS e LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE e.id = ?1

-- name: tombstone_exists
SELECT 1 FROM main.ck_tombstones WHERE hash = ?1

-- Tombstones that remote ?1 has yet to hear of: those above ?2 that it has not answered, and what it is
-- asked again. Is there any?
-- name: tombstone_any_waits
SELECT 1 FROM main.ck_tombstones AS t
LEFT JOIN main.ck_acks AS a ON a.remote = ?1 AND a.hash = t.hash AND a.seq = t.seq
WHERE t.seq > ?2 AND (a.result IS NULL OR a.result = 'retry')
UNION ALL
SELECT 1 FROM main.ck_acks AS a INDEXED BY ck_acks_retry
JOIN main.ck_tombstones AS t ON t.hash = a.hash AND t.seq = a.seq
WHERE a.remote = ?1 AND a.result = 'retry'
LIMIT 1

-- Is that of hash ?3 one?
-- name: tombstone_waits
SELECT 1 FROM main.ck_tombstones AS t
LEFT JOIN main.ck_acks AS a ON a.remote = ?1 AND a.hash = t.hash AND a.seq = t.seq
WHERE t.hash = ?3
  AND CASE WHEN t.seq > ?2 THEN coalesce(a.result, 'retry') ELSE a.result END = 'retry'

-- name: tombstone_insert
INSERT INTO main.ck_tombstones(hash, seq, model, version, dims, retired_at, origin)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(?7, (SELECT origin FROM main._ck_meta WHERE id = 1)))

-- name: tombstone_delete
DELETE FROM main.ck_tombstones WHERE hash = ?1

-- Those of before ?1, but for what waits in an outbox.
-- part: tombstone_is_old
WHERE t.retired_at < ?1 AND NOT EXISTS (
    SELECT 1 FROM main.ck_remotes AS r
    LEFT JOIN main.ck_acks AS a ON a.remote = r.name AND a.hash = t.hash AND a.seq = t.seq
    WHERE r.push AND CASE WHEN t.seq > max(r.push_seq, r.tombstone_seq)
                          THEN coalesce(a.result, 'retry') ELSE a.result END = 'retry')

-- name: tombstone_expired
SELECT coalesce(max(t.seq), 0) FROM main.ck_tombstones AS t
-- use: tombstone_is_old

-- name: tombstone_expire
DELETE FROM main.ck_tombstones AS t
-- use: tombstone_is_old

-- One of the future was made by a clock that was ahead.
-- name: tombstone_clamp
UPDATE main.ck_tombstones SET retired_at = ?1 WHERE retired_at > ?1

-- name: meta_raise_min_seq
UPDATE main._ck_meta SET min_seq = ?1 WHERE id = 1 AND min_seq < ?1
