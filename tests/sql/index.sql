-- The search index: begun by puts, kept by every change, built anew by ck_optimize. The vectors are
-- points on a curve, so that the neighbours of each are known: those with the next numbers.
.echo on
CREATE TEMP TABLE point AS
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000),
     axis(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM axis WHERE j < 31)
SELECT i, (SELECT json_group_array(round(cos(i * (j + 1) * 0.0005), 6)) FROM axis) AS x FROM n;

-- 1,023 embeddings: no index yet, every vector is read.
INSERT INTO embeddings(model, version, content, vector)
SELECT 'm', '1', 'c' || i, x FROM point WHERE i <= 1023 ORDER BY i;
SELECT count(*) FROM _ck_index;
SELECT rowid, plan FROM knn((SELECT x FROM point WHERE i = 500), 3);

-- The put with the next seq that is a multiple of 509 begins one; the tail takes the rest.
INSERT INTO embeddings(model, version, content, vector)
SELECT 'm', '1', 'c' || i, x FROM point WHERE i BETWEEN 1024 AND 6000 ORDER BY i;
SELECT model, generation, n_merged FROM _ck_index;
SELECT sum(n), (SELECT count(*) FROM _ck_tail) FROM _ck_block;
SELECT rowid, substr(plan, 1, 24) FROM knn((SELECT x FROM point WHERE i = 500), 3);
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 5990), 3);

-- recall = 1 reads everything; ef says how many candidates to compare at least.
SELECT rowid, plan FROM knn((SELECT x FROM point WHERE i = 500), 3) WHERE recall = 1;
SELECT plan LIKE '% 2000 candidates,%' FROM knn((SELECT x FROM point WHERE i = 500), 1) WHERE ef = 2000;

-- Filters inside the search.
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3)
WHERE rowid IN (SELECT i FROM point WHERE i % 3 = 0);
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 100)
WHERE distance < (SELECT distance FROM knn((SELECT x FROM point WHERE i = 500), 6) ORDER BY distance DESC LIMIT 1);
SELECT count(*), count(DISTINCT rowid) FROM (
    SELECT rowid FROM (SELECT rowid FROM knn((SELECT x FROM point WHERE i = 700)) LIMIT 10)
    UNION ALL
    SELECT rowid FROM (SELECT rowid FROM knn((SELECT x FROM point WHERE i = 700)) LIMIT 10 OFFSET 10));

-- What is deleted, replaced, or rolled back.
DELETE FROM embeddings WHERE rowid IN (499, 500, 5990);
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 5990), 3);
INSERT OR REPLACE INTO embeddings(model, version, content, vector)
SELECT 'm', '1', 'c3000', x FROM point WHERE i = 500;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
SELECT count(*) FROM knn((SELECT x FROM point WHERE i = 3000), 5) WHERE rowid = 3000;
BEGIN;
DELETE FROM embeddings WHERE rowid BETWEEN 501 AND 503;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
SAVEPOINT s;
DELETE FROM embeddings WHERE rowid BETWEEN 496 AND 498;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
ROLLBACK TO s;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
ROLLBACK;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);

-- A new generation, of what there is.
SELECT ck_optimize();
SELECT ck_optimize();
SELECT ck_optimize('m');
SELECT ck_optimize('nobody');
SELECT ck_optimize(NULL);
SELECT generation, n_merged FROM _ck_index;
SELECT sum(n), (SELECT count(*) FROM _ck_tail), (SELECT count(*) FROM _ck_stale) FROM _ck_block
WHERE id >> 20 & 7 = 1;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
SELECT "check", status, detail FROM ck_doctor WHERE "check" = 'index';

-- Inside a transaction it is part of it.
BEGIN;
DELETE FROM embeddings WHERE rowid > 3000;
SELECT ck_optimize();
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
ROLLBACK;
SELECT generation, n_merged FROM _ck_index;
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 5000), 3);

-- What this connection keeps, and with no memory to keep anything.
SELECT model, version, blocks, resident, bytes > 0, budget_bytes FROM ck_cache;
SELECT ck_config('cache_bytes', 0);
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
SELECT resident, bytes, budget_bytes FROM ck_cache;
SELECT ck_config('cache_bytes', NULL);

-- Damage is named, found by the doctor, and repaired; puts go on meanwhile.
UPDATE _ck_block_data SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM _ck_block WHERE id >> 20 & 7 = 1);
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
SELECT status, fix FROM ck_doctor WHERE "check" = 'index';
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3) WHERE recall = 1;
SELECT ck_repair('index');
SELECT rowid FROM knn((SELECT x FROM point WHERE i = 500), 3);
SELECT status FROM ck_doctor WHERE "check" = 'index';
PRAGMA integrity_check;
