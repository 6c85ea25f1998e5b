-- The indexing protocol: how a client makes the refs of a workspace those of a tree of files, while
-- others index, search, release and collect garbage in the same store.
--
-- Every section, from one `-- name:` to the next, is run as it stands, with its parameters bound
-- by name (in the shell: `.param set :workspace 'main'`). tests/protocol/client.py is a client that
-- runs exactly these statements; tests/sql/protocol.sql runs them in the shell.
--
--     resolve                         which workspace does a folder belong to?
--     tables                          once for a connection
--     begin                           one run at a time over a workspace
--     per batch of files:
--         read, or unreadable         every file; no transaction is open
--         round                       one transaction: what is stored gets its refs
--         misses, embedded            embed what is missing; no transaction is open
--         … round and misses again, until there are no misses
--         next                        forget the batch
--     sweep                           only when the walk came to its end
--     end
--
-- What must never be done:
--
-- - Rely on a lookup. That ck_missing(), ck_get() or a SELECT found an embedding keeps it alive only
--   to the end of the transaction. The next moment somebody may delete it, whatever its age: only
--   a ref holds it. So the lookup and the refs it leads to are one write transaction, and an
--   embedding is put in the transaction that refers to it.
-- - Embed, or read files, inside a transaction: everybody else's writes wait for it.
-- - Begin with a plain BEGIN. A transaction that reads and then writes cannot wait for another writer
--   (SQLITE_BUSY at once, whatever the busy timeout). BEGIN IMMEDIATE waits.
-- - Take a name for an identity. A workspace may be deleted and registered again under its name
--   during a run; the new one has none of the refs of the old one. Hence :uuid.
-- - Sweep after a walk that was cut short, or what lies outside the folder walked, or what could
--   not be read. A tree without any file is more often a missing mount than an empty project.
-- - Run twice at once over one workspace. Refs would stay valid, but those of the file versions
--   read earlier could win. A lock file in the workspace prevents it and ends with its process.
--
-- After an error inside a transaction: ROLLBACK, and the batch may begin again.

-- The workspace a folder (absolute, no '/' at its end) belongs to: of those whose root contains it
-- the deepest, so that a worktree inside a worktree is its own. Roots of other hosts are other
-- folders.
-- name: resolve
SELECT name, uuid, root
FROM workspaces
WHERE substr(:folder || '/', 1, length(rtrim(root, '/')) + 1) = rtrim(root, '/') || '/'
  AND coalesce(host = :host, 1)
ORDER BY length(rtrim(root, '/')) DESC, last_seen DESC
LIMIT 1;

-- The workspaces rooted inside the root of this one: the walk leaves their folders out.
-- name: nested
SELECT n.root
FROM workspaces AS w JOIN workspaces AS n
WHERE w.name = :workspace AND coalesce(n.host = :host, 1)
  AND rtrim(n.root, '/') <> rtrim(w.root, '/')
  AND substr(n.root, 1, length(rtrim(w.root, '/')) + 1) = rtrim(w.root, '/') || '/';

