-- The graph of an index, which an index of 4,096 embeddings has. The vectors are points on a curve,
-- so that the neighbours of each are known: those with the next numbers.
.echo on
CREATE TEMP TABLE point AS
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4600),
     axis(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM axis WHERE j < 7)
SELECT i, (SELECT json_group_array(round(cos(i * (j + 1) * 0.0005), 6)) FROM axis) AS x FROM n;
INSERT INTO embeddings(model, version, content, vector)
SELECT 'm', '1', 'c' || i, x FROM point WHERE i <= 4200 ORDER BY i;
SELECT count(*) FROM _ck_graph;
SELECT ck_optimize();
SELECT model, generation, side, nodes + twins, length(levels) / 4 > 1, efforts > x'' FROM _ck_graph;
SELECT count(*), count(DISTINCT id >> 20 & 7) FROM _ck_block WHERE id >> 20 & 7 > 1;

-- Which way a search takes is the planner's choice. CK_PLAN makes it one's own.
SELECT rowid, substr(plan, 1, 5) IN ('graph', 'index') FROM knn((SELECT x FROM point WHERE i = 500), 3);
.shell CK_PLAN=graph sqlite3 -cmd '.load build/ck' test.db "SELECT rowid, substr(plan, 1, 9) FROM knn((SELECT vector FROM embeddings WHERE rowid = 500), 3) WHERE ef = 50"
.shell CK_PLAN=index sqlite3 -cmd '.load build/ck' test.db "SELECT rowid, substr(plan, 1, 10) FROM knn((SELECT vector FROM embeddings WHERE rowid = 500), 3) WHERE ef = 50"

-- A recall instead of an ef: the more, the more is compared; all of it for 1.
.shell CK_PLAN=graph sqlite3 -cmd '.load build/ck' test.db "SELECT (SELECT substr(plan, 1, 5) FROM knn(vector, 1) WHERE recall = 0.8), (SELECT substr(plan, 1, 5) FROM knn(vector, 1) WHERE recall = 0.9), (SELECT plan FROM knn(vector, 1) WHERE recall = 1) FROM embeddings WHERE rowid = 500"
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3) WHERE recall = 1.5;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3) WHERE ef = 0;

-- Filters inside the search.
.shell CK_PLAN=graph sqlite3 -cmd '.load build/ck' test.db "SELECT rowid, substr(plan, 1, 5) FROM knn((SELECT vector FROM embeddings WHERE rowid = 500), 3) WHERE ef = 50 AND rowid IN (SELECT rowid FROM embeddings WHERE rowid % 3 = 0)"

-- New embeddings are found at once, and put into the graph by ck_optimize: its other side.
INSERT INTO embeddings(model, version, content, vector)
SELECT 'm', '1', 'c' || i, x FROM point WHERE i > 4200 ORDER BY i;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 4500), 3);
SELECT ck_optimize();
SELECT generation, side, nodes + twins FROM _ck_graph;
SELECT ck_optimize();
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 4500), 3);
SELECT count(*) FROM _ck_block WHERE id >> 20 & 7 = 4;

-- What is deleted, replaced, or rolled back.
DELETE FROM embeddings WHERE rowid IN (499, 500);
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
INSERT OR REPLACE INTO embeddings(model, version, content, vector)
SELECT 'm', '1', 'c3000', x FROM point WHERE i = 500;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
BEGIN;
DELETE FROM embeddings WHERE rowid % 2;
SELECT ck_optimize();
SELECT generation, nodes + twins FROM _ck_graph;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 700), 3);
ROLLBACK;
SELECT generation, nodes + twins FROM _ck_graph;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 700), 3);

-- What this connection keeps of it.
SELECT model, part, blocks > 1, resident <= blocks, bytes >= 0, budget_bytes FROM ck_cache;
SELECT ck_config('cache_bytes', 0);
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 700), 3);
SELECT part, resident FROM ck_cache;
SELECT ck_config('cache_bytes', NULL);

-- Damage is named, found by the doctor, and repaired.
SELECT status, detail FROM ck_doctor WHERE "check" = 'index';
UPDATE _ck_block_data SET data = zeroblob(length(data)) WHERE id >> 20 & 7 = 2;
.shell CK_PLAN=graph sqlite3 -cmd '.load build/ck' test.db "SELECT rowid FROM knn((SELECT vector FROM embeddings WHERE rowid = 700), 3) WHERE ef = 50" 2>&1 | grep -o 'index:.*anew'
SELECT status, detail, fix FROM ck_doctor WHERE "check" = 'index';
SELECT ck_repair('index');
SELECT status, detail FROM ck_doctor WHERE "check" = 'index';
UPDATE _ck_graph SET nodes = nodes + 1;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 700), 3);
SELECT status, detail, fix FROM ck_doctor WHERE "check" = 'index';
SELECT ck_repair('index');
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 700), 3);
SELECT status, detail FROM ck_doctor WHERE "check" = 'index';
