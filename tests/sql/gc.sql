-- Garbage: no ref, and neither created nor used within the grace period.
.echo on
-- ck_gc without a store creates none.
SELECT ck_gc(0), (SELECT count(*) FROM ck_garbage(0)), (SELECT count(*) FROM sqlite_schema);
INSERT INTO workspaces(name) VALUES ('w');
INSERT INTO embeddings(model, version, content, vector) VALUES
    ('m', '1', 'old', '[1, 0]'), ('m', '1', 'old, referenced', '[1, 1]'), ('m', '1', 'old, used today', '[1, 2]'),
    ('m', '1', 'fresh', '[1, 3]'), ('m', '1', 'tomorrow', '[1, 4]'), ('m', '1', 'used tomorrow', '[1, 5]');
INSERT INTO refs(workspace, path, hash) VALUES ('w', 'a', ck_hash('m', '1', 'old, referenced'));
UPDATE embeddings SET created_at = unixepoch() - 86400, used_at = unixepoch() - 86400;
UPDATE embeddings SET used_at = unixepoch() WHERE rowid = 3;
UPDATE embeddings SET created_at = unixepoch(), used_at = unixepoch() WHERE rowid = 4;
UPDATE embeddings SET created_at = unixepoch() + 86400, used_at = unixepoch() + 86400 WHERE rowid = 5;
UPDATE embeddings SET used_at = unixepoch() + 86400 WHERE rowid = 6;

-- The dry run: default grace an hour; 0 must be written.
SELECT e.rowid, g.model, g.version, g.bytes FROM ck_garbage AS g JOIN embeddings AS e USING (hash) ORDER BY 1;
SELECT count(*) FROM ck_garbage(3600);
SELECT count(*) FROM ck_garbage(86400 * 2);
SELECT e.rowid FROM ck_garbage(0) AS g JOIN embeddings AS e USING (hash) ORDER BY 1;
SELECT count(*) FROM ck_garbage(-1);
SELECT count(*) FROM ck_garbage(NULL);
SELECT count(*) FROM ck_garbage('0');
SELECT count(*) FROM ck_garbage(1e300);
SELECT ck_gc(-1);
SELECT ck_gc(NULL);
SELECT ck_gc('0');
SELECT ck_gc(0, 1);

-- Inside a transaction it is part of it.
BEGIN;
SELECT ck_gc(0);
SELECT group_concat(rowid) FROM embeddings;
ROLLBACK;
SELECT group_concat(rowid) FROM embeddings;
BEGIN;
SAVEPOINT s;
SELECT ck_gc(0);
ROLLBACK TO s;
SELECT group_concat(rowid) FROM embeddings;
COMMIT;

-- This statement runs verbatim; it is refused nothing, as it names no referenced row.
DELETE FROM embeddings WHERE hash NOT IN (SELECT hash FROM refs) AND created_at < unixepoch() - 3600;
SELECT changes();
SELECT group_concat(rowid) FROM embeddings;

-- What the dry run shows is what goes.
SELECT ck_gc(0);
SELECT group_concat(rowid) FROM embeddings;
SELECT count(*) FROM ck_garbage(0);
SELECT (SELECT count(*) FROM _ck_vector) = (SELECT count(*) FROM _ck_embedding);

-- Many rows, several batches, from within a SELECT that reads the table.
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', i, '[1,' || i || ']' FROM (SELECT CAST(i AS TEXT) AS i FROM n);
UPDATE embeddings SET created_at = 1, used_at = 1 WHERE created_at < unixepoch() + 10;
SELECT ck_gc() FROM embeddings LIMIT 1;
SELECT ck_gc();
SELECT count(*) FROM embeddings;

-- DELETE … WHERE hash IN the dry run.
DELETE FROM refs;
UPDATE embeddings SET created_at = 1, used_at = 1;
DELETE FROM embeddings WHERE hash IN (SELECT hash FROM ck_garbage);
SELECT count(*) FROM embeddings;

-- A deleted embedding leaves its entry in _ck_hash, until a sixteenth of them are left over. To
-- everybody it is absent, and its hash can be put again.
DELETE FROM workspaces;
SELECT ck_gc(0), (SELECT count(*) FROM _ck_hash);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 64)
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', 'e' || i, '[1,' || i || ']' FROM n;
INSERT INTO workspaces(name) VALUES ('w');
INSERT INTO refs(workspace, path, hash) SELECT 'w', 'p' || rowid, hash FROM ck_embeddings WHERE hash <> ck_hash('m', '1', 'e7');
SELECT ck_gc(0), (SELECT count(*) FROM embeddings), (SELECT count(*) FROM _ck_hash);
SELECT count(*) FROM embeddings WHERE hash = ck_hash('m', '1', 'e7');
SELECT count(vector) FROM embeddings WHERE hash = ck_hash('m', '1', 'e7');
SELECT count(*) FROM embeddings WHERE hash >= x'';
SELECT ck_get('m', '1', 'e7') IS NULL, (SELECT count(*) FROM ck_missing(ck_hash('m', '1', 'e7')));
SELECT count(*) FROM knn('[1,7]', 3) WHERE hash IN (SELECT ck_hash('m', '1', 'e7') UNION SELECT ck_hash('m', '1', 'e8'));
INSERT INTO refs(workspace, path, hash) VALUES ('w', 'seven', ck_hash('m', '1', 'e7'));
SELECT count(*) FROM refs WHERE hash = ck_hash('m', '1', 'e7');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'e7', '[1,70]');
SELECT vec_to_json(ck_get('m', '1', 'e7')), (SELECT count(*) FROM _ck_hash), (SELECT count(*) FROM ck_missing(ck_hash('m', '1', 'e7')));
DELETE FROM refs WHERE path IN (SELECT path FROM refs LIMIT 2);
DELETE FROM embeddings WHERE hash NOT IN (SELECT hash FROM refs);
SELECT ck_gc(0), (SELECT count(*) FROM embeddings), (SELECT count(*) FROM _ck_hash);
DELETE FROM refs WHERE path IN (SELECT path FROM refs LIMIT 3);
SELECT ck_gc(0), (SELECT count(*) FROM embeddings), (SELECT count(*) FROM _ck_hash);
SELECT count(*) FROM _ck_hash WHERE id NOT IN (SELECT id FROM _ck_embedding);

-- A transaction that deleted and collected is undone as a whole.
BEGIN;
DELETE FROM refs;
SELECT ck_gc(0), (SELECT count(*) FROM embeddings), (SELECT count(*) FROM _ck_hash);
ROLLBACK;
SELECT (SELECT count(*) FROM embeddings), (SELECT count(*) FROM _ck_hash), count(ck_get(hash)) FROM refs;
PRAGMA integrity_check;
