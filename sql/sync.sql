-- A sync between two stores, step by step: what ck_sync() does with a remote that is the file of
-- another store, and what any client can do that carries the messages itself, over whatever network.
-- The other store is attached as `far`; all that is said of it is a message (protocol-sync.md), and
-- the rest are the books that this store keeps.
--
-- Every section, from one `-- name:` to the next, is run as it stands, with its parameters bound by
-- name (in the shell: `.param set :remote 'team'`). tests/sql/sync.sql runs them in the shell.
--
--     remote          once
--     open            once for a connection
--     handshake       what is the remote, and are we where we think we are?
--     push            … until `batch` is empty
--     pull            … until next = high
--     report          now and then: what is in use here, so that it is not retired there
--     settle          it worked; or failed: when is it to be tried again?
--
-- What must never be done:
--
-- - Ack before the remote has committed. Each section says which store a transaction writes, and none
--   writes both: of two files in WAL mode, a crash may keep the one commit and lose the other.
-- - Set a cursor without the items before it. Items and cursor are one transaction.
-- - Think that a step must not be done again. Each may: what is there already is answered 'exists'.

-- A remote. push 0: it is only read. mirror 1: everything in it is kept here.
-- name: remote
INSERT INTO ck_remotes(name, url) VALUES (:remote, :url);

-- name: open
ATTACH :file AS far;
SELECT ck_attach('far');
CREATE TEMP TABLE IF NOT EXISTS batch(
    seq INTEGER PRIMARY KEY, op TEXT, hash BLOB, model TEXT, version TEXT, origin TEXT, at INTEGER,
    listing TEXT);
CREATE TEMP TABLE IF NOT EXISTS answer(seq INTEGER PRIMARY KEY, hash BLOB, answer TEXT);

-- Message hello; then our models there, so that they are not made up from the first vector. A model
-- of the same name with other dims stays as it is, and is refused by the handshake.
-- name: handshake
INSERT OR IGNORE INTO far_models(model, version, dims, metric, encoding, normalized)
SELECT model, version, dims, metric, encoding, normalized FROM models
WHERE (SELECT push FROM ck_remotes WHERE name = :remote);
SELECT ck_handshake(:remote, ck_hello('far', (SELECT store_uuid FROM _ck_meta)));

-- Message push. The first transaction writes the remote: the items, and our new mark with them. The
-- second records here what it answered, and that the mark is there. A pack leaves out an embedding
-- that does not read back; without its vector it is missing there, and is tried again.
-- name: push
DELETE FROM batch;
DELETE FROM answer;
INSERT INTO batch
SELECT seq, op, hash, model, version, origin, at, listing FROM ck_batch(:remote);
BEGIN IMMEDIATE;
INSERT INTO answer
SELECT seq, hash, ck_apply(NULL, op, hash, model, version, (
           SELECT vector FROM ck_unpack(ck_pack(b.hash))), origin, at, 'far')
FROM batch AS b ORDER BY seq;
SELECT ck_heartbeat((SELECT store_uuid FROM _ck_meta), NULL,
                    (SELECT new_mark FROM ck_remotes WHERE name = :remote), 'far')
WHERE EXISTS (SELECT 1 FROM answer);
COMMIT;
BEGIN IMMEDIATE;
SELECT ck_ack(:remote, json_group_array(json_object(
    'hash', hex(hash), 'seq', seq, 'listing', (SELECT max(listing) FROM batch),
    'result', CASE answer WHEN 'created' THEN answer WHEN 'exists' THEN answer
                          WHEN 'conflict' THEN 'exists' WHEN 'rejected: missing' THEN 'retry'
                          ELSE 'rejected' END,
    'code', replace(answer, 'rejected: ', ''))))
FROM answer;
SELECT ck_settle(:remote, 1) WHERE EXISTS (SELECT 1 FROM answer);
COMMIT;

-- Message pull, of a page, all by (epoch, after, limit). The transaction writes this store: the items,
-- and how far that is. What does not read back there is 'rejected: missing', and the rest goes on: it
-- comes with a pull of all, or by its hash, once it was mended there.
-- name: pull
DELETE FROM batch;
DELETE FROM answer;
BEGIN IMMEDIATE;
INSERT INTO batch
SELECT c.seq, c.op, c.hash, c.model, c.version, coalesce(e.origin, t.origin, (
           SELECT origin FROM far._ck_meta)), t.retired_at, NULL
FROM far.ck_changes AS c
LEFT JOIN far._ck_embedding AS e ON e.seq = c.seq
LEFT JOIN far.ck_tombstones AS t ON t.seq = c.seq
WHERE c.seq > (SELECT pull_seq FROM ck_remotes WHERE name = :remote)
ORDER BY c.seq LIMIT (SELECT batch_items FROM ck_remotes WHERE name = :remote);
INSERT INTO answer
SELECT seq, hash, ck_apply(:remote, op, hash, model, version, (
           SELECT vector FROM ck_unpack(ck_pack(b.hash, 1, NULL, 'far'))), origin, at)
FROM batch AS b ORDER BY seq;
SELECT ck_pulled(:remote, ck_hello('far') ->> 'epoch',
                 (SELECT pull_seq FROM ck_remotes WHERE name = :remote),
                 CASE WHEN count(*) < (SELECT batch_items FROM ck_remotes WHERE name = :remote)
                      THEN ck_hello('far') ->> 'seq' ELSE max(seq) END,
                 ck_hello('far') ->> 'seq') AS next, ck_hello('far') ->> 'seq' AS high
FROM batch;
COMMIT;

-- Message ref-report, here in one part: from the first hash to the last.
-- name: report
SELECT ck_report((SELECT store_uuid FROM _ck_meta), (
           SELECT json_group_array(hex(hash)) FROM (SELECT hash FROM ck_referenced ORDER BY hash)),
       NULL, NULL, 'far');

-- name: settle
SELECT ck_settle(:remote, 0);

-- name: failed
SELECT ck_fail(:remote, :message);

-- What there is to see.
-- name: status
SELECT name, push_seq, pull_seq, pull_high, pushed, pulled, conflicts, attempts, last_error
FROM ck_remotes;
SELECT remote, op, count(*), sum(bytes) FROM ck_outbox GROUP BY remote, op;
SELECT remote, result, code, count(*) FROM ck_acks GROUP BY remote, result, code;
SELECT source, code, message FROM ck_errors WHERE source GLOB 'sync:*';
