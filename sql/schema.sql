-- The store: what ck keeps in a SQLite file. Created on the first write, or by ck_init().
--
-- This file is truth: it can never be rebuilt from something else. Everything private is named
-- _ck_*; a person may read it, only ck writes it. All times are unix seconds.

-- name: schema_create

-- One row. `seq` is the counter behind every id and sequence number of embeddings: it only grows,
-- inside the write transaction, so commit order is seq order and no id is ever used twice
-- (AUTOINCREMENT would promise the same at the price of a second counter row per insert). `stamp`
-- is a fresh random number after every change of an embedding or an index: what a connection keeps
-- in memory holds while the stamp is the one it was read under (a counter would repeat after a
-- ROLLBACK). `min_seq`: up to there tombstones were forgotten, so whoever has read the feed less far
-- begins again. `fence`: the last one given out with a lease; it outlives the leases. `inode`: of
-- the file that store_uuid is the name of; a file of another inode is a copy
-- (ext/store/identity.h). `origin`: of what is put here, as other stores are told: the uuid, '/' and
-- the user who made the file.
CREATE TABLE main._ck_meta(
    id INTEGER PRIMARY KEY CHECK(id = 1),
    schema_version INTEGER NOT NULL,
    store_uuid TEXT NOT NULL,
    seq INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    min_seq INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    inode INTEGER,
    origin TEXT NOT NULL
);

-- The first change that each connection made: its seq, and a random word. When a backup was written
-- into the file, the changes from there on are of connections that nobody has heard of, below a
-- seq that others have read: so they notice.
CREATE TABLE main._ck_writer(
    seq INTEGER PRIMARY KEY,
    word INTEGER NOT NULL
);

CREATE TABLE main._ck_model(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    dims INTEGER NOT NULL,
    metric TEXT NOT NULL CHECK(metric IN ('cosine', 'l2', 'dot')),
    encoding TEXT NOT NULL,
    normalized INTEGER NOT NULL,
    m INTEGER NOT NULL,
    ef_construction INTEGER NOT NULL,
    ef_search INTEGER NOT NULL,
    UNIQUE(name, version)
);

-- What is known of each embedding, without its vector: rows of about 70 bytes, so that garbage
-- collection, statistics and the feed scan 100K embeddings in 10 ms. With the vector in the row the
-- same scan reads the whole file (100K x 768 f32: 112 ms).
CREATE TABLE main._ck_embedding(
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK(length(hash) = 32),
    model INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    origin TEXT
);
CREATE INDEX main._ck_embedding_seq ON _ck_embedding(seq);

-- Which embedding has a hash. Not an index of _ck_embedding, because hashes are random: in 20 ms of
-- deletions nearly every one would dirty a page of its own. So a deletion leaves the entry behind,
-- and an entry whose id has no row counts as absent; an id is never used again. ck_gc removes what
-- was left, in hash order, so that each page is written once (ext/store/stale.h).
CREATE TABLE main._ck_hash(
    hash BLOB PRIMARY KEY,
    id INTEGER NOT NULL
) WITHOUT ROWID;

-- The vectors, by the same ids, in the encoding the model had when they were written
-- (ext/vector/encoding.h). checksum: XXH3-64 of data, seeded with id and encoding, so that a
-- corrupted or swapped blob is noticed when it is read.
CREATE TABLE main._ck_vector(
    id INTEGER PRIMARY KEY,
    model INTEGER NOT NULL,
    encoding INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    data BLOB NOT NULL
);

-- state: 'live', 'stale', or 'released': gone for every reader (its name is NULL and free for a
-- new workspace), with refs left that garbage collection sweeps in bounded batches. stale_at: when
-- a stale one became so. stamp: a fresh random number with every change of its refs.
CREATE TABLE main._ck_workspace(
    id INTEGER PRIMARY KEY,
    name TEXT UNIQUE,
    uuid TEXT NOT NULL UNIQUE,
    root TEXT,
    host TEXT,
    created_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    expires_at INTEGER,
    pinned INTEGER NOT NULL,
    state TEXT NOT NULL CHECK(state IN ('live', 'stale', 'released')),
    stale_at INTEGER,
    stamp INTEGER NOT NULL DEFAULT (random())
);

