-- ROLLBACK, savepoints, and statements that fail in the middle of a transaction.
.echo on
-- A rolled back creation leaves nothing.
BEGIN;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]');
SELECT count(*) FROM embeddings;
SELECT rowid FROM knn('[1, 0]', 1);
ROLLBACK;
SELECT count(*) FROM embeddings;
SELECT count(*) FROM knn('[1, 0]', 1);
SELECT count(*) FROM sqlite_schema;

-- A failing statement creates no store, in a transaction or not.
INSERT INTO refs(workspace, path, hash) VALUES ('none', 'x', zeroblob(32));
INSERT INTO workspaces(name) VALUES (NULL);
INSERT INTO models(model, version, dims) VALUES ('m', '1', 0);
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[]');
SELECT ck_put('m', '1', 'a', '[]');
SELECT count(*) FROM sqlite_schema;
BEGIN;
INSERT INTO refs(workspace, path, hash) VALUES ('none', 'x', zeroblob(32));
INSERT INTO workspaces(name) VALUES (NULL);
INSERT INTO models(model, version, dims) VALUES ('m', '1', 0);
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[]');
SELECT ck_put('m', '1', 'a', '[]');
UPDATE embeddings SET origin = 'x';
DELETE FROM workspaces;
SELECT count(*) FROM sqlite_schema;
COMMIT;
SELECT count(*) FROM sqlite_schema;

-- ck_init says whether it created.
BEGIN;
SELECT ck_init(), ck_init();
ROLLBACK;
SELECT ck_init(), ck_init();

-- Savepoints.
INSERT INTO workspaces(name) VALUES ('w');
BEGIN;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]');
SAVEPOINT one;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'b', '[0, 1]'), ('n', '1', 'c', '[0, 1, 2]');
INSERT INTO refs(workspace, path, hash) VALUES ('w', 'b', ck_hash('m', '1', 'b'));
SAVEPOINT two;
DELETE FROM refs;
DELETE FROM embeddings WHERE model = 'm';
INSERT OR REPLACE INTO embeddings(model, version, content, vector) VALUES ('n', '1', 'c', '[7, 7, 7]');
SELECT group_concat(rowid) FROM embeddings;
ROLLBACK TO two;
SELECT group_concat(rowid), (SELECT count(*) FROM refs), vec_to_json(ck_get('n', '1', 'c')) FROM embeddings;
SELECT group_concat(rowid) FROM knn('[0, 1]', 5);
ROLLBACK TO one;
SELECT group_concat(rowid), (SELECT count(*) FROM refs), (SELECT group_concat(model) FROM models) FROM embeddings;
SELECT group_concat(rowid) FROM knn('[0, 1]', 5);
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'd', '[1, 1]');
COMMIT;
SELECT rowid, seq FROM embeddings;

-- A failing row leaves nothing behind: not the rows before it in its statement, not a stamp.
UPDATE embeddings SET used_at = 5;
BEGIN;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'e', '[1, 2]'), ('m', '1', 'f', '[1]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'e', '[1, 2]'), ('m', '1', 'a', '[1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('new', '1', 'e', '[0, 0]');
INSERT INTO refs(workspace, path, hash) VALUES ('w', 'new path', zeroblob(32));
INSERT INTO refs(workspace, path, hash) VALUES ('none', 'new path', ck_hash('m', '1', 'a'));
COMMIT;
SELECT count(*), max(seq), max(used_at) FROM embeddings;
SELECT count(*) FROM models;
SELECT name, value FROM ck_stats WHERE name IN ('seq', 'paths');

-- OR FAIL and OR ROLLBACK, as SQL says.
INSERT OR FAIL INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'g', '[1, 2]'), ('m', '1', 'a', '[1, 0]'), ('m', '1', 'h', '[1, 0]');
SELECT count(*) FROM embeddings;
BEGIN;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'i', '[1, 2]');
INSERT OR ROLLBACK INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]');
COMMIT;
SELECT count(*) FROM embeddings;

-- ck_put joins the caller's transaction, and commits on its own otherwise.
BEGIN;
SELECT ck_put('m', '1', 'put', '[3, 4]') = ck_hash('m', '1', 'put');
ROLLBACK;
SELECT ck_get('m', '1', 'put') IS NULL;
SELECT ck_put('m', '1', 'put', '[3, 4]') = ck_hash('m', '1', 'put');
SELECT ck_put('m', '1', 'put', '[5, 5]') = ck_hash('m', '1', 'put');
SELECT vec_to_json(ck_get('m', '1', 'put')), vec_to_json(ck_get(ck_hash('m', '1', 'put')));
SELECT ck_put('m', '1', 'bad', '[5]');
CREATE TABLE puts AS SELECT ck_put('m', '1', 'put' || value, '[3, 4]') AS hash FROM json_each('[1, 2, 3]');
SELECT count(*) FROM puts JOIN embeddings USING (hash);

-- Writing while reading the same table comes to an end and sees each row once.
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', 'copy ' || rowid, vector FROM ck_embeddings WHERE model = 'm';
INSERT OR REPLACE INTO embeddings(hash, model, version, vector) SELECT hash, model, version, vec_f32('[9, 9]') FROM ck_embeddings ORDER BY seq;
SELECT count(*), count(DISTINCT vector) FROM embeddings;
INSERT INTO refs(workspace, path, hash) SELECT 'w', 'p' || rowid, hash FROM embeddings;
INSERT INTO refs(workspace, path, chunk, hash) SELECT workspace, path, chunk + 1, hash FROM ck_refs;
INSERT INTO refs(workspace, path, chunk, hash) SELECT workspace, path, chunk + 2, hash FROM ck_refs ORDER BY workspace, path;
INSERT INTO refs(workspace, path, chunk, hash) SELECT workspace, path, chunk + 4, hash FROM ck_refs WHERE path GLOB 'p*';
INSERT INTO refs(workspace, path, chunk, hash) SELECT workspace, 'z' || path, chunk, hash FROM ck_refs WHERE workspace = 'w';
SELECT count(*), count(DISTINCT path), count(DISTINCT chunk) FROM refs;
INSERT OR REPLACE INTO refs(workspace, path, chunk, hash) SELECT workspace, path, (chunk + 1) % 8, hash FROM ck_refs;
SELECT count(*) FROM refs;
INSERT INTO workspaces(name) SELECT name || '2' FROM ck_workspaces;
INSERT INTO models(model, version, dims) SELECT model, '2', dims FROM ck_models;
SELECT (SELECT count(*) FROM workspaces), (SELECT count(*) FROM models);
PRAGMA integrity_check;
