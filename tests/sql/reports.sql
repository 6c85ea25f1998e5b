-- The reports of sql/reports, and the views behind them, on a store whose figures are known.
.echo on
.mode list
.headers on
INSERT INTO embeddings(model, version, content, vector) VALUES
    ('m', '1', 'a', '[1, 0]'), ('m', '1', 'b', '[0, 1]'), ('m', '1', 'c', '[1, 1]'), ('n', '1', 'a', '[1, 2, 3]');
INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]');
SELECT ck_get('m', '1', 'b') IS NULL AS missed, ck_get('m', '1', 'nothing') IS NULL AS missed;
SELECT count(*) AS missing FROM ck_missing(json_array(hex(ck_hash('m', '1', 'a')), hex(ck_hash('m', '1', 'z'))));
INSERT INTO workspaces(name) VALUES ('v'), ('w');
INSERT INTO refs(workspace, path, chunk, hash) VALUES
    ('v', 'p', 0, ck_hash('m', '1', 'a')), ('v', 'p', 1, ck_hash('m', '1', 'b')), ('v', 'q', 0, ck_hash('m', '1', 'a')),
    ('w', 'p', 0, ck_hash('m', '1', 'a'));
UPDATE embeddings SET created_at = 1700000000 WHERE model = 'm' AND rowid < 3;
UPDATE embeddings SET created_at = 1700086400, used_at = unixepoch() - 7200 WHERE rowid >= 3;
UPDATE _ck_hits SET day = 19000;
UPDATE workspaces SET last_seen = 1700000000;
.read tree/sql/reports/hit_rate.sql
.read tree/sql/reports/dedup.sql
.read tree/sql/reports/workspaces.sql
.read tree/sql/reports/unused.sql
.read tree/sql/reports/growth.sql
.read tree/sql/reports/savings.sql
-- Hits of a model that is gone are not hits by hash; a report of a store without refs or hits.
INSERT INTO embeddings(model, version, content, vector) VALUES ('gone', '1', 'x', '[1]');
INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES ('gone', '1', 'x', '[1]');
DELETE FROM embeddings WHERE model = 'gone';
DELETE FROM models WHERE model = 'gone';
INSERT INTO workspaces(name) VALUES ('third');
UPDATE _ck_hits SET day = 19000;
.read tree/sql/reports/hit_rate.sql
.read tree/sql/reports/savings.sql
BEGIN;
DELETE FROM workspaces;
DELETE FROM embeddings;
DELETE FROM _ck_hits;
.read tree/sql/reports/hit_rate.sql
.read tree/sql/reports/dedup.sql
.read tree/sql/reports/workspaces.sql
.read tree/sql/reports/unused.sql
.read tree/sql/reports/growth.sql
.read tree/sql/reports/savings.sql
ROLLBACK;
.param set :tokens_per_chunk 1000
.param set :price_per_million 10
.read tree/sql/reports/savings.sql
