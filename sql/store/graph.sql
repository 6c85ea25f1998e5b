-- The graph of a model's index: what ext/store/graph*.c read and write beside its blocks.

-- name: graph_get
SELECT generation, stamp, side, m, nodes, twins, built, blocks, cells, celled, levels, efforts,
       probes, checksum
FROM main._ck_graph WHERE model = ?1

-- name: graph_put
INSERT OR REPLACE INTO main._ck_graph(model, generation, stamp, side, m, nodes, twins, built,
                                      blocks, cells, celled, levels, efforts, probes, checksum)
VALUES (?1, ?2, random(), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)

-- name: graph_drop
DELETE FROM main._ck_graph WHERE model = ?1

-- Vectors of the model were written anew: what a connection keeps of them is old.
-- name: graph_touch
UPDATE main._ck_graph SET stamp = random() WHERE model = ?1
