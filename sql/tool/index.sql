-- `ck index`: the refs of a workspace are made those of its files. This is the indexing protocol of
-- sql/protocol.sql: what is looked up and the refs it leads to are one transaction, texts are
-- embedded outside of any, and what was found once is looked up again before it is referred to.

-- What a power failure may take of a run is made again by the next one. A checkpoint waits for the disk,
-- and between two of them a page that is written often is written to the file once: 32 MB of pages of
-- 8 KB instead of 8.
-- name: index_settings
PRAGMA main.synchronous = NORMAL;
PRAGMA main.wal_autocheckpoint = 4000;

-- The manifests: what each file of a workspace was when its refs were written, so that the next run
-- reads only what changed (tools/ck/manifest.h). A store keeps one of each workspace.
-- name: index_tables
CREATE TABLE IF NOT EXISTS main.ck_manifests(
    workspace TEXT PRIMARY KEY NOT NULL, -- its uuid
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    prefix TEXT NOT NULL,                -- of documents
    files INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    manifest BLOB NOT NULL
) WITHOUT ROWID;

-- name: index_manifest_exists
SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = 'ck_manifests')

-- name: index_manifest_get
SELECT model, version, prefix, files, written_at, manifest
FROM main.ck_manifests WHERE workspace = ?1

-- name: index_manifest_put
INSERT OR REPLACE INTO main.ck_manifests(
    workspace, model, version, prefix, files, written_at, manifest)
VALUES (?1, ?2, ?3, ?4, ?5, unixepoch(), ?6)

-- Manifests of workspaces that are gone.
-- name: index_manifest_sweep
DELETE FROM main.ck_manifests WHERE workspace NOT IN (SELECT uuid FROM workspaces)

-- name: index_refs_count
SELECT refs FROM workspaces WHERE name = ?1 AND uuid = ?2

-- The roots of workspaces inside this one: the walk leaves their folders out.
-- name: index_nested
SELECT n.root
FROM workspaces AS w JOIN workspaces AS n
WHERE w.name = ?1 AND coalesce(n.host = w.host, 1) AND n.root IS NOT NULL
  AND rtrim(n.root, '/') <> rtrim(w.root, '/')
  AND substr(n.root, 1, length(rtrim(w.root, '/')) + 1) = rtrim(w.root, '/') || '/'

-- The heartbeat. No change: the workspace was released, or is another one of the same name.
-- name: index_heartbeat
UPDATE workspaces SET last_seen = unixepoch() WHERE name = ?1 AND uuid = ?2

-- The positions in a list of hashes of those that are not stored.
-- name: index_missing
SELECT ord FROM ck_missing(?1)

-- The same of a list that was looked up before: it does not count as hits what has just been put.
-- name: index_still_missing
WITH RECURSIVE list(ord) AS (
    SELECT 0 WHERE length(?1) > 0
    UNION ALL
    SELECT ord + 1 FROM list WHERE (ord + 1) * 32 < length(?1))
SELECT ord FROM list
WHERE NOT EXISTS (SELECT 1 FROM embeddings WHERE hash = substr(?1, ord * 32 + 1, 32))

-- name: index_put
INSERT OR IGNORE INTO embeddings(hash, model, version, vector) VALUES (?1, ?2, ?3, ?4)

-- name: index_ref
INSERT OR REPLACE INTO refs(workspace, path, chunk, start_line, end_line, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- A ref to a chunk that is stored, of a file that has no refs yet and is not complete.
-- name: index_ref_hold
INSERT OR IGNORE INTO refs(workspace, path, chunk, start_line, end_line, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- name: index_ref_trim
DELETE FROM refs WHERE workspace = ?1 AND path = ?2 AND chunk >= ?3

-- name: index_has_refs
SELECT EXISTS (SELECT 1 FROM refs WHERE workspace = ?1 AND path = ?2)

-- All paths of a workspace, where there is no manifest to go by.
-- name: index_paths
SELECT path FROM refs WHERE workspace = ?1 GROUP BY path ORDER BY path

-- name: index_has_remotes
SELECT EXISTS (SELECT 1 FROM ck_remotes)

-- Those that could not be asked when they were asked last.
-- name: index_remotes_failed
SELECT name, last_error FROM ck_remotes WHERE last_error IS NOT NULL ORDER BY name

-- What is missing, from wherever it is; before anything is embedded.
-- name: index_pull
SELECT ck_pull(NULL, ?1)

-- Who computes an embedding: ord, and for how long another owner may still be at it.
-- name: index_claim
SELECT key, json_extract(value, '$.state'), json_extract(value, '$.retry_after')
FROM json_each(ck_claim(?1, ?2, ?3))

-- Who else of this machine holds leases: runs of ck index, "index:HOST:PID:…".
-- name: index_lease_owners
SELECT DISTINCT owner FROM ck_leases
WHERE substr(owner, 1, length(?1)) = ?1 AND owner <> ?2

-- name: index_renew
SELECT ck_renew(NULL, ?1, ?2)

-- name: index_release
SELECT ck_release(NULL, ?1)

-- The versions of a model, to tell the dims of one whose version was not named.
-- name: index_versions
SELECT version, dims FROM models WHERE model = ?1 AND version GLOB ?2

-- name: index_dims
SELECT dims FROM models WHERE model = ?1 AND version = ?2

-- The probe: what the model made of a fixed text when it was first used with this store. The
-- workspace 'probe' is pinned and refers to it, so that it stays and travels with sync.
-- name: index_probe_get
SELECT ck_get(?1, ?2, ?3)

-- name: index_probe_pull
SELECT ck_pull(NULL, ck_hash(?1, ?2, ?3))

-- name: index_probe_put
INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES (?1, ?2, ?3, ?4)

-- name: index_probe_compare
SELECT vec_cosine(?1, ?2)

-- name: index_probe_workspace
INSERT OR IGNORE INTO workspaces(name, uuid, pinned) VALUES ('probe', 'probe', 1)

-- name: index_probe_ref
INSERT OR REPLACE INTO refs(workspace, path, chunk, start_line, end_line, hash)
VALUES ('probe', ?1 || '/' || ?2, 0, 1, 1, ck_hash(?1, ?2, ?3))

-- The manifest for people and machines: the chunks of each file, in order.
-- name: index_export
SELECT path, count(*), json_group_array(lower(hex(hash)))
FROM (SELECT path, chunk, hash FROM refs WHERE workspace = ?1 ORDER BY workspace, path, chunk)
GROUP BY path

-- Has the workspace refs of the path ?2, or below it? '0' is the byte behind '/'.
-- name: index_refs_below
SELECT EXISTS (SELECT 1 FROM refs WHERE workspace = ?1 AND path = ?2)
    OR EXISTS (SELECT 1 FROM refs
               WHERE workspace = ?1 AND path >= ?2 || '/' AND path < ?2 || '0')
