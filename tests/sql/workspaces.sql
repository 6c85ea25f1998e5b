-- The table workspaces: registering, heartbeat, renaming, releasing, figures.
.echo on
INSERT INTO workspaces(name) VALUES ('main');
SELECT name, length(uuid), root, host, created_at = last_seen, expires_at, pinned, state, refs, embeddings, bytes, shared_bytes FROM workspaces;
INSERT INTO workspaces(name, uuid, root, host, last_seen, expires_at, pinned) VALUES ('ci', 'u-1', '/ci', 'box', 5, 99, 1);
SELECT name, uuid, root, host, last_seen, expires_at, pinned FROM workspaces WHERE name = 'ci';

-- A name is taken once, and so is a uuid.
INSERT INTO workspaces(name) VALUES ('ci');
INSERT OR IGNORE INTO workspaces(name) VALUES ('ci');
INSERT INTO workspaces(name, uuid) VALUES ('ci2', 'u-1');
SELECT name FROM workspaces ORDER BY name;

-- OR REPLACE sets what is given, and keeps the rest.
INSERT OR REPLACE INTO workspaces(name, last_seen) VALUES ('ci', 6);
SELECT name, uuid, root, host, last_seen, expires_at, pinned FROM workspaces WHERE name = 'ci';

-- The heartbeat, and other updates.
UPDATE workspaces SET last_seen = 1000 WHERE name = 'main';
UPDATE workspaces SET root = '/src', host = 'box', expires_at = 2000, pinned = 1 WHERE name = 'main';
SELECT name, root, host, last_seen, expires_at, pinned FROM workspaces WHERE name = 'main';
UPDATE workspaces SET root = NULL, host = NULL, expires_at = NULL, pinned = 0 WHERE name = 'main';
SELECT name, root, host, last_seen, expires_at, pinned FROM workspaces WHERE name = 'main';
CREATE TABLE seen(name, at);
INSERT INTO seen VALUES ('main', 3000);
UPDATE workspaces SET last_seen = seen.at FROM seen WHERE seen.name = workspaces.name;
SELECT name, last_seen FROM workspaces WHERE name = 'main';

-- Renaming keeps refs; a taken name is refused.
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]'), ('m', '1', 'b', '[0, 1]'), ('m', '1', 'c', '[1, 1]');
INSERT INTO refs(workspace, path, hash) VALUES ('main', 'a', ck_hash('m', '1', 'a')), ('main', 'a2', ck_hash('m', '1', 'a')), ('main', 'b', ck_hash('m', '1', 'b')), ('ci', 'a', ck_hash('m', '1', 'a'));
UPDATE workspaces SET name = 'trunk' WHERE name = 'main';
UPDATE workspaces SET name = 'ci' WHERE name = 'trunk';
SELECT workspace, path FROM refs ORDER BY workspace, path;

-- Figures: what it uses, and how much of that others use, too.
SELECT name, refs, embeddings, bytes, shared_bytes FROM workspaces ORDER BY name;
SELECT * FROM ck_usage;

-- Refused.
INSERT INTO workspaces(name) VALUES (NULL);
INSERT INTO workspaces(name) VALUES ('');
INSERT INTO workspaces(name) VALUES (7);
INSERT INTO workspaces(root) VALUES ('/x');
INSERT INTO workspaces(name, pinned) VALUES ('x', 2);
INSERT INTO workspaces(name, last_seen) VALUES ('x', 'now');
INSERT INTO workspaces(name, expires_at) VALUES ('x', -1);
INSERT INTO workspaces(name, root) VALUES ('x', 7);
INSERT INTO workspaces(name, state) VALUES ('x', 'live');
INSERT INTO workspaces(name, refs) VALUES ('x', 1);
INSERT INTO workspaces(rowid, name) VALUES (70, 'x');
UPDATE workspaces SET name = NULL WHERE name = 'ci';
UPDATE workspaces SET uuid = 'u-2' WHERE name = 'ci';
UPDATE workspaces SET uuid = NULL WHERE name = 'ci';
UPDATE workspaces SET state = 'released' WHERE name = 'ci';
UPDATE workspaces SET created_at = 1 WHERE name = 'ci';
UPDATE workspaces SET last_seen = NULL WHERE name = 'ci';
UPDATE workspaces SET pinned = NULL WHERE name = 'ci';
UPDATE workspaces SET rowid = 70 WHERE name = 'ci';
SELECT name, uuid = 'u-1', state, last_seen, pinned FROM workspaces WHERE name <> 'trunk';

-- Releasing lets go of all refs at once; the name may come again, without the refs.
DELETE FROM workspaces WHERE name = 'trunk';
SELECT workspace, path FROM refs;
SELECT name, refs, shared_bytes FROM workspaces;
INSERT INTO workspaces(name) VALUES ('trunk');
SELECT name, refs FROM workspaces ORDER BY name;
SELECT count(*) FROM embeddings;
