-- A sync between two stores, section by section, as sql/sync.sql says it.
.shell awk -v sql=.sql '/^-- name: /{file = \$3 sql} file{print > file}' tree/sql/sync.sql
.shell sqlite3 -cmd '.load build/ck' far.db "SELECT length(ck_put('m', '1', 'theirs', '[1, 0, 0]')), length(ck_put('m', '1', 'both', '[0, 1, 0]')), length(ck_put('other', '1', 'x', '[1, 2]'))"
SELECT length(ck_put('m', '1', 'ours', '[0, 0, 1]')), length(ck_put('m', '1', 'both', '[0, 1, 0.001]'));
INSERT INTO embeddings(model, version, content, vector) VALUES ('other', '1', 'x', '[1, 2, 3]');
.param init
.param set :remote 'team'
.param set :url 'file:far.db'
.param set :file 'far.db'
.param set :message 'unreachable'
.read remote.sql
.read open.sql

-- The feed and the fresh part of the outbox are read off indexes, in order: no sorting, no scan.
.shell sqlite3 -cmd '.load build/ck' test.db "EXPLAIN QUERY PLAN SELECT * FROM ck_changes WHERE seq > 1 ORDER BY seq LIMIT 1" | grep -c -e 'TEMP B-TREE' -e 'SCAN'
.shell sqlite3 -cmd '.load build/ck' test.db "EXPLAIN QUERY PLAN SELECT * FROM ck_outbox WHERE remote = 'team' ORDER BY seq LIMIT 1" | grep -c -e 'TEMP B-TREE' -e 'SCAN '
.shell sqlite3 -cmd '.load build/ck' test.db "EXPLAIN QUERY PLAN SELECT * FROM ck_changes WHERE seq > 1 ORDER BY seq LIMIT 1" | grep -c -e 'SEARCH .*_seq (seq>?)'
SELECT seq, op FROM ck_changes WHERE seq > 1 ORDER BY seq LIMIT 1;
SELECT remote, seq, op, model, bytes FROM ck_outbox WHERE remote = 'team' ORDER BY seq;

-- The model of other dims is refused, the rest goes on.
.read handshake.sql
SELECT remote, seq, op, model, bytes FROM ck_outbox WHERE remote = 'team' ORDER BY seq;
.output push
.read push.sql
.output stdout
SELECT seq, answer FROM answer;
SELECT push_seq, pushed FROM ck_remotes;
.read pull.sql
SELECT b.op, b.model, a.answer FROM answer AS a JOIN batch AS b USING (seq) ORDER BY seq;
.read settle.sql
.read status.sql

-- A second sync has nothing to do, and what was pulled is not sent back.
.read handshake.sql
.output push
.read push.sql
.output stdout
SELECT count(*) FROM answer;
.read pull.sql
SELECT count(*) FROM answer;
SELECT (SELECT count(*) FROM embeddings WHERE model = 'm'),
       (SELECT count(*) FROM far_embeddings WHERE model = 'm'),
       (SELECT count(*) FROM ck_acks);

-- A conflict: the first one stays, on both sides, and is counted.
SELECT length(ck_put('m', '1', 'contested', '[1, 0, 0]'));
INSERT INTO far_embeddings(model, version, content, vector) VALUES ('m', '1', 'contested', '[0, 1, 0]');
.output push
.read push.sql
.output stdout
SELECT answer FROM answer;
SELECT remote, result, code FROM ck_acks;
.read pull.sql
SELECT answer FROM answer;
SELECT vec_to_json(ck_get('m', '1', 'contested'));
SELECT conflicts FROM ck_remotes;
SELECT action, detail ->> 'remote' FROM ck_audit WHERE action = 'conflict';
SELECT action FROM far.ck_audit WHERE action = 'conflict';

-- Retiring. What a report of another store names stays.
SELECT ck_heartbeat('another', NULL, NULL);
SELECT ck_report('another', json_array(hex(ck_hash('m', '1', 'theirs'))), NULL, NULL);
SELECT value ->> 'state' FROM json_each(ck_retire(json_array(
    hex(ck_hash('m', '1', 'theirs')), hex(ck_hash('m', '1', 'ours')),
    hex(ck_hash('m', '1', 'never')))));
