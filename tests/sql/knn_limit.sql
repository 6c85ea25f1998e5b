-- k from LIMIT and OFFSET; ORDER BY; compound queries.
.echo on
CREATE TABLE angle AS WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 29) SELECT i FROM n;
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', 'a' || i, '[' || cos(i * pi() / 60) || ',' || sin(i * pi() / 60) || ']' FROM angle;

SELECT rowid FROM knn('[1, 0]') LIMIT 3;
SELECT rowid FROM knn('[1, 0]') ORDER BY distance LIMIT 3;
SELECT rowid FROM knn('[1, 0]') ORDER BY similarity DESC LIMIT 3;
EXPLAIN QUERY PLAN SELECT rowid FROM knn('[1, 0]') ORDER BY distance LIMIT 3;

-- Pages neither repeat nor skip a row.
CREATE TABLE pages(page, id);
INSERT INTO pages SELECT 0, rowid FROM knn('[1, 0]') ORDER BY distance LIMIT 7 OFFSET 0;
INSERT INTO pages SELECT 1, rowid FROM knn('[1, 0]') ORDER BY distance LIMIT 7 OFFSET 7;
INSERT INTO pages SELECT 2, rowid FROM knn('[1, 0]') ORDER BY distance LIMIT 7 OFFSET 14;
INSERT INTO pages SELECT 3, rowid FROM knn('[1, 0]') ORDER BY distance LIMIT 7 OFFSET 21;
INSERT INTO pages SELECT 4, rowid FROM knn('[1, 0]') ORDER BY distance LIMIT 7 OFFSET 28;
SELECT page, group_concat(id) FROM pages GROUP BY page;
SELECT count(*), count(DISTINCT id) FROM pages;
SELECT group_concat(rowid) FROM (SELECT rowid FROM knn('[1, 0]') ORDER BY distance LIMIT 3, 4);

-- A filter inside the search and LIMIT.
SELECT rowid FROM knn('[1, 0]') WHERE rowid IN (5, 25, 15) LIMIT 2;
SELECT rowid FROM knn('[1, 0]') WHERE rowid IN (5, 25, 15) LIMIT 2 OFFSET 2;
SELECT rowid FROM knn('[1, 0]') WHERE distance < 0.01 LIMIT 9;

-- With k, LIMIT only cuts, whatever the order.
SELECT rowid FROM knn('[1, 0]', 5) ORDER BY distance DESC LIMIT 2;
SELECT rowid FROM knn('[1, 0]', 5) ORDER BY rowid DESC LIMIT 2;
SELECT rowid FROM knn('[1, 0]', 5) ORDER BY 1 - distance LIMIT 2;
SELECT rowid FROM knn('[1, 0]', 5) LIMIT -1 OFFSET 3;
SELECT rowid FROM knn('[1, 0]', 2) LIMIT 5;
SELECT rowid FROM knn('[1, 0]', 5) LIMIT 0;
SELECT rowid FROM knn('[1, 0]') LIMIT 0;
SELECT rowid FROM knn('[1, 0]') LIMIT 2 OFFSET -5;

-- Where LIMIT does not say how many neighbours are needed, k is asked for.
SELECT rowid FROM knn('[1, 0]');
SELECT rowid FROM knn('[1, 0]') ORDER BY rowid LIMIT 2;
SELECT rowid FROM knn('[1, 0]') ORDER BY distance DESC LIMIT 2;
SELECT count(*) FROM knn('[1, 0]') LIMIT 2;
SELECT DISTINCT model FROM knn('[1, 0]') LIMIT 2;
SELECT rowid FROM knn('[1, 0]') WHERE hash NOT IN (x'00') LIMIT 2;
SELECT angle.i FROM angle JOIN knn('[1, 0]') AS k ON k.rowid = angle.i LIMIT 2;
SELECT rowid FROM knn('[1, 0]') LIMIT -1;
SELECT rowid FROM knn('[1, 0]') LIMIT 4097;
SELECT rowid FROM knn('[1, 0]') LIMIT 2 OFFSET 4095;
SELECT rowid FROM knn('[1, 0]') LIMIT 9223372036854775807 OFFSET 9223372036854775807;

-- Compound queries.
SELECT rowid FROM knn('[1, 0]') UNION ALL SELECT rowid FROM knn('[0, 1]') LIMIT 4;
SELECT rowid FROM knn('[1, 0]') UNION ALL SELECT rowid FROM knn('[0, 1]') LIMIT 4 OFFSET 3;
SELECT rowid FROM knn('[1, 0]', 2) UNION ALL SELECT rowid FROM knn('[0, 1]', 2) LIMIT 3;
SELECT rowid FROM knn('[1, 0]', 2) UNION ALL SELECT rowid FROM knn('[0, 1]', 2) ORDER BY rowid DESC LIMIT 3;
SELECT rowid, round(distance, 3) FROM knn('[1, 0]', 3) UNION ALL SELECT rowid, round(distance, 3) FROM knn('[0.5, 0.5]', 3) ORDER BY 2, 1 LIMIT 4 OFFSET 1;
SELECT rowid FROM knn('[1, 0]', 3) UNION SELECT rowid FROM knn('[0.99, 0.01]', 3) LIMIT 4;
SELECT rowid FROM knn('[1, 0]', 3) INTERSECT SELECT rowid FROM knn('[0.9, 0.1]', 3);
SELECT rowid FROM knn('[1, 0]', 3) EXCEPT SELECT rowid FROM knn('[0.9, 0.1]', 3) LIMIT 5;
SELECT rowid FROM knn('[1, 0]') UNION SELECT rowid FROM knn('[0, 1]') LIMIT 4;
SELECT * FROM (SELECT rowid FROM knn('[1, 0]') LIMIT 2) UNION ALL SELECT * FROM (SELECT rowid FROM knn('[0, 1]') LIMIT 2) ORDER BY 1;

-- Subqueries, DISTINCT, GROUP BY, window functions.
SELECT count(*) FROM (SELECT rowid FROM knn('[1, 0]') LIMIT 5);
SELECT rowid FROM (SELECT rowid, distance FROM knn('[1, 0]') ORDER BY distance LIMIT 5) WHERE distance > 0.003;
SELECT * FROM (SELECT rowid FROM knn('[1, 0]')) LIMIT 2;
SELECT DISTINCT distance < 0.01 FROM knn('[1, 0]', 6);
SELECT round(distance, 2), count(*) FROM knn('[1, 0]', 6) GROUP BY 1;
SELECT count(*), count(DISTINCT distance), min(distance) = 0 FROM (SELECT distance FROM knn('[1, 0]', 9) GROUP BY distance);
SELECT rowid, row_number() OVER (ORDER BY distance DESC) FROM knn('[1, 0]', 3);
SELECT (SELECT rowid FROM knn('[0, 1]') LIMIT 1);
SELECT EXISTS (SELECT 1 FROM knn('[0, 1]') WHERE distance < 0.01 LIMIT 1);
