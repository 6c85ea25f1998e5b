-- ck cache stats and ck cache gc; ck optimize.

-- One row. file_bytes are all pages of the file, the log of writes (-wal) not counted. What takes a
-- scan of all embeddings is asked once.
-- name: cache_figures
WITH s AS MATERIALIZED (SELECT name, value FROM ck_stats WHERE name NOT IN ('embeddings', 'bytes')),
     e AS MATERIALIZED (SELECT count AS n, bytes FROM models),
     p AS (SELECT (SELECT value FROM s WHERE name = 'page_size') AS size,
                  (SELECT value FROM s WHERE name = 'pages') AS n,
                  (SELECT value FROM s WHERE name = 'free_pages') AS free)
SELECT (SELECT value FROM s WHERE name = 'store_uuid') AS store_uuid,
       (SELECT value FROM s WHERE name = 'schema_version') AS schema_version,
       (SELECT coalesce(sum(n), 0) FROM e) AS embeddings,
       (SELECT coalesce(sum(bytes), 0) FROM e) AS bytes,
       (SELECT value FROM s WHERE name = 'live_embeddings') AS live_embeddings,
       (SELECT value FROM s WHERE name = 'live_bytes') AS live_bytes,
       (SELECT count(*) FROM workspaces WHERE uuid NOT IN ('mirror', 'probe')) AS workspaces,
       (SELECT value FROM s WHERE name = 'refs') AS refs,
       (SELECT value FROM s WHERE name = 'seq') AS seq,
       p.size * p.n AS file_bytes, p.size * p.free AS free_bytes,
       ck_config('max_bytes') AS max_bytes,
       (SELECT sum(hits) FROM ck_hit_rate) AS hits,
       (SELECT sum(misses) FROM ck_hit_rate) AS misses
FROM p

-- name: cache_models
SELECT model, version, dims, metric, encoding, count, bytes FROM models ORDER BY model, version

-- What ck_gc(?1) would delete, by model, and what it would evict besides to get below ?2 bytes (0: no
-- limit). The quota spares only what is younger than an hour, whatever the grace period.
-- name: gc_plan
WITH candidate AS (
         SELECT hash, model, version, bytes, used_at,
                max(created_at, used_at) <= unixepoch() - ?1 AS is_garbage
         FROM ck_garbage(iif(?2 > 0, min(?1, 3600), ?1))),
     excess AS (
         SELECT iif(?2 > 0, (SELECT value FROM ck_stats WHERE name = 'bytes') - ?2
                            - coalesce(sum(bytes) FILTER (WHERE is_garbage), 0), 0) AS n
         FROM candidate),
     young AS (
         SELECT model, version, bytes,
                sum(bytes) OVER (ORDER BY used_at, hash ROWS UNBOUNDED PRECEDING) - bytes AS before
         FROM candidate WHERE NOT is_garbage),
     gone AS (
         SELECT model, version, bytes, 0 AS is_evicted FROM candidate WHERE is_garbage
         UNION ALL
         SELECT model, version, bytes, 1 FROM young, excess WHERE before < excess.n)
SELECT model, version, count(*) AS embeddings, sum(bytes) AS bytes,
       coalesce(sum(is_evicted), 0) AS evicted
FROM gone GROUP BY model, version ORDER BY model, version

-- name: gc_run
SELECT ck_gc(?1)

-- name: gc_max_bytes
SELECT ck_config('max_bytes')

-- name: gc_set_max_bytes
SELECT ck_config('max_bytes', ?1)

-- Stored bytes, and those of the file.
-- name: gc_sizes
SELECT (SELECT value FROM ck_stats WHERE name = 'bytes'),
       (SELECT value FROM ck_stats WHERE name = 'pages')
     * (SELECT value FROM ck_stats WHERE name = 'page_size')

-- name: optimize_all
SELECT ck_optimize()

-- name: optimize_model
SELECT ck_optimize(?1)
