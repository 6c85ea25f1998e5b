-- Remotes: handshakes, and how far the sync with each has come.

-- name: remote_get
SELECT name, url, epoch, mark, new_mark, push, mirror,
       min(batch_items, coalesce(limit_items, batch_items)),
       min(batch_bytes, coalesce(limit_bytes, batch_bytes)),
       push_seq, tombstone_seq, pull_seq, pull_high, min_seq, listing, listed, attempts,
       coalesce(next_at, 0)
FROM main.ck_remotes WHERE name = ?1 OR url = ?1
ORDER BY name <> ?1

-- name: remote_names
SELECT coalesce(group_concat('''' || name || '''', ', '), 'there are none') FROM main.ck_remotes

-- What this store says of itself. ?1, ?2: versions of the messages. ?3: the kind of keys. ?4: of a
-- file that is a copy and has not been written since, what tells it from the original. ?5: who asks.
-- ?6: how many writers.
-- name: hello
SELECT json_object(
    'protocol', json_array(?1, ?2), 'key', ?3, 'epoch', s.store_uuid || ?4, 'store', s.store_uuid,
    'seq', s.seq, 'min_seq', s.min_seq,
    'mark', (SELECT p.mark FROM main.ck_peers AS p WHERE p.store = ?5),
    'reported_at', (SELECT p.reported_at FROM main.ck_peers AS p WHERE p.store = ?5),
    'writers', json((
        SELECT json_group_array(json_array(seq, word))
        FROM (SELECT seq, word FROM main._ck_writer ORDER BY seq DESC LIMIT ?6))),
    'batch_items', 10000, 'batch_bytes', 67108864,
    'encodings', json_array('f32', 'f16', 'i8', 'f32+zstd', 'f16+zstd', 'i8+zstd'),
    'models', json((
        SELECT json_group_array(json_object(
            'model', name, 'version', version, 'dims', dims, 'metric', metric,
            'normalized', normalized, 'encoding', encoding))
        FROM (SELECT * FROM main._ck_model ORDER BY name, version))))
FROM main._ck_meta AS s WHERE s.id = 1

-- name: handshake_read
SELECT ?1 ->> '$.protocol[0]', ?1 ->> '$.protocol[1]', ?1 ->> '$.key', ?1 ->> '$.epoch',
       ?1 ->> '$.seq', ?1 ->> '$.min_seq', ?1 ->> '$.mark', ?1 ->> '$.batch_items',
       ?1 ->> '$.batch_bytes', json_type(?1, '$.models')

-- name: handshake_is_own
SELECT 1 FROM main._ck_meta WHERE id = 1 AND store_uuid = ?1

-- Has the remote's past changed? Up to the seq that it had at the last handshake its writers must be those
-- that it had then, as far back as both lists go: a thousand later ones leave nothing to compare.
-- name: handshake_writers_differ
WITH known AS (
    SELECT value ->> '$[0]' AS seq, value ->> '$[1]' AS word
    FROM main.ck_remotes AS r, json_each(r.writers) WHERE r.name = ?1),
said AS (
    SELECT value ->> '$[0]' AS seq, value ->> '$[1]' AS word FROM json_each(?2, '$.writers')),
span AS (
    SELECT max(coalesce((SELECT min(seq) FROM known), 0), coalesce((SELECT min(seq) FROM said), 0))
               AS first_seq,
           writers_seq AS last_seq
    FROM main.ck_remotes WHERE name = ?1)
SELECT EXISTS (SELECT 1 FROM known) AND json_type(?2, '$.writers') = 'array'
   AND (EXISTS (SELECT seq, word FROM known, span WHERE seq >= first_seq
                EXCEPT SELECT seq, word FROM said)
        OR EXISTS (SELECT seq, word FROM said, span WHERE seq BETWEEN first_seq AND last_seq
                   EXCEPT SELECT seq, word FROM known))

-- What it (?1) says of its models (?2), and why one is refused.
-- part: said_models
SELECT ?1, j.value ->> 'model', j.value ->> 'version', j.value ->> 'dims',
       j.value ->> 'metric', j.value ->> 'normalized', j.value ->> 'encoding',
       CASE WHEN m.dims <> j.value ->> 'dims'
            THEN 'it has ' || (j.value ->> 'dims') || ' dims there and ' || m.dims || ' here' END
FROM json_each(?2, '$.models') AS j
LEFT JOIN main._ck_model AS m
    ON m.name = j.value ->> 'model' AND m.version = j.value ->> 'version'

-- Its models: are they, and what we hold against them, as we know? ?1: the remote. ?2: what it says.
-- A refused one is in both with other dims.
-- name: handshake_models_differ
WITH said AS (
-- use: said_models
),
known AS (
    SELECT remote, model, version, dims, metric, normalized, encoding, refused
    FROM main._ck_remote_model WHERE remote = ?1)
SELECT EXISTS (SELECT * FROM said EXCEPT SELECT * FROM known)
    OR EXISTS (SELECT * FROM known EXCEPT SELECT * FROM said)

-- Is a model refused that would not be any more?
-- name: handshake_lifted
SELECT EXISTS (
    SELECT 1 FROM main._ck_remote_model AS k
    WHERE k.remote = ?1 AND k.refused IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM json_each(?2, '$.models') AS j
        JOIN main._ck_model AS m
            ON m.name = j.value ->> 'model' AND m.version = j.value ->> 'version'
        WHERE m.name = k.model AND m.version = k.version AND m.dims <> j.value ->> 'dims'))

-- name: handshake_drop_models
DELETE FROM main._ck_remote_model WHERE remote = ?1

-- name: handshake_add_models
INSERT INTO main._ck_remote_model(remote, model, version, dims, metric, normalized, encoding,
                                  refused)
-- use: said_models

-- name: handshake_count_refused
SELECT count(*) FROM main._ck_remote_model WHERE remote = ?1 AND refused IS NOT NULL

-- The models that are refused, as errors that go when it is over.
-- name: handshake_drop_errors
DELETE FROM main.ck_errors
WHERE source = 'sync:' || ?1 AND substr(code, 1, 6) = 'model '
  AND substr(code, 7) NOT IN (
      SELECT model || ' ' || version FROM main._ck_remote_model
      WHERE remote = ?1 AND refused IS NOT NULL)

-- name: handshake_add_errors
INSERT INTO main.ck_errors(source, code, message, first_at, last_at, count)
SELECT 'sync:' || ?1, 'model ' || model || ' ' || version, refused, ?2, ?2, 1
FROM main._ck_remote_model WHERE remote = ?1 AND refused IS NOT NULL
ON CONFLICT(source, code) DO UPDATE
SET message = excluded.message, last_at = excluded.last_at, count = count + 1

-- ?2: its epoch. ?3, ?4: its limits. ?5: its min_seq. ?6: what to leave there with the next change.
-- ?7: its hello. ?8: its seq. When the new mark stands there, our last change arrived and its answer did
-- not.
-- name: handshake_set
UPDATE main.ck_remotes
SET epoch = ?2, limit_items = ?3, limit_bytes = ?4, min_seq = ?5,
    mark = CASE WHEN new_mark = ?7 ->> '$.mark' THEN new_mark ELSE mark END,
    new_mark = CASE WHEN new_mark = ?7 ->> '$.mark' THEN ?6 ELSE coalesce(new_mark, ?6) END,
    writers = ?7 -> '$.writers', writers_seq = ?8,
    reported = CASE WHEN report_after IS NOT NULL OR ?7 ->> '$.reported_at' IS NOT NULL
                    THEN reported END
WHERE name = ?1
  AND (epoch IS NOT ?2 OR limit_items IS NOT ?3 OR limit_bytes IS NOT ?4 OR min_seq <> ?5
       OR new_mark IS NULL OR new_mark = ?7 ->> '$.mark'
       OR writers IS NOT (?7 -> '$.writers') OR writers_seq <> ?8
       OR reported IS NOT NULL AND report_after IS NULL AND ?7 ->> '$.reported_at' IS NULL)

-- What it has may be less than what we know: all is offered once more, tombstones excepted.
-- name: remote_push_again
UPDATE main.ck_remotes
SET tombstone_seq = max(tombstone_seq, push_seq), push_seq = 0, mark = NULL WHERE name = ?1

-- name: remote_drop_acks
DELETE FROM main.ck_acks WHERE remote = ?1

-- name: remote_drop_model_acks
DELETE FROM main.ck_acks WHERE remote = ?1 AND result = 'rejected' AND code = 'model'

-- name: remote_list_again
UPDATE main.ck_remotes
SET pull_seq = 0, pull_high = 0, listing = listing + 1, reported = NULL, report_after = NULL
WHERE name = ?1

-- name: remote_drop_rejected
DELETE FROM main.ck_errors WHERE source = 'sync:' || ?1 AND code = 'rejected'

-- name: remote_fail
UPDATE main.ck_remotes
SET attempts = attempts + 1, next_at = ?2 + ?3, last_error = ?4, last_error_at = ?2 WHERE name = ?1

-- name: remote_settle
UPDATE main.ck_remotes
SET attempts = 0, next_at = NULL, last_error = NULL, last_sync_at = ?2
WHERE name = ?1

-- Mark ?2 (NULL: the new one) stands there; ?3 is the next one. Another process may have used and
-- replaced the new one meanwhile.
-- name: remote_set_mark
UPDATE main.ck_remotes
SET mark = coalesce(?2, new_mark),
    new_mark = CASE WHEN coalesce(?2, new_mark) IS NOT new_mark THEN new_mark ELSE ?3 END
WHERE name = ?1

-- name: remote_set_push_seq
UPDATE main.ck_remotes SET push_seq = ?2, pushed = pushed + ?3, conflicts = conflicts + ?4
WHERE name = ?1

-- name: remote_count_pulled
UPDATE main.ck_remotes SET push_seq = ?2, pulled = pulled + ?3, conflicts = conflicts + ?4
WHERE name = ?1

-- name: remote_set_cursor
UPDATE main.ck_remotes SET pull_seq = ?2, pull_high = ?3 WHERE name = ?1

-- name: remote_set_listed
UPDATE main.ck_remotes SET listed = ?2 WHERE name = ?1

-- The outbox, as the view ck_outbox has it; what the answers and the refused models are is asked once.
-- The first change of ours after ?2 that the remote has not answered; tombstones after ?3.
-- name: outbox_next
SELECT min(seq) FROM (
    SELECT * FROM (
        SELECT e.seq AS seq FROM main._ck_embedding AS e INDEXED BY _ck_embedding_seq
        WHERE e.seq > ?2
          AND NOT EXISTS (SELECT 1 FROM main.ck_acks AS a WHERE a.remote = ?1 AND a.seq = e.seq)
          AND e.model NOT IN (
              SELECT m.id FROM main._ck_remote_model AS f
              JOIN main._ck_model AS m ON m.name = f.model AND m.version = f.version
              WHERE f.remote = ?1 AND f.refused IS NOT NULL)
        ORDER BY e.seq LIMIT 1)
    UNION ALL
    SELECT * FROM (
        SELECT t.seq FROM main.ck_tombstones AS t
        WHERE t.seq > ?3
          AND NOT EXISTS (SELECT 1 FROM main.ck_acks AS a WHERE a.remote = ?1 AND a.seq = t.seq)
        ORDER BY t.seq LIMIT 1))

-- name: outbox_fresh
SELECT e.seq AS seq, e.id AS id, e.bytes AS bytes, e.hash AS hash
FROM main._ck_embedding AS e INDEXED BY _ck_embedding_seq
WHERE e.seq > ?2
  AND (NOT (SELECT EXISTS (SELECT 1 FROM main.ck_acks WHERE remote = ?1))
       OR NOT EXISTS (SELECT 1 FROM main.ck_acks AS a WHERE a.remote = ?1 AND a.seq = e.seq))
  AND e.model NOT IN (
      SELECT m.id FROM main._ck_remote_model AS f
      JOIN main._ck_model AS m ON m.name = f.model AND m.version = f.version
      WHERE f.remote = ?1 AND f.refused IS NOT NULL)
UNION ALL
SELECT t.seq, 0, 0, t.hash
FROM main.ck_tombstones AS t
WHERE t.seq > ?3
  AND NOT EXISTS (SELECT 1 FROM main.ck_acks AS a WHERE a.remote = ?1 AND a.seq = t.seq)
ORDER BY seq
LIMIT ?4

-- What failed and is due at ?2; what goes alone (?3 failures) comes last.
-- name: outbox_retry
SELECT a.seq, coalesce(e.id, 0), coalesce(e.bytes, 0), a.hash, a.attempts
FROM main.ck_acks AS a INDEXED BY ck_acks_retry
LEFT JOIN main._ck_embedding AS e ON e.seq = a.seq AND e.hash = a.hash
LEFT JOIN main.ck_tombstones AS t ON t.hash = a.hash AND t.seq = a.seq
WHERE a.remote = ?1 AND a.result = 'retry' AND a.next_at <= ?2
  AND (e.id IS NOT NULL OR t.seq IS NOT NULL)
ORDER BY a.attempts >= ?3, a.seq
LIMIT ?4

-- Answers as JSON.
-- name: ack_elements
SELECT value ->> 'hash', value ->> 'seq', value ->> 'result', value ->> 'code',
       value ->> 'message', value ->> 'retry_after', value ->> 'listing'
FROM json_each(?1)

-- Is ?2 the latest change of hash ?1, and how often was it tried for remote ?3?
-- name: ack_find
SELECT EXISTS (SELECT 1 FROM main._ck_embedding WHERE seq = ?2 AND hash = ?1)
    OR EXISTS (SELECT 1 FROM main.ck_tombstones WHERE seq = ?2 AND hash = ?1),
       coalesce((SELECT attempts FROM main.ck_acks
                 WHERE remote = ?3 AND hash = ?1 AND seq = ?2), 0)

-- name: ack_set
INSERT OR REPLACE INTO main.ck_acks(remote, hash, seq, result, code, message, attempts, next_at, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0), ?9)

