-- ck_stats: the store in figures; ck_usage: each workspace.
.echo on
SELECT count(*) FROM ck_stats;
SELECT count(*) FROM ck_usage;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]'), ('m', '1', 'b', '[1, 0]'), ('m', '1', 'c', '[1, 0]'), ('n', '1', 'c', '[1, 0, 0]');
INSERT INTO workspaces(name) VALUES ('one'), ('two'), ('three');
INSERT INTO refs(workspace, path, chunk, hash) VALUES
    ('one', 'x', 0, ck_hash('m', '1', 'a')), ('one', 'x', 1, ck_hash('m', '1', 'b')), ('one', 'y', 0, ck_hash('m', '1', 'b')),
    ('two', 'x', 0, ck_hash('m', '1', 'b')), ('two', 'z', 0, ck_hash('n', '1', 'c'));
SELECT name, value FROM ck_stats WHERE name NOT IN ('store_uuid', 'created_at', 'page_size', 'pages', 'free_pages');
SELECT name, typeof(value), CASE name WHEN 'store_uuid' THEN length(value) ELSE value >= 0 END FROM ck_stats WHERE name IN ('store_uuid', 'created_at', 'page_size', 'pages', 'free_pages');
SELECT * FROM ck_usage;
SELECT name, refs, embeddings, bytes, bytes - shared_bytes FROM workspaces ORDER BY name;
SELECT model, count, bytes FROM models ORDER BY model;
SELECT (SELECT value FROM ck_stats WHERE name = 'pages') = (SELECT page_count FROM pragma_page_count);

-- The figures move with the rows, inside a transaction, too.
BEGIN;
DELETE FROM workspaces WHERE name = 'two';
SELECT name, value FROM ck_stats WHERE name IN ('workspaces', 'refs', 'live_embeddings', 'live_bytes', 'embeddings');
SELECT workspace, refs, exclusive_bytes FROM ck_usage;
ROLLBACK;
SELECT workspace, refs, exclusive_bytes FROM ck_usage;
SELECT * FROM ck_usage(1);
SELECT json_valid(ck_debug()), ck_version() GLOB '[0-9]*.[0-9]*.[0-9]*';