CREATE TABLE main._ck_path(
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
);

-- A ref's id is its key: workspace << 43 | path << 18 | chunk. So the refs of a workspace, and of
-- a file in it, are neighbours in one b-tree, and the one index answers both "who uses this
-- embedding" and "does this workspace use it". About 40 bytes a ref, index included.
CREATE TABLE main._ck_ref(
    id INTEGER PRIMARY KEY,
    embedding INTEGER NOT NULL,
    start_line INTEGER,
    end_line INTEGER
);
CREATE INDEX main._ck_ref_embedding ON _ck_ref(embedding);

-- The search index, which can be rebuilt from the tables above (ext/store/index.h).
--
-- One row for each model that has one. generation: the blocks that are read; 0 while the first one
-- is being built. n_blocks: how many there are. mean: what their codes are relative to, dims f32.
-- depth: candidates compared exactly for ten neighbours. checksum: XXH3-64 of mean, seeded with
-- model, generation and depth. n_merged: embeddings when this generation was built. builder,
-- builder_at: who builds the next generation (a random number), and when it was last seen to.
CREATE TABLE main._ck_index(
    model INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    n_merged INTEGER NOT NULL,
    n_blocks INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    builder INTEGER,
    builder_at INTEGER,
    mean BLOB NOT NULL
);

-- The graph of an index that has one (ext/store/graph_format.h), built with the blocks of the same
-- generation. side: which of the two planes of links is read. m, nodes, levels: its shape; levels
-- has the nodes of each level, u32 each. twins: embeddings beside the nodes' first ones. built: the
-- nodes when it was built, before others were inserted. blocks: so many of the scan plane's first
-- blocks hold what is in the graph. efforts: what a search with some ef gives and costs. cells:
-- blocks in which near embeddings are together (ext/store/cells.h); celled: so many of the scan
-- plane's first blocks hold the same embeddings. probes: what so many of the nearest cells give.
-- checksum: XXH3-64 of all this but the stamp, which is random and new with every change.
CREATE TABLE main._ck_graph(
    model INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    side INTEGER NOT NULL,
    m INTEGER NOT NULL,
    nodes INTEGER NOT NULL,
    twins INTEGER NOT NULL,
    built INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    cells INTEGER NOT NULL,
    celled INTEGER NOT NULL,
    levels BLOB NOT NULL,
    efforts BLOB NOT NULL,
    probes BLOB NOT NULL,
    checksum INTEGER NOT NULL
);

-- The directory of blocks. id: model << 43 | generation << 23 | plane << 20 | block. stamp: random,
-- new with every write. checksum: of the data. first_id, last_id: the smallest and the largest
-- embedding in it, or slot of the graph. entry_checksum: XXH3-64 of id, checksum, n, first_id and last_id.
CREATE TABLE main._ck_block(
    id INTEGER PRIMARY KEY,
    stamp INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    n INTEGER NOT NULL,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    entry_checksum INTEGER NOT NULL
);

CREATE TABLE main._ck_block_data(
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
);

-- Embeddings that are in no block yet, by id: their sign codes.
CREATE TABLE main._ck_tail(
    id INTEGER PRIMARY KEY,
    model INTEGER NOT NULL,
    code BLOB NOT NULL
);

-- A bit for each embedding of which the blocks say what no longer holds (it was deleted, or its
-- vector replaced): bit id % 8192 of row id / 8192. Behind the bits is their checksum, 8 bytes.
CREATE TABLE main._ck_stale(
    id INTEGER PRIMARY KEY,
    bits BLOB NOT NULL
);

