-- A real table called embeddings hides the virtual one; the ck_ names always work.
.echo on
CREATE TABLE embeddings(mine);
CREATE TABLE refs(mine);
CREATE TABLE workspaces(mine);
CREATE TABLE models(mine);
CREATE TABLE knn(mine);
INSERT INTO embeddings VALUES ('mine');
SELECT * FROM embeddings;
INSERT INTO ck_workspaces(name) VALUES ('w');
INSERT INTO ck_models(model, version, dims) VALUES ('m', '1', 2);
INSERT INTO ck_embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]');
INSERT INTO ck_refs(workspace, path, hash) VALUES ('w', 'p', ck_hash('m', '1', 'a'));
SELECT ck_put('m', '1', 'b', '[0, 1]') = ck_hash('m', '1', 'b');
SELECT rowid, refs FROM ck_embeddings;
SELECT rowid FROM ck_knn('[1, 0]', 5) WHERE workspace = 'w';
SELECT count(*) FROM ck_missing(CAST(ck_hash('m', '1', 'a') || ck_hash('m', '1', 'none') AS BLOB));
SELECT workspace, refs FROM ck_usage;
UPDATE ck_embeddings SET created_at = 1, used_at = 1;
SELECT ck_gc();
ATTACH ':memory:' AS x;
SELECT ck_attach('x');
SELECT count(*) FROM x_embeddings;
DROP TABLE embeddings;
SELECT count(*) FROM embeddings;
