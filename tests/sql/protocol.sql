-- The indexing protocol, section by section, as sql/protocol.sql says it.
.shell awk -v sql=.sql '/^-- name: /{file = \$3 sql} file{print > file}' tree/sql/protocol.sql
INSERT INTO workspaces(name, root, host) VALUES
    ('outer', '/src/project', 'here'), ('inner', '/src/project/vendor/lib', 'here'),
    ('elsewhere', '/src/project/docs', 'there');
INSERT INTO models(model, version, dims) VALUES ('m', '1', 2);
.param init
.param set :host 'here'
.param set :model 'm'
.param set :version "'1'"
.param set :below "''"

-- Which workspace is it? The deepest root; roots of other hosts are other folders.
.param set :folder '/src/project/vendor/lib/src'
.output resolved
.read resolve.sql
.output stdout
.shell cut -d'|' -f1,3 resolved
.param set :folder '/src/project/docs'
.output resolved
.read resolve.sql
.output stdout
.shell cut -d'|' -f1,3 resolved
.param set :folder '/src/projects'
.read resolve.sql
.param set :workspace 'outer'
.read nested.sql

-- A run: two files, of which one is new to the store. Nobody else is here, so two rounds.
.read tables.sql
.output uuid
.read begin.sql
.output stdout
.param set :uuid "(SELECT uuid FROM workspaces WHERE name = 'outer')"
SELECT length(ck_put('m', '1', 'one' || char(10), '[1, 0]'));
.param set :path 'a.txt'
.param set :content "'one' || char(10)"
.read read.sql
.param set :path 'b.txt'
.param set :content "'two' || char(10)"
.read read.sql
.read round.sql
SELECT path, stored, new FROM batch_file;
SELECT path, chunk, hash = ck_hash('m', '1', 'one' || char(10)) FROM refs;

-- The misses, embedded; meanwhile the hit is held by its ref.
SELECT ck_gc(0);
.output misses
.read misses.sql
.output stdout
SELECT CAST(content AS TEXT) FROM batch_chunk WHERE hash IN (SELECT hash FROM batch_miss);
.param set :hash "(SELECT hash FROM batch_miss)"
.param set :vector "vec_f32('[0, 1]')"
.read embedded.sql
.read round.sql
SELECT count(*) FROM batch_miss;
.read next.sql
.read sweep.sql
.read end.sql
SELECT workspace, path, chunk, start_line, end_line, vec_to_json(ck_get(hash)) FROM refs ORDER BY path;

-- The next run: a.txt is gone, b.txt and what is below c could not be read.
INSERT INTO refs(workspace, path, hash) SELECT 'outer', value, ck_hash('m', '1', 'one' || char(10))
FROM json_each('["c/d.txt", "c/e/f.txt", "cc.txt", "vendor/lib/x.txt"]');
.output uuid
.read begin.sql
.output stdout
.param set :path 'b.txt'
.read unreadable.sql
.param set :path 'c'
.read unreadable.sql
.param set :below 'c/'
.read sweep.sql
.param set :below "''"
.read sweep.sql
.read end.sql
SELECT path FROM refs ORDER BY workspace, path;

-- A workspace that was released meanwhile is another one, whatever its name.
DELETE FROM workspaces WHERE name = 'outer';
INSERT INTO workspaces(name) VALUES ('outer');
.read end.sql
