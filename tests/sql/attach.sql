-- Stores in attached files: ck_attach gives them tables of their own.
.echo on
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'here', '[1, 0]');
ATTACH 'other.db' AS x;
ATTACH 'plain.db' AS "odd ""name";
CREATE TABLE x.t(a);
SELECT ck_attach('x');
SELECT ck_attach('x');
SELECT ck_attach('odd "name');
SELECT ck_attach('nowhere');
SELECT ck_attach(NULL);
SELECT ck_attach('');
SELECT name FROM temp.sqlite_schema ORDER BY name;

-- An eponymous table ignores the schema in front of it: this is main's.
SELECT count(*) FROM x.embeddings;

-- The attached store is created by its first write, in its file.
SELECT count(*) FROM x_embeddings;
SELECT count(*) FROM x.sqlite_schema WHERE name GLOB '_ck_*';
INSERT INTO x_embeddings(model, version, content, vector) VALUES ('m', '1', 'there', '[0, 1]'), ('n', '1', 'there', '[0, 1, 2]');
INSERT INTO x_workspaces(name) VALUES ('xw');
INSERT INTO x_refs(workspace, path, hash) VALUES ('xw', 'p', ck_hash('m', '1', 'there'));
SELECT count(*) > 5 FROM x.sqlite_schema WHERE name GLOB '_ck_*';
SELECT model, vec_to_json(vector), refs FROM x_embeddings;
SELECT model, vec_to_json(vector) FROM embeddings;
SELECT model, count FROM x_models;
SELECT workspace, path FROM x_refs;
SELECT name, refs FROM x_workspaces;
SELECT rowid, distance FROM x_knn('[1, 0]', 5);
SELECT rowid, distance FROM x_knn('[1, 0]', 5) WHERE workspace = 'xw';
SELECT rowid, distance FROM knn('[1, 0]', 5);

-- References are checked in their own store.
INSERT INTO x_refs(workspace, path, hash) VALUES ('xw', 'q', ck_hash('m', '1', 'here'));
INSERT INTO refs(workspace, path, hash) VALUES ('xw', 'q', ck_hash('m', '1', 'here'));
DELETE FROM x_embeddings WHERE hash = ck_hash('m', '1', 'there');

-- From one store to the other.
INSERT OR IGNORE INTO embeddings(hash, model, version, vector) SELECT hash, model, version, vector FROM x_embeddings;
SELECT count(*) FROM embeddings;
BEGIN;
INSERT INTO x_embeddings(model, version, content, vector) VALUES ('m', '1', 'more', '[1, 1]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'more', '[1, 1]');
ROLLBACK;
SELECT (SELECT count(*) FROM embeddings), (SELECT count(*) FROM x_embeddings);

-- A name with a quote in it.
INSERT INTO "odd ""name_models"(model, version, dims) VALUES ('q', '1', 2);
SELECT model FROM "odd ""name_models";

-- Only in temp: in a file they would break connections without ck.
CREATE VIRTUAL TABLE mine USING embeddings(x);
CREATE VIRTUAL TABLE temp.mine USING embeddings(x, y);
CREATE VIRTUAL TABLE temp.mine USING ck_embeddings('x');
SELECT count(*) FROM mine;
DROP TABLE mine;

-- After DETACH the tables say what is missing; attached again, they work again.
DETACH x;
SELECT count(*) FROM x_embeddings;
INSERT INTO x_workspaces(name) VALUES ('z');
ATTACH 'other.db' AS x;
SELECT count(*) FROM x_embeddings;
DROP TABLE x_embeddings;
SELECT count(*) FROM x_embeddings;
SELECT ck_attach('x');
SELECT count(*) FROM x_embeddings;
