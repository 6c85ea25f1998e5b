-- The table models: registering, refusing, and what each choice means.
.echo on
INSERT INTO models(model, version, dims) VALUES ('plain', '1', 3);
SELECT * FROM models;
INSERT INTO models(model, version, dims, metric, encoding, normalized, m, ef_construction, ef_search) VALUES ('all', '1', 3, 'dot', 'i8+zstd', 1, 8, 100, 32);
SELECT * FROM models WHERE model = 'all';

-- A name and version are registered once; another version is another model.
INSERT INTO models(model, version, dims) VALUES ('plain', '1', 4);
INSERT OR IGNORE INTO models(model, version, dims) VALUES ('plain', '1', 4);
INSERT OR REPLACE INTO models(model, version, dims) VALUES ('plain', '1', 4);
INSERT INTO models(model, version, dims) VALUES ('plain', '2', 4);
SELECT model, version, dims FROM models ORDER BY model, version;

-- Refused.
INSERT INTO models(model, version, dims) VALUES (NULL, '1', 4);
INSERT INTO models(model, version, dims) VALUES ('', '1', 4);
INSERT INTO models(model, version, dims) VALUES ('x', 1, 4);
INSERT INTO models(model, version, dims) VALUES (x'78', '1', 4);
INSERT INTO models(model, version, dims) VALUES ('x' || char(0) || 'y', '1', 4);
INSERT INTO models(model, version, dims) SELECT group_concat('x', ''), '1', 4 FROM (WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 1024) SELECT i FROM n);
INSERT INTO models(model, version) VALUES ('x', '1');
INSERT INTO models(model, version, dims) VALUES ('x', '1', 0);
INSERT INTO models(model, version, dims) VALUES ('x', '1', 65537);
INSERT INTO models(model, version, dims) VALUES ('x', '1', 2.5);
INSERT INTO models(model, version, dims) VALUES ('x', '1', 'many');
INSERT INTO models(model, version, dims, metric) VALUES ('x', '1', 2, 'euclid');
INSERT INTO models(model, version, dims, encoding) VALUES ('x', '1', 2, 'f64');
INSERT INTO models(model, version, dims, encoding) VALUES ('x', '1', 2, 'zstd');
INSERT INTO models(model, version, dims, normalized) VALUES ('x', '1', 2, 2);
INSERT INTO models(model, version, dims, m) VALUES ('x', '1', 2, 1);
INSERT INTO models(model, version, dims, ef_construction) VALUES ('x', '1', 2, 0);
INSERT INTO models(model, version, dims, ef_search) VALUES ('x', '1', 2, 65537);
INSERT INTO models(model, version, dims, count) VALUES ('x', '1', 2, 1);
INSERT INTO models(rowid, model, version, dims) VALUES (70, 'x', '1', 2);
SELECT count(*) FROM models WHERE model = 'x';

-- Only ef_search changes.
UPDATE models SET ef_search = 99 WHERE model = 'plain';
SELECT model, version, ef_search FROM models ORDER BY model, version;
UPDATE models SET ef_search = 0;
UPDATE models SET dims = 5;
UPDATE models SET model = 'renamed';
CREATE TABLE wish(ef);
INSERT INTO wish VALUES (77);
UPDATE models SET ef_search = wish.ef FROM wish WHERE version = '2';
SELECT model, version, ef_search FROM models ORDER BY model, version;

-- What the choices refuse: a vector that is not of length 1, or zero where cosine compares.
INSERT INTO embeddings(model, version, content, vector) VALUES ('all', '1', 'x', '[1, 1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('all', '1', 'x', '[0.6, 0.8, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('plain', '1', 'x', '[0, 0, 0]');
INSERT INTO models(model, version, dims, metric) VALUES ('l2', '1', 3, 'l2');
INSERT INTO embeddings(model, version, content, vector) VALUES ('l2', '1', 'x', '[0, 0, 0]');
SELECT model, count, bytes > 0 FROM models WHERE count > 0 ORDER BY model;

-- A model with embeddings stays.
DELETE FROM models WHERE model = 'l2';
DELETE FROM models WHERE model = 'plain';
DELETE FROM embeddings;
DELETE FROM models;
SELECT count(*) FROM models;
