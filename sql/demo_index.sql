-- Indexes the tree that the temp table `job` names: the protocol every client of ck follows.

-- Read the files and cut them into chunks. The key covers model, version and content.
DROP TABLE IF EXISTS chunk;
CREATE TEMP TABLE chunk AS
SELECT substr(f.name, length(job.folder) + 2) AS path, c.chunk, c.start_line, c.end_line,
       c.content, ck_hash('lexical', '1', c.content) AS hash
FROM job, fsdir(job.folder) AS f, ck_chunks(readfile(f.name), f.name) AS c
WHERE f.mode & 61440 = 32768;

-- Ask the cache, in one call, which of them it does not have.
DROP TABLE IF EXISTS missing;
CREATE TEMP TABLE missing AS
SELECT m.hash
FROM ck_missing((SELECT json_group_array(hex(hash)) FROM (SELECT DISTINCT hash FROM chunk))) AS m;

-- Embed only those. ck_embed() is where a real model would be called.
INSERT INTO clock VALUES ('start', julianday('now'));
CREATE TEMP TABLE embedded AS
SELECT hash, ck_embed(content) AS vector
FROM chunk
WHERE hash IN (SELECT hash FROM missing)
GROUP BY hash;
INSERT INTO clock VALUES ('end', julianday('now'));

-- Store them and say what this worktree uses, in one transaction.
BEGIN IMMEDIATE;
INSERT OR IGNORE INTO embeddings(hash, model, version, vector)
SELECT hash, 'lexical', '1', vector FROM embedded;
INSERT OR REPLACE INTO workspaces(name, root) SELECT workspace, folder FROM job;
INSERT OR REPLACE INTO refs(workspace, path, chunk, start_line, end_line, hash)
SELECT job.workspace, path, chunk, start_line, end_line, hash FROM job, chunk;
COMMIT;

INSERT INTO report
SELECT job.workspace, count(DISTINCT path), count(*), count(DISTINCT hash),
       (SELECT count(*) FROM missing),
       (SELECT max(at) - min(at) FROM (SELECT at FROM clock ORDER BY rowid DESC LIMIT 2)) * 86400
FROM job, chunk;
SELECT printf('   %-8s %d files, %d chunks, %d distinct: %d hits, %d misses, hit rate %.1f %%',
              workspace, files, chunks, distinct_chunks, distinct_chunks - misses, misses,
              100.0 * (distinct_chunks - misses) / distinct_chunks)
    || printf(char(10) || '   %-8s embedding the misses took %.1f ms', '', 1e3 * embed_s)
FROM report ORDER BY rowid DESC LIMIT 1;
DROP TABLE embedded;
