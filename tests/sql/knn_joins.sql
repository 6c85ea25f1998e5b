-- knn in joins: with refs, correlated with a table of queries, in subqueries and views.
.echo on
CREATE TABLE angle AS WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n;
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', 'a' || i, '[' || cos(i * pi() / 18) || ',' || sin(i * pi() / 18) || ']' FROM angle;
INSERT INTO workspaces(name) VALUES ('w'), ('v');
INSERT INTO refs(workspace, path, hash) SELECT 'w', 'src/' || i, ck_hash('m', '1', 'a' || i) FROM angle;
INSERT INTO refs(workspace, path, hash) SELECT 'v', 'lib/' || i, ck_hash('m', '1', 'a' || i) FROM angle WHERE i > 6;

SELECT r.workspace, r.path, round(k.distance, 3) FROM knn('[0, 1]', 2) AS k JOIN refs AS r ON r.hash = k.hash ORDER BY k.distance, r.workspace;
SELECT r.path FROM refs AS r JOIN knn('[0, 1]', 2) AS k ON r.hash = k.hash WHERE r.workspace = 'v' ORDER BY k.distance;
SELECT path FROM refs WHERE workspace = 'w' AND hash IN (SELECT hash FROM knn('[0, 1]', 3)) ORDER BY path;
SELECT e.rowid, e.vector = (SELECT vector FROM ck_embeddings WHERE rowid = e.rowid) FROM knn('[0, 1]', 2) AS k JOIN embeddings AS e USING (hash) ORDER BY k.distance;
SELECT e.rowid FROM knn('[0, 1]', 2) AS k JOIN embeddings AS e ON e.rowid = k.rowid AND e.model = k.model ORDER BY k.distance;

-- One search for each row of a table.
CREATE TABLE question(id INTEGER PRIMARY KEY, v, n, ws);
INSERT INTO question VALUES (1, '[1, 0]', 2, 'w'), (2, '[0, 1]', 1, 'v'), (3, '[1, 1]', 3, 'v');
SELECT q.id, k.rowid FROM question AS q, knn(q.v, 2) AS k ORDER BY q.id, k.distance, k.rowid;
SELECT q.id, k.rowid FROM question AS q, knn(q.v, q.n) AS k ORDER BY q.id, k.distance, k.rowid;
SELECT q.id, k.rowid FROM question AS q JOIN knn AS k ON k.query = q.v AND k.k = q.n AND k.workspace = q.ws ORDER BY q.id, k.distance, k.rowid;
SELECT q.id, k.rowid FROM knn AS k JOIN question AS q ON k.query = q.v WHERE k.k = 1 ORDER BY q.id;
SELECT q.id, count(k.rowid) FROM question AS q LEFT JOIN knn(q.v, 3) AS k ON k.distance < 0.001 GROUP BY q.id;
SELECT id, (SELECT k.rowid FROM knn(question.v) AS k LIMIT 1) FROM question;
SELECT id, (SELECT group_concat(rowid) FROM (SELECT k.rowid FROM knn(question.v, question.n) AS k ORDER BY k.distance)) FROM question;
SELECT q.id, k.rowid FROM question AS q, knn(q.v, 1) AS k WHERE k.k > q.n;
SELECT a.rowid, b.rowid FROM knn('[1, 0]', 2) AS a, knn('[1, 0]', 2) AS b ORDER BY 1, 2;
SELECT a.rowid, b.rowid FROM knn('[1, 0]', 2) AS a, knn((SELECT vector FROM embeddings WHERE rowid = a.rowid), 2) AS b ORDER BY a.rowid, b.rowid;

-- Neighbours of every stored vector, itself excluded.
SELECT e.rowid, min(k.rowid) FROM embeddings AS e, knn(e.vector, 3) AS k WHERE k.rowid <> e.rowid GROUP BY e.rowid;

-- The model of each row's own.
INSERT INTO embeddings(model, version, content, vector) VALUES ('n', '1', 'x', '[1, 0]'), ('n', '1', 'y', '[0, 1]');
SELECT m.model, k.rowid FROM models AS m, knn('[0, 1]', 1) AS k WHERE k.model = m.model AND k.version = m.version ORDER BY m.model;
SELECT e.rowid, k.rowid FROM embeddings AS e, knn(e.vector, 1) AS k WHERE k.model = e.model AND e.rowid > 9 ORDER BY 1;
SELECT rowid FROM knn('[0, 1]', 1) WHERE model IN ('m', 'n') ORDER BY rowid;

-- A view over it.
CREATE VIEW top AS SELECT k.rowid AS id, r.path FROM knn('[0, 1]', 3) AS k JOIN refs AS r ON r.hash = k.hash AND r.workspace = 'w' WHERE k.model = 'm' ORDER BY k.distance;
SELECT * FROM top;
SELECT * FROM top WHERE path GLOB '*8' LIMIT 1;

-- Rows may be written while it is read.
DELETE FROM refs WHERE hash IN (SELECT hash FROM knn('[1, 0]', 3) WHERE model = 'm');
DELETE FROM embeddings WHERE rowid IN (SELECT rowid FROM knn('[1, 0]', 3) WHERE model = 'm');
SELECT count(*), min(rowid) FROM embeddings;