-- name: ack_unset
DELETE FROM main.ck_acks WHERE remote = ?1 AND hash = ?2 AND seq = ?3

-- The word that something is not sent any more, when nothing is.
-- name: ack_drop_poison
DELETE FROM main.ck_errors
WHERE source = 'sync:' || ?1 AND code = 'poison' AND NOT EXISTS (
    SELECT 1 FROM main.ck_acks AS a
    WHERE a.remote = ?1 AND a.result = 'rejected' AND a.code = 'poison'
      AND (EXISTS (SELECT 1 FROM main._ck_embedding AS e WHERE e.seq = a.seq)
           OR EXISTS (SELECT 1 FROM main.ck_tombstones AS t WHERE t.seq = a.seq)))

-- What push_seq says by itself.
-- name: ack_drop_settled
DELETE FROM main.ck_acks
WHERE remote = ?1 AND seq <= ?2 AND result IN ('created', 'exists')

-- Answers about changes that are the latest no more.
-- name: ack_drop_outdated
DELETE FROM main.ck_acks AS a
WHERE NOT EXISTS (SELECT 1 FROM main._ck_embedding AS e WHERE e.seq = a.seq)
  AND NOT EXISTS (SELECT 1 FROM main.ck_tombstones AS t WHERE t.seq = a.seq)

-- What remote ?1 says of its model ?2 of version ?3: metric (0: cosine, 1: l2, 2: dot), normalized, dims.
-- name: remote_model
SELECT CASE metric WHEN 'cosine' THEN 0 WHEN 'l2' THEN 1 ELSE 2 END, normalized, dims
FROM main._ck_remote_model WHERE remote = ?1 AND model = ?2 AND version = ?3

-- The change ?1, of embedding ?2 or a tombstone (0), as it travels: an embedding without an origin is
-- from here.
-- name: outbox_item
SELECT m.name, m.version, e.bytes,
       coalesce(e.origin, (SELECT origin FROM main._ck_meta WHERE id = 1)), e.created_at
FROM main._ck_embedding AS e LEFT JOIN main._ck_model AS m ON m.id = e.model
WHERE ?2 > 0 AND e.id = ?2
UNION ALL
SELECT t.model, t.version, 0, t.origin, t.retired_at
FROM main.ck_tombstones AS t WHERE ?2 = 0 AND t.seq = ?1
