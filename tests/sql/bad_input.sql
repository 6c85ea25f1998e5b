-- Bad input: a clear error, and nothing changes.
.echo on
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]');
CREATE TABLE before AS SELECT name, value FROM ck_stats;

-- Vectors.
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1, 0, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', x'0000803f000000');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', x'');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', zeroblob(8));
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', x'0000c07f0000803f');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', x'0000803f0000807f');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', x'0000803f000080ff');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', NULL);
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', 1.5);
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', 'one');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1, "0"]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1, null]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1, [0]]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1, 0] ]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1, 0,]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1e39, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[3e38, 3e38]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', '[1, 0' || char(0) || ']');
INSERT INTO embeddings(model, version, content, vector) VALUES ('new', '1', 'x', zeroblob(65537 * 4));
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', CAST(zeroblob(10000001) AS TEXT));
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'x', replace(CAST(hex(zeroblob(5000001)) AS TEXT), '00', '[1'));
SELECT ck_put('m', '1', 'x', replace(CAST(hex(zeroblob(5000001)) AS TEXT), '00', '1,'));
SELECT count(*) FROM knn(replace(CAST(hex(zeroblob(5000001)) AS TEXT), '00', '[1'), 1);

-- Keys.
INSERT INTO embeddings(hash, model, version, vector) VALUES (x'00', 'm', '1', '[1, 0]');
INSERT INTO embeddings(hash, model, version, vector) VALUES (hex(ck_hash('x')), 'm', '1', '[1, 0]');
INSERT INTO embeddings(hash, model, version, vector) VALUES (7, 'm', '1', '[1, 0]');
INSERT INTO embeddings(hash, model, version, vector) VALUES (NULL, 'm', '1', '[1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', NULL, '[1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 7, '[1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES (NULL, '1', 'x', '[1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', NULL, 'x', '[1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', 1, 'x', '[1, 0]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('', '1', 'x', '[1, 0]');
INSERT INTO embeddings(model, version, content, vector, origin) VALUES ('m', '1', 'x', '[1, 0]', 7);
INSERT INTO embeddings(model, version, content, vector, created_at) VALUES ('m', '1', 'x', '[1, 0]', 'now');
INSERT INTO embeddings DEFAULT VALUES;
SELECT ck_put('m', '1', 'x', NULL);
SELECT ck_put(NULL, '1', 'x', '[1, 0]');
SELECT ck_put('m', '1', NULL, '[1, 0]');
SELECT ck_put('m', '1', 'x');
SELECT ck_get(x'00');
SELECT ck_get('m');
SELECT ck_get(NULL) IS NULL;
SELECT ck_get('m', '1', NULL);
SELECT ck_get('m', '1', 'nothing') IS NULL;
SELECT ck_get('none', '1', 'a') IS NULL;

-- Nothing changed.
SELECT name FROM (SELECT name, value FROM ck_stats WHERE name NOT IN ('pages', 'free_pages') EXCEPT SELECT name, value FROM before);
SELECT count(*) FROM models;
