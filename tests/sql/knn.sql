-- knn(query [, k]): nearest first, filters honoured inside the search.
.echo on
-- Ten vectors at 0, 10, … 90 degrees; the even ones belong to `even`, those from 50 degrees on to `late`.
CREATE TABLE angle AS WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n;
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', 'a' || i, '[' || cos(i * pi() / 18) || ',' || sin(i * pi() / 18) || ']' FROM angle;
INSERT INTO workspaces(name) VALUES ('even'), ('late');
INSERT INTO refs(workspace, path, hash) SELECT 'even', 'src/' || i, ck_hash('m', '1', 'a' || i) FROM angle WHERE i % 2 = 0;
INSERT INTO refs(workspace, path, hash) SELECT 'late', 'lib/' || i, ck_hash('m', '1', 'a' || i) FROM angle WHERE i >= 5;

SELECT rowid, round(distance, 4), round(similarity, 4), model, version, plan FROM knn('[1, 0]', 3);
SELECT hash = ck_hash('m', '1', 'a0') FROM knn('[1, 0]', 1);
SELECT count(*) FROM knn('[1, 0]', 100);
SELECT group_concat(rowid) FROM knn(vec_f32('[0, 5]'), 4);
SELECT group_concat(rowid) FROM knn(x'0000803f0000803f', 2);
SELECT group_concat(rowid) FROM ck_knn('[1, 0]', 2);

-- model, version.
SELECT group_concat(rowid) FROM knn('[1, 0]', 2) WHERE model = 'm' AND version = '1';
SELECT group_concat(rowid) FROM knn('[1, 0]', 2) WHERE version = '2';

-- workspace: k rows of it come back, not those of it among the k nearest.
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE workspace = 'late';
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE workspace = 'even';
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE workspace IN ('even', 'late');
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE workspace IN (SELECT name FROM workspaces WHERE name GLOB 'l*');
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE workspace = 'even' OR workspace = 'late';
SELECT workspace, rowid FROM knn('[1, 0]', 1) WHERE workspace = 'late';

-- hash IN, rowid IN, and both with a workspace.
SELECT group_concat(rowid) FROM knn('[1, 0]', 2) WHERE hash IN (SELECT hash FROM refs WHERE path GLOB 'lib/*');
SELECT group_concat(rowid) FROM knn('[1, 0]', 2) WHERE hash IN (SELECT hash FROM refs WHERE path GLOB 'lib/*') AND workspace = 'even';
SELECT group_concat(rowid) FROM knn('[1, 0]', 5) WHERE hash IN (ck_hash('m', '1', 'a9'), ck_hash('m', '1', 'a3'), NULL, 'x', x'00');
SELECT group_concat(rowid) FROM knn('[1, 0]', 5) WHERE rowid IN (9, 8, '4', 5.0, NULL, 1000);
SELECT group_concat(rowid) FROM knn('[1, 0]', 5) WHERE rowid IN (9, 8, 4) AND hash IN (SELECT hash FROM ck_embeddings WHERE rowid > 4);
SELECT group_concat(rowid) FROM knn('[1, 0]', 1) WHERE hash IN (SELECT hash FROM refs WHERE path GLOB 'lib/*') AND hash IN (SELECT hash FROM refs WHERE workspace = 'even');
SELECT count(*) FROM knn('[1, 0]', 5) WHERE rowid IN (SELECT 1 WHERE 0);
SELECT count(*) FROM knn('[1, 0]', 5) WHERE hash IN (ck_hash('none'), ck_hash('nothing'));

-- Thresholds.
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE distance < 0.1;
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE similarity >= 0.5;
SELECT group_concat(rowid) FROM knn('[1, 0]', 2) WHERE similarity >= 0.5;
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE similarity > 0.5 AND distance <= 0.1;
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE distance BETWEEN 0.1 AND 0.5;
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE distance < 0.5 AND distance < 0.1 AND similarity > 0.1;
SELECT count(*) FROM knn('[1, 0]', 9) WHERE distance < NULL;
SELECT group_concat(rowid) FROM knn('[1, 0]', 9) WHERE distance < '0.1';
SELECT count(*) FROM knn('[1, 0]', 9) WHERE distance <= 0;
SELECT count(*) FROM knn('[1, 0]', 9) WHERE distance < 0;

-- Other expressions filter what came back, as everywhere in SQL.
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE distance > 0.01;
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE rowid = 2;
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE hash = ck_hash('m', '1', 'a9');
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE distance < 0.001 OR rowid = 3;
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE rowid = 1 OR rowid = 3;
SELECT group_concat(rowid) FROM knn('[1, 0]', 5) WHERE (rowid = 1 AND distance < 1) OR (rowid = 3 AND similarity > 0);
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE model = 'M' COLLATE NOCASE;
SELECT group_concat(rowid) FROM knn('[1, 0]', 3) WHERE model LIKE 'M';

-- Metrics.
INSERT INTO models(model, version, dims, metric) VALUES ('l2', '1', 3, 'l2'), ('dot', '1', 4, 'dot');
INSERT INTO embeddings(model, version, content, vector) VALUES ('l2', '1', '0', '[0,0,0]'), ('l2', '1', '1', '[3,4,0]'), ('l2', '1', '2', '[1,0,0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('dot', '1', '0', '[0,0,0,0]'), ('dot', '1', '1', '[3,4,0,0]'), ('dot', '1', '2', '[-1,0,0,0]');
SELECT rowid, distance, round(similarity, 4) FROM knn('[0, 0, 0]', 5);
SELECT rowid, distance, similarity FROM knn('[1, 0, 0, 0]', 5);
SELECT rowid FROM knn('[1, 0, 0, 0]', 5) WHERE similarity > 0;
SELECT rowid FROM knn('[0, 0, 0, 0]', 2);
SELECT rowid FROM knn('[0, 0]', 2);

-- The query is not changed by the search, and inputs can be read back.
SELECT k, vec_to_json(query) FROM knn('[1, 0]', 1);
SELECT ef, rowid FROM knn('[1, 0]', 1, 50);
SELECT recall, rowid FROM knn('[1, 0]', 1) WHERE recall = 0.5;

-- An empty store, a model without rows.
DELETE FROM refs;
DELETE FROM embeddings;
SELECT count(*) FROM knn('[1, 0]', 3);
DELETE FROM models;
SELECT count(*) FROM knn('[1, 0]', 3);
