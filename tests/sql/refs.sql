-- The table refs: which embedding a workspace uses at (path, chunk).
.echo on
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]'), ('m', '1', 'b', '[0, 1]'), ('m', '1', 'c', '[1, 1]');
INSERT INTO workspaces(name) VALUES ('main'), ('dev'), ('café');
INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash) VALUES
    ('main', 'src/b.c', 0, 1, 10, ck_hash('m', '1', 'a')), ('main', 'src/b.c', 1, 11, 20, ck_hash('m', '1', 'b')),
    ('main', 'src/a.c', 0, 1, 5, ck_hash('m', '1', 'a')), ('dev', 'src/b.c', 0, 1, 10, ck_hash('m', '1', 'a')),
    ('dev', 'README.md', 0, NULL, NULL, ck_hash('m', '1', 'c')), ('café', 'naïve.txt', 262143, 0, 2147483647, ck_hash('m', '1', 'c'));
CREATE TABLE plain AS SELECT rowid AS id, * FROM refs;

-- Every combination of constraints gives what a plain table gives.
SELECT workspace, path, chunk, start_line, end_line FROM refs ORDER BY workspace, path, chunk;
SELECT workspace, path, chunk FROM refs WHERE workspace = 'main' ORDER BY rowid;
SELECT workspace, chunk FROM refs WHERE path = 'src/b.c' ORDER BY workspace, chunk;
SELECT workspace, path, chunk FROM refs WHERE hash = ck_hash('m', '1', 'a') ORDER BY workspace, path;
SELECT chunk FROM refs WHERE workspace = 'main' AND path = 'src/b.c' AND chunk = 1;
SELECT chunk FROM refs WHERE workspace = 'main' AND path = 'src/b.c' AND chunk = 1.0;
SELECT chunk FROM refs WHERE workspace = 'main' AND path = 'src/b.c' AND chunk = '1';
SELECT chunk FROM refs WHERE workspace = 'main' AND path = 'src/b.c' AND chunk = 262144;
SELECT workspace, path FROM refs WHERE path GLOB 'src/*' AND workspace = 'dev';
SELECT workspace, path FROM refs WHERE path GLOB '*.md';
SELECT workspace, path FROM refs WHERE path GLOB '*.c' AND hash = ck_hash('m', '1', 'b');
SELECT workspace, path FROM refs WHERE path GLOB 'src/*' AND path GLOB '*a.c';
SELECT count(*) FROM refs WHERE path LIKE 'SRC/%';
SELECT count(*) FROM refs WHERE path = 'SRC/B.C' COLLATE NOCASE;
SELECT count(*) FROM refs WHERE workspace = 'MAIN' COLLATE NOCASE;
SELECT workspace, path, chunk FROM refs WHERE workspace IN ('dev', 'café', 'none') ORDER BY workspace, path;
SELECT workspace, path, chunk FROM refs WHERE workspace > 'dev' ORDER BY 2;
SELECT count(*) FROM refs WHERE workspace = 'none' OR path = 'README.md';
SELECT count(*) FROM refs WHERE hash = x'00';
SELECT count(*) FROM refs WHERE hash = 'a' OR path = NULL OR workspace = 7;
SELECT count(*) FROM refs WHERE start_line IS NULL;

-- A rowid among other constraints.
SELECT count(*) FROM plain JOIN refs ON refs.rowid = plain.id;
SELECT count(*) FROM plain AS p JOIN refs AS r ON r.rowid = p.id AND r.workspace = p.workspace AND r.path = p.path;
SELECT count(*) FROM plain AS p JOIN refs AS r ON r.rowid = p.id AND r.workspace = p.workspace AND r.path = p.path AND r.chunk = p.chunk;
SELECT path FROM refs WHERE workspace = 'main' AND path = 'src/a.c' AND rowid = (SELECT id FROM plain WHERE workspace = 'main' AND path = 'src/a.c');
SELECT path FROM refs WHERE path = 'src/a.c' AND rowid = (SELECT id FROM plain WHERE path = 'src/a.c') AND workspace = 'main';
SELECT path FROM refs WHERE hash = ck_hash('m', '1', 'a') AND rowid = (SELECT id FROM plain WHERE path = 'src/a.c');
SELECT path FROM refs WHERE path GLOB 'src/*' AND rowid = (SELECT id FROM plain WHERE path = 'src/a.c');
SELECT count(*) FROM refs WHERE rowid = '7' OR rowid = 7.5;

