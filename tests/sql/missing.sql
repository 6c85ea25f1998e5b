-- ck_missing(hashes): which of many hashes are not stored, in input order.
.echo on
SELECT ord, hash = ck_hash('x') FROM ck_missing(ck_hash('x'));
SELECT count(*) FROM sqlite_schema;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]'), ('m', '1', 'b', '[1, 0]');
CREATE TABLE chunk(i INTEGER PRIMARY KEY, hash);
INSERT INTO chunk VALUES (0, ck_hash('none')), (1, ck_hash('m', '1', 'a')), (2, ck_hash('nothing')), (3, ck_hash('m', '1', 'b')), (4, ck_hash('none'));

-- Concatenated digests; || makes TEXT of BLOBs, so it is cast back.
SELECT m.ord, m.hash = c.hash FROM ck_missing((SELECT CAST(group_concat(hash, '') AS BLOB) FROM (SELECT hash FROM chunk ORDER BY i))) AS m JOIN chunk AS c ON c.i = m.ord;
SELECT count(*) FROM ck_missing(x'');
SELECT count(*) FROM ck_missing(ck_hash('m', '1', 'a'));

-- A JSON array of hex digests, in either case.
SELECT m.ord, m.hash = c.hash FROM ck_missing((SELECT json_group_array(hex(hash)) FROM (SELECT hash FROM chunk ORDER BY i))) AS m JOIN chunk AS c ON c.i = m.ord;
SELECT ord FROM ck_missing(json_array(lower(hex(ck_hash('m', '1', 'a'))), lower(hex(ck_hash('none')))));
SELECT count(*) FROM ck_missing('[]');

-- As a join, and with other terms.
SELECT c.i, count(m.ord) FROM chunk AS c LEFT JOIN ck_missing(c.hash) AS m GROUP BY c.i;
SELECT ord FROM ck_missing(zeroblob(96)) WHERE ord > 0 ORDER BY ord DESC;
SELECT ord FROM ck_missing(zeroblob(96)) WHERE ord = 1 OR ord = 2;
SELECT ord FROM ck_missing(zeroblob(96)) WHERE ord = 1 OR hash = x'00';
SELECT ord FROM ck_missing(zeroblob(96)) LIMIT 1 OFFSET 1;
SELECT length(hashes) FROM ck_missing(zeroblob(32));

-- What ck_put just stored is no longer missing in the same transaction.
BEGIN;
SELECT ck_put('m', '1', 'c', '[1, 1]') IS NOT NULL;
SELECT count(*) FROM ck_missing(ck_hash('m', '1', 'c'));
ROLLBACK;
SELECT count(*) FROM ck_missing(ck_hash('m', '1', 'c'));

-- Refused.
SELECT * FROM ck_missing;
SELECT * FROM ck_missing(NULL);
SELECT * FROM ck_missing(7);
SELECT * FROM ck_missing(zeroblob(33));
SELECT * FROM ck_missing('not JSON');
SELECT * FROM ck_missing('["00"]');
SELECT * FROM ck_missing('[7]');
SELECT * FROM ck_missing('[null]');
SELECT * FROM ck_missing(json_array(hex(zeroblob(32)), replace(hex(zeroblob(32)), '0', 'g')));
SELECT * FROM ck_missing(zeroblob(32)) WHERE hashes = zeroblob(32);
