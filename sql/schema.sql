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
-- ROLLBACK).
CREATE TABLE main._ck_meta(
    id INTEGER PRIMARY KEY CHECK(id = 1),
    schema_version INTEGER NOT NULL,
    store_uuid TEXT NOT NULL,
    seq INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    created_at INTEGER NOT NULL
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

-- What maintenance did, newest last; the oldest rows go beyond 10,000. detail is JSON.
CREATE TABLE main.ck_audit(
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
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
