-- Embeddings that no workspace refers to, by model and by how long ago they were last used.
SELECT model, version,
       CASE WHEN used_at > unixepoch() - 3600 THEN 'within an hour (spared by ck_gc)'
            WHEN used_at > unixepoch() - 86400 THEN 'within a day'
            WHEN used_at > unixepoch() - 30 * 86400 THEN 'within a month'
            ELSE 'longer ago' END AS last_used,
       count(*) AS embeddings, sum(bytes) AS bytes
FROM ck_unused
GROUP BY 1, 2, 3
ORDER BY max(used_at) DESC, 1, 2;
