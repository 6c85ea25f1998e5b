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

-- What cannot be repaired, and what was, is said.
SELECT ck_repair('schema');
SELECT ck_repair(NULL);
SELECT action, detail FROM ck_audit WHERE action = 'repair';
DROP TABLE ck_errors;
SELECT "check", status, detail FROM ck_doctor LIMIT 1;
PRAGMA integrity_check;
