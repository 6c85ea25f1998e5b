-- The scenario in the sqlite3 shell; vectors are JSON text. scenario.py and scenario.js are the
-- same, statement by statement, with bound blobs.
.mode list
.print -- insert
INSERT INTO embeddings(model, version, content, vector) VALUES
    ('tiny', '1', 'alpha', '[1, 0, 0, 0]'),
    ('tiny', '1', 'beta', '[0, 1, 0, 0]'),
    ('tiny', '1', 'gamma', '[0.6, 0.8, 0, 0]');
SELECT model, version, dims, count FROM models;
SELECT lower(hex(ck_put('tiny', '1', 'delta', '[0, 0, 0, 1]'))) = lower(hex(ck_hash('tiny', '1', 'delta')));
.print -- get
SELECT vec_to_json(ck_get('tiny', '1', 'beta'));
SELECT ck_get('tiny', '1', 'nothing') IS NULL;
SELECT hex(vector) FROM embeddings WHERE hash = ck_hash('tiny', '1', 'gamma');
.print -- refs
INSERT INTO workspaces(name) VALUES ('main');
INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash) VALUES
    ('main', 'a.txt', 0, 1, 5, ck_hash('tiny', '1', 'alpha')),
    ('main', 'b.txt', 0, 1, 7, ck_hash('tiny', '1', 'gamma'));
SELECT workspace, path, chunk, start_line, end_line FROM refs ORDER BY path;
SELECT name, refs, embeddings FROM workspaces;
.print -- knn
SELECT path, printf('%.4f', similarity) FROM knn('[1, 0, 0, 0]', 3) JOIN refs USING (hash)
ORDER BY similarity DESC;
SELECT count(*) FROM knn('[1, 0, 0, 0]', 2);
SELECT count(*) FROM knn('[1, 0, 0, 0]', 10) WHERE workspace = 'main';
.print -- missing
SELECT ord, hash = ck_hash('tiny', '1', 'nothing')
FROM ck_missing('["' || hex(ck_hash('tiny', '1', 'alpha')) || '","' || hex(ck_hash('tiny', '1', 'nothing')) || '"]');
.print -- gc
SELECT count(*) FROM ck_garbage(0);
SELECT ck_gc(0) IS NOT NULL;
SELECT count(*) FROM embeddings;
.print -- transaction
BEGIN;
INSERT INTO embeddings(model, version, content, vector) VALUES ('tiny', '1', 'beta', '[0, 1, 0, 0]');
ROLLBACK;
SELECT count(*) FROM embeddings;
.print -- errors
INSERT INTO embeddings(model, version, content, vector) VALUES ('tiny', '1', 'x', '[1, 2, 3]');
INSERT INTO embeddings(model, version, content, vector) VALUES ('tiny', '1', 'alpha', '[1, 0, 0, 0]');
INSERT INTO refs(workspace, path, chunk, hash) VALUES ('main', 'c.txt', 0, zeroblob(32));
SELECT * FROM knn('[1, 0, 0, 0]', 0);
DELETE FROM embeddings WHERE hash = ck_hash('tiny', '1', 'alpha');
.print -- end
PRAGMA integrity_check;
