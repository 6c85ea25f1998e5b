-- The doctor: sound stores, every kind of damage, and its repair.
.echo on
.mode list
-- Without a store there is nothing to check.
SELECT count(*) FROM ck_doctor;
INSERT INTO workspaces(name) VALUES ('w');
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9)
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', CAST(i AS TEXT), '[1,' || i || ']' FROM n;
INSERT INTO refs(workspace, path, hash) SELECT 'w', 'p' || rowid, hash FROM ck_embeddings;
CREATE TEMP VIEW found AS
SELECT "check", status, detail, fix FROM ck_doctor('all')
WHERE status <> 'ok' AND "check" NOT IN ('journal', 'page_size', 'filesystem', 'permissions', 'location');
SELECT "check", status, detail FROM ck_doctor('all') WHERE "check" NOT IN ('journal', 'page_size', 'filesystem', 'permissions', 'location');
SELECT * FROM ck_doctor('some');

-- A ref without embedding, workspace or path.
INSERT INTO _ck_ref(id, embedding) VALUES (1 << 43 | 1 << 18 | 7, 999), (77 << 43 | 1 << 18, 1), (1 << 43 | 99 << 18, 1);
SELECT * FROM found;
SELECT ck_repair('refs'), (SELECT count(*) FROM refs);
SELECT * FROM found;

-- An embedding without vector, a vector without embedding, a vector of another model.
DELETE FROM _ck_vector WHERE id = 1;
DELETE FROM _ck_embedding WHERE id = 2;
UPDATE _ck_vector SET model = 5 WHERE id = 3;
SELECT * FROM found;
SELECT ck_repair('vectors');
SELECT ck_repair('refs'), (SELECT count(*) FROM refs), (SELECT count(*) FROM embeddings);
SELECT * FROM found;
SELECT ck_repair('paths');

-- Hashes: one without entry, one that names another embedding, one put twice because its entry was
-- missing. A deleted embedding leaves its entry, which is as it should be.
SELECT detail FROM ck_doctor WHERE "check" = 'hashes';
INSERT INTO embeddings(model, version, content, vector) VALUES ('h', '1', 'a', '[1]'), ('h', '1', 'b', '[2]'), ('h', '1', 'c', '[3]');
INSERT INTO refs(workspace, path, hash) SELECT 'w', 'h' || rowid, hash FROM ck_embeddings WHERE model = 'h';
DELETE FROM _ck_hash WHERE hash = ck_hash('h', '1', 'a');
UPDATE _ck_hash SET id = (SELECT rowid FROM embeddings WHERE hash = ck_hash('h', '1', 'c')) WHERE hash = ck_hash('h', '1', 'b');
DELETE FROM _ck_hash WHERE hash = ck_hash('h', '1', 'c');
INSERT INTO embeddings(model, version, content, vector) VALUES ('h', '1', 'c', '[4]');
SELECT * FROM found;
SELECT ck_repair('hashes');
SELECT * FROM found;
SELECT vec_to_json(ck_get('h', '1', 'a')), vec_to_json(ck_get('h', '1', 'b')), vec_to_json(ck_get('h', '1', 'c'));
SELECT r.path, e.rowid, vec_to_json(e.vector) FROM refs AS r JOIN embeddings AS e USING (hash) WHERE e.model = 'h' ORDER BY 1;
DELETE FROM refs WHERE path LIKE 'h%';
DELETE FROM embeddings WHERE model = 'h';
SELECT ck_repair('paths');

-- Damaged vectors: a flipped bit, a lost tail, one that changed places.
UPDATE _ck_vector SET data = CAST(substr(data, 1, 4) || x'01' || substr(data, 6) AS BLOB) WHERE id = 4;
UPDATE _ck_vector SET data = substr(data, 1, 7) WHERE id = 5;
UPDATE _ck_vector SET data = (SELECT data FROM _ck_vector WHERE id = 7), checksum = (SELECT checksum FROM _ck_vector WHERE id = 7) WHERE id = 6;
SELECT * FROM found;
SELECT ck_repair('checksums'), ck_repair('bytes');
SELECT * FROM found;
SELECT ck_repair('paths');
SELECT count(*), (SELECT count(*) FROM refs) FROM embeddings;

-- A size that drifted, a counter that fell back.
UPDATE _ck_embedding SET bytes = 1;
UPDATE _ck_meta SET seq = 2;
SELECT * FROM found;
SELECT ck_repair('bytes'), ck_repair('seq');
SELECT bytes FROM embeddings LIMIT 1;

