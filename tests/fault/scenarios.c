/*
** The scenarios of the fault loop. A new public path adds its row here.
**
** BASE is a store with two models, five embeddings, two workspaces and three refs. One embedding
** ('m', '1', 'old') and the two of 'n' have no ref.
*/
#include "scenario.h"

#include <stddef.h>

#define BASE \
    "INSERT INTO embeddings(model, version, content, vector) VALUES" \
    " ('m', '1', 'a', '[1, 2, 3, 4]'), ('m', '1', 'b', '[4, 3, 2, 1]')," \
    " ('m', '1', 'old', '[1, -1, 1, -1]')," \
    " ('n', '1', 'a', '[1, 2, 2]'), ('n', '1', 'b', '[2, 2, 1]');" \
    "INSERT INTO workspaces(name) VALUES ('main'), ('side');" \
    "INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash) VALUES" \
    " ('main', 'a.c', 0, 1, 9, ck_hash('m', '1', 'a'))," \
    " ('main', 'b.c', 0, 1, 9, ck_hash('m', '1', 'b'))," \
    " ('side', 'a.c', 0, 1, 9, ck_hash('m', '1', 'a'));"

#define WARM \
    "SELECT count(*), max(refs), max(vector) FROM embeddings;" \
    "SELECT count(*) FROM refs; SELECT count(*), sum(refs) FROM workspaces;" \
    "SELECT count(*) FROM models;" \
    "BEGIN;" \
    "INSERT INTO embeddings(model, version, content, vector) VALUES ('m','1','w','[1,1,1,1]');" \
    "INSERT OR REPLACE INTO embeddings(model, version, content, vector)" \
    " VALUES ('m','1','w','[1,1,1,2]');" \
    "INSERT INTO workspaces(name) VALUES ('w');" \
    "INSERT INTO refs(workspace, path, chunk, hash) VALUES ('w', 'w', 0, ck_hash('m','1','w'));" \
    "DELETE FROM refs WHERE workspace = 'w'; DELETE FROM workspaces WHERE name = 'w';" \
    "DELETE FROM embeddings WHERE hash = ck_hash('m','1','w');" \
    "ROLLBACK;"

#define WAL "PRAGMA journal_mode = wal;"

/* A model with an encoding, and a vector of every sign and some repetition in it. */
#define ENCODED(encoding) \
    "INSERT INTO models(model, version, dims, encoding) VALUES ('e', '1', 8, '" encoding "');"
#define PUT_ENCODED \
    "INSERT INTO embeddings(model, version, content, vector)" \
    " VALUES ('e', '1', 'x', '[0.5, -0.25, 1, 2, -2, 0.5, 0.5, 0]')"
#define GET_ENCODED "SELECT hash, vector, vec_to_json(vector) FROM embeddings WHERE model = 'e'"

#define INSERT_C \
    "INSERT INTO embeddings(model, version, content, vector)" \
    " VALUES ('m', '1', 'c', '[1, 2, 3, 5]')"
#define INSERT_D \
    "INSERT INTO embeddings(model, version, content, vector)" \
    " VALUES ('m', '1', 'd', '[1, 2, 3, 6]')"
/* A model of eight dims with 1,530 embeddings; the put with seq 1527 has begun its index. */
#define INDEXED \
    "INSERT INTO models(model, version, dims, metric) VALUES ('i', '1', 8, 'l2');" \
    PUT_INDEXED(1, 1530) ";"
#define ALMOST_INDEXED \
    "INSERT INTO models(model, version, dims, metric) VALUES ('i', '1', 8, 'l2');" \
    PUT_INDEXED(1, 1526) ";"
#define PUT_INDEXED(first, last) \
    "WITH RECURSIVE n(i) AS (VALUES (" #first ")" \
    " UNION ALL SELECT i + 1 FROM n WHERE i < " #last ")" \
    " INSERT INTO embeddings(model, version, content, vector)" \
    " SELECT 'i', '1', 'c' || i," \
    " json_array(i % 7, i % 11, i % 13, i % 17, i % 19, i % 23, 1, 2) FROM n"
#define INDEXED_KNN "SELECT rowid, distance FROM knn('[1, 2, 3, 4, 5, 6, 1, 2]', 5)"
/* The least that has a graph, and a quick one to build. */
#define NOT_YET_GRAPH \
    "INSERT INTO models(model, version, dims, metric, m, ef_construction)" \
    " VALUES ('i', '1', 8, 'l2', 12, 40);" \
    PUT_INDEXED(1, 1030) ";"
#define GRAPH NOT_YET_GRAPH "SELECT ck_optimize();"
#define GRAPH_FLAGS (SCENARIO_LARGE | SCENARIO_GRAPH)
#define PROBE_FLAGS (SCENARIO_LARGE | SCENARIO_PROBE)
/* A remote that has shaken hands; all of BASE waits for it. */
#define HELLO(epoch) \
    "json_object('protocol', json_array(1, 1), 'key', 'ck embedding cache key v1'," \
    " 'epoch', '" epoch "', 'seq', 9, 'min_seq', 0, 'batch_items', 9, 'batch_bytes', 99999," \
    " 'models', json_array(json_object('model', 'n', 'version', '1', 'dims', 7," \
    " 'metric', 'cosine', 'normalized', 0, 'encoding', 'f32')))"
