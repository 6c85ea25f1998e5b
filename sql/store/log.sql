-- Settings, and what maintenance reports of itself.

-- name: config_get
SELECT value FROM main._ck_config WHERE name = ?1

-- name: config_set
INSERT OR REPLACE INTO main._ck_config(name, value) VALUES (?1, ?2)

-- name: config_unset
DELETE FROM main._ck_config WHERE name = ?1

-- name: audit_add
INSERT INTO main.ck_audit(at, action, detail, store, user)
VALUES (?1, ?2, ?3, (SELECT store_uuid FROM main._ck_meta WHERE id = 1), ?4)

-- A batch of remote ?3, or of the store ?4 that pushed it, which is who did it then.
-- name: audit_sync
INSERT INTO main.ck_audit(at, action, detail, store, user)
VALUES (?1, ?2, json_object('remote', ?3, 'created', ?5, 'conflicts', ?6, 'rejected', ?7,
                                'retired', ?9),
        coalesce(?4, (SELECT store_uuid FROM main._ck_meta WHERE id = 1)),
        CASE WHEN ?4 IS NULL THEN ?8 ELSE (SELECT user FROM main.ck_peers WHERE store = ?4) END)

-- Another vector for a hash that is stored: not taken. ?3: the remote; ?4: whose vector it is.
-- name: audit_conflict
INSERT INTO main.ck_audit(at, action, detail, store, user)
VALUES (?1, 'conflict', json_object('hash', lower(hex(?2)), 'remote', ?3, 'origin', ?4),
        coalesce(?5, (SELECT store_uuid FROM main._ck_meta WHERE id = 1)),
        CASE WHEN ?5 IS NULL THEN ?6 ELSE (SELECT user FROM main.ck_peers WHERE store = ?5) END)

-- name: audit_trim
DELETE FROM main.ck_audit WHERE id <= (SELECT max(id) FROM main.ck_audit) - ?1

-- name: audit_expire
DELETE FROM main.ck_audit WHERE at < ?1

-- name: error_add
INSERT INTO main.ck_errors(source, code, message, first_at, last_at, count)
VALUES (?1, ?2, ?3, ?4, ?4, 1)
ON CONFLICT(source, code) DO UPDATE
SET message = excluded.message, last_at = excluded.last_at, count = count + 1

-- name: error_remove
DELETE FROM main.ck_errors WHERE source = ?1 AND code = ?2

-- name: error_exists
SELECT 1 FROM main.ck_errors WHERE source = ?1 AND code = ?2

-- The codes of a source that begin with ?2.
-- name: error_codes
SELECT code FROM main.ck_errors WHERE source = ?1 AND substr(code, 1, length(?2)) = ?2

-- name: progress_set
INSERT INTO main.ck_progress(task, started_at, updated_at, done, total) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT(task) DO UPDATE
SET started_at = excluded.started_at, updated_at = excluded.updated_at, done = excluded.done,
    total = excluded.total

-- name: progress_clear
DELETE FROM main.ck_progress WHERE task = ?1

-- name: hits_add
INSERT INTO main._ck_hits(day, model, hits, misses) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT(day, model) DO UPDATE
SET hits = hits + excluded.hits, misses = misses + excluded.misses