-- Settings made with ck_config(name, value).
CREATE TABLE main._ck_config(
    name TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;

-- What maintenance and sync did, newest last; the oldest rows go beyond 10,000 or a year. detail is
-- JSON. store, user: who did it, or whose items they were.
CREATE TABLE main.ck_audit(
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL,
    store TEXT,
    user TEXT
);

-- What went wrong in the background: one row per kind of failure, counted.
CREATE TABLE main.ck_errors(
    source TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY(source, code)
) WITHOUT ROWID;

-- Long work under way, for other connections to see; updated with every batch. A row that is not
-- updated any more was left by a process that died; the next run of the task replaces it.
CREATE TABLE main.ck_progress(
    task TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL
) WITHOUT ROWID;

-- How often the cache helped, by day (days since 1970) and model; model 0 counts hits on hashes
-- whose model nobody looked at.
CREATE TABLE main._ck_hits(
    day INTEGER NOT NULL,
    model INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    misses INTEGER NOT NULL,
    PRIMARY KEY(day, model)
) WITHOUT ROWID;

-- Sync. The feed of a store, ck_changes, is the latest state of each hash by seq: an embedding, or
-- the word that one was retired. It needs no log, so it never grows past the store.
--
-- Retired hashes. A put of one removes its row here and has a later seq. Kept for 30 days.
CREATE TABLE main.ck_tombstones(
    hash BLOB PRIMARY KEY CHECK(length(hash) = 32),
    seq INTEGER NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    dims INTEGER NOT NULL,
    retired_at INTEGER NOT NULL,
    origin TEXT
) WITHOUT ROWID;
CREATE UNIQUE INDEX main.ck_tombstones_seq ON ck_tombstones(seq);

CREATE VIEW main.ck_changes AS
SELECT e.seq AS seq, 'put' AS op, e.hash AS hash, m.name AS model, m.version AS version,
       e.bytes AS bytes
FROM _ck_embedding AS e LEFT JOIN _ck_model AS m ON m.id = e.model
UNION ALL
SELECT t.seq, 'tombstone', t.hash, t.model, t.version, CAST(0 AS INTEGER)
FROM ck_tombstones AS t;

-- Who this store syncs with; INSERT of name and url makes one, UPDATE and DELETE as with any table.
--
--     push            1: what is put here is to go there, and waits for it in ck_outbox; 0: nothing does
--     mirror          1: all that is there is kept here, by the pinned workspace 'mirror'
--     batch_items, batch_bytes    most of one message; limit_…: the same of the other side
--     epoch           which life of the remote the cursors belong to
--     writers         its newest _ck_writer up to writers_seq, as JSON
--     mark, new_mark  what we left in its ck_peers, and what we leave with the next change
--     push_seq        our changes up to there are settled, but for what ck_acks says
--     tombstone_seq   tombstones up to there are not sent again
--     pull_seq        its changes up to there are here; pull_high: its last one when it was asked
--     min_seq         its own (_ck_meta)
--     listing         how often its feed was begun anew; listed: the last that came to its end
--     reported        of which references it was told (a number made of the stamps of the workspaces)
--     report_after    up to which hash; NULL: of all
--     beat_at         when it heard of this store last
--     attempts        failures in a row; next_at: when to try again
--     pushed, pulled, conflicts   counts since it was made
CREATE TABLE main.ck_remotes(
    name TEXT PRIMARY KEY NOT NULL CHECK(length(name) BETWEEN 1 AND 200 AND instr(name, '/') = 0),
    url TEXT NOT NULL UNIQUE,
    push INTEGER NOT NULL DEFAULT 1 CHECK(push IN (0, 1)),
    mirror INTEGER NOT NULL DEFAULT 0 CHECK(mirror IN (0, 1)),
    batch_items INTEGER NOT NULL DEFAULT 4000 CHECK(batch_items BETWEEN 1 AND 100000),
    batch_bytes INTEGER NOT NULL DEFAULT 8388608 CHECK(batch_bytes BETWEEN 1 AND 1073741824),
    limit_items INTEGER,
    limit_bytes INTEGER,
    epoch TEXT,
    writers TEXT,
    writers_seq INTEGER NOT NULL DEFAULT 0,
    mark TEXT,
    new_mark TEXT,
    push_seq INTEGER NOT NULL DEFAULT 0,
    tombstone_seq INTEGER NOT NULL DEFAULT 0,
    pull_seq INTEGER NOT NULL DEFAULT 0,
    pull_high INTEGER NOT NULL DEFAULT 0,
    min_seq INTEGER NOT NULL DEFAULT 0,
    listing INTEGER NOT NULL DEFAULT 0,
    listed INTEGER NOT NULL DEFAULT 0,
    reported INTEGER,
    report_after BLOB,
    beat_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    last_error TEXT,
    last_error_at INTEGER,
    last_sync_at INTEGER,
    pushed INTEGER NOT NULL DEFAULT 0,
    pulled INTEGER NOT NULL DEFAULT 0,
    conflicts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- The models of a remote, of its last handshake. refused: why embeddings of it are not exchanged.
CREATE TABLE main._ck_remote_model(
    remote TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    dims INTEGER NOT NULL CHECK(typeof(dims) = 'integer' AND dims BETWEEN 1 AND 65536),
    metric TEXT NOT NULL CHECK(metric IN ('cosine', 'l2', 'dot')),
    normalized INTEGER NOT NULL CHECK(normalized IN (0, 1)),
    encoding TEXT NOT NULL,
    refused TEXT,
    PRIMARY KEY(remote, model, version)
) WITHOUT ROWID;

-- What a remote answered about the change `seq` of a hash. Settled changes up to the remote's push_seq
-- need no row, so here are those that it answered before earlier ones (created, exists), what it
-- does not take (rejected), and what is to be tried again (retry, at next_at).
CREATE TABLE main.ck_acks(
    remote TEXT NOT NULL,
    hash BLOB NOT NULL CHECK(length(hash) = 32),
    seq INTEGER NOT NULL,
    result TEXT NOT NULL CHECK(result IN ('created', 'exists', 'rejected', 'retry')),
    code TEXT,
    message TEXT,
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    at INTEGER NOT NULL,
    PRIMARY KEY(remote, hash)
) WITHOUT ROWID;
CREATE UNIQUE INDEX main.ck_acks_seq ON ck_acks(remote, seq);
CREATE INDEX main.ck_acks_retry ON ck_acks(remote, seq) WHERE result = 'retry';
CREATE INDEX main.ck_acks_hash ON ck_acks(hash) WHERE result = 'retry';

-- Of a remote that is a directory of packs: those that were read here, and those (own) that this
-- store wrote. models: of one with embeddings that the models of this store did not fit, what those
-- were; when they are others, it is read again.
CREATE TABLE main._ck_segment(
    remote TEXT NOT NULL,
    name TEXT NOT NULL,
    own INTEGER NOT NULL,
    models TEXT,
    PRIMARY KEY(remote, name)
) WITHOUT ROWID;

-- What mirrors refer to, by paths REMOTE/LISTING/GROUP.
CREATE VIEW main._ck_mirror_ref(id, path) AS
SELECT r.id, p.path
FROM _ck_workspace AS w
CROSS JOIN _ck_path AS p
CROSS JOIN _ck_ref AS r
    ON r.id >= (w.id << 43) + (p.id << 18) AND r.id < (w.id << 43) + ((p.id + 1) << 18)
WHERE w.uuid = 'mirror';

-- A remote of another place begins from nothing; one that is gone leaves nothing. INSERT OR REPLACE is
-- both, and fires no trigger for the row that goes. What a remote's mirror refers to it lets go of
-- with the remote, its name, or `mirror`; one that becomes a mirror lists all again.
CREATE TRIGGER main.ck_remotes_made AFTER INSERT ON ck_remotes
BEGIN
    DELETE FROM ck_acks WHERE remote = new.name;
    DELETE FROM _ck_remote_model WHERE remote = new.name;
    DELETE FROM _ck_segment WHERE remote = new.name;
    DELETE FROM ck_errors WHERE source = 'sync:' || new.name;
    DELETE FROM _ck_ref WHERE id IN (
        SELECT id FROM _ck_mirror_ref WHERE path > new.name || '/' AND path < new.name || '0');
    UPDATE _ck_workspace SET stamp = random() WHERE uuid = 'mirror';
END;
CREATE TRIGGER main.ck_remotes_moved AFTER UPDATE OF url ON ck_remotes WHEN new.url <> old.url
BEGIN
    DELETE FROM ck_acks WHERE remote = old.name;
    DELETE FROM _ck_remote_model WHERE remote = old.name;
    DELETE FROM _ck_segment WHERE remote = old.name;
    DELETE FROM ck_errors WHERE source = 'sync:' || old.name;
    UPDATE ck_remotes
    SET epoch = NULL, writers = NULL, mark = NULL, new_mark = NULL, push_seq = 0,
        tombstone_seq = 0, pull_seq = 0, pull_high = 0, min_seq = 0, listing = listing + 1,
        reported = NULL, report_after = NULL, beat_at = NULL, attempts = 0, next_at = NULL,
        last_error = NULL
    WHERE name = new.name;
END;
CREATE TRIGGER main.ck_remotes_renamed AFTER UPDATE OF name ON ck_remotes WHEN new.name <> old.name
BEGIN
    UPDATE ck_acks SET remote = new.name WHERE remote = old.name;
    UPDATE _ck_remote_model SET remote = new.name WHERE remote = old.name;
    UPDATE _ck_segment SET remote = new.name WHERE remote = old.name;
    DELETE FROM ck_errors WHERE source = 'sync:' || old.name;
    DELETE FROM _ck_ref WHERE id IN (
        SELECT id FROM _ck_mirror_ref WHERE path > old.name || '/' AND path < old.name || '0');
    UPDATE _ck_workspace SET stamp = random() WHERE uuid = 'mirror';
    UPDATE ck_remotes SET pull_seq = 0, pull_high = 0, listing = listing + 1
    WHERE name = new.name AND mirror;
    DELETE FROM _ck_segment WHERE remote = new.name AND new.mirror;
END;
CREATE TRIGGER main.ck_remotes_mirrored AFTER UPDATE OF mirror ON ck_remotes
WHEN new.mirror AND NOT old.mirror
BEGIN
    UPDATE ck_remotes SET pull_seq = 0, pull_high = 0, listing = listing + 1 WHERE name = new.name;
    DELETE FROM _ck_segment WHERE remote = new.name;
END;
CREATE TRIGGER main.ck_remotes_unmirrored AFTER UPDATE OF mirror ON ck_remotes
WHEN old.mirror AND NOT new.mirror
BEGIN
    DELETE FROM _ck_ref WHERE id IN (
        SELECT id FROM _ck_mirror_ref WHERE path > old.name || '/' AND path < old.name || '0');
    UPDATE _ck_workspace SET stamp = random() WHERE uuid = 'mirror';
END;
CREATE TRIGGER main.ck_remotes_gone AFTER DELETE ON ck_remotes
BEGIN
    DELETE FROM ck_acks WHERE remote = old.name;
    DELETE FROM _ck_remote_model WHERE remote = old.name;
    DELETE FROM _ck_segment WHERE remote = old.name;
    DELETE FROM ck_errors WHERE source = 'sync:' || old.name;
    DELETE FROM _ck_ref WHERE id IN (
        SELECT id FROM _ck_mirror_ref WHERE path > old.name || '/' AND path < old.name || '0');
    UPDATE _ck_workspace SET stamp = random() WHERE uuid = 'mirror';
END;

-- What waits to be sent, by remote: changes that were never sent, and those to be sent again (of
-- which attempts counts the failures, and not before next_at).
CREATE VIEW main.ck_outbox AS
SELECT r.name AS remote, e.seq AS seq, 'put' AS op, e.hash AS hash, m.name AS model,
       m.version AS version, e.bytes AS bytes, CAST(0 AS INTEGER) AS attempts,
       CAST(NULL AS INTEGER) AS next_at
FROM ck_remotes AS r
CROSS JOIN _ck_embedding AS e ON e.seq > r.push_seq
LEFT JOIN _ck_model AS m ON m.id = e.model
WHERE r.push
  AND NOT EXISTS (SELECT 1 FROM ck_acks AS a WHERE a.remote = r.name AND a.seq = e.seq)
  AND NOT EXISTS (
      SELECT 1 FROM _ck_remote_model AS f
      WHERE f.remote = r.name AND f.model = m.name AND f.version = m.version
        AND f.refused IS NOT NULL)
UNION ALL
SELECT r.name, t.seq, 'tombstone', t.hash, t.model, t.version, CAST(0 AS INTEGER),
       CAST(0 AS INTEGER), CAST(NULL AS INTEGER)
FROM ck_remotes AS r
CROSS JOIN ck_tombstones AS t ON t.seq > max(r.push_seq, r.tombstone_seq)
WHERE r.push AND NOT EXISTS (SELECT 1 FROM ck_acks AS a WHERE a.remote = r.name AND a.seq = t.seq)
UNION ALL
SELECT r.name, e.seq, 'put', e.hash, m.name, m.version, e.bytes, a.attempts, a.next_at
FROM ck_remotes AS r
CROSS JOIN ck_acks AS a INDEXED BY ck_acks_retry
    ON a.remote = r.name AND a.result = 'retry'
CROSS JOIN _ck_embedding AS e ON e.seq = a.seq
LEFT JOIN _ck_model AS m ON m.id = e.model
WHERE r.push
UNION ALL
SELECT r.name, t.seq, 'tombstone', t.hash, t.model, t.version, CAST(0 AS INTEGER), a.attempts,
       a.next_at
FROM ck_remotes AS r
CROSS JOIN ck_acks AS a INDEXED BY ck_acks_retry
    ON a.remote = r.name AND a.result = 'retry'
CROSS JOIN ck_tombstones AS t ON t.seq = a.seq
WHERE r.push;

-- Who computes an embedding just now. A lease is an efficiency lock: a put needs none.
CREATE TABLE main.ck_leases(
    hash BLOB PRIMARY KEY CHECK(length(hash) = 32),
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    granted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX main.ck_leases_owner ON ck_leases(owner);

-- Stores that sync with this one. seen_at: the last heartbeat. mark: a random word that the peer
-- left with its last change here and knows itself; when it is another one than the peer knows,
-- this file was restored from a backup in between. reported_at: when its references were told last.
CREATE TABLE main.ck_peers(
    id INTEGER PRIMARY KEY,
    store TEXT NOT NULL UNIQUE,
    user TEXT,
    seen_at INTEGER NOT NULL,
    mark TEXT,
    reported_at INTEGER
);

-- The hashes that a peer's workspaces refer to, as it told. They count for 90 days after its last
-- heartbeat.
CREATE TABLE main._ck_report(
    hash BLOB NOT NULL CHECK(length(hash) = 32),
    peer INTEGER NOT NULL,
    PRIMARY KEY(hash, peer)
) WITHOUT ROWID;
CREATE INDEX main._ck_report_peer ON _ck_report(peer, hash);

-- What this store's workspaces refer to, the mirror left out: its own report.
CREATE VIEW main.ck_referenced AS
SELECT h.hash AS hash
FROM _ck_hash AS h
WHERE EXISTS (
    SELECT 1 FROM _ck_ref AS r CROSS JOIN _ck_workspace AS w
    WHERE r.embedding = h.id AND w.id = r.id >> 43 AND w.state <> 'released'
      AND w.uuid <> 'mirror');

-- Three views for reports; sql/reports/ has more.
CREATE VIEW main.ck_hit_rate AS
SELECT date(h.day * 86400, 'unixepoch') AS day,
       CASE WHEN h.model <> 0 THEN coalesce(m.name, '(deleted model ' || h.model || ')') END AS model,
       m.version AS version,
       h.hits AS hits, h.misses AS misses,
       round(100.0 * h.hits / (h.hits + h.misses), 1) AS hit_percent
FROM _ck_hits AS h LEFT JOIN _ck_model AS m ON m.id = h.model
ORDER BY h.day, m.name, m.version;

CREATE VIEW main.ck_growth AS
SELECT date(e.created_at, 'unixepoch') AS day, m.name AS model, m.version AS version,
       count(*) AS embeddings, sum(e.bytes) AS bytes
FROM _ck_embedding AS e LEFT JOIN _ck_model AS m ON m.id = e.model
GROUP BY 1, e.model
ORDER BY 1, m.name, m.version;

CREATE VIEW main.ck_unused AS
SELECT e.hash AS hash, m.name AS model, m.version AS version, e.bytes AS bytes,
       e.created_at AS created_at, e.used_at AS used_at
FROM _ck_embedding AS e LEFT JOIN _ck_model AS m ON m.id = e.model
WHERE NOT EXISTS (
    SELECT 1 FROM _ck_ref AS r CROSS JOIN _ck_workspace AS w
    WHERE r.embedding = e.id AND w.id = r.id >> 43 AND w.state <> 'released')
ORDER BY e.used_at, e.id;
