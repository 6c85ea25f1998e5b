-- Encodings: what is stored, and what comes back as f32.
.echo on
INSERT INTO models(model, version, dims, encoding) VALUES
    ('f32', '1', 64, 'f32'), ('f16', '1', 64, 'f16'), ('i8', '1', 64, 'i8'),
    ('f32z', '1', 64, 'f32+zstd'), ('f16z', '1', 64, 'f16+zstd'), ('i8z', '1', 64, 'i8+zstd');
CREATE TABLE source(v);
WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 63)
INSERT INTO source SELECT vec_f32('[' || group_concat((i % 9 - 4) / 8.0) || ']') FROM n;
INSERT INTO embeddings(model, version, content, vector) SELECT model, version, 'x', v FROM ck_models, source;

-- f32 and f16 (the components are short) come back exactly, i8 nearly. Compressed is smaller here.
SELECT model, encoding, length(vector), CASE WHEN encoding LIKE '%zstd' THEN bytes < length(vector) / 2 ELSE bytes END AS bytes, vector = v AS exact, vec_cosine(vector, v) > 0.9999 AS near FROM embeddings, source ORDER BY embeddings.rowid;
SELECT sum(ck_get(hash) = vector) FROM embeddings;
SELECT e.encoding, k.distance < 1e-4 FROM embeddings AS e, source, knn(v, 1) AS k WHERE k.model = e.model ORDER BY e.rowid;

-- With + and without are the same numbers.
SELECT ck_get('i8', '1', 'x') = ck_get('i8z', '1', 'x'), ck_get('f16', '1', 'x') = ck_get('f16z', '1', 'x');

-- Typed vectors: f16 and i8 are widened, but only f32 registers a model.
INSERT INTO embeddings(model, version, content, vector) SELECT 'f32', '1', 'i8 in', vec_quantize_i8(v) FROM source;
SELECT vec_cosine(ck_get('f32', '1', 'i8 in'), v) > 0.9999 FROM source;
INSERT INTO embeddings(model, version, content, vector) SELECT 'new', '1', 'i8 in', vec_quantize_i8(v) FROM source;

-- What an encoding cannot hold is refused, and leaves nothing behind, not even a sequence number.
CREATE TABLE before AS SELECT value FROM ck_stats WHERE name = 'seq';
INSERT INTO models(model, version, dims, encoding) VALUES ('small', '1', 2, 'f16'), ('tiny', '1', 2, 'i8');
BEGIN;
INSERT INTO embeddings(model, version, content, vector) VALUES ('small', '1', 'x', '[70000, 1]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('tiny', '1', 'x', '[1e-18, 1e-18]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('tiny', '1', 'x', '[1e-38, 0]');
COMMIT;
SELECT count(*) FROM embeddings WHERE model = 'small';
SELECT ck_stats.value = before.value + (SELECT count(*) FROM ck_embeddings WHERE model = 'tiny') FROM ck_stats, before WHERE name = 'seq';
