-- Triggers on ordinary tables write the cache; views read it; trusted_schema = 0 allows both.
.echo on
PRAGMA trusted_schema = 0;
CREATE TABLE document(path TEXT PRIMARY KEY, body TEXT, vector);
INSERT INTO workspaces(name) VALUES ('w');
CREATE TRIGGER document_added AFTER INSERT ON document BEGIN
    INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES ('m', '1', NEW.body, NEW.vector);
    INSERT OR REPLACE INTO refs(workspace, path, chunk, hash) VALUES ('w', NEW.path, 0, ck_hash('m', '1', NEW.body));
END;
CREATE TRIGGER document_changed AFTER UPDATE ON document BEGIN
    INSERT OR IGNORE INTO embeddings(model, version, content, vector) VALUES ('m', '1', NEW.body, NEW.vector);
    UPDATE refs SET hash = ck_hash('m', '1', NEW.body), path = NEW.path WHERE workspace = 'w' AND path = OLD.path;
END;
CREATE TRIGGER document_gone AFTER DELETE ON document BEGIN
    DELETE FROM refs WHERE workspace = 'w' AND path = OLD.path;
END;
CREATE VIEW document_cache AS
    SELECT d.path, e.rowid AS id, vec_to_json(e.vector) AS vector, e.refs FROM document AS d
    JOIN refs AS r ON r.workspace = 'w' AND r.path = d.path JOIN embeddings AS e ON e.hash = r.hash;

INSERT INTO document VALUES ('a', 'text a', '[1, 0]'), ('b', 'text b', '[0, 1]'), ('a2', 'text a', '[1, 0]');
SELECT last_insert_rowid(), changes();
SELECT * FROM document_cache ORDER BY path;
UPDATE document SET body = 'text c', vector = '[1, 1]' WHERE path = 'b';
UPDATE document SET path = 'moved' WHERE path = 'a';
SELECT * FROM document_cache ORDER BY path;
DELETE FROM document WHERE path = 'moved';
SELECT path, refs FROM document_cache ORDER BY path;

-- An error in the trigger undoes the statement, with the rows it wrote before.
INSERT INTO document VALUES ('x', 'text x', '[5, 5]'), ('y', 'text y', '[1, 2, 3]');
SELECT count(*) FROM document;
SELECT count(*) FROM embeddings;
SELECT count(*) FROM refs;
BEGIN;
INSERT INTO document VALUES ('x', 'text x', '[5, 5]');
INSERT INTO document VALUES ('y', 'text y', '[1, 2, 3]');
INSERT INTO document VALUES ('z', 'text z', NULL);
COMMIT;
SELECT (SELECT group_concat(path) FROM document), (SELECT count(*) FROM embeddings), (SELECT count(*) FROM refs);

-- Functions that write are for direct use only; pure ones are fine in views and triggers.
CREATE VIEW puts AS SELECT ck_put('m', '1', 'v', '[1, 0]');
SELECT * FROM puts;
CREATE VIEW collected AS SELECT ck_gc(0);
SELECT * FROM collected;
CREATE VIEW pure AS SELECT hex(ck_hash('a')) = upper('17762fddd969a453925d65717ac3eea21320b66b54342fde15128d6caf21215f') AS hash_ok, vec_cosine('[1, 0]', '[1, 0]') AS cosine;
SELECT * FROM pure;
CREATE INDEX document_hash ON document(ck_hash(body));
SELECT path FROM document WHERE ck_hash(body) = ck_hash('text c');

-- SQLite itself allows no trigger on a virtual table.
CREATE TRIGGER t AFTER INSERT ON embeddings BEGIN SELECT 1; END;
INSERT INTO workspaces(name) VALUES ('w') ON CONFLICT DO NOTHING;
