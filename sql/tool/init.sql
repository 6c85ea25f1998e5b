-- ck init: a new store.

-- Before the first page is written; later they would need a VACUUM.
-- name: init_file
PRAGMA main.page_size = 8192;
PRAGMA main.auto_vacuum = incremental;

-- name: init_journal
PRAGMA main.journal_mode = WAL

-- 1 when it made the store.
-- name: init_store
SELECT ck_init()

-- name: init_expires_at
SELECT expires_at FROM workspaces WHERE uuid = ?1
