-- Leases: who computes an embedding, and what garbage collection leaves alone.
SELECT length(ck_put('m', '1', 'stored', '[1, 2]'));
CREATE TEMP VIEW claimed AS SELECT NULL AS state;
.param init
.param set :both "json_array(hex(ck_hash('m', '1', 'stored')), hex(ck_hash('m', '1', 'new')))"

SELECT value ->> 'ord', value ->> 'state', value ->> 'fence', value ->> 'retry_after'
FROM json_each(ck_claim(:both, 'alice', 60));
-- Claimed again by its owner: the same fence. By somebody else: busy.
SELECT value ->> 'state', value ->> 'fence' FROM json_each(ck_claim(:both, 'alice', 60));
SELECT value ->> 'state', value ->> 'retry_after' BETWEEN 1 AND 60
FROM json_each(ck_claim(:both, 'bob', 60));
SELECT owner, fence, expires_at - granted_at FROM ck_leases;

-- Heartbeats; nobody renews or releases what is not his.
SELECT ck_renew(NULL, 'alice', 120), ck_renew(NULL, 'bob', 120);
SELECT ck_renew(ck_hash('m', '1', 'new'), 'alice', 120), ck_renew(ck_hash('m', '1', 'new'), 'bob', 1);
SELECT ck_release(ck_hash('m', '1', 'new'), 'bob');
SELECT expires_at - unixepoch() BETWEEN 61 AND 120 FROM ck_leases;

-- Expired: it is stolen, with a later fence, and the old owner finds that out. Its late put is as good
-- as any.
UPDATE ck_leases SET expires_at = unixepoch() - 1;
SELECT value ->> 'state', value ->> 'fence' FROM json_each(ck_claim(:both, 'bob', 60));
SELECT ck_renew(NULL, 'alice', 60);
SELECT length(ck_put('m', '1', 'new', '[2, 1]'));
SELECT value ->> 'state' FROM json_each(ck_claim(:both, 'carol', 60));

-- What is leased is no garbage, and is not retired.
SELECT ck_gc(0);
SELECT value ->> 'state' FROM json_each(ck_retire(:both));
SELECT count(*) FROM embeddings;
SELECT ck_release(NULL, 'bob');
SELECT count(*) FROM ck_garbage(0);

-- The fence outlives the leases. One that ends later than any lease can is of a wrong clock.
SELECT value ->> 'fence' FROM json_each(ck_claim(ck_hash('m', '1', 'x'), 'alice', 86400));
UPDATE ck_leases SET expires_at = unixepoch() + 1000000;
SELECT value ->> 'state', value ->> 'fence' FROM json_each(ck_claim(ck_hash('m', '1', 'x'), 'bob', 1));
UPDATE ck_leases SET expires_at = unixepoch() - 1;
SELECT ck_gc(0);
SELECT count(*) FROM ck_leases;

-- What waits for a remote is no garbage either, unless nothing is pushed there.
SELECT length(ck_put('m', '1', 'waits', '[2, 1]'));
INSERT INTO ck_remotes(name, url) VALUES ('team', 'file:none.db');
SELECT count(*) FROM ck_garbage(0);
UPDATE ck_remotes SET push = 0;
SELECT count(*) FROM ck_garbage(0);
UPDATE ck_remotes SET push = 1;

-- An item that the remote wants later waits longer each time, then alone, and is given up at last.
SELECT ck_ack('team', json_array(json_object('hash', hex(ck_hash('m', '1', 'waits')),
    'seq', (SELECT seq FROM ck_batch('team')), 'result', 'retry', 'code', 'busy', 'message', 'later')));
SELECT result, code, attempts, next_at - at BETWEEN 8 AND 12 FROM ck_acks;
SELECT count(*) FROM ck_batch('team');
SELECT count(*), attempts FROM ck_outbox;
SELECT count(*) FROM ck_garbage(0);
UPDATE ck_acks SET attempts = 2, next_at = unixepoch();
SELECT length(ck_put('m', '1', 'waits too', '[2, 2]'));
SELECT hash = ck_hash('m', '1', 'waits too') FROM ck_batch('team');
SELECT ck_ack('team', json_array(json_object('hash', hex(ck_hash('m', '1', 'waits too')),
    'seq', (SELECT seq FROM ck_batch('team')), 'result', 'retry', 'retry_after', 0)));
