-- Inputs of knn take = only; everything else is an error, never zero rows.
.echo on
SELECT count(*) FROM knn('[1, 0]', 3);
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '1', 'a', '[1, 0]'), ('m', '1', 'b', '[0, 1]'), ('m', '1', 'c', '[1, 1]');
INSERT INTO workspaces(name) VALUES ('w'), ('v');
INSERT INTO refs(workspace, path, hash) SELECT 'w', 'p', hash FROM embeddings WHERE rowid = 1;

-- Values.
SELECT rowid FROM knn('[1, 0]', 0);
SELECT rowid FROM knn('[1, 0]', -1);
SELECT rowid FROM knn('[1, 0]', 4097);
SELECT rowid FROM knn('[1, 0]', 1e9);
SELECT rowid FROM knn('[1, 0]', 1.5);
SELECT rowid FROM knn('[1, 0]', '3');
SELECT rowid FROM knn('[1, 0]', NULL);
SELECT rowid FROM knn('[1, 0]', 2.0);
SELECT rowid FROM knn(NULL, 3);
SELECT rowid FROM knn(7, 3);
SELECT rowid FROM knn('', 3);
SELECT rowid FROM knn('[]', 3);
SELECT rowid FROM knn('[1, 0', 3);
SELECT rowid FROM knn('[1, 1e99]', 3);
SELECT rowid FROM knn('[1, NaN]', 3);
SELECT rowid FROM knn(x'', 3);
SELECT rowid FROM knn(x'0000803f00', 3);
SELECT rowid FROM knn(x'0000803f0000807f', 3);
SELECT rowid FROM knn(x'0000803f0000c07f', 3);
SELECT rowid FROM knn('[0, 0]', 3);
SELECT rowid FROM knn('[3e38, 3e38]', 3);
SELECT rowid FROM knn('[1, 0, 0]', 3);
SELECT rowid FROM knn(vec_quantize_i8('[1, 0]'), 3);
SELECT rowid FROM knn('[1, 0]', 3, 0);
SELECT rowid FROM knn('[1, 0]', 3, 65537);
SELECT rowid FROM knn('[1, 0]', 3) WHERE recall = 1.5;
SELECT rowid FROM knn('[1, 0]', 3) WHERE recall = 'high';
SELECT rowid FROM knn('[1, 0]', 3, 10, 0.9);
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace = 'none';
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace IN ('w', 'none');
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace = NULL;
SELECT rowid FROM knn('[1, 0]', 3) WHERE model = 'none';
SELECT rowid FROM knn('[1, 0]', 3) WHERE model = 'm' AND version = '2';

-- Missing, twice, too many.
SELECT rowid FROM knn;
SELECT rowid FROM knn WHERE k = 3;
SELECT rowid FROM knn('[1, 0]', 3) WHERE k = 3;
SELECT rowid FROM knn('[1, 0]', 3) WHERE query = '[1, 0]';
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace = 'w' AND workspace = 'v';
SELECT rowid FROM knn('[1, 0]', 3, 1, 1, 'w', 6);

-- Any other operator.
SELECT rowid FROM knn('[1, 0]') WHERE k > 2;
SELECT rowid FROM knn('[1, 0]') WHERE k <= 2;
SELECT rowid FROM knn('[1, 0]') WHERE k BETWEEN 1 AND 2;
SELECT rowid FROM knn('[1, 0]') WHERE k IN (1, 2);
SELECT rowid FROM knn('[1, 0]') WHERE k = 1 OR k = 2;
SELECT rowid FROM knn WHERE query IN ('[1, 0]', '[0, 1]') AND k = 1;
SELECT rowid FROM knn('[1, 0]', 3) WHERE ef IN (5, 6);
SELECT rowid FROM knn('[1, 0]', 3) WHERE recall IN (0.5, 0.6);
SELECT rowid FROM knn('[1, 0]') WHERE k <> 1;
SELECT rowid FROM knn('[1, 0]') WHERE k IS 1;
SELECT rowid FROM knn('[1, 0]') WHERE k IS NOT NULL;
SELECT rowid FROM knn('[1, 0]') WHERE k + 0 = 1;
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace LIKE 'w%';
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace GLOB 'w*';
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace > 'a';
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace NOT IN ('w');
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace || '' = 'w';
SELECT rowid FROM knn('[1, 0]', 3) WHERE workspace = 'w' OR rowid = 1;
SELECT rowid FROM knn('[1, 0]', 3) WHERE NOT workspace = 'w';
SELECT rowid FROM knn('[1, 0]', 3) WHERE recall > 0.5;
SELECT rowid FROM knn('[1, 0]', 3) ORDER BY workspace;

-- Reading an input that is not given.
SELECT workspace FROM knn('[1, 0]', 3);
SELECT ef FROM knn('[1, 0]', 3);
SELECT k FROM knn('[1, 0]') LIMIT 1;
SELECT workspace FROM knn('[1, 0]', 3) WHERE workspace IN ('w', 'v');

-- Several models of the query's dimension: one must be named.
INSERT INTO embeddings(model, version, content, vector) VALUES ('m', '2', 'a', '[1, 0]'), ('n', '1', 'a', '[1, 0]'), ('big', '1', 'a', '[1, 0, 0]');
SELECT rowid FROM knn('[1, 0]', 3);
SELECT rowid FROM knn('[1, 0]', 3) WHERE model = 'm';
SELECT rowid FROM knn('[1, 0]', 3) WHERE version = '2';
SELECT rowid FROM knn('[1, 0]', 3) WHERE model = 'm' AND version = '2';
SELECT rowid FROM knn('[1, 0]', 3) WHERE model = 'big';
SELECT rowid FROM knn('[1, 0, 0]', 3);
