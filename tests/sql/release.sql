-- Releasing a workspace with more refs than are deleted at once: gone for every reader, swept by gc.
.echo on
INSERT INTO embeddings(model, version, content, vector, created_at) VALUES ('m', '1', 'a', '[1, 0]', 1), ('m', '1', 'b', '[0, 1]', 1);
INSERT INTO workspaces(name, uuid, root) VALUES ('big', 'u-big', '/big'), ('other', 'u-other', '/other');
WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO refs(workspace, path, chunk, hash) SELECT 'big', 'file' || (i / 100), i % 100, ck_hash('m', '1', 'a') FROM n;
INSERT INTO refs(workspace, path, hash) VALUES ('other', 'file7', ck_hash('m', '1', 'b'));
SELECT name, refs, embeddings FROM workspaces ORDER BY name;
DELETE FROM workspaces WHERE name = 'big';

-- No reader sees it or its refs, by whatever scan.
SELECT count(*), max(name) FROM workspaces;
SELECT name, refs FROM workspaces ORDER BY name;
SELECT count(*) FROM refs;
SELECT workspace FROM refs WHERE path = 'file7';
SELECT workspace FROM refs WHERE path GLOB 'file7*';
SELECT count(*) FROM refs WHERE hash = ck_hash('m', '1', 'a');
SELECT workspace, path FROM refs ORDER BY workspace, path;
SELECT count(*) FROM refs WHERE workspace = 'big';
SELECT rowid, refs FROM embeddings;
SELECT name, value FROM ck_stats WHERE name IN ('workspaces', 'refs', 'live_embeddings');
SELECT workspace, refs FROM ck_usage;
SELECT count(*) FROM knn('[1, 0]', 5) WHERE workspace = 'big';

BEGIN;
INSERT INTO refs(workspace, path, hash) VALUES ('other', 'a', ck_hash('m', '1', 'a'));
INSERT INTO models(model, version, dims) VALUES ('n', '1', 2);
SELECT workspace, exclusive_bytes, shared_bytes FROM ck_usage;
SELECT count(*) FROM ck_migrate('m', 'n');
ROLLBACK;

-- Its name and uuid are free again.
INSERT INTO workspaces(name, uuid, root) VALUES ('big', 'u-big', '/big');
SELECT name, uuid, refs FROM workspaces ORDER BY name;
INSERT INTO refs(workspace, path, hash) VALUES ('big', 'file7', ck_hash('m', '1', 'b'));

-- What only it used may be deleted, and is garbage.
UPDATE embeddings SET used_at = 1;
SELECT hash = ck_hash('m', '1', 'a') FROM ck_garbage;
BEGIN;
DELETE FROM embeddings WHERE hash = ck_hash('m', '1', 'a');
SELECT status FROM ck_doctor WHERE "check" = 'refs';
ROLLBACK;
SELECT hash = ck_hash('m', '1', 'a') FROM ck_unused;
SELECT ck_gc();
SELECT (SELECT count(*) FROM _ck_ref), (SELECT count(*) FROM _ck_workspace), (SELECT count(*) FROM embeddings);
SELECT workspace, path FROM refs ORDER BY workspace, path;
-- Few refs go at once.
DELETE FROM workspaces WHERE name = 'big';
SELECT (SELECT count(*) FROM _ck_ref), (SELECT count(*) FROM _ck_workspace);
PRAGMA integrity_check;