UPDATE ck_acks SET next_at = unixepoch();
SELECT hash = ck_hash('m', '1', 'waits too') FROM ck_batch('team');
UPDATE ck_acks SET next_at = unixepoch() + 900 WHERE hash = ck_hash('m', '1', 'waits too');
SELECT hash = ck_hash('m', '1', 'waits') FROM ck_batch('team');
UPDATE ck_acks SET attempts = 7 WHERE hash = ck_hash('m', '1', 'waits');
SELECT ck_ack('team', json_array(json_object('hash', hex(ck_hash('m', '1', 'waits')),
    'seq', (SELECT seq FROM ck_batch('team')), 'result', 'retry', 'message', 'still later')));
SELECT result, code, attempts FROM ck_acks ORDER BY result;
SELECT source, code, substr(message, -45) FROM ck_errors;
SELECT count(*) FROM ck_garbage(0);

-- An answer about a change that is no longer the latest says nothing.
INSERT OR REPLACE INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'waits', '[3, 3]');
SELECT ck_ack('team', json_array(json_object('hash', hex(ck_hash('m', '1', 'waits')), 'seq', 3,
    'result', 'created')));
SELECT count(*) FROM ck_batch('team');

-- A copy of the file is another store, from its first write on; a moved file is the same.
CREATE TABLE temp.uuid AS SELECT store_uuid FROM _ck_meta;
SELECT value ->> 'state' FROM json_each(ck_claim(ck_hash('m', '1', 'y'), 'alice', 60));
.shell cp test.db copy.db
ATTACH 'copy.db' AS copy;
SELECT (SELECT store_uuid FROM copy._ck_meta) = store_uuid FROM uuid;
SELECT ck_hello('copy') ->> 'epoch' = store_uuid, ck_hello() ->> 'epoch' = store_uuid FROM uuid;
SELECT ck_attach('copy');
BEGIN;
INSERT INTO copy_embeddings(model, version, content, vector) VALUES ('m', '1', 'z', '[1, 1]');
SELECT (SELECT store_uuid FROM copy._ck_meta) = store_uuid FROM uuid;
ROLLBACK;
SELECT (SELECT store_uuid FROM copy._ck_meta) = store_uuid FROM uuid;
INSERT INTO copy_embeddings(model, version, content, vector) VALUES ('m', '1', 'z', '[1, 1]');
SELECT (SELECT store_uuid FROM copy._ck_meta) = store_uuid FROM uuid;
SELECT count(*), (SELECT count(*) FROM ck_leases) FROM copy.ck_leases;
SELECT action, detail ->> 'became' = (SELECT store_uuid FROM copy._ck_meta) FROM copy.ck_audit WHERE action = 'copied';
DETACH copy;
.shell sqlite3 test.db 'SELECT store_uuid FROM _ck_meta' > uuid; mv test.db moved.db
.shell sqlite3 -cmd '.load build/ck' moved.db "SELECT length(ck_put('m', '1', 'q', '[1, 3]'))"
.shell sqlite3 moved.db 'SELECT store_uuid FROM _ck_meta' | cmp - uuid && echo the same

-- Refused.
SELECT ck_claim(x'00', 'alice', 60);
SELECT ck_claim(zeroblob(32), '', 60);
SELECT ck_claim(zeroblob(32), 'alice', 0);
SELECT ck_claim(zeroblob(32), 'alice', 60, 'nowhere');
SELECT ck_report('s', CAST(zeroblob(64) AS BLOB), NULL, NULL);
SELECT ck_report('s', zeroblob(32), zeroblob(32), NULL);
SELECT ck_ack('nobody', '[]');
SELECT ck_ack('team', '[{"hash": "00"}]');
SELECT ck_ack('team', 'no json');
SELECT ck_handshake('team', '{}');
SELECT ck_handshake('team', '[');
SELECT ck_handshake('team', json_set(ck_hello(), '$.key', 'md5'));
SELECT ck_handshake('team', json_set(ck_hello(), '$.protocol[0]', 2, '$.protocol[1]', 3));
SELECT ck_handshake('team', ck_hello());
SELECT ck_pulled('team', 'some epoch', 0, 1, 1);
SELECT ck_apply('team', 'delete', zeroblob(32), 'm', '1', NULL, NULL, NULL);
