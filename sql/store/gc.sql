-- Garbage: no live ref, neither created nor used after the cutoff ?1 (now - grace), no live lease, and
-- not waiting to be sent to a remote. A row stamped in the future is never garbage. One predicate for
-- the dry run, the run and the quota. It asks the index of refs first, one look-up a row, and who holds
-- the refs only while released workspaces still have some: 1M rows in half the time. In the
-- same way leases and outboxes are asked only where there is one.

-- part: unused
  AND (e.id NOT IN (SELECT embedding FROM main._ck_ref)
       OR EXISTS (SELECT 1 FROM main._ck_workspace WHERE state = 'released')
          AND NOT EXISTS (
              SELECT 1 FROM main._ck_ref AS r CROSS JOIN main._ck_workspace AS w
              WHERE r.embedding = e.id AND w.id = r.id >> 43 AND w.state <> 'released'))
  AND (NOT (SELECT EXISTS (SELECT 1 FROM main.ck_leases))
       OR NOT EXISTS (
           SELECT 1 FROM main.ck_leases AS l
           WHERE l.hash = e.hash AND l.expires_at > unixepoch()
             AND l.expires_at <= unixepoch() + 86400))
  AND (e.seq <= (SELECT CASE WHEN EXISTS (SELECT 1 FROM main.ck_acks WHERE result = 'retry') THEN 0
                             ELSE coalesce(min(push_seq), 9223372036854775807) END
                 FROM main.ck_remotes WHERE push)
       OR NOT EXISTS (
           SELECT 1 FROM main.ck_remotes AS r
           LEFT JOIN main.ck_acks AS a ON a.remote = r.name AND a.seq = e.seq
           WHERE r.push AND CASE WHEN e.seq > r.push_seq THEN a.result IS NULL OR a.result = 'retry'
                                 ELSE a.result = 'retry' END))

-- name: garbage_scan
SELECT e.id, e.hash, m.name, m.version, e.bytes, e.created_at, e.used_at
FROM main._ck_embedding AS e LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE e.created_at <= ?1 AND e.used_at <= ?1
-- use: unused
ORDER BY e.id

-- name: garbage_after
SELECT e.id
FROM main._ck_embedding AS e
WHERE e.id > ?2 AND e.created_at <= ?1 AND e.used_at <= ?1
-- use: unused
ORDER BY e.id
LIMIT ?3

-- Which of the embeddings ?2 to ?3 are still garbage? Asked again in the transaction that deletes
-- them. Also whether there are refs, which then belong to released workspaces.
-- name: garbage_between
SELECT e.id, e.id IN (SELECT embedding FROM main._ck_ref)
FROM main._ck_embedding AS e
WHERE e.id >= ?2 AND e.id <= ?3 AND e.created_at <= ?1 AND e.used_at <= ?1
-- use: unused
ORDER BY e.id

-- Unreferenced embeddings, least recently used first.
-- name: quota_victims
SELECT e.id, e.bytes FROM main._ck_embedding AS e
WHERE e.created_at <= ?1 AND e.used_at <= ?1
-- use: unused
ORDER BY e.used_at, e.id

-- name: auto_vacuum_mode
PRAGMA main.auto_vacuum

-- name: vacuum_step
PRAGMA main.incremental_vacuum(256)

-- Stale hash entries, see ext/store/hash_sweep.h. How many entries there are, how many embeddings, and
-- the last id that was given out.
-- name: hash_sweep_counts
SELECT (SELECT count(*) FROM main._ck_hash), (SELECT count(*) FROM main._ck_embedding), seq
FROM main._ck_meta WHERE id = 1

-- The index has all that is asked and is a sixth of the table.
-- name: hash_sweep_ids_in_use
SELECT id FROM main._ck_embedding INDEXED BY _ck_embedding_seq WHERE +id >= ?1 AND +id < ?2

-- name: hash_sweep_walk
SELECT hash, id FROM main._ck_hash WHERE hash > ?1 ORDER BY hash

-- name: hash_sweep_remove
DELETE FROM main._ck_hash WHERE hash = ?1 AND id = ?2