-- The run in progress: its batch, the vectors made for it, and what the walk met. Temporary, so
-- that a killed run leaves nothing behind.
-- name: tables
CREATE TEMP TABLE IF NOT EXISTS batch_file(
    path TEXT NOT NULL PRIMARY KEY, -- relative to the root, '/' between its parts
    stored INTEGER,                 -- are all its chunks?
    new INTEGER                     -- has it no ref yet?
) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS batch_chunk(
    path TEXT NOT NULL, chunk INTEGER NOT NULL, start_line INTEGER, end_line INTEGER,
    hash BLOB NOT NULL, content, PRIMARY KEY(path, chunk)
) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS batch_vector(hash BLOB NOT NULL PRIMARY KEY, vector BLOB NOT NULL);
CREATE TEMP TABLE IF NOT EXISTS batch_miss(hash BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS run_walked(path TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS run_failed(path TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;

-- The heartbeat. No row: the workspace is not registered. Its uuid is :uuid from here on.
-- name: begin
DELETE FROM run_walked;
DELETE FROM run_failed;
DELETE FROM batch_file;
DELETE FROM batch_chunk;
DELETE FROM batch_vector;
DELETE FROM batch_miss;
BEGIN IMMEDIATE;
UPDATE workspaces SET last_seen = unixepoch() WHERE name = :workspace;
SELECT uuid FROM workspaces WHERE name = :workspace;
COMMIT;

-- A file that was read. One that is not to be indexed is read as empty: it has no chunks.
-- name: read
INSERT INTO run_walked VALUES (:path);
INSERT INTO batch_file(path) VALUES (:path);
INSERT INTO batch_chunk(path, chunk, start_line, end_line, hash, content)
SELECT :path, chunk, start_line, end_line, ck_hash(:model, :version, content), content
FROM ck_chunks(:content, :path);

-- A file that could not be read, or a folder that could not be listed ('' is the root): the refs
-- of it and of what is below it stay as they are.
-- name: unreadable
INSERT OR IGNORE INTO run_failed VALUES (:path);

-- One transaction. The first time round there are no vectors; after that those of the misses, and
-- what was found before and has gone meanwhile is simply among the next misses. Vectors once made
-- are kept to the end of the batch, so the rounds come to an end.
-- name: round
BEGIN IMMEDIATE;
-- Is the workspace still ours? 0 rows changed: it was released. ROLLBACK, the run is over.
UPDATE workspaces SET last_seen = unixepoch() WHERE name = :workspace AND uuid = :uuid;
SELECT changes() AS registered;
INSERT OR IGNORE INTO embeddings(hash, model, version, vector)
SELECT hash, :model, :version, vector FROM batch_vector;
DELETE FROM batch_miss;
-- What was put just now is there, and no hit: the statistics count what ck_missing finds.
INSERT INTO batch_miss
SELECT hash
FROM ck_missing((
    SELECT json_group_array(hex(hash))
    FROM (SELECT DISTINCT hash FROM batch_chunk WHERE hash NOT IN (SELECT hash FROM batch_vector))));
UPDATE batch_file SET
    stored = NOT EXISTS (
        SELECT 1 FROM batch_chunk AS c JOIN batch_miss AS m ON m.hash = c.hash
        WHERE c.path = batch_file.path),
    new = NOT EXISTS (
        SELECT 1 FROM refs AS r WHERE r.workspace = :workspace AND r.path = batch_file.path);
-- The refs of a file are replaced as a whole, once all its chunks are stored: chunks that vanished
-- go, others come or change. A ref that is right already is not written again, only the used_at
-- of its embedding, and not even that when it is of the last minute.
DELETE FROM refs
WHERE workspace = :workspace AND path IN (SELECT path FROM batch_file WHERE stored AND NOT new)
  AND NOT EXISTS (SELECT 1 FROM batch_chunk AS c WHERE c.path = refs.path AND c.chunk = refs.chunk);
INSERT OR REPLACE INTO refs(workspace, path, chunk, start_line, end_line, hash)
SELECT :workspace, c.path, c.chunk, c.start_line, c.end_line, c.hash
FROM batch_file AS f CROSS JOIN batch_chunk AS c ON c.path = f.path
WHERE f.stored;
-- The hits of a new file are held while its misses are embedded. (Those of a file that has refs
-- are mostly held by them: its old refs stay until it is replaced.)
INSERT OR IGNORE INTO refs(workspace, path, chunk, start_line, end_line, hash)
SELECT :workspace, c.path, c.chunk, c.start_line, c.end_line, c.hash
FROM batch_file AS f CROSS JOIN batch_chunk AS c ON c.path = f.path
WHERE f.new AND NOT f.stored AND c.hash NOT IN (SELECT hash FROM batch_miss);
COMMIT;

-- What is to be embedded now, each content once.
-- name: misses
SELECT hash, content
FROM batch_chunk
WHERE hash IN (SELECT hash FROM batch_miss)
GROUP BY hash;

-- name: embedded
INSERT INTO batch_vector(hash, vector) VALUES (:hash, :vector);

-- name: next
DELETE FROM batch_file;
DELETE FROM batch_chunk;
DELETE FROM batch_vector;
DELETE FROM batch_miss;

-- After a complete walk of the folder :below ('' is the root, else it ends with '/'): the refs of
-- paths in it that the walk did not meet, because they were deleted, renamed, are ignored now or
-- belong to a nested workspace. What could not be read keeps its refs.
-- name: sweep
BEGIN IMMEDIATE;
UPDATE workspaces SET last_seen = unixepoch() WHERE name = :workspace AND uuid = :uuid;
SELECT changes() AS registered;
DELETE FROM refs
WHERE workspace = :workspace AND substr(path, 1, length(:below)) = :below
  AND path NOT IN (SELECT path FROM run_walked)
  AND NOT EXISTS (
      SELECT 1 FROM run_failed AS f
      WHERE f.path IN ('', refs.path) OR substr(refs.path, 1, length(f.path) + 1) = f.path || '/');
SELECT changes() AS swept;
COMMIT;

-- 0: the workspace was released before the run ended, so it has no refs of it.
-- name: end
UPDATE workspaces SET last_seen = unixepoch() WHERE name = :workspace AND uuid = :uuid;
SELECT changes() AS registered;
DELETE FROM run_walked;
DELETE FROM run_failed;