-- Stamps in the future.
UPDATE embeddings SET created_at = unixepoch() + 100000, used_at = unixepoch() + 100000 WHERE rowid = 8;
UPDATE workspaces SET last_seen = unixepoch() + 100000;
SELECT * FROM found;
SELECT ck_repair('clock');
SELECT created_at <= unixepoch() AND used_at <= unixepoch() FROM embeddings WHERE rowid = 8;
SELECT * FROM found;

-- A task that died, an error nobody looked at.
INSERT INTO ck_progress VALUES ('gc', 1, 1, 5, 10);
INSERT INTO ck_errors VALUES ('gc', 'quota', 'too much', 1, 1, 1);
SELECT * FROM found;
SELECT ck_repair('progress');
DELETE FROM ck_errors;

-- A stale workspace.
UPDATE workspaces SET last_seen = 1;
SELECT ck_gc();
SELECT * FROM found;

-- What a person or a tool did to the schema. Checks that cannot run say so, the others go on.
DROP INDEX _ck_ref_embedding;
DROP VIEW ck_unused;
DROP TABLE _ck_hits;
DROP TABLE ck_progress;
SELECT * FROM found;
SELECT ck_repair('schema');
SELECT * FROM found;
BEGIN;
ALTER TABLE _ck_workspace DROP COLUMN stale_at;
SELECT * FROM found WHERE "check" IN ('schema', 'clock');
ROLLBACK;
BEGIN;
DROP TABLE _ck_path;
SELECT * FROM found WHERE "check" IN ('schema', 'paths');
SELECT ck_repair('schema');
ROLLBACK;
CREATE TRIGGER theirs AFTER INSERT ON _ck_ref BEGIN SELECT 1; END;
SELECT * FROM found;
DROP TRIGGER theirs;

-- An index that lacks rows: written to while it was not in the schema.
SELECT count(*) FROM ck_unused;
CREATE TABLE kept AS SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = '_ck_embedding_seq';
PRAGMA writable_schema = ON;
DELETE FROM sqlite_schema WHERE name = '_ck_embedding_seq';
PRAGMA writable_schema = RESET;
UPDATE _ck_embedding SET seq = seq + 100;
PRAGMA writable_schema = ON;
INSERT INTO sqlite_schema SELECT * FROM kept;
PRAGMA writable_schema = RESET;
SELECT "check", status, fix FROM found;
REINDEX;
SELECT ck_repair('seq');
SELECT * FROM found;

-- A model whose row is wrong: its vectors are whole, and not to be thrown away.
UPDATE _ck_model SET dims = 3;
SELECT * FROM found;
SELECT ck_repair('checksums');
UPDATE _ck_model SET dims = 2, encoding = 'f99';
SELECT * FROM found;
UPDATE _ck_model SET encoding = 'f32';

-- Seqs that are not one's own.
UPDATE _ck_embedding SET seq = 3 WHERE id IN (7, 8);
UPDATE _ck_embedding SET seq = -1 WHERE id = 9;
SELECT * FROM found;
SELECT ck_repair('seq');
SELECT count(DISTINCT seq) = count(*), min(seq) > 0, max(seq) = (SELECT value FROM ck_stats WHERE name = 'seq') FROM embeddings;

-- A workspace without a name, a setting that is none, progress from a time to come.
UPDATE _ck_workspace SET name = NULL;
INSERT INTO _ck_config VALUES ('max_bytes', 'lots');
INSERT INTO ck_progress VALUES ('gc', 1, unixepoch() + 100000, 5, 10);
SELECT * FROM found;
SELECT ck_repair('workspaces'), ck_repair('config'), ck_repair('progress');
SELECT name = 'workspace ' || uuid FROM workspaces;
SELECT * FROM found;

-- Background work that fails leaves a row, one a kind; a success takes it away.
DROP TABLE ck_progress;
SELECT ck_gc();
SELECT ck_gc();
SELECT source, code, message, count FROM ck_errors;
SELECT ck_reencode('m', 'f16') IS NULL;
SELECT source, code, message, count FROM ck_errors;
BEGIN;
SELECT ck_gc();
COMMIT;
SELECT count FROM ck_errors WHERE source = 'gc';
SELECT ck_repair('schema'), ck_gc(), ck_reencode('m', 'f16') IS NULL;
SELECT count(*) FROM ck_errors;

-- What cannot be repaired, and what was, is said.
SELECT ck_repair('models');
SELECT ck_repair(NULL);
SELECT action, detail FROM ck_audit WHERE action = 'repair';
DROP TABLE ck_errors;
SELECT "check", status, detail FROM ck_doctor LIMIT 1;
PRAGMA integrity_check;
