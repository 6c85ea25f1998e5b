// Measures libsql's DiskANN index through its node module, for bench/curves: inserts vectors until
// all are there or the time is over, then asks queries. Recall is taken against the exact neighbours
// among what was inserted. Prints: rows, seconds of the build, recall@10, queries per second, bytes
// of the database.
//
//     node curves_libsql.mjs MODULES DATABASE VECTORS QUERIES DIMS SECONDS
import { createRequire } from 'node:module';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

const [modules, path, vectorsPath, queriesPath, dimsText, secondsText] = process.argv.slice(2);
const Database = createRequire(resolve(modules, 'package.json'))('libsql');
const dims = Number(dimsText), bytes = dims * 4, K = 10, BATCH = 50, QUERIES_MAX = 200;

const base = readFileSync(vectorsPath);
const queries = readFileSync(queriesPath).subarray(0, QUERIES_MAX * bytes);
const blob = (all, i) => all.subarray(i * bytes, (i + 1) * bytes);
const floats = (all, i) => new Float32Array(all.buffer, all.byteOffset + i * bytes, dims);

const db = new Database(path);
db.exec('PRAGMA journal_mode = WAL');
db.exec('PRAGMA synchronous = NORMAL');
db.exec(`CREATE TABLE items(id INTEGER PRIMARY KEY, embedding F32_BLOB(${dims}))`);
db.exec("CREATE INDEX items_by_vector ON items(libsql_vector_idx(embedding, 'metric=cosine'))");
const insert = db.prepare('INSERT INTO items VALUES (?, ?)');
const all = base.length / bytes, begin = performance.now();
let n = 0;
while (n < all && performance.now() - begin < 1000 * Number(secondsText)) {
    db.exec('BEGIN');
    for (const end = Math.min(n + BATCH, all); n < end; n++) insert.run([n, blob(base, n)]);
    db.exec('COMMIT');
}
const buildSeconds = (performance.now() - begin) / 1000;

const search = db.prepare(`SELECT id FROM vector_top_k('items_by_vector', ?, ${K})`).raw(true);
const nQueries = queries.length / bytes;
search.all([blob(queries, 0)]);
const found = [], start = performance.now();
for (let i = 0; i < nQueries; i++) found.push(search.all([blob(queries, i)]));
const seconds = (performance.now() - start) / 1000;

function dot(x, y) {
    let sum = 0;
    for (let d = 0; d < dims; d++) sum += x[d] * y[d];
    return sum;
}
let right = 0;
for (let i = 0; i < nQueries; i++) {
    const query = floats(queries, i), dots = new Float64Array(n);
    for (let row = 0; row < n; row++) dots[row] = dot(query, floats(base, row));
    const tenth = Float64Array.from(dots).sort()[n - K];
    for (const [id] of found[i]) right += dots[id] >= tenth - 1e-6;
}
console.log(n, buildSeconds, right / (nQueries * K), nQueries / seconds, statSync(path).size);
