-- The store itself: is it there, of which version, and its sequence counter.

-- name: meta_exists
SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = '_ck_meta'

-- name: meta_get
SELECT schema_version, seq, stamp FROM main._ck_meta WHERE id = 1

-- name: meta_create
INSERT INTO main._ck_meta(id, schema_version, store_uuid, seq, stamp, created_at, inode, origin)
VALUES (1, ?1, ?2, 0, random(), ?3, nullif(?4, 0), ?2 || '/' ||
        CASE WHEN length(CAST(?5 AS BLOB)) <= 200 THEN ?5 ELSE substr(?5, 1, 50) END)

-- name: meta_set_seq
UPDATE main._ck_meta SET seq = ?1, stamp = random() WHERE id = 1

-- Something changed that no sequence number counts.
-- name: meta_touch
UPDATE main._ck_meta SET stamp = random() WHERE id = 1

-- name: meta_set_version
UPDATE main._ck_meta SET schema_version = ?1 WHERE id = 1

-- name: meta_uuid
SELECT store_uuid, created_at FROM main._ck_meta WHERE id = 1

-- For a file without pages.
-- name: meta_page_size
PRAGMA main.page_size = 8192

-- Of a second connection, which looks up hashes all over their table, and writes them: 64 MB of
-- cache, and of a WAL before its pages are written once more.
-- name: meta_side_cache
PRAGMA main.cache_size = -65536
-- name: meta_side_checkpoint
PRAGMA main.wal_autocheckpoint = 16384

-- name: meta_seq
SELECT seq FROM main._ck_meta WHERE id = 1

-- name: writer_add
INSERT OR REPLACE INTO main._ck_writer(seq, word) VALUES (?1, random())

-- name: writer_trim
DELETE FROM main._ck_writer
WHERE seq <= (SELECT seq FROM main._ck_writer ORDER BY seq DESC LIMIT 1 OFFSET ?1)

-- name: identity_get
SELECT coalesce(inode, 0) FROM main._ck_meta WHERE id = 1

-- name: identity_set_inode
UPDATE main._ck_meta SET inode = ?1 WHERE id = 1

-- A copy. The leases in it are of processes that work on the original; the marks in remotes are of
-- the original, too.
-- name: identity_set
UPDATE main._ck_meta SET store_uuid = ?1, inode = ?2,
    origin = ?1 || '/' || CASE WHEN length(CAST(?3 AS BLOB)) <= 200 THEN ?3 ELSE substr(?3, 1, 50) END
WHERE id = 1

-- name: identity_drop_leases
DELETE FROM main.ck_leases

-- name: identity_drop_marks
UPDATE main.ck_remotes SET mark = NULL, new_mark = NULL