-- Order by name needs no sort; other orders do.
EXPLAIN QUERY PLAN SELECT * FROM refs ORDER BY workspace, path;
EXPLAIN QUERY PLAN SELECT * FROM refs WHERE workspace = 'main' ORDER BY workspace, path, chunk;
EXPLAIN QUERY PLAN SELECT * FROM refs ORDER BY path;
EXPLAIN QUERY PLAN SELECT * FROM refs WHERE hash = x'00' ORDER BY workspace, path;
SELECT group_concat(path, ' ') FROM (SELECT path FROM refs ORDER BY workspace, path);
SELECT DISTINCT workspace FROM refs;
SELECT workspace, count(*) FROM refs GROUP BY workspace;
SELECT workspace, path, count(*) FROM refs GROUP BY workspace, path;
SELECT path, count(*) FROM refs GROUP BY path ORDER BY path;
SELECT DISTINCT path FROM refs ORDER BY workspace DESC, path LIMIT 2;

-- The key is unique. OR IGNORE keeps, OR REPLACE replaces.
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('main', 'src/a.c', 0, ck_hash('m', '1', 'b'));
INSERT OR IGNORE INTO refs(workspace, path, chunk, hash) VALUES ('main', 'src/a.c', 0, ck_hash('m', '1', 'b'));
SELECT hash = ck_hash('m', '1', 'a'), start_line FROM refs WHERE workspace = 'main' AND path = 'src/a.c';
INSERT OR REPLACE INTO refs(workspace, path, chunk, hash) VALUES ('main', 'src/a.c', 0, ck_hash('m', '1', 'b'));
SELECT hash = ck_hash('m', '1', 'b'), start_line FROM refs WHERE workspace = 'main' AND path = 'src/a.c';

-- Updates: of lines, of the hash, of the key.
UPDATE refs SET start_line = 3, end_line = NULL WHERE workspace = 'main' AND path = 'src/b.c' AND chunk = 1;
UPDATE refs SET hash = ck_hash('m', '1', 'c') WHERE workspace = 'main' AND path = 'src/b.c' AND chunk = 1;
UPDATE refs SET path = 'lib/b.c' WHERE workspace = 'main' AND path = 'src/b.c';
UPDATE refs SET workspace = 'dev', chunk = 7 WHERE path = 'src/a.c';
SELECT workspace, path, chunk, start_line, end_line, rowid IN (SELECT id FROM plain) AS same_id FROM refs ORDER BY workspace, path, chunk;
UPDATE refs SET path = 'README.md', chunk = 0 WHERE path = 'src/b.c' AND workspace = 'dev';
UPDATE OR IGNORE refs SET path = 'README.md', chunk = 0 WHERE path = 'src/b.c' AND workspace = 'dev';
SELECT count(*) FROM refs WHERE workspace = 'dev';
UPDATE OR REPLACE refs SET path = 'README.md', chunk = 0 WHERE path = 'src/b.c' AND workspace = 'dev';
SELECT path, hash = ck_hash('m', '1', 'a') FROM refs WHERE workspace = 'dev' ORDER BY path;
UPDATE refs SET rowid = 5 WHERE path = 'README.md';
UPDATE refs SET chunk = NULL WHERE path = 'README.md';
UPDATE refs SET path = NULL WHERE path = 'README.md';
UPDATE refs SET hash = NULL WHERE path = 'README.md';
UPDATE refs SET hash = ck_hash('none') WHERE path = 'README.md';
UPDATE refs SET workspace = 'none' WHERE path = 'README.md';
SELECT path, chunk FROM refs WHERE workspace = 'dev' ORDER BY path;

-- Refused.
INSERT INTO refs(workspace, path, hash) VALUES ('none', 'x', ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, hash) VALUES (NULL, 'x', ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'x', ck_hash('none'));
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'x', NULL);
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'x', x'00');
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'x', hex(ck_hash('m', '1', 'a')));
INSERT INTO refs(workspace, path, hash) VALUES ('dev', '', ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, hash) VALUES ('dev', NULL, ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, hash) VALUES ('dev', x'2f', ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, hash) SELECT 'dev', group_concat('x', ''), ck_hash('m', '1', 'a') FROM (WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 4096) SELECT i FROM n);
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'x', 262144, ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'x', -1, ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'x', 'one', ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, start_line, hash) VALUES ('dev', 'x', -1, ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, end_line, hash) VALUES ('dev', 'x', 2147483648, ck_hash('m', '1', 'a'));
SELECT count(*) FROM refs WHERE path NOT IN ('README.md', 'src/a.c', 'lib/b.c', 'naïve.txt');

-- A ref keeps garbage away: it freshens used_at.
UPDATE embeddings SET created_at = 1, used_at = 1;
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'fresh', ck_hash('m', '1', 'b'));
SELECT rowid, used_at > 1 FROM embeddings ORDER BY rowid;