.output push
.read push.sql
.output stdout
SELECT op, answer FROM answer JOIN batch USING (seq);
SELECT count(*) FROM far_embeddings WHERE hash = ck_hash('m', '1', 'ours');
SELECT op, model FROM far.ck_changes WHERE hash = ck_hash('m', '1', 'ours');

-- Put again, a retired hash has a seq above its tombstone, which is gone.
SELECT length(ck_put('m', '1', 'ours', '[0, 0, 1]'));
SELECT op, seq > (SELECT push_seq FROM ck_remotes) FROM ck_changes WHERE hash = ck_hash('m', '1', 'ours');
.output push
.read push.sql
.output stdout
SELECT op, answer FROM answer JOIN batch USING (seq);
SELECT op FROM far.ck_changes WHERE hash = ck_hash('m', '1', 'ours');

-- Somebody there refers to what is retired here: it stays there, and comes back with the next pull
-- of all. Somebody here refers to what was retired there: it stays, and goes there again.
INSERT INTO far_workspaces(name) VALUES ('w');
INSERT INTO far_refs(workspace, path, hash) VALUES ('w', 'p', ck_hash('m', '1', 'ours'));
SELECT value ->> 'state' FROM json_each(ck_retire(ck_hash('m', '1', 'ours')));
.output push
.read push.sql
.output stdout
SELECT op, answer FROM answer JOIN batch USING (seq);
INSERT INTO workspaces(name) VALUES ('w');
INSERT INTO refs(workspace, path, hash) VALUES ('w', 'p', ck_hash('m', '1', 'both'));
SELECT ck_apply('team', 'tombstone', ck_hash('m', '1', 'both'), 'm', '1', NULL, NULL, unixepoch() + 1);
SELECT op, model FROM ck_outbox WHERE remote = 'team';
.read report.sql
SELECT count(*) FROM far._ck_report;

-- Restored from a backup of before our last change, in place: our mark is missing, so all is
-- offered and listed again, but no tombstone.
UPDATE far.ck_peers SET mark = 'an older one';
.read handshake.sql
SELECT push_seq, pull_seq, listing, tombstone_seq > 0 FROM ck_remotes;
.output push
.read push.sql
.output stdout
SELECT op, answer, count(*) FROM answer JOIN batch USING (seq) GROUP BY 1, 2;
.read pull.sql
SELECT op, answer, count(*) FROM answer JOIN batch USING (seq) GROUP BY 1, 2;

-- What does not read back, here or there, is left out, and the rest goes on.
SELECT length(ck_put('m', '1', 'whole', '[1, 1, 0]')), length(ck_put('m', '1', 'torn', '[1, 0, 1]'));
.shell sqlite3 -cmd '.load build/ck' far.db "SELECT length(ck_put('m', '1', 'whole there', '[1, 2, 0]')), length(ck_put('m', '1', 'torn there', '[1, 0, 2]'))"
UPDATE _ck_vector SET data = zeroblob(12)
WHERE id = (SELECT rowid FROM embeddings WHERE hash = ck_hash('m', '1', 'torn'));
UPDATE far._ck_vector SET data = zeroblob(12)
WHERE id = (SELECT id FROM far._ck_embedding AS e WHERE e.hash = ck_hash('m', '1', 'torn there'));
.output push
.read push.sql
.output stdout
SELECT op, answer FROM answer JOIN batch USING (seq);
SELECT result, code FROM ck_acks WHERE hash = ck_hash('m', '1', 'torn');
.read pull.sql
SELECT op, answer FROM answer JOIN batch USING (seq);
SELECT count(*) FROM embeddings WHERE hash = ck_hash('m', '1', 'whole there');
SELECT count(*) FROM far_embeddings WHERE hash = ck_hash('m', '1', 'whole');

-- Failures wait longer and longer.
.output next
.read failed.sql
.read failed.sql
.output stdout
SELECT attempts, next_at - unixepoch() BETWEEN 1 AND 25, last_error FROM ck_remotes;
.read settle.sql
SELECT attempts, next_at, last_error FROM ck_remotes;

-- A remote of another place begins from nothing; one that is gone leaves nothing.
UPDATE ck_remotes SET url = 'file:elsewhere.db';
SELECT push_seq, pull_seq, epoch FROM ck_remotes;
DELETE FROM ck_remotes;
SELECT count(*) FROM ck_acks;
SELECT count(*) FROM _ck_remote_model;
