-- The doctor and a graph that ck_config('cache_bytes') does not hold: it says so, with a statement that
-- mends it.
.echo on
.mode list
CREATE TEMP TABLE point AS
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4200),
     axis(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM axis WHERE j < 7)
SELECT i, (SELECT json_group_array(round(cos(i * (j + 1) * 0.0005), 6)) FROM axis) AS x FROM n;
INSERT INTO embeddings(model, version, content, vector) SELECT 'm''s', '1', 'c' || i, x FROM point ORDER BY i;
INSERT INTO embeddings(model, version, content, vector) VALUES ('small', '1', 'x', '[1]');
SELECT ck_optimize();
CREATE TEMP VIEW found AS SELECT status, detail, fix FROM ck_doctor WHERE "check" = 'cache';
SELECT * FROM found;

SELECT ck_config('cache_bytes', 300000);
SELECT status, detail GLOB 'model ''m''s'' version ''1'': its graph takes [0-9]* bytes, cache_bytes is 300000: *', fix FROM found;
SELECT ck_config('cache_bytes', substr(fix, 32) + 0) FROM found;
SELECT * FROM found;
-- As well when searches have filled the memory with vectors.
SELECT count(*) FROM point AS p, knn(p.x, 3) AS n WHERE p.i % 20 = 0;
SELECT * FROM found;
SELECT ck_config('cache_bytes', 0);
SELECT status, fix FROM found;
SELECT ck_config('cache_bytes', NULL);
SELECT * FROM found;