#define REMOTE \
    BASE "INSERT INTO ck_remotes(name, url) VALUES ('r', 'file:r.db');" \
    "SELECT ck_handshake('r', " HELLO("e") ");"
#define ANSWERS \
    "(SELECT json_group_array(json_object('hash', hex(hash), 'seq', seq," \
    " 'result', CASE seq WHEN 2 THEN 'retry' ELSE 'created' END)) FROM ck_batch('r'))"
/* Remotes on the other side. */
#define FAR "INSERT INTO ck_remotes(name, url) VALUES ('r', 'file:far.db');"
#define PACKS "INSERT INTO ck_remotes(name, url) VALUES ('r', 'file:packs/');"
/* One is new here, three are only there, and one is retired here that is there. */
#define DIVERGED \
    BASE FAR INSERT_D "; SELECT ck_push('r'); DELETE FROM embeddings WHERE model = 'n';" \
    "DELETE FROM ck_remotes;" FAR INSERT_C "; SELECT ck_retire(" OLD_HASH ");" \
    "ATTACH 'far.db' AS x; SELECT ck_attach('x');" \
    "INSERT INTO x_embeddings(model, version, content, vector)" \
    " VALUES ('m', '1', 'x', '[1, 1, 1, 9]');" \
    "INSERT INTO ck_remotes(name, url) VALUES ('none', 'file:none.db');"
#define LEASED BASE "SELECT ck_claim(zeroblob(32), 'me', 60);"
#define OLD_HASH "ck_hash('m', '1', 'old')"
#define IN_TRANSACTION(sql) "BEGIN; " sql "; COMMIT"

