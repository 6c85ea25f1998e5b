-- Packs: the wire format from SQL, and what is not a pack.
SELECT ck_pack(0) IS NULL, (SELECT count(*) FROM ck_unpack(NULL));
INSERT INTO models(model, version, dims, encoding, metric) VALUES ('i', '1', 3, 'i8', 'l2');
INSERT INTO embeddings(model, version, content, vector, origin, created_at)
SELECT 'm', '1', 'c' || value, json_array(value, 1, 2), 'me', 1000 + value FROM generate_series(1, 5);
INSERT INTO embeddings(model, version, content, vector, origin, created_at)
VALUES ('i', '1', 'c', '[1, 2, 3]', 'me', 2000);
.mode box
SELECT op, seq, hex(substr(hash, 1, 4)) AS hash, model, version, dims, metric, normalized,
       vec_to_json(vector) AS vector, encoding, length(data) AS data, origin, created_at
FROM ck_unpack(ck_pack(0));
.mode list
-- By seq, by hashes, bounded.
SELECT group_concat(seq) FROM ck_unpack(ck_pack(4));
SELECT group_concat(seq) FROM ck_unpack(ck_pack(1, 2));
SELECT group_concat(seq) FROM ck_unpack(ck_pack(0, NULL, 200));
SELECT group_concat(seq) FROM ck_unpack(ck_pack(0, 9, 1));
SELECT group_concat(seq) FROM ck_unpack(ck_pack(
    (SELECT json_array(hex(ck_hash('m', '1', 'c4')), hex(ck_hash('m', '1', 'no')),
                       hex(ck_hash('m', '1', 'c2'))))));
-- Frames one behind the other are a pack.
SELECT group_concat(seq)
FROM (SELECT CAST(ck_pack(0, 2) || ck_pack(4) AS BLOB) AS both) JOIN ck_unpack(both);
-- What is retired travels, too.
SELECT json_extract(ck_retire(ck_hash('m', '1', 'c1')), '$[0].state');
SELECT op, seq, model, vector IS NULL, encoding IS NULL FROM ck_unpack(ck_pack(6));
-- A vector that does not read back is left out.
UPDATE _ck_vector SET data = zeroblob(12) WHERE id = 3;
SELECT group_concat(seq) FROM ck_unpack(ck_pack(0));
-- What is no pack.
SELECT count(*) FROM ck_unpack('text');
SELECT count(*) FROM ck_unpack(zeroblob(40));
SELECT count(*) FROM ck_unpack(substr(ck_pack(0), 1, 100));
SELECT count(*) FROM ck_unpack(CAST(substr(ck_pack(0), 1, 50) || x'00' || substr(ck_pack(0), 52) AS BLOB));
SELECT count(*) FROM ck_unpack(CAST(x'434b460200' || zeroblob(40) AS BLOB));
SELECT count(*) FROM ck_unpack(CAST(x'434b46010000010000000000' || x'ffffffff' || zeroblob(40) AS BLOB));
SELECT count(*) FROM ck_unpack(CAST(x'434b4601010001000000000001000000' || x'ffffffff' || zeroblob(40) AS BLOB));
SELECT ck_pack(-1);
SELECT ck_pack(0, 0);
SELECT ck_pack('{');
SELECT ck_pack(x'00');
