-- ck_hash: plain BLAKE3 of content, and the cache key of (model, version, content).
.echo on
SELECT lower(hex(ck_hash('')));
SELECT lower(hex(ck_hash('abc')));
SELECT lower(hex(ck_hash('m', '1', 'abc')));
SELECT typeof(ck_hash('abc')), length(ck_hash('abc'));
SELECT ck_hash('abc') = ck_hash(x'616263'), ck_hash('m', '1', 'abc') = ck_hash('m', '1', x'616263');
SELECT ck_hash('é') = ck_hash(x'c3a9');
SELECT ck_hash('a' || char(0) || 'b') = ck_hash(x'610062');

-- The literal concatenation is one call away, and is not the key: the parts run into each other.
SELECT ck_hash('m' || '1x' || 'y') = ck_hash('m1' || 'x' || 'y'), ck_hash('m', '1x', 'y') = ck_hash('m1', 'x', 'y');

-- NULL in, NULL out; anything but text and bytes is refused, so that 1 and '1' are never confused.
SELECT ck_hash(NULL) IS NULL, ck_hash(NULL, '1', 'x') IS NULL, ck_hash('m', NULL, 'x') IS NULL, ck_hash('m', '1', NULL) IS NULL;
SELECT ck_hash(1);
SELECT ck_hash(1.5);
SELECT ck_hash('m', '1', 7);
SELECT ck_hash('m', 1, 'x');
SELECT ck_hash('', '1', 'x');
SELECT ck_hash(x'6d', '1', 'x');
SELECT ck_hash();
SELECT ck_hash('a', 'b');
SELECT ck_hash('m', '1', '') IS NOT NULL;

-- Deterministic: it may be in an index, a CHECK and a generated column.
CREATE TABLE t(body, hash AS (ck_hash(body)) STORED, CHECK (length(ck_hash(body)) = 32));
CREATE INDEX t_hash ON t(ck_hash(body));
INSERT INTO t(body) VALUES ('abc');
SELECT hash = ck_hash('abc') FROM t WHERE ck_hash(body) = ck_hash('abc');
SELECT lower(hex(ck_hash(zeroblob(1000000))));
