// The scenario in Node's better-sqlite3: scenario.js EXTENSION DATABASE.
'use strict';
const Database = require('better-sqlite3');

const [extension, file] = process.argv.slice(2);
const db = new Database(file);
db.loadExtension(extension);

// Numbers as ck stores them: little-endian 32-bit floats.
function vector(...numbers) {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => bytes.writeFloatLE(number, 4 * i));
  return bytes;
}

// Runs one statement and prints its rows as the shell's list mode does, or its error.
function show(sql, ...values) {
  try {
    const statement = db.prepare(sql);
    if (!statement.reader) return void statement.run(...values);
    for (const row of statement.raw().all(...values)) console.log(row.join('|'));
  } catch (error) {
    console.log('error: ' + error.message);
  }
}

function value(sql, ...values) {
  return db.prepare(sql).pluck().get(...values);
}

const hashOf = (content) => value("SELECT ck_hash('tiny', '1', ?)", content);

const INSERT =
  "INSERT INTO embeddings(model, version, content, vector) VALUES ('tiny', '1', ?, ?)";
const REF =
  'INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash) VALUES (?, ?, 0, 1, ?, ?)';
const query = vector(1, 0, 0, 0);

console.log('-- insert');
const insert = db.prepare(INSERT);
db.transaction(() => {
  insert.run('alpha', vector(1, 0, 0, 0));
  insert.run('beta', vector(0, 1, 0, 0));
  insert.run('gamma', vector(0.6, 0.8, 0, 0));
})();
show('SELECT model, version, dims, count FROM models');
const put = value("SELECT ck_put('tiny', '1', 'delta', ?)", vector(0, 0, 0, 1));
console.log(put.equals(hashOf('delta')) ? 1 : 0);
console.log('-- get');
show('SELECT vec_to_json(ck_get(?))', hashOf('beta'));
show("SELECT ck_get('tiny', '1', 'nothing') IS NULL");
const stored = value('SELECT vector FROM embeddings WHERE hash = ?', hashOf('gamma'));
console.log(stored.toString('hex').toUpperCase());
console.log('-- refs');
db.prepare("INSERT INTO workspaces(name) VALUES ('main')").run();
db.prepare(REF).run('main', 'a.txt', 5, hashOf('alpha'));
db.prepare(REF).run('main', 'b.txt', 7, hashOf('gamma'));
show('SELECT workspace, path, chunk, start_line, end_line FROM refs ORDER BY path');
show('SELECT name, refs, embeddings FROM workspaces');
console.log('-- knn');
show(
  "SELECT path, printf('%.4f', similarity) FROM knn(?, 3) JOIN refs USING (hash)" +
    ' ORDER BY similarity DESC', query);
show('SELECT count(*) FROM knn(?, 2)', query);
show('SELECT count(*) FROM knn(?, 10) WHERE workspace = ?', query, 'main');
console.log('-- missing');
show("SELECT ord, hash = ck_hash('tiny', '1', 'nothing') FROM ck_missing(?)",
  Buffer.concat([hashOf('alpha'), hashOf('nothing')]));
console.log('-- gc');
show('SELECT count(*) FROM ck_garbage(0)');
show('SELECT ck_gc(0) IS NOT NULL');
show('SELECT count(*) FROM embeddings');
console.log('-- transaction');
db.exec('BEGIN');
insert.run('beta', vector(0, 1, 0, 0));
db.exec('ROLLBACK');
show('SELECT count(*) FROM embeddings');
console.log('-- errors');
show(INSERT, 'x', vector(1, 2, 3));
show(INSERT, 'alpha', vector(1, 0, 0, 0));
show("INSERT INTO refs(workspace, path, chunk, hash) VALUES ('main', 'c.txt', 0, ?)",
  Buffer.alloc(32));
show('SELECT * FROM knn(?, 0)', query);
show('DELETE FROM embeddings WHERE hash = ?', hashOf('alpha'));
console.log('-- end');
show('PRAGMA integrity_check');
db.close();
