-- Opening a store, and transactions, as the ck command does it.

-- The first statement reads the file's first page, and so says whether it is a database.
-- name: store_probe
SELECT count(*) FROM main.sqlite_schema WHERE name = '_ck_meta'

-- 64 MB of cache: with SQLite's 2 MB a transaction of 100,000 refs writes its pages many times over.
-- A store may come from a stranger, so what its schema says is not trusted.
-- name: store_settings
PRAGMA main.cache_size = -65536;
PRAGMA trusted_schema = OFF;

-- name: transaction_begin
BEGIN IMMEDIATE

-- name: transaction_commit
COMMIT

-- name: transaction_rollback
ROLLBACK

-- The last sequence number.
-- name: store_seq
SELECT value FROM ck_stats WHERE name = 'seq'
