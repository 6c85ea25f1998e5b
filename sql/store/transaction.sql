-- Beginning and ending a transaction of ck's own.

-- name: begin_read
BEGIN

-- name: begin_write
BEGIN IMMEDIATE

-- name: commit
COMMIT

-- name: rollback
ROLLBACK

-- Where ROLLBACK is refused, see ext/store/transaction.c. Within a transaction VACUUM is an error, and
-- nothing else.
-- name: rollback_by_vacuum
VACUUM

-- Nothing, but SQLite looks whether it was interrupted, and calls its progress handler.
-- name: pulse
SELECT 1
