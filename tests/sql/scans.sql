-- Every way to look rows of embeddings up gives the rows SQL promises.
.echo on
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20)
INSERT INTO embeddings(model, version, content, vector) SELECT 'm', '1', 'c' || i, '[1,' || i || ']' FROM n;
CREATE TABLE plain AS SELECT rowid AS id, hash, seq FROM embeddings;

-- By rowid: =, IN, ranges, order, numbers of any type.
SELECT rowid FROM embeddings WHERE rowid = 7;
SELECT rowid FROM embeddings WHERE rowid = 7.0;
SELECT rowid FROM embeddings WHERE rowid = '7';
SELECT rowid FROM embeddings WHERE rowid = 7.5;
SELECT rowid FROM embeddings WHERE rowid = NULL;
SELECT rowid FROM embeddings WHERE rowid IN (3, '5', 4.0, 99) ORDER BY rowid;
SELECT group_concat(rowid) FROM embeddings WHERE rowid BETWEEN 3 AND 6;
SELECT group_concat(rowid) FROM embeddings WHERE rowid > 16.5;
SELECT group_concat(rowid) FROM embeddings WHERE rowid >= '17';
SELECT group_concat(rowid) FROM embeddings WHERE rowid < 3 OR rowid > 19;
SELECT group_concat(rowid) FROM embeddings WHERE rowid > -1e300 AND rowid < 3;
SELECT count(*) FROM embeddings WHERE rowid > 9223372036854775807;
SELECT count(*) FROM embeddings WHERE rowid < 1e300;
SELECT rowid FROM embeddings ORDER BY rowid DESC LIMIT 3;
SELECT rowid FROM embeddings WHERE rowid = 7 AND rowid = 8;
SELECT rowid FROM embeddings WHERE rowid > 3 AND rowid > 17 AND rowid < 20 AND rowid < 30;

-- By hash and by seq, against a plain table.
SELECT rowid FROM embeddings WHERE hash = ck_hash('m', '1', 'c7');
SELECT count(*) FROM embeddings WHERE hash IN (SELECT hash FROM plain WHERE id > 15);
SELECT count(*) FROM embeddings WHERE hash = 'text';
SELECT count(*) FROM embeddings WHERE hash > 'text';
SELECT count(*) FROM embeddings WHERE hash < x'00';
SELECT (SELECT group_concat(rowid) FROM (SELECT rowid FROM embeddings ORDER BY hash)) = (SELECT group_concat(id) FROM (SELECT id FROM plain ORDER BY hash));
SELECT (SELECT group_concat(rowid) FROM (SELECT rowid FROM embeddings ORDER BY hash DESC)) = (SELECT group_concat(id) FROM (SELECT id FROM plain ORDER BY hash DESC));
SELECT (SELECT count(*) FROM embeddings WHERE hash > x'80' AND hash <= x'c0') = (SELECT count(*) FROM plain WHERE hash > x'80' AND hash <= x'c0');
SELECT rowid FROM embeddings WHERE seq > 17 ORDER BY seq DESC;
SELECT rowid FROM embeddings WHERE seq = 3 OR hash = ck_hash('m', '1', 'c4') OR rowid = 5 ORDER BY rowid;
SELECT count(DISTINCT hash), min(rowid), max(seq) FROM embeddings;
SELECT count(*) FROM (SELECT DISTINCT hash FROM embeddings);
SELECT model, count(*) FROM embeddings GROUP BY model;
SELECT count(*) FROM embeddings AS a JOIN embeddings AS b ON a.hash = b.hash;
SELECT count(*) FROM plain LEFT JOIN embeddings AS e ON e.rowid = plain.id + 15;

-- UPDATE and DELETE find the same rows as SELECT.
UPDATE embeddings SET origin = 'text' WHERE rowid = '7';
UPDATE embeddings SET origin = 'real' WHERE rowid = 8.0;
UPDATE embeddings SET origin = 'none' WHERE rowid = 9.5 OR rowid = 'x';
SELECT rowid, origin FROM embeddings WHERE origin IS NOT NULL;
DELETE FROM embeddings WHERE rowid = '20';
DELETE FROM embeddings WHERE hash = ck_hash('m', '1', 'c19');
SELECT max(rowid), count(*) FROM embeddings;
