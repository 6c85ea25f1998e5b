-- From one model to another, in the plain sqlite3 shell:
--
--     sqlite3 -cmd '.load build/ck' :memory: <sql/migrate.sql
--
-- The statements between the lines are the migration; the rest makes a store to migrate. Content is
-- not stored, so only a client that has the files can embed them again. It works by content: each
-- is embedded once, however many workspaces use it. Meanwhile searches by the old model find what
-- they found before; a workspace is switched by one UPDATE; nothing is lost at any moment, and a
-- client that was stopped goes on where it was.

-- A store of two workspaces, with the built-in embedder of 384 dims as the old model. `tree` stands
-- for the files.
CREATE TABLE tree(workspace, path, chunk, start_line, end_line, content);
INSERT INTO tree VALUES
    ('main',    'math.c', 0, 1, 3, 'int add(int a, int b) { return a + b; }'),
    ('main',    'math.c', 1, 5, 7, 'int sub(int a, int b) { return a - b; }'),
    ('main',    'main.c', 0, 1, 9, 'int main(void) { print_usage(); }'),
    ('feature', 'math.c', 0, 1, 3, 'int add(int a, int b) { return a + b; }'),
    ('feature', 'math.c', 1, 5, 7, 'int sub(int a, int b) { return a - b; }'),
    ('feature', 'main.c', 0, 1, 9, 'int main(int argc, char **argv) { return run(argc, argv); }');
INSERT OR IGNORE INTO embeddings(model, version, content, vector)
SELECT 'small', '1', content, ck_embed(content, 384) FROM tree;
INSERT INTO workspaces(name) SELECT DISTINCT workspace FROM tree;
INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash)
SELECT workspace, path, chunk, start_line, end_line, ck_hash('small', '1', content) FROM tree;
-- Somebody edits a file, and does not index it before the migration.
UPDATE tree SET content = 'int main(void) { return help(); }'
WHERE workspace = 'main' AND path = 'main.c';

-- ------------------------------------------------------------------------------------------------
-- 1. Register the new model, make a place for the pairs (old hash, new hash), and a workspace that
--    holds the new embeddings until they are referenced: it may take longer than the grace period
--    of garbage collection.
INSERT INTO models(model, version, dims) VALUES ('large', '1', 768);
CREATE TABLE pair(id INTEGER PRIMARY KEY, old_hash BLOB UNIQUE, new_hash BLOB);
INSERT INTO workspaces(name, pinned) VALUES ('migration', 1);

-- 2. What there is to do: refs, and different contents, of which each is embedded once.
SELECT workspace, count(DISTINCT path) AS files, count(*) AS refs
FROM ck_migrate('small', 'large') GROUP BY workspace;
SELECT count(DISTINCT old_hash) FROM ck_migrate('small', 'large');

-- 3. Embed a batch; again until it is empty. The client reads the files, outside a transaction. The
--    old key tells whether a file is still what was indexed.
CREATE TEMP TABLE batch AS
SELECT m.old_hash, t.content
FROM ck_migrate('small', 'large') AS m JOIN tree AS t USING (workspace, path, chunk)
WHERE m.old_hash NOT IN (SELECT old_hash FROM pair)
  AND ck_hash('small', '1', t.content) = m.old_hash
GROUP BY m.old_hash
LIMIT 100;

--    Embeddings, pairs and the refs that hold them are written together.
BEGIN IMMEDIATE;
INSERT OR IGNORE INTO embeddings(model, version, content, vector)
SELECT 'large', '1', content, ck_embed(content, 768) FROM batch;
INSERT INTO pair(old_hash, new_hash) SELECT old_hash, ck_hash('large', '1', content) FROM batch;
INSERT INTO refs(workspace, path, chunk, hash)
SELECT 'migration', 'held/' || (id >> 18), id & 262143, new_hash
FROM pair WHERE old_hash IN (SELECT old_hash FROM batch);
COMMIT;
DROP TABLE batch;

-- 4. What is left has no pair: files that changed since they were indexed.
SELECT workspace, path, chunk FROM ck_migrate('small', 'large')
WHERE old_hash NOT IN (SELECT old_hash FROM pair);

-- 5. Switch a workspace: one statement, all or nothing.
UPDATE refs SET hash = (SELECT new_hash FROM pair WHERE old_hash = refs.hash)
WHERE workspace = 'feature' AND hash IN (SELECT old_hash FROM pair);

--    Both models live side by side: one workspace searches the new one, the other the old one.
SELECT r.path, r.chunk
FROM knn(ck_embed('add', 768), 1) AS n JOIN refs AS r ON r.hash = n.hash
WHERE n.workspace = 'feature' AND r.workspace = 'feature';
SELECT r.path, r.chunk
FROM knn(ck_embed('add', 384), 1) AS n JOIN refs AS r ON r.hash = n.hash
WHERE n.workspace = 'main' AND r.workspace = 'main';

--    With a workspace's switch go its changed files, indexed as after any edit.
BEGIN IMMEDIATE;
INSERT OR IGNORE INTO embeddings(model, version, content, vector)
SELECT 'large', '1', content, ck_embed(content, 768)
FROM tree WHERE workspace = 'main' AND path = 'main.c';
INSERT OR REPLACE INTO refs(workspace, path, chunk, start_line, end_line, hash)
SELECT workspace, path, chunk, start_line, end_line, ck_hash('large', '1', content)
FROM tree WHERE workspace = 'main' AND path = 'main.c';
UPDATE refs SET hash = (SELECT new_hash FROM pair WHERE old_hash = refs.hash)
WHERE workspace = 'main' AND hash IN (SELECT old_hash FROM pair);
COMMIT;

-- 6. Nothing left: let go of what was held, and of the old model. Its embeddings are garbage an
--    hour after their last use; ck_gc(0) does not wait, and is for when nobody else is indexing.
SELECT count(*) FROM ck_migrate('small', 'large');
DELETE FROM workspaces WHERE name = 'migration';
DROP TABLE pair;
SELECT ck_gc(0);
DELETE FROM models WHERE model = 'small';
-- ------------------------------------------------------------------------------------------------

SELECT model, version, dims, count FROM models;
SELECT workspace, path, chunk, hash = ck_hash('large', '1', content) AS switched
FROM refs JOIN tree USING (workspace, path, chunk) ORDER BY 1, 2, 3;
