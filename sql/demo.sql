-- The main job of ck, in the plain sqlite3 shell. `make demo` runs it from the repository's root:
-- it copies the source files of a tree to build/demo/main, makes build/demo/feature of them with
-- some files edited, renamed and deleted, and loads ck. Read it top to bottom.
.headers off
.mode list
.output /dev/null
PRAGMA journal_mode = WAL;
.output

SELECT printf('ck %s on SQLite %s', ck_version(), sqlite_version());

-- Which tree is being indexed; sql/demo_index.sql reads it.
CREATE TEMP TABLE job(workspace, folder);
CREATE TEMP TABLE clock(event, at);
CREATE TEMP TABLE report(workspace, files, chunks, distinct_chunks, misses, embed_s);

SELECT char(10) || '1. Index a tree: chunk its files, embed what the cache does not have, refer to it.';
INSERT INTO job VALUES ('main', 'build/demo/main');
.read sql/demo_index.sql

SELECT char(10) || '2. Index a second worktree: the same tree with some files edited, renamed and deleted.';
UPDATE job SET workspace = 'feature', folder = 'build/demo/feature';
.read sql/demo_index.sql

-- A renamed file's chunks are hits: the key is the content, not the path.
SELECT printf('   renamed files: %d, chunks in them %d, of those embedded again %d',
              count(DISTINCT path), count(*), coalesce(sum(hash IN (SELECT hash FROM missing)), 0))
FROM chunk
WHERE path LIKE 'renamed/%';
SELECT printf('   time saved: %d hits x %.0f us a chunk = %.1f ms with the built-in lexical embedder',
              f.distinct_chunks - f.misses, 1e6 * m.embed_s / m.misses,
              1e3 * (f.distinct_chunks - f.misses) * m.embed_s / m.misses)
    || printf(char(10) || '   (a model that needs 20 ms a chunk would have saved %.1f s)',
              0.020 * (f.distinct_chunks - f.misses))
FROM report AS m JOIN report AS f ON m.workspace = 'main' AND f.workspace = 'feature';

SELECT char(10) || '3. Search: the nearest chunks to a question, in each worktree.';
CREATE TEMP TABLE question AS
SELECT coalesce((SELECT value FROM temp.settings WHERE name = 'question'), '') AS text;
SELECT printf('   "%s"', text) FROM question;
SELECT printf('   %-8s %.3f  %s:%d-%d', r.workspace, n.similarity, r.path, r.start_line, r.end_line)
FROM question, knn(ck_embed(question.text), 3) AS n
JOIN refs AS r ON r.hash = n.hash AND r.workspace = 'main'
WHERE n.workspace = 'main'
ORDER BY n.distance, r.path;
SELECT printf('   %-8s %.3f  %s:%d-%d', r.workspace, n.similarity, r.path, r.start_line, r.end_line)
FROM question, knn(ck_embed(question.text), 3) AS n
JOIN refs AS r ON r.hash = n.hash AND r.workspace = 'feature'
WHERE n.workspace = 'feature'
ORDER BY n.distance, r.path;

SELECT char(10) || '4. What each worktree uses. Shared bytes are stored once.';
SELECT printf('   %-8s %5d refs  %5d embeddings  %8d bytes, %8d of them shared',
              workspace, refs, embeddings, bytes, shared_bytes)
FROM ck_usage;

SELECT char(10) || '5. Remove the first worktree: what only it used is garbage. A dry run, then the run.';
CREATE TEMP TABLE before AS SELECT name, value FROM ck_stats;
DELETE FROM workspaces WHERE name = 'main';
SELECT printf('   ck_garbage(0): %d embeddings, %d bytes', count(*), coalesce(sum(bytes), 0))
FROM ck_garbage(0);
SELECT printf('   ck_gc(0):      %d embeddings deleted', ck_gc(0));
SELECT printf('   %-16s %9d -> %d', b.name, b.value, a.value)
FROM before AS b JOIN ck_stats AS a ON a.name = b.name
WHERE b.name IN ('embeddings', 'live_bytes', 'bytes', 'free_pages');

SELECT char(10) || '   integrity check: ' || integrity_check FROM pragma_integrity_check;
