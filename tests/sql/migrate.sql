-- ck_migrate: the refs to switch from one model to another, and the whole migration.
.echo on
-- The documented migration of two workspaces (sql/migrate.sql).
.echo off
.read tree/sql/migrate.sql
.echo on
PRAGMA integrity_check;
SELECT count(*) FROM ck_migrate('small', 'large');

-- Its arguments.
INSERT INTO models(model, version, dims) VALUES ('a', '1', 2), ('a', '2', 2), ('b', '1', 3), ('c', '1', 2), ('c', '2', 2), ('c', '3', 2), ('c', '4', 2), ('c', '5', 2), ('c', '6', 2);
SELECT count(*) FROM ck_migrate('a', 'b');
SELECT count(*) FROM ck_migrate('b', 'c');
SELECT count(*) FROM ck_migrate('a', 'b', '1');
SELECT count(*) FROM ck_migrate('a', 'b', '3');
SELECT count(*) FROM ck_migrate('b', 'nothing');
SELECT count(*) FROM ck_migrate('b', 'b');
SELECT count(*) FROM ck_migrate('a', 'a', '1', '1');
SELECT count(*) FROM ck_migrate('a', 'a', '1', '2');
SELECT count(*) FROM ck_migrate('a', 'b', NULL);
SELECT count(*) FROM ck_migrate('a');
SELECT count(*) FROM ck_migrate(1, 'b');
SELECT count(*) FROM ck_migrate('b', x'00');
.shell sqlite3 -cmd '.load build/ck' empty.db "SELECT count(*) FROM ck_migrate('a', 'b')"

-- The rows: refs of the old model only, a file's chunks together; not those of released workspaces.
DELETE FROM refs;
INSERT INTO embeddings(model, version, content, vector) VALUES ('a', '1', 'x', '[1, 0]'), ('a', '1', 'y', '[1, 1]'), ('a', '1', 'unused', '[1, 2]'), ('a', '2', 'x', '[2, 1]'), ('b', '1', 'x', '[1, 2, 3]');
INSERT INTO workspaces(name) VALUES ('w'), ('v');
INSERT INTO refs VALUES ('w', 'q', 1, 4, 5, ck_hash('a', '1', 'y')), ('w', 'p', 0, NULL, NULL, ck_hash('a', '2', 'x')), ('w', 'q', 0, 1, 3, ck_hash('a', '1', 'x')), ('v', 'p', 7, 1, 2, ck_hash('a', '1', 'x')), ('v', 'q', 0, 1, 2, ck_hash('b', '1', 'x'));
SELECT workspace, path, chunk, start_line, end_line, old_hash = ck_hash('a', '1', 'x') AS x FROM ck_migrate('a', 'b', '1');
SELECT workspace, path, chunk, start_line, end_line, old_hash = ck_hash('a', '2', 'x') AS x FROM ck_migrate('a', 'a', '2', '1');
SELECT old_model, new_model, old_version, new_version FROM ck_migrate('a', 'b', '1') LIMIT 1;
SELECT workspace, path, chunk FROM ck_migrate('a', 'b', '1') WHERE workspace = 'v';

-- A switch that meets an embedding that is not there changes nothing.
CREATE TABLE pair(old_hash, new_hash);
INSERT INTO pair VALUES (ck_hash('a', '1', 'x'), ck_hash('b', '1', 'x')), (ck_hash('a', '1', 'y'), ck_hash('b', '1', 'y'));
UPDATE refs SET hash = (SELECT new_hash FROM pair WHERE old_hash = refs.hash) WHERE hash IN (SELECT old_hash FROM pair);
SELECT count(*) FROM ck_migrate('a', 'b', '1');
DELETE FROM embeddings WHERE hash = ck_hash('a', '1', 'x');
INSERT INTO embeddings(model, version, content, vector) VALUES ('b', '1', 'y', '[1, 2, 4]');
UPDATE refs SET hash = (SELECT new_hash FROM pair WHERE old_hash = refs.hash) WHERE hash IN (SELECT old_hash FROM pair);
SELECT count(*) FROM ck_migrate('a', 'b', '1');
-- A statement that writes what it reads ends.
INSERT OR REPLACE INTO refs SELECT workspace, path, chunk, start_line, end_line, ck_hash('b', '1', 'x') FROM ck_migrate('a', 'b', '2');
SELECT count(*) FROM ck_migrate('a', 'b', '2');
DELETE FROM models WHERE model = 'a' AND version = '2';
DELETE FROM workspaces WHERE name = 'w';
SELECT workspace, path, chunk FROM ck_migrate('b', 'a', NULL, '1');
