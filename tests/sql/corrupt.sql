-- A damaged blob is noticed by every way of reading it, and costs only its own row.
.echo on
INSERT INTO models(model, version, dims, encoding) VALUES ('p', '1', 16, 'f32'), ('z', '1', 16, 'f32+zstd');
INSERT INTO embeddings(model, version, content, vector) SELECT model, '1', 'a', vec_f32('[' || group_concat('0.5') || ']') FROM ck_models, json_each('[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]') GROUP BY model ORDER BY model;
INSERT INTO embeddings(model, version, content, vector) SELECT model, '1', 'b', vec_f32('[' || group_concat('0.25') || ']') FROM ck_models, json_each('[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]') GROUP BY model ORDER BY model;
SELECT rowid, model, hash = ck_hash(model, '1', CASE WHEN rowid < 3 THEN 'a' ELSE 'b' END) FROM embeddings;
CREATE TABLE good AS SELECT * FROM _ck_vector;

-- One bit.
UPDATE _ck_vector SET data = CAST(x'00' || substr(data, 2) AS BLOB) WHERE id = 2;
UPDATE _ck_vector SET data = x'01' || substr(data, 2) WHERE id = 1;
SELECT rowid, model FROM embeddings WHERE rowid = 1;
SELECT vector FROM embeddings WHERE rowid = 1;
SELECT vector FROM embeddings WHERE rowid = 2;
SELECT ck_get('p', '1', 'a');
SELECT ck_get(hash) FROM embeddings WHERE rowid = 2;
SELECT count(*) FROM knn((SELECT vec_f32(data) FROM good WHERE id = 1), 2) WHERE model = 'p';
SELECT length(ck_get('p', '1', 'b')), length(ck_get('z', '1', 'b'));
SELECT rowid FROM knn((SELECT vec_f32(data) FROM good WHERE id = 1), 2) WHERE model = 'p' AND rowid IN (3);

-- Truncated, lengthened, empty, NULL type.
UPDATE _ck_vector SET data = (SELECT substr(data, 1, length(data) - 4) FROM good WHERE id = 1) WHERE id = 1;
SELECT ck_get('p', '1', 'a');
UPDATE _ck_vector SET data = (SELECT data || x'00' FROM good WHERE id = 2) WHERE id = 2;
SELECT ck_get('z', '1', 'a');
UPDATE _ck_vector SET data = x'' WHERE id = 2;
SELECT ck_get('z', '1', 'a');
UPDATE _ck_vector SET data = 'text' WHERE id = 2;
SELECT ck_get('z', '1', 'a');

-- Swapped with another row's, or under another encoding.
UPDATE _ck_vector SET (encoding, checksum, data) = (SELECT encoding, checksum, data FROM good WHERE id = 3) WHERE id = 1;
SELECT ck_get('p', '1', 'a');
UPDATE _ck_vector SET (encoding, checksum, data) = (SELECT encoding + 1, checksum, data FROM good WHERE id = 1) WHERE id = 1;
SELECT ck_get('p', '1', 'a');
UPDATE _ck_vector SET encoding = 1000 WHERE id = 1;
SELECT ck_get('p', '1', 'a');
SELECT encoding FROM embeddings WHERE rowid = 1;

-- The vector row gone.
DELETE FROM _ck_vector WHERE id = 1;
SELECT vector FROM embeddings WHERE rowid = 1;
SELECT ck_get('p', '1', 'a');

-- OR REPLACE and DELETE still work on damaged rows.
INSERT OR REPLACE INTO embeddings(model, version, content, vector) SELECT 'z', '1', 'a', vec_f32(data) FROM good WHERE id = 1;
SELECT ck_get('z', '1', 'a') = data FROM good WHERE id = 1;
DELETE FROM embeddings WHERE rowid = 1;
SELECT count(*) FROM embeddings;

-- A model's row damaged, or gone.
UPDATE _ck_model SET dims = 0 WHERE name = 'p';
SELECT ck_get('p', '1', 'b');
SELECT vector FROM embeddings WHERE model = 'p';
SELECT count(*) FROM knn((SELECT vec_f32(data) FROM good WHERE id = 1), 2) WHERE model = 'p';
UPDATE _ck_model SET dims = 16, encoding = 'f99' WHERE name = 'p';
INSERT INTO embeddings(model, version, content, vector) SELECT 'p', '1', 'c', vec_f32(data) FROM good WHERE id = 1;
SELECT count(*) FROM knn((SELECT vec_f32(data) FROM good WHERE id = 1), 2) WHERE model = 'p';
DELETE FROM _ck_model WHERE name = 'p';
SELECT rowid, model, dims FROM embeddings ORDER BY rowid;
SELECT ck_get('p', '1', 'b');
PRAGMA integrity_check;
