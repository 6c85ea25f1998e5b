-- ck_reencode: the stored vectors of a model in another encoding.
.echo on
-- Without a store it creates none; what is wrong is said before anything is written.
SELECT ck_reencode('m', 'i8');
SELECT count(*) FROM sqlite_schema;
INSERT INTO models(model, version, dims, encoding) VALUES ('m', '1', 64, 'f32'), ('m', '2', 64, 'f16'), ('empty', '1', 8, 'f32'), ('it''s "x"', '1', 8, 'f32');
SELECT ck_reencode('m', 'i8');
SELECT ck_reencode('m', '3', 'i8');
SELECT ck_reencode('m', '1', 'i9');
SELECT ck_reencode('m', '1', NULL);
SELECT ck_reencode('m', '1', 'I8');
SELECT ck_reencode(1, 'i8');
SELECT ck_reencode('m');
CREATE VIEW v AS SELECT ck_reencode('empty', 'i8');
SELECT * FROM v;
SELECT model, version, encoding FROM models ORDER BY 1, 2;

-- A model without vectors: the encoding of those to come. Names are escaped.
SELECT ck_reencode('empty', 'i8');
SELECT encoding FROM models WHERE model = 'empty';
SELECT ck_reencode('empty', 'i8');
SELECT json_extract(ck_reencode('it''s "x"', 'f16'), '$.model');

-- 3,000 vectors, in several batches; rows keep all but their size.
CREATE TABLE word(i INTEGER PRIMARY KEY, content, hash);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
INSERT INTO word SELECT i, printf('w%d a%d b%d c%d', i, i % 61, i % 17, i % 5), NULL FROM n;
UPDATE word SET hash = ck_hash('m', '1', content);
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', content, ck_embed(content, 64) FROM word;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '2', 'x', ck_embed('x', 64));
INSERT INTO workspaces(name) VALUES ('w');
INSERT INTO refs(workspace, path, chunk, hash) SELECT 'w', 'p', i, hash FROM word WHERE i <= 100;
UPDATE embeddings SET created_at = 1000 + rowid, used_at = 2000 + rowid, origin = 'o' || rowid;
CREATE TABLE before AS SELECT rowid AS id, * FROM embeddings;
CREATE TABLE seq AS SELECT value FROM ck_stats WHERE name = 'seq';
CREATE TABLE said(j);
INSERT INTO said SELECT ck_reencode('m', '1', 'i8');
SELECT json_remove(j, '$.recall_at_10'), j ->> 'recall_at_10' BETWEEN 0.8 AND 0.9999 FROM said;
SELECT version, encoding, count(*), sum(bytes) FROM embeddings GROUP BY 1, 2;
SELECT model, version, encoding, count, bytes FROM models ORDER BY 1, 2;
SELECT count(*), sum(length(data) = bytes) FROM _ck_vector JOIN _ck_embedding USING (id);
SELECT count(*) FROM before AS b JOIN embeddings AS e ON e.rowid = b.id AND e.hash = b.hash AND e.created_at = b.created_at AND e.used_at = b.used_at AND e.seq = b.seq AND e.origin = b.origin AND e.refs = b.refs;
SELECT min(vec_cosine(e.vector, b.vector)) > 0.9995 FROM embeddings AS e JOIN before AS b USING (hash);
SELECT value = (SELECT value FROM seq) FROM ck_stats WHERE name = 'seq';
SELECT count(*) FROM ck_progress;
SELECT action, detail ->> 'encoding', detail ->> 'rows' FROM ck_audit WHERE action = 'reencode';

-- Again: nothing to do, nothing is written.
SELECT ck_reencode('m', '1', 'i8');
SELECT count(*) FROM ck_audit WHERE action = 'reencode';

-- A vector put now is in the new encoding, and equal to one that was rewritten.
INSERT OR REPLACE INTO embeddings(model, version, content, vector) SELECT 'm', '1', content, ck_embed(content, 64) FROM word WHERE i = 7;
SELECT e.encoding, e.vector = (SELECT vec_dequantize_i8(vec_quantize_i8(vector), vec_scale_i8(vector)) FROM before WHERE hash = e.hash) FROM embeddings AS e JOIN word USING (hash) WHERE i = 7;