const Scenario scenarios[] = {
    /* Loading, and the store's creation. */
    {"load", NULL, NULL,
     "SELECT ck_version() <> '', ck_debug() <> '', ck_get(zeroblob(32)), length(ck_embed('x'));"
     "SELECT vec_type('[1]'), vec_length('[1]'), vec_f32('[1]'), vec_to_json(x'0000803f'),"
     " vec_normalize('[2]'), vec_cosine('[1]', '[2]'),"
     " vec_dequantize_i8(vec_quantize_i8('[1]'), vec_scale_i8('[1]'));"
     "SELECT (SELECT count(*) FROM ck_stats) > 0, (SELECT count(*) FROM ck_chunks('x')),"
     " (SELECT count(*) FROM ck_missing(zeroblob(32))), (SELECT count(*) FROM ck_garbage(0)),"
     " (SELECT count(*) FROM ck_usage), (SELECT count(*) FROM knn('[1]', 1))",
     NULL, SCENARIO_LOADS | SCENARIO_READS},
    {"load_store", BASE, NULL,
     "SELECT (SELECT count(*) FROM ck_embeddings), (SELECT count(*) FROM ck_refs),"
     " (SELECT count(*) FROM ck_workspaces), (SELECT count(*) FROM ck_models),"
     " (SELECT count(*) FROM ck_knn('[1, 2, 2]', 9))",
     NULL, SCENARIO_LOADS | SCENARIO_READS},
    {"first_read", NULL, NULL, "SELECT count(*) FROM embeddings", NULL, SCENARIO_READS},
    {"init", NULL, NULL, "SELECT ck_init()", "SELECT count(*) = 0 FROM embeddings",
     SCENARIO_VARIES},
    {"first_insert", NULL, NULL,
     "INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 2]')",
     "SELECT count(*) = 1 FROM embeddings", 0},
    {"first_insert_wal", WAL, NULL,
     "INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 2]')",
     "SELECT count(*) = 1 FROM embeddings", 0},
    {"first_model", NULL, NULL, "INSERT INTO models(model, version, dims) VALUES ('m', '1', 4)",
     "SELECT count(*) = 1 FROM models", 0},
    {"first_workspace", NULL, NULL, "INSERT INTO workspaces(name) VALUES ('main')",
     "SELECT count(*) = 1 FROM workspaces", 0},
    {"first_insert_commits", NULL, NULL,
     IN_TRANSACTION("INSERT INTO embeddings(model, version, content, vector)"
                    " VALUES ('m', '1', 'a', '[1, 2]')"),
     "SELECT count(*) = 1 FROM embeddings", SCENARIO_COMMITS},

    /* Embeddings. */
    {"insert_content", BASE, NULL, INSERT_C, "SELECT count(*) = 6 FROM embeddings", 0},
    {"insert_content_warm", BASE, WARM, INSERT_C, "SELECT count(*) = 6 FROM embeddings", 0},
    {"insert_content_wal", WAL BASE, WARM, INSERT_C, "SELECT count(*) = 6 FROM embeddings", 0},
    {"insert_content_commits", BASE, WARM, IN_TRANSACTION(INSERT_C),
     "SELECT count(*) = 6 FROM embeddings", SCENARIO_COMMITS},
    {"insert_new_model_commits", BASE, WARM,
     IN_TRANSACTION("INSERT INTO embeddings(model, version, content, vector)"
                    " VALUES ('o', '1', 'c', '[1, 2]')"),
     "SELECT count(*) = 6 FROM embeddings", SCENARIO_COMMITS},
    {"insert_hash", BASE, NULL,
     "INSERT INTO embeddings(hash, model, version, vector)"
     " VALUES (zeroblob(32), 'm', '1', x'0000803f000000400000404000008040')",
     "SELECT count(*) = 6 FROM embeddings", 0},
    {"insert_select", BASE, NULL,
     "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
     " INSERT INTO embeddings(model, version, content, vector)"
     " SELECT 'm', '1', 'n' || i, json_array(i, 1, 2, 3) FROM n",
     "SELECT count(*) = 14 FROM embeddings", 0},
    {"insert_or_ignore", BASE, WARM,
     "INSERT OR IGNORE INTO embeddings(model, version, content, vector)"
     " VALUES ('m', '1', 'a', '[9, 9, 9, 9]'), ('m', '1', 'c', '[1, 2, 3, 5]')",
     "SELECT count(*) = 6 FROM embeddings", 0},
    {"insert_or_replace", BASE, WARM,
     "INSERT OR REPLACE INTO embeddings(model, version, content, vector)"
     " VALUES ('m', '1', 'a', '[9, 9, 9, 9]')",
     "SELECT vec_to_json(vector) LIKE '[9.%' AND refs = 2 FROM embeddings"
     " WHERE hash = ck_hash('m', '1', 'a')", 0},
    {"insert_or_replace_commits", BASE, WARM,
     IN_TRANSACTION("INSERT OR REPLACE INTO embeddings(model, version, content, vector)"
                    " VALUES ('m', '1', 'a', '[9, 9, 9, 9]')"),
     "SELECT vec_to_json(vector) LIKE '[9.%' FROM embeddings"
     " WHERE hash = ck_hash('m', '1', 'a')", SCENARIO_COMMITS},
    {"delete", BASE, NULL, "DELETE FROM embeddings WHERE hash = ck_hash('m', '1', 'old')",
     "SELECT count(*) = 4 FROM embeddings", 0},
    {"delete_commits", BASE, WARM,
     IN_TRANSACTION("DELETE FROM embeddings WHERE hash = ck_hash('m', '1', 'old')"),
     "SELECT count(*) = 4 FROM embeddings", SCENARIO_COMMITS},
    {"delete_unreferenced", BASE, NULL,
     "DELETE FROM embeddings WHERE hash NOT IN (SELECT hash FROM refs)"
     " AND created_at < unixepoch() + 3600",
     "SELECT count(*) = 2 FROM embeddings", 0},
    {"update_commits", BASE, WARM,
     IN_TRANSACTION("UPDATE embeddings SET origin = 'elsewhere'"
                    " WHERE hash = ck_hash('m', '1', 'a')"),
     "SELECT count(*) = 1 FROM embeddings WHERE origin = 'elsewhere'", SCENARIO_COMMITS},
    {"update_all", BASE, NULL, "UPDATE embeddings SET origin = 'elsewhere'",
     "SELECT count(*) = 5 FROM embeddings WHERE origin = 'elsewhere'", 0},
    {"savepoint", BASE, WARM,
     "BEGIN; " INSERT_C "; SAVEPOINT s; DELETE FROM workspaces; " INSERT_D "; ROLLBACK TO s; "
     INSERT_D "; COMMIT", "SELECT count(*) = 7 FROM embeddings", 0},
    {"trigger_commits",
     BASE "CREATE TABLE file(content); CREATE TRIGGER file_cached AFTER INSERT ON file BEGIN"
          " INSERT INTO embeddings(model, version, content, vector)"
          " VALUES ('m', '1', new.content, '[1, 2, 3, 5]');"
          " INSERT INTO refs(workspace, path, chunk, hash)"
          " VALUES ('main', 'c.c', 0, ck_hash('m', '1', new.content)); END",
     NULL, IN_TRANSACTION("INSERT INTO file VALUES ('c')"),
     "SELECT count(*) = 4 FROM refs", SCENARIO_COMMITS},
    {"read_embeddings", BASE, NULL,
     "SELECT hash, model, version, dims, vector, encoding, bytes, refs FROM embeddings"
     " WHERE model = 'm' ORDER BY hash", NULL, SCENARIO_READS},
    {"copy_embeddings", BASE, NULL,
     "INSERT OR IGNORE INTO embeddings(hash, model, version, vector)"
     " SELECT hash, model, version, vector FROM ck_embeddings",
     "SELECT count(*) = 5 FROM embeddings", SCENARIO_READS},

    /* Encodings. */
    {"put_f16", ENCODED("f16"), NULL, PUT_ENCODED, "SELECT count(*) = 1 FROM embeddings", 0},
    {"put_i8", ENCODED("i8"), NULL, PUT_ENCODED, "SELECT count(*) = 1 FROM embeddings", 0},
    {"put_f32_zstd", ENCODED("f32+zstd"), NULL, PUT_ENCODED,
     "SELECT count(*) = 1 FROM embeddings", 0},
    {"put_i8_zstd", ENCODED("i8+zstd"), NULL, PUT_ENCODED,
     "SELECT count(*) = 1 FROM embeddings", 0},
    {"get_f16", ENCODED("f16") PUT_ENCODED, NULL, GET_ENCODED, NULL, SCENARIO_READS},
    {"get_i8", ENCODED("i8") PUT_ENCODED, NULL, GET_ENCODED, NULL, SCENARIO_READS},
    {"get_f32_zstd", ENCODED("f32+zstd") PUT_ENCODED, NULL, GET_ENCODED, NULL, SCENARIO_READS},
    {"get_i8_zstd", ENCODED("i8+zstd") PUT_ENCODED, NULL, GET_ENCODED, NULL, SCENARIO_READS},

    /* Models, workspaces and refs. */
    {"model_update", BASE, NULL, "UPDATE models SET ef_search = 99 WHERE model = 'm'",
     "SELECT ef_search = 99 FROM models WHERE model = 'm'", 0},
    {"model_delete", BASE "INSERT INTO models(model, version, dims) VALUES ('o', '1', 4)", NULL,
     "DELETE FROM models WHERE model = 'o'", "SELECT count(*) = 2 FROM models", 0},
    {"read_models", BASE, NULL, "SELECT * FROM models", NULL, SCENARIO_READS},
    {"ref_insert", BASE, NULL,
     "INSERT INTO refs(workspace, path, chunk, hash)"
     " VALUES ('side', 'new/path.c', 7, ck_hash('m', '1', 'b'))",
     "SELECT count(*) = 4 FROM refs", 0},
    {"ref_insert_commits", BASE, WARM,
     IN_TRANSACTION("INSERT INTO refs(workspace, path, chunk, hash)"
                    " VALUES ('side', 'new/path.c', 7, ck_hash('m', '1', 'b'))"),
     "SELECT count(*) = 4 FROM refs", SCENARIO_COMMITS},
    {"ref_replace", BASE, NULL,
     "INSERT OR REPLACE INTO refs(workspace, path, chunk, hash)"
     " VALUES ('side', 'a.c', 0, ck_hash('m', '1', 'b'))",
     "SELECT count(*) = 3 AND sum(hash = ck_hash('m', '1', 'b')) = 2 FROM refs", 0},
    {"ref_update_commits", BASE, WARM,
     IN_TRANSACTION("UPDATE refs SET path = 'renamed.c' WHERE workspace = 'side'"),
     "SELECT count(*) = 1 FROM refs WHERE path = 'renamed.c'", SCENARIO_COMMITS},
    {"ref_delete", BASE, NULL, "DELETE FROM refs WHERE path = 'a.c'",
     "SELECT count(*) = 1 FROM refs", 0},
    {"read_refs", BASE, NULL, "SELECT * FROM refs ORDER BY workspace, path", NULL,
     SCENARIO_READS},
    {"refs_glob", BASE, NULL, "SELECT hash FROM refs WHERE path GLOB 'a*'", NULL, SCENARIO_READS},
    {"workspace_insert", BASE, NULL,
     "INSERT INTO workspaces(name, root) VALUES ('third', '/tree')",
     "SELECT count(*) = 3 FROM workspaces", 0},
    {"workspace_heartbeat", BASE, NULL,
     "UPDATE workspaces SET last_seen = 2000000000 WHERE name = 'main'",
     "SELECT last_seen = 2000000000 FROM workspaces WHERE name = 'main'", 0},
    {"workspace_release", BASE, NULL, "DELETE FROM workspaces WHERE name = 'main'",
     "SELECT count(*) = 1 FROM refs", 0},
    {"workspace_release_commits", BASE, WARM,
     IN_TRANSACTION("DELETE FROM workspaces WHERE name = 'main'"),
     "SELECT count(*) = 1 FROM refs", SCENARIO_COMMITS},
    {"read_workspaces", BASE, NULL,
     "SELECT name, state, refs, embeddings, bytes, shared_bytes FROM workspaces", NULL,
     SCENARIO_READS},

    /* The cache's functions. */
    {"put", BASE, NULL, "SELECT hex(ck_put('m', '1', 'c', '[1, 2, 3, 5]'))",
     "SELECT count(*) = 6 FROM embeddings", 0},
    {"put_commits", BASE, WARM,
     IN_TRANSACTION("SELECT hex(ck_put('m', '1', 'c', '[1, 2, 3, 5]'))"),
     "SELECT count(*) = 6 FROM embeddings", SCENARIO_COMMITS},
    {"put_present", BASE, NULL, "SELECT hex(ck_put('m', '1', 'a', '[1, 2, 3, 4]'))",
     "SELECT count(*) = 5 FROM embeddings", SCENARIO_READS},
    {"first_put", NULL, NULL, "SELECT hex(ck_put('m', '1', 'c', '[1, 2, 3, 5]'))",
     "SELECT count(*) = 1 FROM embeddings", 0},
    {"get", BASE, NULL, "SELECT ck_get('m', '1', 'a'), ck_get(ck_hash('n', '1', 'b'))", NULL,
     SCENARIO_READS},
    {"get_absent", BASE, NULL, "SELECT ck_get('m', '1', 'nothing')", NULL, SCENARIO_READS},
    {"missing", BASE, NULL,
     "SELECT ord, hash FROM ck_missing((SELECT '[\"' || hex(ck_hash('m', '1', 'a')) || '\",\"'"
     " || hex(ck_hash('m', '1', 'nothing')) || '\"]'))", NULL, SCENARIO_READS},
    {"missing_blob", BASE, NULL,
     "SELECT ord, hash FROM ck_missing(CAST(zeroblob(32) || ck_hash('m', '1', 'a') AS BLOB))",
     NULL, SCENARIO_READS},

    /* Search. */
    {"knn", BASE, NULL, "SELECT hash, distance, model, plan FROM knn('[1, 2, 3, 4]', 2)", NULL,
     SCENARIO_READS},
    {"knn_warm", BASE, "SELECT * FROM knn('[1, 2, 3, 4]', 2)",
     "SELECT hash, distance, model, plan FROM knn('[1, 2, 3, 4]', 2)", NULL, SCENARIO_READS},
    {"knn_workspace", BASE, NULL,
     "SELECT hash, similarity FROM knn('[1, 2, 3, 4]', 2)"
     " WHERE workspace IN ('main', 'side') AND similarity >= 0.5", NULL, SCENARIO_READS},
    {"knn_hashes", BASE, NULL,
     "SELECT hash, distance FROM knn('[1, 2, 3, 4]') WHERE model = 'm' AND version = '1'"
     " AND hash IN (SELECT hash FROM refs WHERE path GLOB '*.c') LIMIT 2", NULL, SCENARIO_READS},

    /* An attached file. */
    {"attach", BASE, "ATTACH ':memory:' AS x", "SELECT ck_attach('x')", NULL, SCENARIO_READS},
    {"attached_write", BASE, "ATTACH ':memory:' AS x; SELECT ck_attach('x')",
     "BEGIN; INSERT INTO x_embeddings(hash, model, version, vector)"
     " SELECT hash, model, version, vector FROM embeddings;"
     " SELECT count(*) FROM x_embeddings; COMMIT", NULL, SCENARIO_READS},

    /* Text and vectors. */
    {"chunks", NULL, NULL,
     "SELECT chunk, start_line, end_line, content FROM ck_chunks('one\n\ntwo\n', 'a.md')", NULL,
     SCENARIO_READS},
    {"embed", NULL, NULL, "SELECT ck_embed('int main(void)', 16)", NULL, SCENARIO_READS},
    {"vectors", NULL, NULL,
     "SELECT vec_to_json(vec_normalize('[3, 4]')), vec_cosine('[1, 2]', '[2, 1]'),"
     " vec_dequantize_i8(vec_quantize_i8('[1, 2]'), vec_scale_i8('[1, 2]')), vec_length('[1]')",
     NULL, SCENARIO_READS},

    /* Maintenance. */
    {"garbage", BASE, NULL, "SELECT hash FROM ck_garbage(0)", NULL, SCENARIO_READS},
    {"gc", BASE, NULL, "SELECT ck_gc(0)", "SELECT count(*) = 2 FROM embeddings",
     SCENARIO_VARIES},
    {"gc_commits", BASE, WARM, IN_TRANSACTION("SELECT ck_gc(0)"),
     "SELECT count(*) = 2 FROM embeddings", SCENARIO_VARIES | SCENARIO_COMMITS},
    {"stats", BASE, NULL, "SELECT * FROM ck_stats", NULL, SCENARIO_READS | SCENARIO_VARIES},
    {"usage", BASE, NULL, "SELECT * FROM ck_usage", NULL, SCENARIO_READS | SCENARIO_VARIES},

    /* Migration. */
    {"reencode", BASE, NULL, "SELECT ck_reencode('m', 'i8')",
     "SELECT sum(encoding = 'i8') = 3 AND (SELECT encoding FROM models WHERE model = 'm') = 'i8'"
     " FROM embeddings", 0},
    {"reencode_zstd_warm", BASE, WARM, "SELECT ck_reencode('m', '1', 'f16+zstd')",
     "SELECT sum(encoding = 'f16+zstd') = 3 FROM embeddings", 0},
    {"reencode_from_zstd", ENCODED("i8+zstd") PUT_ENCODED ";", NULL,
     "SELECT ck_reencode('e', 'f32')", "SELECT encoding = 'f32' FROM embeddings", 0},
    {"reencode_again", BASE "SELECT ck_reencode('m', 'f16');", NULL,
     "SELECT ck_reencode('m', 'f16')", NULL, SCENARIO_READS},
    {"migrate", BASE, NULL,
     "SELECT workspace, path, chunk, start_line, end_line, old_hash FROM ck_migrate('m', 'n')",
     NULL, SCENARIO_READS},
    {"migrate_versions", BASE "INSERT INTO models(model, version, dims) VALUES ('m', '2', 4);",
     NULL, "SELECT count(*) FROM ck_migrate('m', 'm', '1', '2')", NULL, SCENARIO_READS},
    {"migrate_switch_commits",
     BASE "INSERT INTO embeddings(model, version, content, vector)"
          " VALUES ('n', '1', 'new', '[1, 2, 3]');",
     NULL,
     IN_TRANSACTION("UPDATE refs SET hash = ck_hash('n', '1', 'new')"
                    " WHERE hash IN (SELECT old_hash FROM ck_migrate('m', 'n'))"),
     "SELECT count(*) = 0 FROM ck_migrate('m', 'n')", SCENARIO_COMMITS},

    /* The search index. */
    {"index_knn", INDEXED, NULL, INDEXED_KNN, NULL, SCENARIO_READS | SCENARIO_LARGE},
    {"index_knn_warm", INDEXED "SELECT ck_optimize();", INDEXED_KNN,
     INDEXED_KNN " WHERE rowid IN (SELECT rowid FROM embeddings WHERE rowid > 100)", NULL,
     SCENARIO_READS | SCENARIO_LARGE},
    {"index_begins", ALMOST_INDEXED, NULL, PUT_INDEXED(1527, 1527),
     "SELECT generation = 1 FROM _ck_index", SCENARIO_LARGE},
    {"index_begins_commits", ALMOST_INDEXED, INDEXED_KNN,
     IN_TRANSACTION(PUT_INDEXED(1527, 1527)), "SELECT generation = 1 FROM _ck_index",
     SCENARIO_COMMITS | SCENARIO_LARGE},
    {"index_packs", INDEXED PUT_INDEXED(1531, 6107) ";", INDEXED_KNN, PUT_INDEXED(6108, 6108),
     "SELECT sum(n) = 6108 FROM _ck_block", SCENARIO_LARGE},
    {"index_packs_commits", INDEXED PUT_INDEXED(1531, 6107) ";", NULL,
     IN_TRANSACTION(PUT_INDEXED(6108, 6108)), "SELECT sum(n) = 6108 FROM _ck_block",
     SCENARIO_COMMITS | SCENARIO_LARGE},
    {"index_insert_commits", INDEXED, INDEXED_KNN, IN_TRANSACTION(PUT_INDEXED(1531, 1531)),
     "SELECT count(*) = 1531 FROM embeddings", SCENARIO_COMMITS | SCENARIO_LARGE},
    {"index_replace", INDEXED, INDEXED_KNN,
     "INSERT OR REPLACE INTO embeddings(hash, model, version, vector)"
     " SELECT hash, model, version, '[9, 9, 9, 9, 9, 9, 9, 9]' FROM embeddings WHERE rowid = 5",
     "SELECT distance = 0 FROM knn('[9, 9, 9, 9, 9, 9, 9, 9]', 1)", SCENARIO_LARGE},
    {"index_delete_commits", INDEXED, INDEXED_KNN,
     IN_TRANSACTION("DELETE FROM embeddings WHERE rowid = 5"),
     "SELECT count(*) = 1529 FROM embeddings", SCENARIO_COMMITS | SCENARIO_LARGE},
    {"index_optimize", INDEXED, INDEXED_KNN, "SELECT ck_optimize()",
     "SELECT n_merged = 1530 FROM _ck_index", SCENARIO_VARIES | SCENARIO_LARGE},
    {"index_optimize_wal", WAL INDEXED, NULL, "SELECT ck_optimize('i')",
     "SELECT n_merged = 1530 FROM _ck_index", SCENARIO_VARIES | SCENARIO_LARGE},
    {"index_optimize_commits", INDEXED "DELETE FROM embeddings WHERE rowid < 9;", INDEXED_KNN,
     IN_TRANSACTION("SELECT ck_optimize()"), "SELECT n_merged = 1522 FROM _ck_index",
     SCENARIO_VARIES | SCENARIO_COMMITS | SCENARIO_LARGE},

    /* The graph. */
    {"graph_build", NOT_YET_GRAPH, INDEXED_KNN, "SELECT ck_optimize()",
     "SELECT nodes + twins = 1030 FROM _ck_graph", SCENARIO_VARIES | GRAPH_FLAGS},
    {"graph_build_commits", WAL NOT_YET_GRAPH, NULL, IN_TRANSACTION("SELECT ck_optimize()"),
     "SELECT nodes + twins = 1030 FROM _ck_graph",
     SCENARIO_VARIES | SCENARIO_COMMITS | GRAPH_FLAGS},
    {"graph_append", GRAPH PUT_INDEXED(1031, 1070) ";", INDEXED_KNN, "SELECT ck_optimize()",
     "SELECT nodes + twins = 1070 FROM _ck_graph", SCENARIO_VARIES | GRAPH_FLAGS},
    {"graph_append_commits", GRAPH PUT_INDEXED(1031, 1070) ";", NULL,
     IN_TRANSACTION("SELECT ck_optimize()"), "SELECT nodes + twins = 1070 FROM _ck_graph",
     SCENARIO_VARIES | SCENARIO_COMMITS | GRAPH_FLAGS},
    {"graph_consolidate",
     GRAPH PUT_INDEXED(1031, 1500) "; DELETE FROM embeddings WHERE rowid < 400;", INDEXED_KNN,
     "SELECT ck_optimize()", "SELECT nodes + twins = 1101 FROM _ck_graph",
     SCENARIO_VARIES | GRAPH_FLAGS},
    {"graph_knn", GRAPH, NULL, INDEXED_KNN, NULL, SCENARIO_READS | GRAPH_FLAGS},
    {"graph_knn_warm", GRAPH PUT_INDEXED(1031, 1040) ";", INDEXED_KNN,
     INDEXED_KNN " WHERE ef = 300 AND rowid IN (SELECT rowid FROM embeddings WHERE rowid > 100)",
     NULL, SCENARIO_READS | GRAPH_FLAGS},
    {"probe_knn", GRAPH, NULL, INDEXED_KNN, NULL, SCENARIO_READS | PROBE_FLAGS},
    {"probe_knn_warm", GRAPH PUT_INDEXED(1031, 1040) ";", INDEXED_KNN,
     INDEXED_KNN " WHERE ef = 300 AND rowid IN (SELECT rowid FROM embeddings WHERE rowid > 100)",
     NULL, SCENARIO_READS | PROBE_FLAGS},
    {"graph_cache", GRAPH, INDEXED_KNN,
     "SELECT model, part, blocks, resident, bytes, reads, evicted FROM ck_cache", NULL,
     SCENARIO_READS | SCENARIO_VARIES | GRAPH_FLAGS},
    {"graph_doctor", GRAPH, NULL, "SELECT status, detail FROM ck_doctor WHERE \"check\" = 'index'",
     NULL, SCENARIO_READS | GRAPH_FLAGS},
    /* Sync. */
    {"sync_reads", REMOTE, NULL,
     "SELECT * FROM ck_changes WHERE seq > 1 ORDER BY seq;"
     "SELECT * FROM ck_outbox WHERE remote = 'r' ORDER BY seq; SELECT * FROM ck_referenced;"
     "SELECT seq, op, hash, model, version, bytes FROM ck_batch('r');"
     "SELECT length(ck_hello()) > 0",
     NULL, SCENARIO_READS},
    {"sync_pack", BASE, NULL,
     "SELECT length(ck_pack(0)), length(ck_pack(" OLD_HASH "));"
     "SELECT op, seq, hash, model, vector, data FROM ck_unpack(ck_pack(1, 3))",
     NULL, SCENARIO_READS},
    {"sync_handshake", REMOTE "UPDATE ck_remotes SET push_seq = 4, pull_seq = 4;", NULL,
     "SELECT ck_handshake('r', " HELLO("another") ")",
     "SELECT push_seq = 0 AND tombstone_seq = 4 AND pull_seq = 0 AND listing = 1 FROM ck_remotes",
     0},
    {"sync_ack", REMOTE, NULL, "SELECT ck_ack('r', " ANSWERS ")",
     "SELECT push_seq = 5 AND (SELECT count(*) = 1 FROM ck_acks) FROM ck_remotes", 0},
    {"sync_ack_poison",
     REMOTE "SELECT ck_ack('r', " ANSWERS "); UPDATE ck_acks SET attempts = 7, next_at = 0;", NULL,
     "SELECT ck_ack('r', " ANSWERS ")", "SELECT result = 'rejected' FROM ck_acks", 0},
    {"sync_apply", REMOTE, NULL,
     "SELECT ck_apply('r', 'put', zeroblob(32), 'm', '1', '[1, 1, 1, 1]', 'o', NULL)",
     "SELECT count(*) = 6 AND (SELECT count(*) = 1 FROM ck_acks) FROM embeddings", 0},
    {"sync_apply_conflict", REMOTE, NULL,
     "SELECT ck_apply('r', 'put', " OLD_HASH ", 'm', '1', '[1, 1, 1, 1]', 'o', NULL)",
     "SELECT conflicts = 1 FROM ck_remotes", 0},
    {"sync_apply_mirror", REMOTE "UPDATE ck_remotes SET mirror = 1;", NULL,
     "SELECT ck_apply('r', 'put', zeroblob(32), 'm', '1', '[1, 1, 1, 1]', 'o', NULL)",
     "SELECT count(*) = 1 FROM refs WHERE workspace = 'mirror'", 0},
    {"sync_apply_tombstone", REMOTE, NULL,
     "SELECT ck_apply('r', 'tombstone', " OLD_HASH ", 'm', '1', NULL, NULL, 9999999999)",
     "SELECT count(*) = 1 FROM ck_tombstones", 0},
    {"sync_apply_needed", REMOTE, NULL,
     "SELECT ck_apply('r', 'tombstone', ck_hash('m', '1', 'a'), 'm', '1', NULL, NULL, 9999999999)",
     "SELECT max(seq) = 6 FROM ck_changes", 0},
    {"sync_pulled",
     REMOTE "UPDATE ck_remotes SET mirror = 1;"
            "SELECT ck_apply('r', 'put', " OLD_HASH ", 'm', '1', NULL, NULL, NULL);"
            "UPDATE ck_remotes SET listing = 2;",
     NULL, "SELECT ck_pulled('r', 'e', 0, 9, 9)",
     "SELECT pull_seq = 9 AND listed = 2 AND (SELECT count(*) = 3 FROM refs) FROM ck_remotes", 0},
    {"sync_fail", REMOTE, NULL, "SELECT ck_fail('r', 'no route')",
     "SELECT attempts = 1 FROM ck_remotes", SCENARIO_VARIES},
    {"sync_settle", REMOTE, NULL, "SELECT ck_settle('r', 1)",
     "SELECT mark IS NOT NULL FROM ck_remotes", 0},
    {"sync_heartbeat", BASE, NULL, "SELECT ck_heartbeat('s', 'u', 'mark')",
     "SELECT count(*) = 1 FROM ck_peers", 0},
    {"sync_report",
     BASE "SELECT ck_report('s', CAST(zeroblob(32) || " OLD_HASH " AS BLOB), NULL, NULL);", NULL,
     "SELECT ck_report('s', (SELECT json_group_array(hex(hash)) FROM ck_referenced), NULL, NULL)",
     "SELECT count(*) = 2 FROM _ck_report", 0},
    {"sync_claim", BASE, NULL, "SELECT ck_claim(json_array(hex(zeroblob(32))), 'me', 60)",
     "SELECT fence = 1 FROM _ck_meta", 0},
    {"sync_renew", LEASED, NULL,
     "SELECT ck_renew(NULL, 'me', 600)",
     "SELECT expires_at - granted_at > 500 FROM ck_leases", 0},
    {"sync_release", LEASED, NULL,
     "SELECT ck_release(zeroblob(32), 'me')", "SELECT count(*) = 0 FROM ck_leases", 0},
    {"sync_retire", REMOTE, NULL, "SELECT ck_retire(" OLD_HASH ")",
     "SELECT count(*) = 4 AND (SELECT count(*) = 1 FROM ck_tombstones) FROM embeddings", 0},
    {"sync_put_retired", BASE "SELECT ck_retire(" OLD_HASH ");", NULL,
     "SELECT ck_put('m', '1', 'old', '[1, 1, 1, 1]')", "SELECT count(*) = 0 FROM ck_tombstones",
     0},
    {"sync_put_retired_mirror",
     REMOTE "UPDATE ck_remotes SET mirror = 1; SELECT ck_retire(" OLD_HASH ");", NULL,
     "SELECT ck_put('m', '1', 'old', '[1, 1, 1, 1]')",
     "SELECT count(*) = 1 FROM refs WHERE workspace = 'mirror'", 0},
    {"sync_mirror_deleted",
     REMOTE "UPDATE ck_remotes SET mirror = 1, listed = 1;"
            "SELECT ck_apply('r', 'put', " OLD_HASH ", 'm', '1', NULL, NULL, NULL);",
     NULL, "DELETE FROM workspaces WHERE name = 'mirror'",
     "SELECT listing = 2 AND (SELECT count(*) = 2 FROM workspaces) FROM ck_remotes", 0},
    {"sync_gc",
     BASE "SELECT ck_retire(" OLD_HASH "); UPDATE ck_tombstones SET retired_at = 1;"
          "SELECT ck_claim(zeroblob(32), 'me', 60); UPDATE ck_leases SET expires_at = 1;"
          "SELECT ck_report('s', zeroblob(32), NULL, NULL); UPDATE ck_peers SET seen_at = 1;",
     NULL, "SELECT ck_gc(3600)",
     "SELECT min_seq = 6 AND (SELECT count(*) = 0 FROM ck_tombstones)"
     " AND (SELECT count(*) = 0 FROM ck_leases) AND (SELECT count(*) = 0 FROM _ck_report)"
     " FROM _ck_meta",
     SCENARIO_VARIES},
    {"sync_far_push", BASE FAR, NULL, "SELECT ck_push('r'); SELECT ck_pull('r')",
     "SELECT push_seq = 5 AND report_after IS NULL AND reported IS NOT NULL FROM ck_remotes",
     SCENARIO_FAR},
    {"sync_far_pull", DIVERGED, NULL, "SELECT ck_pull('r')",
     "SELECT count(*) = 7 FROM embeddings", SCENARIO_FAR},
    {"sync_far_both", DIVERGED "UPDATE ck_remotes SET mirror = 1, batch_items = 2;", NULL,
     "SELECT ck_sync('r')",
     "SELECT count(*) = 7 AND (SELECT count(*) = 0 FROM ck_outbox WHERE remote = 'r')"
     " FROM embeddings",
     SCENARIO_FAR},
    {"sync_far_get", DIVERGED, NULL,
     "SELECT ck_pull('r', (SELECT json_group_array(hex(ck_hash('m', '1', value)))"
     " FROM json_each('[\"x\", \"y\", \"a\"]')))",
     "SELECT count(*) = 5 FROM embeddings", SCENARIO_FAR},
    {"sync_packs_push", BASE PACKS, NULL, "SELECT ck_push('r')",
     "SELECT push_seq = 5 FROM ck_remotes", SCENARIO_FAR},
    {"sync_packs_pull", BASE PACKS, NULL,
     "SELECT ck_push('r'); DELETE FROM _ck_segment; SELECT ck_pull('r')",
     "SELECT push_seq = 5 AND (SELECT count(*) = 1 FROM _ck_segment) FROM ck_remotes",
     SCENARIO_FAR},

    {NULL, NULL, NULL, NULL, NULL, 0}};
