-- The table embeddings: inserting, conflicts, what may be updated and deleted.
.echo on

-- The key is computed from model, version and content; the first row registers the model.
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'one', '[1, 0]');
SELECT hash = ck_hash('m', '1', 'one'), model, version, dims, hex(vector), encoding, bytes, origin, refs, seq, content FROM embeddings;
SELECT model, version, dims, metric, encoding, count FROM models;

-- TEXT and BLOB of the same bytes are the same content.
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', CAST('one' AS BLOB), '[0, 1]');

-- A hash may be given instead, or with the content when both agree.
INSERT INTO embeddings(hash, model, version, vector) VALUES (ck_hash('two'), 'm', '1', x'0000000000000040');
INSERT INTO embeddings(hash, model, version, content, vector) VALUES (ck_hash('m', '1', 'three'), 'm', '1', 'three', '[0.5, 0.5]');
INSERT INTO embeddings(hash, model, version, content, vector) VALUES (ck_hash('m', '1', 'three'), 'm', '1', 'four', '[0.5, 0.5]');
INSERT INTO embeddings(model, version, vector) VALUES ('m', '1', '[1, 1]');
SELECT rowid, vec_to_json(vector), seq FROM embeddings ORDER BY rowid;

-- OR IGNORE keeps the first vector, OR REPLACE the rowid, created_at and refs.
INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'one', '[9, 9]');
SELECT changes(), vec_to_json(ck_get('m', '1', 'one'));
UPDATE embeddings SET created_at = 1000, used_at = 2000 WHERE rowid = 1;
INSERT INTO workspaces(name) VALUES ('w');
INSERT INTO refs(workspace, path, hash) VALUES ('w', 'a', ck_hash('m', '1', 'one'));
INSERT OR REPLACE INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'one', '[7, 8]');
SELECT rowid, vec_to_json(vector), created_at, used_at > 2000, refs, seq FROM embeddings WHERE hash = ck_hash('m', '1', 'one');
SELECT count(*) FROM embeddings;

-- Other refusals are no constraint errors: OR IGNORE does not hide them.
INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'bad', '[1, 2, 3]');
INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'one', '[1, 2, 3]');

-- dims may be said, and must be true; computed columns and the rowid may not.
INSERT INTO embeddings(model, version, content, vector, dims) VALUES ('m', '1', 'five', '[1, 2]', 2);
INSERT INTO embeddings(model, version, content, vector, dims) VALUES ('m', '1', 'six', '[1, 2]', 3);
INSERT INTO embeddings(model, version, content, vector, seq) VALUES ('m', '1', 'six', '[1, 2]', 3);
INSERT INTO embeddings(model, version, content, vector, bytes) VALUES ('m', '1', 'six', '[1, 2]', 3);
INSERT INTO embeddings(model, version, content, vector, encoding) VALUES ('m', '1', 'six', '[1, 2]', 'f16');
INSERT INTO embeddings(model, version, content, vector, refs) VALUES ('m', '1', 'six', '[1, 2]', 3);
INSERT INTO embeddings(model, version, content, vector, used_at) VALUES ('m', '1', 'six', '[1, 2]', 3);
INSERT INTO embeddings(rowid, model, version, content, vector) VALUES (9, 'm', '1', 'six', '[1, 2]');

-- origin and created_at come with the row and may be changed.
INSERT INTO embeddings(model, version, content, vector, origin, created_at) VALUES ('m', '1', 'six', '[1, 2]', 'ci/job 7', 1234567890);
SELECT origin, created_at FROM embeddings WHERE origin IS NOT NULL;
UPDATE embeddings SET origin = 'revoked' WHERE origin = 'ci/job 7';
SELECT origin FROM embeddings WHERE origin IS NOT NULL;
UPDATE embeddings SET origin = NULL WHERE origin = 'revoked';
SELECT count(*) FROM embeddings WHERE origin IS NOT NULL;
UPDATE embeddings SET origin = 7 WHERE rowid = 1;
UPDATE embeddings SET created_at = 'yesterday' WHERE rowid = 1;
UPDATE embeddings SET created_at = -1 WHERE rowid = 1;
UPDATE embeddings SET used_at = NULL WHERE rowid = 1;

-- Nothing else is updated.
UPDATE embeddings SET hash = ck_hash('x') WHERE rowid = 1;
UPDATE embeddings SET model = 'other' WHERE rowid = 1;
UPDATE embeddings SET version = '2' WHERE rowid = 1;
UPDATE embeddings SET vector = '[1, 2]' WHERE rowid = 1;
UPDATE embeddings SET content = 'x' WHERE rowid = 1;
UPDATE embeddings SET seq = 1 WHERE rowid = 1;
UPDATE embeddings SET rowid = 100 WHERE rowid = 1;

-- A column of another table may be the source of an update.
CREATE TABLE origins(id, origin);
INSERT INTO origins VALUES (1, 'first');
UPDATE embeddings SET origin = origins.origin FROM origins WHERE origins.id = embeddings.rowid;
SELECT rowid, origin FROM embeddings WHERE origin IS NOT NULL;

-- A referenced row stays; without its ref it goes. Its id does not come again.
DELETE FROM embeddings WHERE rowid = 1;
DELETE FROM embeddings;
SELECT count(*) FROM embeddings;
DELETE FROM refs;
DELETE FROM embeddings;
SELECT count(*) FROM embeddings;
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'new', '[1, 0]');
SELECT rowid > 6 FROM embeddings;
