-- Garbage: no live ref, and neither created nor used after the cutoff ?1 (now - grace). A row
-- stamped in the future is never garbage. One predicate for the dry run and the run.

-- name: garbage_scan
SELECT e.id, e.hash, m.name, m.version, e.bytes, e.created_at, e.used_at
FROM main._ck_embedding AS e LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE e.created_at <= ?1 AND e.used_at <= ?1
  AND NOT EXISTS (
      SELECT 1 FROM main._ck_ref AS r CROSS JOIN main._ck_workspace AS w
      WHERE r.embedding = e.id AND w.id = r.id >> 43 AND w.state <> 'released')
ORDER BY e.id

-- name: garbage_after
SELECT e.id
FROM main._ck_embedding AS e
WHERE e.id > ?2 AND e.created_at <= ?1 AND e.used_at <= ?1
  AND NOT EXISTS (
      SELECT 1 FROM main._ck_ref AS r CROSS JOIN main._ck_workspace AS w
      WHERE r.embedding = e.id AND w.id = r.id >> 43 AND w.state <> 'released')
ORDER BY e.id
LIMIT ?3

-- Is embedding ?2 still garbage? Asked again in the transaction that deletes it.
-- name: garbage_check
SELECT 1 FROM main._ck_embedding AS e
WHERE e.id = ?2 AND e.created_at <= ?1 AND e.used_at <= ?1
  AND NOT EXISTS (
      SELECT 1 FROM main._ck_ref AS r CROSS JOIN main._ck_workspace AS w
      WHERE r.embedding = e.id AND w.id = r.id >> 43 AND w.state <> 'released')

-- Unreferenced embeddings, least recently used first.
-- name: quota_victims
SELECT e.id, e.bytes FROM main._ck_embedding AS e
WHERE e.created_at <= ?1 AND e.used_at <= ?1
  AND NOT EXISTS (
      SELECT 1 FROM main._ck_ref AS r CROSS JOIN main._ck_workspace AS w
      WHERE r.embedding = e.id AND w.id = r.id >> 43 AND w.state <> 'released')
ORDER BY e.used_at, e.id

-- name: auto_vacuum_mode
PRAGMA main.auto_vacuum

-- name: vacuum_step
PRAGMA main.incremental_vacuum(256)
