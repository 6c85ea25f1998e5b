-- Files that are not (yet) a store, are newer than this ck, read-only, or no database.
.echo on
-- A database that is no store reads as empty, and stays as it is.
CREATE TABLE t(a);
SELECT (SELECT count(*) FROM embeddings), (SELECT count(*) FROM refs), (SELECT count(*) FROM workspaces), (SELECT count(*) FROM models), (SELECT count(*) FROM knn('[1]', 1)), (SELECT count(*) FROM ck_garbage(0)), (SELECT count(*) FROM ck_stats), (SELECT count(*) FROM ck_usage);
SELECT ck_get(ck_hash('x')) IS NULL, (SELECT count(*) FROM ck_missing(ck_hash('x'))), ck_gc(0);
UPDATE embeddings SET origin = 'x';
DELETE FROM workspaces;
SELECT name FROM sqlite_schema;

-- A store of a newer version is refused, read or write, and untouched.
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1]');
INSERT INTO workspaces(name) VALUES ('w');
UPDATE _ck_meta SET schema_version = 99;
SELECT count(*) FROM embeddings;
SELECT count(*) FROM refs;
SELECT count(*) FROM workspaces;
SELECT count(*) FROM models;
SELECT count(*) FROM knn('[1]', 1);
SELECT count(*) FROM ck_missing(ck_hash('x'));
SELECT count(*) FROM ck_garbage(0);
SELECT count(*) FROM ck_stats;
SELECT count(*) FROM ck_usage;
SELECT ck_get('m', '1', 'a');
SELECT ck_put('m', '1', 'b', '[1]');
SELECT ck_gc(0);
SELECT ck_init();
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'b', '[1]');
INSERT OR REPLACE INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[2]');
INSERT INTO refs(workspace, path, hash) VALUES ('w', 'p', ck_hash('m', '1', 'a'));
INSERT INTO workspaces(name) VALUES ('v');
INSERT INTO models(model, version, dims) VALUES ('n', '1', 1);
UPDATE embeddings SET origin = 'x';
DELETE FROM embeddings;
SELECT (SELECT count(*) FROM _ck_embedding), (SELECT count(*) FROM _ck_workspace), (SELECT seq FROM _ck_meta), (SELECT origin FROM _ck_embedding) IS NULL;

-- A store whose first row is gone is damaged, not empty.
DELETE FROM _ck_meta;
SELECT count(*) FROM embeddings;
INSERT INTO workspaces(name) VALUES ('v');

-- Somebody else's table of the name of ours.
.open someone.db
.load build/ck
CREATE TABLE _ck_meta(a);
SELECT count(*) FROM embeddings;
INSERT INTO workspaces(name) VALUES ('v');
SELECT name FROM sqlite_schema;

-- A read-only store is read as any other; writing says why not.
.open ro.db
.load build/ck
INSERT INTO workspaces(name) VALUES ('w');
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]'), ('m', '1', 'b', '[0, 1]');
INSERT INTO refs(workspace, path, hash) VALUES ('w', 'p', ck_hash('m', '1', 'a'));
.open --readonly ro.db
.load build/ck
SELECT rowid, refs FROM embeddings;
SELECT rowid FROM knn('[1, 0]', 5) WHERE workspace = 'w';
SELECT vec_to_json(ck_get('m', '1', 'b'));
SELECT ord FROM ck_missing(CAST(ck_hash('m', '1', 'a') || ck_hash('none') AS BLOB));
SELECT count(*) FROM ck_garbage(0);
SELECT workspace, refs FROM ck_usage;
SELECT ck_init();
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'c', '[1, 1]');
INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]');
INSERT INTO workspaces(name) VALUES ('v');
DELETE FROM refs;
SELECT ck_put('m', '1', 'c', '[1, 1]');
SELECT ck_gc(0);
PRAGMA query_only = 1;
SELECT count(*) FROM knn('[1, 0]', 5);

-- A file that is no database.
.shell yes 'this is not a database' | head -c 8192 >text.db
.open text.db
.load build/ck
SELECT count(*) FROM embeddings;
SELECT count(*) FROM knn('[1, 0]', 5);
SELECT ck_put('m', '1', 'c', '[1, 1]');
SELECT ck_get(ck_hash('x'));
SELECT ck_gc(0);
SELECT ck_init();
SELECT ck_hash('abc') IS NOT NULL;
