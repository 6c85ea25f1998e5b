-- ck_chunks and ck_embed, as far as SQL sees them; the boundaries themselves have tests of their own.
.echo on
CREATE TABLE file(path, body);
INSERT INTO file VALUES ('a.c', 'int a;' || char(10) || char(10) || 'int b;' || char(10)), ('empty', ''), ('null', NULL), ('latin1', x'e9740a'), ('utf8', 'été' || char(10));
SELECT file.path, chunk, start_line, end_line, typeof(content), hex(content) FROM file, ck_chunks(body, file.path);
SELECT count(*) FROM ck_chunks('one line');
SELECT content FROM ck_chunks('one line');
SELECT count(*) FROM ck_chunks(x'');
SELECT count(*) FROM ck_chunks(NULL, NULL);
SELECT count(*) FROM ck_chunks;
SELECT count(*) FROM ck_chunks('a', 'b', 'c');
SELECT path, length(source) FROM ck_chunks('one line', 'p');

-- Chunks put together are the text.
CREATE TABLE long AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT group_concat('line ' || i || CASE i % 7 WHEN 0 THEN char(10) ELSE '' END, char(10)) AS body FROM n;
SELECT count(*) > 1, group_concat(content, '') = body, min(length(content)) > 0, max(length(content)) < 3000, min(start_line), max(end_line) = (SELECT length(body) - length(replace(body, char(10), '')) + 1 FROM long) FROM long, (SELECT * FROM ck_chunks((SELECT body FROM long), 'x.txt') ORDER BY chunk);
SELECT count(*) FROM (SELECT start_line - lag(end_line) OVER (ORDER BY chunk) AS gap FROM ck_chunks((SELECT body FROM long))) WHERE gap NOT IN (0, 1);

-- ck_embed: unit vectors; like texts are near.
SELECT vec_length(ck_embed('some text')), vec_length(ck_embed('some text', 64)), vec_type(ck_embed('some text'));
SELECT abs(vec_cosine(ck_embed('some text'), ck_embed('some text')) - 1) < 1e-6;
SELECT vec_cosine(ck_embed('parse the JSON array'), ck_embed('parsing JSON arrays')) > vec_cosine(ck_embed('parse the JSON array'), ck_embed('release the workspace lock'));
SELECT ck_embed('été') = ck_embed(CAST('été' AS BLOB)), ck_embed(NULL) IS NULL, ck_embed(12) = ck_embed('12');
SELECT length(ck_embed(''));
SELECT ck_embed('x', 0);
SELECT ck_embed('x', 65537);
SELECT ck_embed('x', '64');
SELECT ck_embed('x', NULL);
SELECT ck_embed();
INSERT INTO embeddings(model, version, content, vector) SELECT 'ck', '1', path, ck_embed(path) FROM file;
SELECT f.path FROM knn(ck_embed('latin'), 1) AS k JOIN file AS f ON ck_hash('ck', '1', f.path) = k.hash;