-- Deleting.
DELETE FROM refs WHERE workspace = 'dev' AND path = 'fresh';
DELETE FROM refs WHERE path GLOB '*/*';
SELECT workspace, path FROM refs ORDER BY workspace, path;
DELETE FROM refs;
SELECT count(*) FROM refs;

-- OR REPLACE of a ref by one to the same embedding: used_at of the last minute is left as it is.
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'again', ck_hash('m', '1', 'a'));
UPDATE embeddings SET used_at = unixepoch() - 30;
INSERT OR REPLACE INTO refs(workspace, path, hash) VALUES ('dev', 'again', ck_hash('m', '1', 'a'));
INSERT OR REPLACE INTO refs(workspace, path, start_line, hash) VALUES ('dev', 'again', 2.0, ck_hash('m', '1', 'a'));
INSERT OR REPLACE INTO refs(workspace, path, start_line, hash) VALUES ('dev', 'again', 2, ck_hash('m', '1', 'a'));
SELECT start_line, end_line, changes() FROM refs;
SELECT rowid, unixepoch() - used_at >= 30 FROM embeddings WHERE refs = 1;
UPDATE embeddings SET used_at = unixepoch() - 90;
INSERT OR REPLACE INTO refs(workspace, path, start_line, hash) VALUES ('dev', 'again', 2, ck_hash('m', '1', 'a'));
SELECT rowid, unixepoch() - used_at < 30 FROM embeddings WHERE refs = 1;
UPDATE embeddings SET used_at = unixepoch() - 30;
INSERT OR REPLACE INTO refs(workspace, path, hash) VALUES ('dev', 'again', ck_hash('m', '1', 'b'));
SELECT rowid, unixepoch() - used_at < 30 FROM embeddings WHERE refs = 1;

-- The names of the last ref are looked up once in a transaction. Whatever changes what they mean is
-- noticed: a rolled back savepoint, a statement that fails half way, renaming, deleting, repairing.
DELETE FROM refs;
BEGIN;
SAVEPOINT s;
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'zero', ck_hash('m', '1', 'a'));
ROLLBACK TO s;
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'zero', ck_hash('m', '1', 'a'));
SELECT path FROM refs;
SAVEPOINT t;
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'one', ck_hash('m', '1', 'a'));
ROLLBACK TO t;
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'one', ck_hash('m', '1', 'a'));
SELECT path FROM refs ORDER BY path;
ROLLBACK;
BEGIN;
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'one', ck_hash('m', '1', 'a'));
SELECT path FROM refs;
DELETE FROM refs;
SAVEPOINT s;
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'first', ck_hash('m', '1', 'a'));
ROLLBACK TO s;
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'second', ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'first', 1, ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'third', ck_hash('m', '1', 'a')), ('dev', 'third', ck_hash('m', '1', 'none'));
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'third', 2, ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, hash) VALUES ('dev', 'fourth', ck_hash('m', '1', 'a'));
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'third', 3, ck_hash('m', '1', 'a'));
SELECT path, chunk FROM refs ORDER BY path;
UPDATE workspaces SET name = 'old dev' WHERE name = 'dev';
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'third', 4, ck_hash('m', '1', 'a'));
INSERT INTO workspaces(name) VALUES ('dev');
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'third', 4, ck_hash('m', '1', 'a'));
SELECT workspace, path, chunk FROM refs WHERE chunk > 2 ORDER BY chunk;
DELETE FROM workspaces WHERE name = 'dev';
INSERT OR REPLACE INTO refs(workspace, path, chunk, hash) VALUES ('dev', 'third', 4, ck_hash('m', '1', 'a'));
DELETE FROM refs;
INSERT INTO refs(workspace, path, hash) VALUES ('main', 'gone', ck_hash('m', '1', 'a'));
DELETE FROM refs;
SELECT ck_repair('paths') > 0;
INSERT INTO refs(workspace, path, hash) VALUES ('main', 'next', ck_hash('m', '1', 'a')), ('main', 'gone', ck_hash('m', '1', 'b'));
SELECT path, hash = ck_hash('m', '1', 'b') FROM refs ORDER BY path;
COMMIT;
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('main', 'gone', 1, ck_hash('m', '1', 'b'));
.shell sqlite3 -cmd '.load build/ck' test.db "DELETE FROM refs; SELECT ck_repair('paths'); INSERT INTO refs(workspace, path, hash) VALUES ('main', 'theirs', ck_hash('m', '1', 'b'))"
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('main', 'gone', 1, ck_hash('m', '1', 'b'));
SELECT path, chunk FROM refs ORDER BY path;
SELECT * FROM ck_doctor WHERE status NOT IN ('ok', 'info');
