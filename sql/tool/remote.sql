-- ck cache remote, push, pull and sync.

-- name: remote_add
INSERT INTO ck_remotes(name, url, push, mirror) VALUES (?1, ?2, ?3, ?4)

-- name: remote_url
SELECT url FROM ck_remotes WHERE name = ?1

-- name: remote_with_url
SELECT name FROM ck_remotes WHERE url = ?1

-- What waits for each, how far they are, what went wrong.
-- name: remote_list
SELECT r.name, r.url, r.push, r.mirror,
       (SELECT count(*) FROM ck_outbox AS o WHERE o.remote = r.name) AS waiting,
       r.pushed, r.pulled, r.conflicts, r.last_sync_at AS last_sync, r.last_error, r.next_at
FROM ck_remotes AS r ORDER BY r.name

-- name: remote_names
SELECT name FROM ck_remotes ORDER BY name

-- name: remote_remove
DELETE FROM ck_remotes WHERE name = ?1

-- name: remote_push
SELECT ck_push(?1)

-- name: remote_pull
SELECT ck_pull(?1)

-- Only what workspaces refer to and is lost or damaged here.
-- name: remote_pull_workspaces
SELECT ck_pull(?1, 'workspaces')

-- name: remote_sync
SELECT ck_sync(?1)

-- What the summary of a session says, for people.
-- name: remote_summary
SELECT ?1 ->> '$.pulled', ?1 ->> '$.pull_exists', ?1 ->> '$.pushed', ?1 ->> '$.push_exists',
       ?1 ->> '$.bytes', ?1 ->> '$.conflicts', ?1 ->> '$.push_rejected' + ?1 ->> '$.pull_rejected',
       ?1 ->> '$.damaged' + ?1 ->> '$.missing'