-- Changes that lose nothing: recall 1, bit for bit.
CREATE TABLE i8 AS SELECT hash, vector FROM embeddings WHERE version = '1';
SELECT ck_reencode('m', '1', 'i8+zstd') ->> 'recall_at_10';
SELECT count(*), sum(e.vector = i8.vector) FROM embeddings AS e JOIN i8 USING (hash);
SELECT ck_reencode('m', '1', 'f32') ->> 'recall_at_10';
SELECT count(*), sum(e.vector = i8.vector), sum(e.bytes = 256) FROM embeddings AS e JOIN i8 USING (hash);
SELECT ck_reencode('m', '1', 'i8') ->> 'recall_at_10';
SELECT count(*), sum(e.vector = i8.vector) FROM embeddings AS e JOIN i8 USING (hash);
SELECT ck_reencode('m', '1', 'f32+zstd') ->> 'recall_at_10', ck_reencode('m', '1', 'f16+zstd') ->> 'rows', ck_reencode('m', '1', 'f16') ->> 'recall_at_10';

-- Resumed: some rows are left in another encoding, as a killed run leaves them.
BEGIN;
SELECT ck_reencode('m', '1', 'f32') ->> 'rows';
SELECT json_extract(j, '$.rows', '$.kept', '$.damaged') FROM (SELECT ck_reencode('m', '1', 'i8') AS j);
ROLLBACK;
SELECT encoding, count(*) FROM embeddings WHERE version = '1' GROUP BY 1;
UPDATE _ck_model SET encoding = 'i8' WHERE name = 'm' AND version = '1';
INSERT OR REPLACE INTO embeddings(model, version, content, vector) SELECT 'm', '1', content, ck_embed(content, 64) FROM word WHERE i % 3 = 0;
SELECT encoding, count(*) FROM embeddings WHERE version = '1' GROUP BY 1;
SELECT count(*), count(DISTINCT k.hash) FROM word, knn(ck_embed(content, 64), 3, NULL, NULL, 'w') AS k WHERE i <= 2 AND k.version = '1';
SELECT json_extract(j, '$.rows', '$.bytes_before', '$.bytes_after') FROM (SELECT ck_reencode('m', '1', 'i8') AS j);
SELECT encoding, count(*) FROM embeddings WHERE version = '1' GROUP BY 1;

-- In the caller's transaction: undone with it.
BEGIN;
SELECT ck_reencode('m', '1', 'f16') ->> 'rows';
SELECT encoding FROM models WHERE model = 'm' AND version = '1';
ROLLBACK;
SELECT encoding, count(*) FROM embeddings WHERE version = '1' GROUP BY 1;
SELECT encoding FROM models WHERE model = 'm' AND version = '1';

-- What the encoding cannot hold stays as it was; what is damaged is not given a new checksum.
INSERT INTO embeddings(model, version, content, vector) VALUES ('big', '1', 'a', '[70000, 1]'), ('big', '1', 'b', '[1, 2]'), ('big', '1', 'c', '[3, 2]');
UPDATE _ck_vector SET data = zeroblob(8) WHERE id = (SELECT rowid FROM embeddings WHERE hash = ck_hash('big', '1', 'c'));
SELECT ck_reencode('big', 'f16');
SELECT encoding, bytes FROM embeddings WHERE model = 'big' ORDER BY rowid;
SELECT vec_to_json(ck_get('big', '1', 'a')), vec_to_json(ck_get('big', '1', 'b'));
SELECT ck_get('big', '1', 'c');
SELECT json_extract(ck_reencode('big', 'f16'), '$.rows', '$.kept', '$.damaged');

-- One vector has no neighbours: no recall. l2 and dot are measured by their own distance.
INSERT INTO models(model, version, dims, metric) VALUES ('l2', '1', 4, 'l2'), ('dot', '1', 4, 'dot');
INSERT INTO embeddings(model, version, content, vector) SELECT 'l2', '1', content, json_array(i, i % 7, i % 3, 1) FROM word WHERE i < 50;
INSERT INTO embeddings(model, version, content, vector) SELECT 'dot', '1', content, json_array(i, i % 7, i % 3, 1) FROM word WHERE i < 50;
SELECT ck_reencode('m', '2', 'f32');
SELECT json_extract(ck_reencode('l2', 'f16'), '$.rows', '$.sampled', '$.recall_at_10');
SELECT json_extract(ck_reencode('dot', 'i8'), '$.rows', '$.sampled'), json_extract(ck_reencode('dot', 'f32'), '$.recall_at_10');
PRAGMA integrity_check;
